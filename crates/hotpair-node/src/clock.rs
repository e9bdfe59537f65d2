//! The only place of the product that reads a clock.
use hotpair_types::{NodeTime, Time};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The monotonic clock of this process, counted from its start.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts counting now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The time since the start, in microseconds.
    #[must_use]
    pub fn now(&self) -> Time {
        Time::ZERO + self.start.elapsed()
    }

    /// The instant that a time of this process stands for.
    #[must_use]
    pub fn instant(&self, time: Time) -> Instant {
        self.start + Duration::from_micros(time.0)
    }

    /// The wall clock, for people to read. Nothing is decided by it.
    #[must_use]
    pub fn wall(&self) -> NodeTime {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        NodeTime(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}
