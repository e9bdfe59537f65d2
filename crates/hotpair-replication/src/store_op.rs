//! What storage has to do, as plain values. Operations are carried out in the order in which they
//! are given; each is one transaction, and many may share one commit.
use crate::{DivergenceId, DivergenceRecord, JournalHead, Record, SharedEntry};
use hotpair_types::{ItemKey, JournalKind};

/// Names an operation; comes back when it is durable or has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoreTicket(pub u64);

/// One operation of storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreOp {
    /// Append entries to a journal, carry out their operations on its items (`Set` and `Remove` by
    /// key, `ReplaceAll` per provider; each item keeps the entry's position and time), move the
    /// end, the lineage, the chain and the keys forward. All in one transaction.
    Append {
        /// Which journal.
        kind: JournalKind,
        /// Without a gap after what was stored before.
        entries: Vec<SharedEntry>,
    },
    /// A transfer is complete: bring one or both journals to the state of the active, in one
    /// transaction. Entries stored before are void: the journal goes on after `head`.
    Swap(Vec<JournalSwap>),
    /// Put records into the divergence store, over those with the same id.
    PutDivergence(Vec<DivergenceRecord>),
    /// Drop records from the divergence store: a person said so.
    DropDivergence(Vec<DivergenceId>),
}

/// The new state of one journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalSwap {
    /// History, chain and keys.
    pub head: JournalHead,
    /// Forget every item first.
    pub clear: bool,
    /// Items to put.
    pub sets: Vec<(ItemKey, Record)>,
    /// Items to take away.
    pub removes: Vec<ItemKey>,
}
