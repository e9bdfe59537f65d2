//! How many strangers may knock: bounds the work and the memory that a flood can cost.
use std::time::{Duration, Instant};

/// So many at once, and so many each second after that.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate_per_second: u32,
    burst: u32,
    tokens: f64,
    filled_at: Option<Instant>,
}

impl Bucket {
    pub(crate) const fn new(rate_per_second: u32, burst: u32) -> Self {
        Self { rate_per_second, burst, tokens: 0.0, filled_at: None }
    }

    /// Whether one more is allowed now.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let burst = f64::from(self.burst);
        self.tokens = self.filled_at.map_or(burst, |it| {
            let since = now.saturating_duration_since(it).as_secs_f64();
            burst.min(self.tokens + since * f64::from(self.rate_per_second))
        });
        self.filled_at = Some(now);
        let allowed = self.tokens >= 1.0;
        if allowed {
            self.tokens -= 1.0;
        }
        allowed
    }
}

/// What becomes of a handshake that somebody begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Go on with it.
    Admit,
    /// First prove that the address is yours. Costs us no memory.
    Retry,
    /// No answer.
    Ignore,
}

/// Judges handshakes before they cost anything. The partner's address has its own share, which
/// only who really receives there can use up.
#[derive(Debug)]
pub(crate) struct Gate {
    partner: Bucket,
    partner_proven: Bucket,
    strangers: Bucket,
}

/// How long a handshake may take.
pub(crate) const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(3);
/// How many handshakes may be under way at once, for the partner's address and for others.
pub(crate) const HANDSHAKES_MAX: usize = 8;

impl Gate {
    pub(crate) const fn new() -> Self {
        Self {
            partner: Bucket::new(20, 20),
            partner_proven: Bucket::new(20, 20),
            strangers: Bucket::new(5, 10),
        }
    }

    pub(crate) fn judge(&mut self, now: Instant, from_partner: bool, proven: bool) -> Verdict {
        let admit = |it: bool, other: Verdict| if it { Verdict::Admit } else { other };
        match (from_partner, proven) {
            (true, false) => admit(self.partner.take(now), Verdict::Retry),
            (true, true) => admit(self.partner_proven.take(now), Verdict::Ignore),
            (false, false) => Verdict::Retry,
            (false, true) => admit(self.strangers.take(now), Verdict::Ignore),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_a_burst_and_then_a_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(5, 10);
        let taken = |bucket: &mut Bucket, now| (0..100).filter(|_| bucket.take(now)).count();
        assert_eq!(taken(&mut bucket, start), 10);
        assert_eq!(taken(&mut bucket, start + Duration::from_secs(1)), 5);
        assert_eq!(taken(&mut bucket, start + Duration::from_secs(60)), 10);
        assert_eq!(taken(&mut bucket, start), 0, "time going back gives nothing");
    }

    #[test]
    fn a_flood_of_strangers_leaves_the_share_of_the_partner_alone() {
        let now = Instant::now();
        let mut gate = Gate::new();
        let strangers =
            (0..1000).filter(|_| gate.judge(now, false, true) == Verdict::Admit).count();
        assert_eq!(strangers, 10);
        assert_eq!(gate.judge(now, false, false), Verdict::Retry);
        let forged = (0..1000).filter(|_| gate.judge(now, true, false) == Verdict::Admit).count();
        assert_eq!(forged, 20);
        assert_eq!(gate.judge(now, true, false), Verdict::Retry);
        assert_eq!(gate.judge(now, true, true), Verdict::Admit, "who proves its address gets in");
    }
}
