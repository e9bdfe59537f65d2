//! One entry of a journal as plain values.
use bytes::Bytes;
use hotpair_types::{ItemKey, JournalKind, NodeTime, Position};

/// One atomic unit of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place.
    pub position: Position,
    /// What it changes, in order.
    pub changes: Vec<Change>,
    /// The idempotency key under which it was written.
    pub answer: Option<Answer>,
    /// When, on the clock of the node that wrote it.
    pub written_at: NodeTime,
    /// The BLAKE3 chain hash up to here; config entries have one.
    pub hash: Option<[u8; 32]>,
}

/// What an entry does to one item, or to a provider as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The item has this value from here on.
    Set {
        /// The item.
        item: ItemKey,
        /// Its complete new value.
        value: Bytes,
    },
    /// The item is gone from here on.
    Remove {
        /// The item.
        item: ItemKey,
    },
    /// The provider has exactly these items from here on.
    ReplaceAll {
        /// The provider; empty for config.
        provider: Box<str>,
        /// Its items.
        items: Vec<(Box<str>, Bytes)>,
    },
}

/// What a write with an idempotency key was answered, so that a retry gets the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The journal that holds the entry.
    pub journal: JournalKind,
    /// The place of the entry.
    pub position: Position,
    /// The key the writer gave.
    pub key: Box<str>,
    /// The answer it got.
    pub answer: Bytes,
    /// When it was written.
    pub written_at: NodeTime,
}
