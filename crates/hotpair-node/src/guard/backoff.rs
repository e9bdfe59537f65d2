//! How soon a dead node is started again: at once the first time, then later and later.
use hotpair_types::Time;
use std::time::Duration;

/// How soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackoffSettings {
    /// Before the second start in a row; doubled before each further one.
    pub first: Duration,
    /// Never longer than this.
    pub max: Duration,
    /// A node that ran so long begins again at once.
    pub quiet: Duration,
}

impl Default for BackoffSettings {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            max: Duration::from_secs(10),
            quiet: Duration::from_secs(30),
        }
    }
}

/// Counts deaths.
#[derive(Debug)]
pub(super) struct Backoff {
    settings: BackoffSettings,
    deaths: u32,
}

impl Backoff {
    pub(super) const fn new(settings: BackoffSettings) -> Self {
        Self { settings, deaths: 0 }
    }

    /// How long to wait after the death of a node that ran from `started` to `now`.
    pub(super) fn after_death(&mut self, started: Time, now: Time) -> Duration {
        if now.since(started) >= self.settings.quiet {
            self.deaths = 0;
        }
        let wait = match self.deaths {
            0 => Duration::ZERO,
            more => self.settings.first.saturating_mul(1 << (more - 1).min(20)),
        };
        self.deaths = self.deaths.saturating_add(1);
        wait.min(self.settings.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_longer_after_each_death_and_forgives_after_a_quiet_time() {
        let mut backoff = Backoff::new(BackoffSettings::default());
        let mut wait = |ran: u64| {
            let wait = backoff.after_death(Time::from_millis(5), Time::from_millis(5 + ran));
            wait.as_millis()
        };
        let waits: Vec<_> = (0..10).map(|_| wait(1)).collect();
        assert_eq!(waits, [0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
        assert_eq!((wait(30_000), wait(29_999), wait(0)), (0, 100, 200));
    }
}
