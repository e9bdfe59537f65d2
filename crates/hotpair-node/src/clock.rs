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

    /// A time of this process on the clock that all processes of a host share, counted from its boot. Not
    /// later than that time, however long this takes.
    #[must_use]
    pub fn awake_at(&self, time: Time) -> Duration {
        let awake = Self::awake();
        awake + time.since(self.now())
    }

    /// This moment on that clock.
    #[must_use]
    pub fn awake() -> Duration {
        hotpair_os::clock::awake()
    }

    /// The wall clock, for people to read. Nothing is decided by it.
    #[must_use]
    pub fn wall(&self) -> NodeTime {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        NodeTime(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}
