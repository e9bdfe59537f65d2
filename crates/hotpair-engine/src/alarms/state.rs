//! The states of ISA-18.2, and every legal change between them.
use AlarmState::{
    Acknowledged, Normal, OutOfService, ReturnedUnacknowledged, Shelved, Suppressed, Unacknowledged,
};

/// What an alarm is to the people who watch it (ISA-18.2, alarm state model).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlarmState {
    /// The condition is not there, and nothing waits for a person.
    Normal,
    /// The condition is there and nobody has acknowledged it.
    Unacknowledged,
    /// The condition is there and somebody has acknowledged it.
    Acknowledged,
    /// The condition is gone and nobody has acknowledged that it was there.
    ReturnedUnacknowledged,
    /// A person has put it aside for a time.
    Shelved,
    /// It means nothing as the plant is now: suppressed by design, by a rule.
    Suppressed,
    /// A person has taken it out, until it is put back.
    OutOfService,
}

impl AlarmState {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Normal,
        Unacknowledged,
        Acknowledged,
        ReturnedUnacknowledged,
        Shelved,
        Suppressed,
        OutOfService,
    ];

    /// A stable word for programs.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Normal => "normal",
            Unacknowledged => "unacknowledged",
            Acknowledged => "acknowledged",
            ReturnedUnacknowledged => "returned-unacknowledged",
            Shelved => "shelved",
            Suppressed => "suppressed",
            OutOfService => "out-of-service",
        }
    }
}

/// What changed an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The object was scanned, and the state stayed: a delay goes on, the quality changed.
    Observed,
    /// The condition came, for as long as the delay.
    Raised,
    /// The condition went, for as long as the delay.
    Returned,
    /// A person has seen it.
    Acknowledge,
    /// A person puts it aside.
    Shelve,
    /// A person takes it up again.
    Unshelve,
    /// Time went by on the shelf, and is not over.
    Passed,
    /// The time on the shelf is over.
    ShelfEnded,
    /// A rule of the design suppresses it.
    Suppress,
    /// No rule suppresses it any more.
    Unsuppress,
    /// A person takes it out of service.
    TakeOut,
    /// A person puts it back into service.
    PutBack,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Observed,
        Self::Raised,
        Self::Returned,
        Self::Acknowledge,
        Self::Shelve,
        Self::Unshelve,
        Self::Passed,
        Self::ShelfEnded,
        Self::Suppress,
        Self::Unsuppress,
        Self::TakeOut,
        Self::PutBack,
    ];

    /// A stable word for programs.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Raised => "raised",
            Self::Returned => "returned",
            Self::Acknowledge => "acknowledge",
            Self::Shelve => "shelve",
            Self::Unshelve => "unshelve",
            Self::Passed => "passed",
            Self::ShelfEnded => "shelf-ended",
            Self::Suppress => "suppress",
            Self::Unsuppress => "unsuppress",
            Self::TakeOut => "take-out",
            Self::PutBack => "put-back",
        }
    }
}

/// One legal change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AlarmEdge {
    /// The state left.
    pub from: AlarmState,
    /// The state entered.
    pub to: AlarmState,
    /// What may do it.
    pub cause: Cause,
}

const fn edge(from: AlarmState, cause: Cause, to: AlarmState) -> AlarmEdge {
    AlarmEdge { from, to, cause }
}

/// Every legal change of state. Asserted after each step, in release builds too.
///
/// An alarm may be shelved, suppressed and out of service at the same time: the later one of
/// [`AlarmState::ALL`] is shown, and leaving it shows the next. Leaving all of them, it is normal, or
/// unacknowledged when its condition is there: what was acknowledged before is announced anew.
pub const EDGES: &[AlarmEdge] = &[
    edge(Normal, Cause::Raised, Unacknowledged),
    edge(Unacknowledged, Cause::Acknowledge, Acknowledged),
    edge(Unacknowledged, Cause::Returned, ReturnedUnacknowledged),
    edge(Acknowledged, Cause::Returned, Normal),
    edge(ReturnedUnacknowledged, Cause::Acknowledge, Normal),
    edge(ReturnedUnacknowledged, Cause::Raised, Unacknowledged),
    edge(Normal, Cause::Shelve, Shelved),
    edge(Unacknowledged, Cause::Shelve, Shelved),
    edge(Acknowledged, Cause::Shelve, Shelved),
    edge(ReturnedUnacknowledged, Cause::Shelve, Shelved),
    edge(Shelved, Cause::Unshelve, Normal),
    edge(Shelved, Cause::Unshelve, Unacknowledged),
    edge(Shelved, Cause::ShelfEnded, Normal),
    edge(Shelved, Cause::ShelfEnded, Unacknowledged),
    edge(Normal, Cause::Suppress, Suppressed),
    edge(Unacknowledged, Cause::Suppress, Suppressed),
    edge(Acknowledged, Cause::Suppress, Suppressed),
    edge(ReturnedUnacknowledged, Cause::Suppress, Suppressed),
    edge(Shelved, Cause::Suppress, Suppressed),
    edge(Suppressed, Cause::Unsuppress, Normal),
    edge(Suppressed, Cause::Unsuppress, Unacknowledged),
    edge(Suppressed, Cause::Unsuppress, Shelved),
    edge(Normal, Cause::TakeOut, OutOfService),
    edge(Unacknowledged, Cause::TakeOut, OutOfService),
    edge(Acknowledged, Cause::TakeOut, OutOfService),
    edge(ReturnedUnacknowledged, Cause::TakeOut, OutOfService),
    edge(Shelved, Cause::TakeOut, OutOfService),
    edge(Suppressed, Cause::TakeOut, OutOfService),
    edge(OutOfService, Cause::PutBack, Normal),
    edge(OutOfService, Cause::PutBack, Unacknowledged),
    edge(OutOfService, Cause::PutBack, Shelved),
    edge(OutOfService, Cause::PutBack, Suppressed),
];
