//! What the detector makes of beats, hints and answers: facts, each for itself.
use hotpair_types::{Instance, PerChannel};

/// How one channel stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Pulse {
    /// Nothing was heard since the start.
    #[default]
    Never,
    /// The last beat came in time.
    OnTime,
    /// At least one beat is missing, fewer than the limit.
    Missed,
    /// The limit is reached.
    Silent,
}

impl std::fmt::Display for Pulse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Never => "never heard",
            Self::OnTime => "on time",
            Self::Missed => "missing beats",
            Self::Silent => "silent",
        })
    }
}

/// What the sentinel connection suggests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Hint {
    /// Nothing.
    #[default]
    None,
    /// The partner's process may be gone; questions are on their way.
    Asking,
    /// No answer for `verify_min` since the first question after the hint.
    Unanswered,
}

/// All that a machine may know about the way to its partner. Sent as an event whenever it changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Picture {
    /// The instance last heard.
    pub partner: Option<Instance>,
    /// How each channel stands.
    pub channels: PerChannel<Pulse>,
    /// On this channel the partner says that it hears us.
    pub heard_by_partner: PerChannel<bool>,
    /// `limit` consecutive fresh beats said that the partner hears us on no channel.
    pub one_way: bool,
    /// A beat of ours was acknowledged within the detection bound.
    pub acknowledged: bool,
    /// The newest acknowledged beat was sent more than `fence_after` ago.
    pub fence_due: bool,
    /// We acknowledged nothing for `promote_after`, and have run for so long.
    pub promote_due: bool,
    /// What the sentinel suggests.
    pub hint: Hint,
    /// The partner's host answers, its process does not.
    pub process_gone: bool,
    /// The partner speaks with the right key and is refused: alive, whatever else.
    pub refused: bool,
}

impl Picture {
    /// Nothing is heard on any channel, and it is not because we refuse what we hear.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        let dead = |it: Pulse| matches!(it, Pulse::Never | Pulse::Silent);
        dead(self.channels.redundancy) && dead(self.channels.primary) && !self.refused
    }

    /// Something was heard lately on some channel.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        let alive = |it: Pulse| matches!(it, Pulse::OnTime | Pulse::Missed);
        alive(self.channels.redundancy) || alive(self.channels.primary)
    }

    /// Nothing authenticated was heard since the start.
    #[must_use]
    pub fn never_heard(&self) -> bool {
        self.channels.redundancy == Pulse::Never
            && self.channels.primary == Pulse::Never
            && !self.refused
    }
}
