//! How long something took, over and over, in bounded memory.
use std::time::Duration;

/// How many classes durations are counted in.
pub const CLASSES: usize = 24;

/// Counts durations in classes: class `n` has those of less than `2^n` microseconds that are in no
/// lower class; the last one has all that are longer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    counts: [u64; CLASSES],
    count: u64,
    sum: Duration,
    last: Duration,
    longest: Duration,
}

impl Statistics {
    /// Counts one.
    pub fn add(&mut self, it: Duration) {
        let bits = u128::BITS - it.as_micros().leading_zeros();
        let class = usize::try_from(bits).map_or(CLASSES - 1, |it| it.min(CLASSES - 1));
        self.counts[class] += 1;
        self.count += 1;
        self.sum = self.sum.saturating_add(it);
        self.last = it;
        self.longest = self.longest.max(it);
    }

    /// How many were counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// All of them together.
    #[must_use]
    pub const fn sum(&self) -> Duration {
        self.sum
    }

    /// The last one; zero before the first.
    #[must_use]
    pub const fn last(&self) -> Duration {
        self.last
    }

    /// The longest.
    #[must_use]
    pub const fn longest(&self) -> Duration {
        self.longest
    }

    /// Upper bound and count of each class, the lowest first; the last has no bound.
    pub fn classes(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        self.counts.iter().enumerate().map(|(class, count)| {
            let bound = (class < CLASSES - 1).then(|| Duration::from_micros(1 << class));
            (bound, *count)
        })
    }
}
