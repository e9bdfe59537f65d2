//! Clocks that std does not offer.
use std::time::Duration;

/// Time since the host booted, time spent suspended included. A host that was suspended finds a
/// gap between this and [`awake`].
#[must_use]
pub fn since_boot() -> Duration {
    read(libc::CLOCK_BOOTTIME)
}

/// Time since the host booted, without time spent suspended. The clock of `std::time::Instant`.
#[must_use]
pub fn awake() -> Duration {
    read(libc::CLOCK_MONOTONIC)
}

fn read(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for one timespec, and outlives the call.
    let result = unsafe { libc::clock_gettime(clock, &raw mut time) };
    assert!(result == 0, "Linux has had this clock since 2.6.39");
    let seconds = u64::try_from(time.tv_sec).expect("a time since boot is not negative");
    let nanos = u32::try_from(time.tv_nsec).expect("less than a second");
    Duration::new(seconds, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_go_forward_and_boot_time_is_not_behind() {
        let awake_before = awake();
        let boot = since_boot();
        assert!(boot >= awake_before);
        assert!(awake() >= awake_before);
    }
}
