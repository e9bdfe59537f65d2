//! Processes that we started, and what they left behind.
use crate::checked;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The number of a process.
pub type Pid = libc::pid_t;

/// From now on, processes whose parent died become children of this one, so that it can reap
/// whatever a dead child left.
///
/// # Errors
/// The kernel's.
pub fn adopt_orphans() -> io::Result<()> {
    // SAFETY: plain numbers, no memory is handed over.
    checked(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }).map(drop)
}

/// How a child is to begin.
#[derive(Clone, Copy, Debug)]
pub struct ChildSetup {
    /// Leads a process group of its own, so that it can be killed with all its children.
    pub own_group: bool,
    /// Gets this signal when the *thread* that starts it ends.
    pub signal_on_parent_death: Option<libc::c_int>,
    /// Stays open in the child, under the same number. Has to stay open here until the spawn.
    pub keep_open: Option<RawFd>,
}

impl ChildSetup {
    /// Makes `command` begin so, with no signal blocked.
    pub fn apply(self, command: &mut Command) {
        // SAFETY: no arguments.
        let parent = unsafe { libc::getpid() };
        let setup = move || {
            // SAFETY: only calls that POSIX allows between fork and exec; nothing is allocated,
            // and `none` is a valid place for one signal set.
            unsafe {
                if self.own_group {
                    checked(libc::setpgid(0, 0))?;
                }
                if let Some(signal) = self.signal_on_parent_death {
                    checked(libc::prctl(libc::PR_SET_PDEATHSIG, signal, 0, 0, 0))?;
                    // It may have died before the line above.
                    if libc::getppid() != parent {
                        return Err(io::Error::from_raw_os_error(libc::ESRCH));
                    }
                }
                if let Some(fd) = self.keep_open {
                    checked(libc::fcntl(fd, libc::F_SETFD, 0))?;
                }
                let mut none: libc::sigset_t = std::mem::zeroed();
                libc::sigemptyset(&raw mut none);
                checked(libc::sigprocmask(
                    libc::SIG_SETMASK,
                    &raw const none,
                    std::ptr::null_mut(),
                ))?;
            }
            Ok(())
        };
        // SAFETY: see above; the closure captures plain numbers only.
        unsafe { command.pre_exec(setup) };
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this status.
    Exited(i32),
    /// By this signal.
    Killed(i32),
}

/// A handle on one process that stays true when the number is used again. Readable as soon as the
/// process has ended.
#[derive(Debug)]
pub struct ProcessHandle {
    fd: OwnedFd,
}

impl ProcessHandle {
    /// Opens the handle of a child that is not yet reaped.
    ///
    /// # Errors
    /// The kernel's; `Unsupported` before Linux 5.3.
    pub fn open(pid: Pid) -> io::Result<Self> {
        // SAFETY: plain numbers.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let fd = checked(fd as libc::c_int)?;
        // SAFETY: the kernel just gave us this descriptor, nobody else has it.
        Ok(Self { fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// Sends a signal to exactly this process.
    ///
    /// # Errors
    /// The kernel's; `ESRCH` when it has ended.
    pub fn signal(&self, signal: libc::c_int) -> io::Result<()> {
        let (fd, info) = (self.fd.as_raw_fd(), std::ptr::null::<libc::siginfo_t>());
        // SAFETY: a null info is what the call documents for "as by kill".
        let result = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, info, 0) };
        checked(result as libc::c_int).map(drop)
    }
}

impl AsFd for ProcessHandle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// What a look at our children found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaped {
    /// This one had ended, and is gone now.
    One(Pid, Ended),
    /// There are children, none has ended.
    StillRunning,
    /// There are none.
    NoChildren,
}

/// Reaps one child that has ended, whichever it is. Does not wait.
///
/// # Errors
/// The kernel's.
pub fn reap_any() -> io::Result<Reaped> {
    // SAFETY: all zeros is a valid siginfo.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: `info` is a valid place for one siginfo.
    let result = unsafe {
        libc::waitid(libc::P_ALL, 0, &raw mut info, libc::WEXITED | libc::WNOHANG | libc::__WALL)
    };
    match checked(result) {
        Err(error) if error.raw_os_error() == Some(libc::ECHILD) => return Ok(Reaped::NoChildren),
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    // SAFETY: waitid filled these fields in, or left them zero.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    Ok(match (pid, info.si_code) {
        (0, _) => Reaped::StillRunning,
        (pid, libc::CLD_EXITED) => Reaped::One(pid, Ended::Exited(status)),
        (pid, _) => Reaped::One(pid, Ended::Killed(status)),
    })
}

/// Sends a signal to every process of a group; nobody left is no error.
///
/// # Errors
/// The kernel's.
pub fn signal_group(group: Pid, signal: libc::c_int) -> io::Result<()> {
    assert!(group > 1, "0, 1 and -1 mean others than one group");
    // SAFETY: plain numbers.
    ignore_nobody(checked(unsafe { libc::kill(-group, signal) }))
}

/// Sends a signal to each of our own children, those we adopted included.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn signal_children(signal: libc::c_int) -> io::Result<()> {
    for pid in children()? {
        // SAFETY: plain numbers. A child of ours keeps its number until we reap it.
        ignore_nobody(checked(unsafe { libc::kill(pid, signal) }))?;
    }
    Ok(())
}

/// Our own children, those we adopted included, ended ones too.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn children() -> io::Result<Vec<Pid>> {
    let own = i64::from(std::process::id());
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|it| it.parse::<Pid>().ok()) else { continue };
        // One that ended meanwhile, or is none of our business.
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        // The name in parentheses may hold anything: the fields begin after the last one.
        let parent = stat.rsplit(')').next().and_then(|it| it.split_whitespace().nth(1));
        if parent.and_then(|it| it.parse().ok()) == Some(own) {
            found.push(pid);
        }
    }
    Ok(found)
}

fn ignore_nobody(result: io::Result<libc::c_int>) -> io::Result<()> {
    match result {
        Err(error) if error.raw_os_error() != Some(libc::ESRCH) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}
