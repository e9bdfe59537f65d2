//! Everything a replica can ask for or report.
use crate::{
    DivergenceId, Lane, Message, ModuleHash, Outcome, SharedEntry, StoreOp, StoreTicket,
    WriteTicket,
};
use bytes::Bytes;
use hotpair_types::{ItemKey, JournalKind, Positions};
use std::fmt;

/// One output. They may be carried out in any order, but `Store`s in theirs and `Apply`s and
/// `Restore`s of a provider in theirs, and messages of a lane in theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Tell the partner.
    Send {
        /// The stream.
        lane: Lane,
        /// What.
        message: Message,
    },
    /// Carry out an operation, then report `Stored` or `StoreFailed`.
    Store {
        /// Comes back.
        ticket: StoreTicket,
        /// What.
        op: StoreOp,
    },
    /// Read entries of a journal after a sequence, then report `JournalRead`.
    ReadJournal {
        /// Comes back.
        ticket: StoreTicket,
        /// Which journal.
        kind: JournalKind,
        /// The first one wanted is the next.
        after: u64,
        /// The last one wanted.
        until: u64,
        /// About so many bytes; at least one entry.
        bytes_max: usize,
    },
    /// Apply an entry: of the config journal always, of the runtime journal when it was not
    /// written here.
    Apply {
        /// What.
        entry: SharedEntry,
    },
    /// Forget what you have and take what `Replica::items` shows: a provider of runtime data, or
    /// (config, provider "") whoever reads config records.
    Restore {
        /// In which journal.
        kind: JournalKind,
        /// Whose.
        provider: Box<str>,
    },
    /// The answer of a write.
    Reply {
        /// Of which.
        ticket: WriteTicket,
        /// It.
        outcome: Outcome,
    },
    /// What the state machine must know.
    Fact(Fact),
    /// How far the sync is. For people.
    Progress(Progress),
    /// What a person must know.
    Alarm(Alarm),
    /// Read bytes of a module blob, then report `BlobRead`.
    ReadBlob {
        /// Which.
        hash: ModuleHash,
        /// From here on.
        offset: u64,
        /// At most so many.
        bytes_max: usize,
    },
    /// Write bytes of a module blob, then report `BlobWritten`; after the last, verify the hash,
    /// then report `BlobHere` or `BlobLost`.
    WriteBlob {
        /// Which.
        hash: ModuleHash,
        /// Where they belong.
        offset: u64,
        /// They.
        bytes: Bytes,
        /// Nothing comes after them.
        last: bool,
    },
    /// Delete a module blob: the active does not have it.
    RemoveBlob {
        /// Which.
        hash: ModuleHash,
    },
    /// Records of the divergence store are gone, durably.
    DivergenceDiscarded {
        /// Which.
        ids: Vec<DivergenceId>,
    },
}

/// What a replica tells the state machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Standby: every module of the active is here, verified.
    ModulesMatch,
    /// Standby: the way is settled, what the active lacked is with it.
    WaySettled,
    /// Standby: level with the active and durable. Sent once per attempt.
    DataTransferred {
        /// Both ends here.
        positions: Positions,
    },
    /// Standby: the attempt cannot go on. Begin again.
    SyncFailed {
        /// Why.
        reason: SyncFailure,
    },
    /// Standby that was level: it is not any more.
    Gap(Gap),
    /// Standby: during this attempt the swap has begun: the old data is not the whole any more.
    Swapped,
    /// Active: the standby begins a new attempt. That it caught up in the one before says nothing of this one.
    PartnerBegan,
    /// Active: the standby has everything, durably.
    PartnerCaughtUp {
        /// Its ends.
        positions: Positions,
    },
    /// Active: the standby has not acknowledged data for `drop_after`; `false`: it has again.
    DataUnacknowledged(bool),
    /// Active: an answer waits for `AckRule::Alone`. Said once per `Wait`.
    DegradedWanted,
    /// Active that stopped writes: both journals are level with the partner and durable here.
    Drained {
        /// The final ends.
        positions: Positions,
    },
    /// Election loser: every entry that the winner lacks is durable in the divergence store.
    LosingEntriesStored,
    /// Election winner: what the loser had ahead is here, durably.
    AheadFetched,
    /// Storage failed: no acknowledgement any more.
    StorageFailed,
}

/// Why a sync cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SyncFailure {
    /// The active does not have the entries any more that it promised; the next attempt finds
    /// another way.
    EntriesGone,
    /// What came cannot be: a wrong chain, an entry of another history.
    Inconsistent,
    /// The active cannot read a module, or its bytes do not have its hash.
    ModuleUnavailable,
}

/// What a standby misses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// Entries that the active does not have any more.
    Entries(JournalKind),
    /// A module was deployed that is not here.
    Module {
        /// Its name.
        name: Box<str>,
    },
    /// What came does not fit what is here.
    Inconsistent {
        /// In which journal.
        kind: JournalKind,
    },
}

/// How far a sync is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Entries, items or module bytes done.
    pub done: u64,
    /// Of so many, as far as it is known.
    pub total: u64,
    /// Bytes that came.
    pub bytes: u64,
    /// Of at most so many, as far as it is known.
    pub bytes_total: u64,
}

/// What a person must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// The two sides do not have the same. It is healed by a new sync.
    Inconsistency {
        /// In which journal.
        kind: JournalKind,
        /// Where; the first item of the entry when its chain is wrong.
        item: ItemKey,
        /// What was seen.
        what: Inconsistency,
    },
    /// Entries were put into the divergence store.
    Diverged {
        /// How many are kept there now.
        kept: usize,
    },
    /// The divergence store is larger than it should be. Nothing is trimmed.
    DivergenceLarge {
        /// Bytes in it.
        bytes: usize,
    },
}

/// What does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Inconsistency {
    /// An entry removes what is not there.
    RemoveOfMissing,
    /// An entry's hash does not follow from the one before.
    ChainBroken,
    /// An entry belongs to another history.
    OtherHistory,
    /// The item differs although the histories are the same: the hashes of key, value and position;
    /// `None`: it is not there.
    DigestDiffers {
        /// On this node.
        here: Option<[u8; 32]>,
        /// At the partner.
        partner: Option<[u8; 32]>,
    },
}

impl fmt::Display for Inconsistency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RemoveOfMissing => f.write_str("an entry removes it, and it is not here"),
            Self::ChainBroken => f.write_str("an entry's hash does not follow from the one before"),
            Self::OtherHistory => f.write_str("an entry belongs to another history"),
            Self::DigestDiffers { here, partner } => {
                let text = |hash: &Option<[u8; 32]>| match hash {
                    Some(hash) => blake3::Hash::from(*hash).to_hex().to_string(),
                    None => "nothing".to_owned(),
                };
                write!(f, "the histories are the same and it differs: {} here, ", text(here))?;
                write!(f, "{} at the partner", text(partner))
            }
        }
    }
}
