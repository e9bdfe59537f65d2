//! Signals as something to read, for a process with one thread.
use crate::checked;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// Asks a process to end.
pub const TERMINATE: libc::c_int = libc::SIGTERM;
/// Ctrl-C.
pub const INTERRUPT: libc::c_int = libc::SIGINT;
/// Asks a service to read its settings anew.
pub const HANG_UP: libc::c_int = libc::SIGHUP;
/// Ends a process, whatever it wants.
pub const KILL: libc::c_int = libc::SIGKILL;
/// A child ended.
pub const CHILD: libc::c_int = libc::SIGCHLD;

/// Blocks some signals and makes them readable instead. Children started while it lives have them
/// blocked as well, unless started with [`crate::child::ChildSetup`].
#[derive(Debug)]
pub struct Signals {
    fd: OwnedFd,
}

impl Signals {
    /// To be called before any other thread is started.
    ///
    /// # Errors
    /// The kernel's.
    pub fn take(signals: &[libc::c_int]) -> io::Result<Self> {
        // SAFETY: all zeros is a valid signal set, and `set` is a valid place for one.
        let fd = unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            for signal in signals {
                checked(libc::sigaddset(&raw mut set, *signal))?;
            }
            let null = std::ptr::null_mut();
            checked(libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, null))?;
            let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
            checked(libc::signalfd(-1, &raw const set, flags))?
        };
        // SAFETY: the kernel just gave us this descriptor, nobody else has it.
        Ok(Self { fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// The next signal that came, if one did. Does not wait.
    ///
    /// # Errors
    /// The kernel's.
    pub fn next(&self) -> io::Result<Option<libc::c_int>> {
        // SAFETY: all zeros is a valid signalfd_siginfo.
        let mut info: libc::signalfd_siginfo = unsafe { std::mem::zeroed() };
        let size = size_of::<libc::signalfd_siginfo>();
        // SAFETY: `info` is a valid place of `size` bytes.
        let read = unsafe { libc::read(self.fd.as_raw_fd(), (&raw mut info).cast(), size) };
        if read == -1 {
            let error = io::Error::last_os_error();
            let none = [io::ErrorKind::WouldBlock, io::ErrorKind::Interrupted];
            return if none.contains(&error.kind()) { Ok(None) } else { Err(error) };
        }
        Ok(libc::c_int::try_from(info.ssi_signo).ok())
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_read_instead_of_killing() {
        let signals = Signals::take(&[libc::SIGUSR2]).unwrap();
        assert_eq!(signals.next().unwrap(), None);
        // SAFETY: to this very thread, which has it blocked.
        unsafe { libc::pthread_kill(libc::pthread_self(), libc::SIGUSR2) };
        assert_eq!(signals.next().unwrap(), Some(libc::SIGUSR2));
    }
}
