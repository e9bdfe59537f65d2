//! The process between a node and one service: it runs the service only as long as the node allows it,
//! and ends with it, whatever the service started gone.
//!
//! A node that stands still, or dies together with its guard, ends nothing any more. So the end is turned
//! round: the node says again and again until when the service may run, on a socket that is this process's
//! standard input. When that time is over, or the socket is closed, everything is killed.
use super::end::End;
use crate::clock::Clock;
use crate::guard::leftovers::end_what_it_left;
use hotpair_os::child::{self, ChildSetup, Ended, Pid, Reaped};
use hotpair_os::{readiness, signals, signals::Signals};
use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// The node is told how the service ended; this is for whoever looks at the process.
const FAILED: u8 = 1;

/// Until when the service may run, on the clock that all processes of a host share.
pub(super) fn encode(until: Duration) -> [u8; 8] {
    u64::try_from(until.as_micros()).unwrap_or(u64::MAX).to_le_bytes()
}

/// Runs a service until it ends or may not run any more. To be called while the process has no other
/// thread.
pub(crate) fn run(command: &[OsString]) -> ExitCode {
    let end = match Warden::start(command) {
        Ok(warden) => warden.run().map_err(|error| (error, None)),
        Err(error) => {
            let end = End::NotStarted(error.raw_os_error());
            Err((error, Some(end)))
        }
    };
    let (end, status) = match end {
        Ok(end) => (Some(end), ExitCode::SUCCESS),
        Err((error, end)) => {
            let name = command.first().map(|it| it.to_string_lossy()).unwrap_or_default();
            writeln!(io::stderr(), "hotpair: {name}: {error}").ok();
            (end, ExitCode::from(FAILED))
        }
    };
    if let Some(word) = end.and_then(End::encode) {
        // A node that is gone needs no word.
        Lease::of_standard_input().and_then(|mut it| it.socket.write_all(&word)).ok();
    }
    status
}

struct Warden {
    signals: Signals,
    lease: Lease,
    program: Pid,
}

impl Warden {
    fn start(command: &[OsString]) -> io::Result<Self> {
        let [program, arguments @ ..] = command else {
            return Err(io::Error::other("no program is named"));
        };
        let signals = Signals::take(&[signals::TERMINATE, signals::INTERRUPT, signals::CHILD])?;
        child::adopt_orphans()?;
        let mut lease = Lease::of_standard_input()?;
        lease.listen();
        if lease.left().is_none() {
            return Err(io::Error::other("it may not run any more"));
        }
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        let (own_group, keep_open) = (true, None);
        // In case this process is killed: nobody else would end the service then.
        let signal_on_parent_death = Some(signals::KILL);
        ChildSetup { own_group, signal_on_parent_death, keep_open }.apply(&mut command);
        let program = command.spawn()?.id();
        let program = Pid::try_from(program).expect("Linux numbers processes so");
        Ok(Self { signals, lease, program })
    }

    fn run(mut self) -> io::Result<End> {
        let ended = self.until_it_ends();
        // Whatever it was: nothing is left behind.
        while !end_what_it_left(self.program, &self.signals)? {
            writeln!(io::stderr(), "hotpair: what the service started cannot be ended").ok();
        }
        Ok(match ended? {
            Some(Ended::Exited(status)) => End::Exited(status),
            Some(Ended::Killed(signal)) => End::Killed(signal),
            None => End::TimeOver,
        })
    }

    /// `None`: its time was over first.
    fn until_it_ends(&mut self) -> io::Result<Option<Ended>> {
        loop {
            self.lease.listen();
            let Some(left) = self.lease.left() else { return Ok(None) };
            readiness::wait(
                [Some(self.signals.as_fd()), Some(self.lease.socket.as_fd())],
                Some(left),
            )?;
            while let Some(signal) = self.signals.next()? {
                if signal != signals::CHILD {
                    child::signal_group(self.program, signals::TERMINATE)?;
                }
            }
            loop {
                match child::reap_any()? {
                    Reaped::One(pid, ended) if pid == self.program => return Ok(Some(ended)),
                    Reaped::One(..) => {}
                    Reaped::StillRunning | Reaped::NoChildren => break,
                }
            }
        }
    }
}

/// What the node allows.
struct Lease {
    socket: UnixStream,
    /// The beginning of a word.
    rest: Vec<u8>,
    until: Duration,
    closed: bool,
}

impl Lease {
    fn of_standard_input() -> io::Result<Self> {
        let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        socket.set_nonblocking(true)?;
        Ok(Self { socket, rest: Vec::new(), until: Duration::ZERO, closed: false })
    }

    /// Takes what the node said; the last word counts.
    fn listen(&mut self) {
        let mut bytes = [0; 4_096];
        loop {
            match self.socket.read(&mut bytes) {
                Ok(0) => break self.closed = true,
                Ok(length) => self.rest.extend_from_slice(&bytes[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => break self.closed = true,
            }
        }
        let whole = self.rest.len() - self.rest.len() % 8;
        if let Some(word) = self.rest[..whole].last_chunk::<8>() {
            self.until = Duration::from_micros(u64::from_le_bytes(*word));
        }
        self.rest.drain(..whole);
    }

    /// `None`: it is over.
    fn left(&self) -> Option<Duration> {
        let left = self.until.checked_sub(Clock::awake())?;
        (!self.closed && !left.is_zero()).then_some(left)
    }
}
