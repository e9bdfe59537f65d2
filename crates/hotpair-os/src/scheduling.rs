//! A better place in the queue for the processor. Best effort: a container or a user may not.
use crate::checked;
use std::io;

/// Sets the niceness of the calling *thread* and of those it will start, -20 (first) to 19 (last).
///
/// # Errors
/// The kernel's; `PermissionDenied` without `CAP_SYS_NICE` for less than the present one.
pub fn set_nice(nice: i32) -> io::Result<()> {
    // SAFETY: plain numbers.
    checked(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) }).map(drop)
}

/// Puts the calling *thread* before all ordinary ones, at a real-time priority of 1 to 99. Threads
/// and processes it starts are ordinary again.
///
/// # Errors
/// The kernel's; `PermissionDenied` without `CAP_SYS_NICE`.
pub fn go_first(priority: i32) -> io::Result<()> {
    let parameter = libc::sched_param { sched_priority: priority };
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: `parameter` is valid, and outlives the call; 0 is the calling thread.
    checked(unsafe { libc::sched_setscheduler(0, policy, &raw const parameter) }).map(drop)
}

/// Keeps the memory this process has and will have out of swap.
///
/// # Errors
/// The kernel's; `OutOfMemory` or `PermissionDenied` beyond the limit for locked memory.
pub fn stay_in_memory() -> io::Result<()> {
    // SAFETY: plain numbers.
    checked(unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_first_works_or_is_refused_for_want_of_rights() {
        std::thread::spawn(|| match go_first(1) {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::PermissionDenied),
        })
        .join()
        .unwrap();
    }

    #[test]
    fn nobody_is_refused_to_be_nicer() {
        std::thread::spawn(|| set_nice(19).unwrap()).join().unwrap();
    }
}
