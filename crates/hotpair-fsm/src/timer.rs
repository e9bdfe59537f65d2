//! The deadlines of one machine, one variant and one sentence each.
use hotpair_types::Time;

/// Why a machine wakes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Timer {
    /// Nobody was heard for the startup allowance.
    StartupAllowance,
    /// A step of a handover took too long.
    Handover,
    /// The next try to become active after one failed.
    Retry,
    /// The next sync after several broke off in a row.
    SyncPause,
    /// The master has been ready for long enough to take over again.
    RecoveryHold,
    /// The window for counting changes of role, or a suspension, ended.
    Damping,
    /// The last view before a clean stop was shown for long enough.
    Leave,
    /// The partner did not answer a command in time.
    Answer,
    /// After a `resume` silence counts anew: until this is over it moves nobody.
    Silence,
    /// The grant ends so soon that outputs must close now.
    Grant,
}

impl Timer {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::StartupAllowance,
        Self::Handover,
        Self::Retry,
        Self::SyncPause,
        Self::RecoveryHold,
        Self::Damping,
        Self::Leave,
        Self::Answer,
        Self::Silence,
        Self::Grant,
    ];
}

/// Which deadlines are set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Timers([Option<Time>; Timer::ALL.len()]);

impl Timers {
    pub(crate) const fn set(&mut self, timer: Timer, at: Time) {
        self.0[timer as usize] = Some(at);
    }

    pub(crate) const fn stop(&mut self, timer: Timer) -> Option<Time> {
        self.0[timer as usize].take()
    }

    pub(crate) const fn is_set(&self, timer: Timer) -> bool {
        self.0[timer as usize].is_some()
    }

    pub(crate) fn next(&self) -> Option<(Time, Timer)> {
        Timer::ALL.into_iter().filter_map(|it| Some((self.0[it as usize]?, it))).min()
    }
}
