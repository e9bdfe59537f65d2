//! A write, and every way in which it may be answered.
use crate::{IdempotencyKey, Op};
use hotpair_types::{Ack, ItemKey, NodeTime, Position};

/// The caller's name for one write; comes back in its answer. Numbers may be used again after the
/// answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WriteTicket(pub u64);

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Whom to answer.
    pub ticket: WriteTicket,
    /// What the answer shall promise; `None`: the default of the journal.
    pub ack: Option<Ack>,
    /// Lets the writer repeat it.
    pub key: Option<IdempotencyKey>,
    /// The wall clock now.
    pub written_at: NodeTime,
    /// What.
    pub body: WriteBody,
}

/// What is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteBody {
    /// A transaction on config records: executed here first, forwarded only if that succeeded.
    Config {
        /// What must hold before.
        expect: Vec<Expectation>,
        /// What to change.
        ops: Vec<Op>,
    },
    /// What a provider has applied already: sent to the partner, not delivered back here.
    Runtime {
        /// What was changed.
        ops: Vec<Op>,
    },
}

/// What a config transaction takes for granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Of which record.
    pub item: ItemKey,
    /// Its version; `None`: it is not there.
    pub version: Option<Position>,
}

/// The one answer of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Acknowledged(Acknowledged),
    /// Not done, and will not be.
    Refused(Box<Refusal>),
    /// This node lost its role, or its disk failed, before the promise was kept. It may be in the
    /// history or not: repeat it with its key.
    Unknown {
        /// Where it stood here.
        position: Position,
    },
}

/// What an acknowledgement promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// The entry: a config record's new version.
    pub position: Position,
    /// What was reached: below what was asked only when degraded.
    pub reached: Ack,
    /// There is no standby that has it.
    pub degraded: bool,
    /// The key was known: the answer is that of the first time.
    pub repeated: bool,
}

/// Why a write was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another node, or nobody, may take it.
    #[error("this node may not take the write: {0}")]
    NotHere(Taker),
    /// Config data may be written only on the designated master, which is not active.
    #[error("config data may be written on the master only, and the backup is active")]
    ConfigOnMasterOnly,
    /// A planned switchover is under way: wait for the new active.
    #[error("a switchover is under way")]
    SwitchingOver,
    /// An expectation does not hold.
    #[error("{item} is not at the version that was expected")]
    Expectation {
        /// Of which record.
        item: ItemKey,
        /// Its version now; `None`: it is not there.
        current: Option<Position>,
    },
    /// What is to be removed is not there.
    #[error("{item} is not there")]
    NotThere {
        /// What.
        item: ItemKey,
    },
    /// `writes.require_standby` is set and no standby is ready.
    #[error("no standby is ready, and one is required")]
    NoStandby,
    /// Too much is waiting already.
    #[error("overloaded: {waiting} waiting, limit {limit}")]
    Overloaded {
        /// How much waits: writes or bytes.
        waiting: usize,
        /// The limit.
        limit: usize,
    },
    /// Larger than one entry may be.
    #[error("{bytes} bytes in one write, limit {limit}")]
    TooLarge {
        /// How large.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// More changes than one entry may have.
    #[error("{count} changes in one write, limit {limit}")]
    TooManyChanges {
        /// How many, the items of full replacements included.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// It makes no sense: no operation, a provider in a config write or none in a runtime write.
    #[error("malformed: {reason}")]
    Malformed {
        /// What.
        reason: &'static str,
    },
    /// The key is older than what is remembered: whether it was applied is not known any more.
    #[error("the key was issued at {issued:?}, remembered is what came after {remembered:?}")]
    KeyTooOld {
        /// When it was made.
        issued: NodeTime,
        /// Keys up to then are forgotten.
        remembered: NodeTime,
    },
    /// The disk of this node failed.
    #[error("the storage of this node failed")]
    StorageFailed,
    /// A divergence record that is not there.
    #[error("no such divergence record")]
    NoSuchRecord,
}

/// Who may take a write that this node may not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Taker {
    /// The partner: it is active.
    Partner,
    /// Nobody yet: it is being found out who is active.
    Undecided,
}

impl std::fmt::Display for Taker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Partner => "the partner is active",
            Self::Undecided => "who is active is being found out",
        })
    }
}
