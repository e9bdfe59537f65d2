//! One run of a service: its warden, as the node sees it.
use super::end::{End, WORD_BYTES};
use super::{Role, lines, warden};
use crate::clock::Clock;
use crate::guard::memory;
use crate::settings::ServiceSettings;
use hotpair_os::child::{ChildSetup, Pid, ProcessHandle};
use hotpair_os::signals;
use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The hidden command that is a warden.
pub(crate) const COMMAND: &str = "keep-service";

/// A warden, and below it a service.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    handle: ProcessHandle,
    /// Shut for writing: it ends at once. What it says last is read all the same.
    lease: UnixStream,
    shut: bool,
}

impl Process {
    /// Starts a service that may run until then.
    pub(super) fn start(
        hotpair: &Path,
        service: &ServiceSettings,
        role: &Role,
        until: Duration,
        clock: Clock,
    ) -> io::Result<Self> {
        let (near, far) = UnixStream::pair()?;
        near.set_nonblocking(true)?;
        let (said, to_say) = io::pipe()?;
        let mut command = Command::new(hotpair);
        command.arg(COMMAND).arg("--").args(&service.command);
        command.env("HOTPAIR_SERVICE", &service.name);
        command.envs(role.environment.iter().map(|(name, value)| (name, value)));
        memory::untune(&mut command);
        command.stdin(Stdio::from(OwnedFd::from(far)));
        command.stdout(to_say.try_clone()?).stderr(to_say);
        // Not in the node's group: it ends by its lease, and in its own time.
        let (own_group, keep_open, signal_on_parent_death) = (true, None, None);
        ChildSetup { own_group, signal_on_parent_death, keep_open }.apply(&mut command);
        // Before it starts: without a word the warden starts nothing.
        (&near).write_all(&warden::encode(until))?;
        let mut child = command.spawn()?;
        // The other ends of socket and pipe are the warden's alone from here on.
        drop(command);
        let pid = Pid::try_from(child.id()).expect("Linux numbers processes so");
        let handle = ProcessHandle::open(pid).inspect_err(|_| {
            // Nobody could ask it to end: it is not there at all.
            child.kill().ok();
            child.wait().ok();
        })?;
        lines::follow(service.name.clone(), said, clock);
        Ok(Self { child, handle, lease: near, shut: false })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// It may run until then.
    pub(super) fn renew(&mut self, until: Duration) {
        if self.shut {
            return;
        }
        // A warden that does not read stands still, and finds its time over when it goes on.
        match self.lease.write(&warden::encode(until)) {
            Ok(8) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // It is gone, or has got half a word: what follows would be nonsense.
            Ok(_) | Err(_) => self.shut(),
        }
    }

    fn shut(&mut self) {
        self.shut = true;
        // Fails only where the other end is gone.
        self.lease.shutdown(Shutdown::Write).ok();
    }

    /// Asks it to end.
    pub(super) fn terminate(&self) {
        if let Err(error) = self.handle.signal(signals::TERMINATE) {
            tracing::debug!(%error, pid = self.pid(), "a service cannot be asked to end");
        }
    }

    /// Ends it and all that it started.
    pub(super) fn kill(&mut self) {
        self.shut();
    }

    /// How it ended, when nothing of it is left.
    pub(super) fn ended(&mut self) -> Option<io::Result<End>> {
        let status = match self.child.try_wait().transpose()? {
            Ok(status) => status,
            Err(error) => return Some(Err(error)),
        };
        let mut word = [0; WORD_BYTES];
        // What it said is there before it is gone; a socket that fails says nothing.
        let length = self.lease.read(&mut word).unwrap_or(0);
        Some(Ok(End::decode(&word[..length], status)))
    }
}
