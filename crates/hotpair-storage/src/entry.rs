//! Journals as plain values: entries, items, keys, and where a journal stands.
use bytes::Bytes;
use hotpair_types::{ItemKey, JournalHistory, NodeTime, Position};

/// One atomic unit of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place.
    pub position: Position,
    /// What it changes, in order.
    pub changes: Vec<Change>,
    /// The idempotency key under which it was written.
    pub key: Option<WriteKey>,
    /// When, on the clock of the node that wrote it.
    pub written_at: NodeTime,
    /// Where it stood in a history that lost, when it was taken over from there.
    pub origin: Option<Position>,
    /// The chain hash up to here; zero in the runtime journal.
    pub chain: [u8; 32],
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

/// The key a writer gave so that it may repeat a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteKey {
    /// The name.
    pub name: Box<str>,
    /// When the writer made it, on the writer's clock.
    pub issued: Option<NodeTime>,
}

/// A key that was seen and the position its write was answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptKey {
    /// The key.
    pub key: WriteKey,
    /// What its writer was told.
    pub answer: Position,
    /// The sequence of its entry in this history.
    pub sequence: u64,
    /// When the entry was written.
    pub written_at: NodeTime,
}

/// The value of an item and the entry that wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The item.
    pub key: ItemKey,
    /// Its value.
    pub value: Bytes,
    /// The entry that wrote it.
    pub position: Position,
    /// When, on the clock of the node that wrote it.
    pub written_at: NodeTime,
}

/// Where a journal stands: everything of it but items and entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Its lineage and end.
    pub history: JournalHistory,
    /// The chain hash of its last entry; zero in the runtime journal.
    pub chain: [u8; 32],
    /// Keys that are remembered, by sequence.
    pub keys: Vec<KeptKey>,
    /// Keys of entries written up to here may be forgotten; 0: none was.
    pub keys_forgotten: NodeTime,
}
