//! An entry of a journal: one atomic change, and what it was answered with.
use crate::digest::Digest;
use bytes::Bytes;
use hotpair_types::{ItemKey, JournalKind, NodeTime, Position};
use std::sync::Arc;

/// The BLAKE3 hash of a config entry and of everything before it. Zero before the first.
pub type ChainHash = [u8; 32];

/// One atomic change of a journal: applied whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which journal it is of.
    pub kind: JournalKind,
    /// Its place: who wrote it, and the how manieth it is.
    pub position: Position,
    /// What it changes, in order.
    pub ops: Vec<Op>,
    /// The key its writer may repeat it with. Its answer is `answer()`.
    pub key: Option<IdempotencyKey>,
    /// The wall clock of the node that first wrote it. For people.
    pub written_at: NodeTime,
    /// Where it stood in the history that lost, when an active took it as a new one.
    pub origin: Option<Position>,
    /// Of a config entry: hash of the entry before and of this one; zero for runtime entries.
    pub chain: ChainHash,
}

/// One change of one value, or of all values of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// The complete new value of an item.
    Set {
        /// What.
        item: ItemKey,
        /// Its new value.
        value: Bytes,
    },
    /// An item that is there goes away.
    Remove {
        /// What.
        item: ItemKey,
    },
    /// Everything a runtime provider has: items that are not listed go away.
    ReplaceAll {
        /// Whose.
        provider: Box<str>,
        /// All its items, by name.
        items: Vec<(Box<str>, Bytes)>,
    },
}

/// A name the writer chose for one write, to be able to repeat it without doing it twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdempotencyKey {
    /// The name.
    pub key: Box<str>,
    /// When the writer made it, on the writer's clock: tells a new key from a forgotten one. A key
    /// without it is new when it is not remembered.
    pub issued: Option<NodeTime>,
}

/// A key that was seen, and what its write was answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptKey {
    /// The key.
    pub key: IdempotencyKey,
    /// The position its writer was told.
    pub answer: Position,
    /// The sequence of its entry in this history; not `answer`'s when an active took the entry
    /// over from a history that lost.
    pub sequence: u64,
    /// The wall clock of the entry.
    pub written_at: NodeTime,
}

/// The current value of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The value.
    pub value: Bytes,
    /// The entry that set it: the version of a config record.
    pub position: Position,
    /// When, on the wall clock of the node that wrote it. For people.
    pub written_at: NodeTime,
}

impl Op {
    /// How many changes it counts for: a full replacement one more than it has items.
    #[must_use]
    pub fn changes(&self) -> usize {
        match self {
            Self::Set { .. } | Self::Remove { .. } => 1,
            Self::ReplaceAll { items, .. } => items.len().saturating_add(1),
        }
    }

    /// How many bytes it carries: names and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Set { item, value } => item.provider.len() + item.item.len() + value.len(),
            Self::Remove { item } => item.provider.len() + item.item.len(),
            Self::ReplaceAll { provider, items } => {
                provider.len() + items.iter().map(|(name, it)| name.len() + it.len()).sum::<usize>()
            }
        }
    }
}

/// What an entry costs in memory beside its names and values, in bytes; a round figure.
pub(crate) const ENTRY_OVERHEAD_BYTES: usize = 256;

impl Entry {
    /// How many bytes it is counted with in rings, queues and frames.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let key = self.key.as_ref().map_or(0, |it| it.key.len());
        ENTRY_OVERHEAD_BYTES + key + self.ops.iter().map(Op::bytes).sum::<usize>()
    }

    /// Whether every operation belongs to the journal: config data has no provider, runtime data
    /// has one.
    #[must_use]
    pub fn belongs(&self) -> bool {
        self.ops.iter().all(|op| {
            let provider = match op {
                Op::Set { item, .. } | Op::Remove { item } => &item.provider,
                Op::ReplaceAll { provider, .. } => provider,
            };
            provider.is_empty() == (self.kind == JournalKind::Config)
        })
    }

    /// The position its writer was told: where it stood first.
    #[must_use]
    pub fn answer(&self) -> Position {
        self.origin.unwrap_or(self.position)
    }

    /// The hash that a config entry with this content must carry after `previous`.
    #[must_use]
    pub fn chain_after(&self, previous: &ChainHash) -> ChainHash {
        let mut hash = Digest::new();
        hash.add(previous);
        hash.add_position(self.position);
        hash.add(&self.written_at.0.to_le_bytes());
        match self.origin {
            Some(origin) => {
                hash.add(&[1]);
                hash.add_position(origin);
            }
            None => hash.add(&[0]),
        }
        match &self.key {
            Some(key) => {
                hash.add(&[1]);
                hash.add_sized(key.key.as_bytes());
                hash.add(&key.issued.map_or(u64::MAX, |it| it.0).to_le_bytes());
            }
            None => hash.add(&[0]),
        }
        for op in &self.ops {
            add_op(&mut hash, op);
        }
        hash.finish()
    }
}

fn add_op(hash: &mut Digest, op: &Op) {
    match op {
        Op::Set { item, value } => {
            hash.add(&[1]);
            hash.add_sized(item.provider.as_bytes());
            hash.add_sized(item.item.as_bytes());
            hash.add_sized(value);
        }
        Op::Remove { item } => {
            hash.add(&[2]);
            hash.add_sized(item.provider.as_bytes());
            hash.add_sized(item.item.as_bytes());
        }
        Op::ReplaceAll { provider, items } => {
            hash.add(&[3]);
            hash.add_sized(provider.as_bytes());
            hash.add(&(items.len() as u64).to_le_bytes());
            for (name, value) in items {
                hash.add_sized(name.as_bytes());
                hash.add_sized(value);
            }
        }
    }
}

/// Entries are shared between the ring, the wire and storage.
pub type SharedEntry = Arc<Entry>;
