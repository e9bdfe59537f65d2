//! What goes wrong, drawn from the seed.
use crate::Rng;
use hotpair_types::{Channel, Mode, Time};
use std::time::Duration;

/// A kind of fault, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is described where it is carried out")]
pub enum FaultKind {
    // The net.
    CutChannel,
    CutBoth,
    CutOneWay,
    CutBothOneWay,
    HealNet,
    Loss,
    Double,
    Delay,
    Reorder,
    Latency,
    Flap,
    KeyRefused,
    SettingsDiffer,
    // Processes and hosts.
    KillNode,
    KillGuardToo,
    HostDown,
    QuickRestart,
    GuardLost,
    CleanStop,
    Pause,
    ShortPause,
    LoopStall,
    ClockRate,
    CrashAtStore,
    CrashInSync,
    CrashInChange,
    FalseHint,
    NetworkLost,
    ObjectsFail,
    SlowGuard,
    // Disks.
    SlowDisk,
    HungDisk,
    StoreError,
    DiskFull,
    RecordRefused,
    LostWrites,
    RotData,
    RotRecord,
    Rollback,
    WipedDisk,
    SwappedDisks,
    // People.
    Switchover,
    ServiceFails,
    BecomeActive,
    PauseCommand,
    ResumeCommand,
    Promote,
    Undeploy,
    Reinit,
    PolicyChange,
    // The third party, in mode `arbiter` alone.
    ArbiterAway,
    ArbiterOneSide,
    ArbiterSlow,
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

/// How often each kind strikes beside the others of its run.
const KINDS: [(FaultKind, u64); 50] = [
    (FaultKind::CutChannel, 10),
    (FaultKind::CutBoth, 8),
    (FaultKind::CutOneWay, 6),
    (FaultKind::CutBothOneWay, 5),
    (FaultKind::HealNet, 8),
    (FaultKind::Loss, 4),
    (FaultKind::Double, 2),
    (FaultKind::Delay, 4),
    (FaultKind::Reorder, 3),
    (FaultKind::Latency, 4),
    (FaultKind::Flap, 3),
    (FaultKind::KeyRefused, 2),
    (FaultKind::SettingsDiffer, 2),
    (FaultKind::KillNode, 10),
    (FaultKind::KillGuardToo, 5),
    (FaultKind::HostDown, 5),
    (FaultKind::QuickRestart, 4),
    (FaultKind::GuardLost, 3),
    (FaultKind::CleanStop, 5),
    (FaultKind::Pause, 5),
    (FaultKind::ShortPause, 3),
    (FaultKind::LoopStall, 4),
    (FaultKind::ClockRate, 2),
    (FaultKind::CrashAtStore, 6),
    (FaultKind::CrashInSync, 5),
    (FaultKind::CrashInChange, 6),
    (FaultKind::FalseHint, 3),
    (FaultKind::NetworkLost, 4),
    (FaultKind::ObjectsFail, 3),
    (FaultKind::SlowGuard, 3),
    (FaultKind::SlowDisk, 4),
    (FaultKind::HungDisk, 3),
    (FaultKind::StoreError, 4),
    (FaultKind::DiskFull, 3),
    (FaultKind::RecordRefused, 2),
    (FaultKind::LostWrites, 4),
    (FaultKind::RotData, 3),
    (FaultKind::RotRecord, 3),
    (FaultKind::Rollback, 3),
    (FaultKind::WipedDisk, 2),
    (FaultKind::SwappedDisks, 2),
    (FaultKind::Switchover, 8),
    (FaultKind::ServiceFails, 4),
    (FaultKind::BecomeActive, 4),
    (FaultKind::PauseCommand, 1),
    (FaultKind::ResumeCommand, 2),
    (FaultKind::Promote, 3),
    (FaultKind::Undeploy, 3),
    (FaultKind::Reinit, 2),
    (FaultKind::PolicyChange, 3),
];

impl FaultKind {
    /// What happens to the third party, where there is one.
    pub(crate) const OF_ARBITER: [Self; 3] =
        [Self::ArbiterAway, Self::ArbiterOneSide, Self::ArbiterSlow];

    /// Every kind that strikes in this mode, or in any.
    pub fn all(mode: Option<Mode>) -> impl Iterator<Item = Self> {
        let third = mode.is_none_or(|it| it == Mode::Arbiter).then_some(Self::OF_ARBITER);
        KINDS.iter().map(|it| it.0).chain(third.into_iter().flatten())
    }

    /// Excuses something: after it, less is asked of the pair. Most runs have none, so that
    /// nothing is excused in them.
    const fn excuses(self) -> bool {
        matches!(
            self,
            Self::LostWrites
                | Self::RotData
                | Self::RotRecord
                | Self::Rollback
                | Self::WipedDisk
                | Self::Promote
                | Self::Reinit
        )
    }
}

/// What may strike in one run. Each run has some kinds only: what happens often together with few
/// others is found sooner than by a little of everything.
struct Menu(Vec<(FaultKind, u64)>);

impl Menu {
    fn draw(rng: &mut Rng) -> Self {
        let chance = 20 + rng.below(80);
        let excuses = rng.percent(35);
        let mut kinds: Vec<_> = KINDS
            .iter()
            .filter(|(kind, _)| rng.percent(chance) && (excuses || !kind.excuses()))
            .copied()
            .collect();
        // What is cut is healed now and then.
        kinds.push((FaultKind::HealNet, 4));
        Self(kinds)
    }

    fn fault(&self, rng: &mut Rng) -> Fault {
        let total = self.0.iter().map(|it| it.1).sum();
        let mut left = rng.below(total);
        let mut kind = self.0[0].0;
        for (candidate, weight) in &self.0 {
            if left < *weight {
                kind = *candidate;
                break;
            }
            left -= weight;
        }
        let node = usize::from(rng.percent(50));
        let channel = if rng.percent(50) { Channel::Redundancy } else { Channel::Primary };
        // Short ones fall into the midst of what they disturb; long ones are noticed.
        let longest = if rng.percent(50) { 800 } else { 6_000 };
        let lasts = rng.between(Duration::from_millis(5), Duration::from_millis(longest));
        Fault { kind, node, channel, lasts }
    }
}

impl Fault {
    /// The faults of a run and when they happen.
    pub(crate) fn plan(rng: &mut Rng, begin: Time, end: Time) -> Vec<(Time, Self)> {
        let menu = Menu::draw(rng);
        let mut faults = Vec::new();
        let mut at = begin;
        loop {
            let longest = if rng.percent(40) { 300 } else { 5_000 };
            at = at + rng.between(Duration::from_millis(1), Duration::from_millis(longest));
            if at >= end {
                return faults;
            }
            faults.push((at, menu.fault(rng)));
        }
    }
}
