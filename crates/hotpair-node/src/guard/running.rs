//! One running node process, as the guard sees it.
use super::message::{Inbox, ToGuard};
use super::{GuardSettings, Notice, memory, service};
use hotpair_os::child::{ChildSetup, Pid, ProcessHandle, signal_group};
use hotpair_types::Time;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

/// One running node process.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) pid: Pid,
    pub(super) started: Time,
    pub(super) notice: Option<Notice>,
    /// It said that it does its part.
    pub(super) was_ready: bool,
    handle: ProcessHandle,
    link: Option<UnixStream>,
    inbox: Inbox,
}

impl Running {
    pub(super) fn start(settings: &GuardSettings, now: Time) -> io::Result<Self> {
        let (near, far) = UnixStream::pair()?;
        near.set_nonblocking(true)?;
        let mut command = Command::new(&settings.program);
        command.args(&settings.arguments).arg("--guard-fd").arg(far.as_raw_fd().to_string());
        command.stdin(Stdio::null());
        for name in service::ENVIRONMENT {
            command.env_remove(name);
        }
        memory::tune(&mut command);
        let setup = ChildSetup {
            own_group: true,
            // In case the node does not look at the socket: as if it was asked to stop.
            signal_on_parent_death: Some(hotpair_os::signals::TERMINATE),
            keep_open: Some(far.as_raw_fd()),
        };
        setup.apply(&mut command);
        let child = command.spawn()?;
        let pid = Pid::try_from(child.id()).expect("Linux numbers processes so");
        // Not reaped yet, so the number is still its own.
        let handle = ProcessHandle::open(pid)?;
        tracing::info!(pid, "the node is started");
        let (link, inbox) = (Some(near), Inbox::default());
        Ok(Self { pid, started: now, notice: None, was_ready: false, handle, link, inbox })
    }

    /// Sends the node, and nobody else, a signal.
    pub(super) fn signal(&self, signal: i32) {
        if let Err(error) = self.handle.signal(signal) {
            tracing::warn!(%error, pid = self.pid, signal, "cannot send the node a signal");
        }
    }

    /// Kills the node and its group.
    pub(super) fn kill(&self) {
        self.signal(hotpair_os::signals::KILL);
        if let Err(error) = signal_group(self.pid, hotpair_os::signals::KILL) {
            tracing::warn!(%error, pid = self.pid, "cannot kill the node's group");
        }
    }

    /// Readable when the process has ended.
    pub(super) fn process(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    /// Readable when the node said something.
    pub(super) fn words(&self) -> Option<BorrowedFd<'_>> {
        self.link.as_ref().map(AsFd::as_fd)
    }

    /// Hears what the node said.
    pub(super) fn listen(&mut self) {
        let mut bytes = [0; 4096];
        while let Some(link) = &mut self.link {
            match link.read(&mut bytes) {
                Ok(0) => self.link = None,
                Ok(length) => self.inbox.push(&bytes[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    tracing::warn!(%error, "cannot hear the node");
                    self.link = None;
                }
            }
            loop {
                match self.inbox.next() {
                    Ok(Some(message)) => self.take(message),
                    Ok(None) => break,
                    Err(error) => {
                        // It sees that its guard is gone, leaves, and is started again.
                        tracing::error!(%error, "the node does not make sense");
                        self.link = None;
                        break;
                    }
                }
            }
        }
    }

    fn take(&mut self, message: ToGuard) {
        match message {
            ToGuard::Notice { number, notice } => {
                self.notice = Some(notice);
                self.acknowledge(number);
            }
            ToGuard::Withdraw { number } => {
                self.notice = None;
                self.acknowledge(number);
            }
            ToGuard::Ready => {
                self.was_ready = true;
                service::ready();
            }
            ToGuard::Alive => service::alive(),
            ToGuard::Status(text) => service::status(&text),
            ToGuard::Reloading => service::reloading(),
            ToGuard::Stopping => service::stopping(),
        }
    }

    fn acknowledge(&mut self, number: u64) {
        let Some(link) = &mut self.link else { return };
        // A node that lets 20,000 acknowledgements lie is no node: it sees its guard gone.
        if let Err(error) = link.write_all(&number.to_le_bytes()) {
            tracing::error!(%error, "cannot answer the node");
            self.link = None;
        }
    }
}
