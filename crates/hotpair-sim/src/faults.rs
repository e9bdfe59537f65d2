//! What goes wrong, drawn from the seed.
use crate::Rng;
use hotpair_types::{Channel, Time};
use std::time::Duration;

/// A kind of fault, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is described where it is carried out")]
pub enum FaultKind {
    CutChannel,
    CutBoth,
    CutOneWay,
    CutBothOneWay,
    HealNet,
    Loss,
    Double,
    Delay,
    KillNode,
    KillGuardToo,
    HostDown,
    Pause,
    ShortPause,
    CleanStop,
    ClockRate,
    SlowDisk,
    Switchover,
    BecomeActive,
    PauseCommand,
    ResumeCommand,
    FalseHint,
}

/// One fault of a run.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// To which node, or from which.
    pub node: usize,
    /// On which channel.
    pub channel: Channel,
    /// For how long, where it ends by itself.
    pub lasts: Duration,
}

const KINDS: [(FaultKind, u64); 21] = [
    (FaultKind::CutChannel, 10),
    (FaultKind::CutBoth, 8),
    (FaultKind::CutOneWay, 6),
    (FaultKind::CutBothOneWay, 5),
    (FaultKind::HealNet, 8),
    (FaultKind::Loss, 4),
    (FaultKind::Double, 2),
    (FaultKind::Delay, 4),
    (FaultKind::KillNode, 10),
    (FaultKind::KillGuardToo, 5),
    (FaultKind::HostDown, 5),
    (FaultKind::Pause, 5),
    (FaultKind::ShortPause, 4),
    (FaultKind::CleanStop, 5),
    (FaultKind::ClockRate, 2),
    (FaultKind::SlowDisk, 4),
    (FaultKind::Switchover, 8),
    (FaultKind::BecomeActive, 4),
    (FaultKind::PauseCommand, 1),
    (FaultKind::ResumeCommand, 2),
    (FaultKind::FalseHint, 3),
];

impl FaultKind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().map(|it| it.0)
    }
}

impl Fault {
    fn draw(rng: &mut Rng) -> Self {
        let total = KINDS.iter().map(|it| it.1).sum();
        let mut left = rng.below(total);
        let mut kind = KINDS[0].0;
        for (candidate, weight) in KINDS {
            if left < weight {
                kind = candidate;
                break;
            }
            left -= weight;
        }
        let node = usize::from(rng.percent(50));
        let channel = if rng.percent(50) { Channel::Redundancy } else { Channel::Primary };
        // Short ones fall into the midst of what they disturb; long ones are noticed.
        let longest = if rng.percent(50) { 800 } else { 6_000 };
        let lasts = rng.between(Duration::from_millis(5), Duration::from_millis(longest));
        Self { kind, node, channel, lasts }
    }

    /// The faults of a run and when they happen.
    pub(crate) fn plan(rng: &mut Rng, begin: Time, end: Time) -> Vec<(Time, Self)> {
        let mut faults = Vec::new();
        let mut at = begin;
        loop {
            let longest = if rng.percent(40) { 300 } else { 5_000 };
            at = at + rng.between(Duration::from_millis(1), Duration::from_millis(longest));
            if at >= end {
                return faults;
            }
            faults.push((at, Self::draw(rng)));
        }
    }
}
