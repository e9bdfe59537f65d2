//! Entries of journals, and what became of losing ones.
use crate::bounded::{Blob, List, Text};
use hotpair_types::{Epoch, ItemKey, JournalKind, NodeTime, Position};
use serde::{Deserialize, Serialize};

/// How many changes one entry may have.
pub const OPS_MAX: usize = 1 << 20;
/// How many items a provider may replace at once.
pub const ITEMS_MAX: usize = 1 << 20;

/// One atomic change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Which journal.
    pub kind: JournalKind,
    /// Its place.
    pub position: Position,
    /// What it changes, in order.
    pub ops: List<Op, OPS_MAX>,
    /// What its writer may repeat it with.
    pub key: Option<IdempotencyKey>,
    /// When, for people.
    pub written_at: NodeTime,
    /// Where it stood in a history that lost.
    pub origin: Option<Position>,
    /// Chain hash; zero for runtime entries.
    pub chain: [u8; 32],
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// The new value of an item.
    Set {
        /// Which.
        item: ItemKey,
        /// Its value.
        value: Blob,
    },
    /// An item goes away.
    Remove {
        /// Which.
        item: ItemKey,
    },
    /// All that a provider has.
    ReplaceAll {
        /// Which provider.
        provider: Box<str>,
        /// Its items, by name.
        items: List<(Box<str>, Blob), ITEMS_MAX>,
    },
}

/// What a writer may repeat a write with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyKey {
    /// Its name.
    pub key: Text<256>,
    /// When the writer made it, by the writer's clock.
    pub issued: Option<NodeTime>,
}

/// A key that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptKey {
    /// The key.
    pub key: IdempotencyKey,
    /// What its writer was answered.
    pub answer: Position,
    /// The sequence of its entry.
    pub sequence: u64,
    /// The wall clock of its entry.
    pub written_at: NodeTime,
}

/// The current value of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The value.
    pub value: Blob,
    /// The entry that set it.
    pub position: Position,
    /// When, for people.
    pub written_at: NodeTime,
}

/// Names a losing entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DivergenceId {
    /// Of which journal.
    pub kind: JournalKind,
    /// Where it stood.
    pub entry: Position,
}

/// A losing entry with what won in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DivergenceRecord {
    /// Its name.
    pub id: DivergenceId,
    /// The conflict.
    pub conflict: Conflict,
    /// The entry.
    pub entry: Entry,
    /// What the winning history has for its items.
    pub winning: List<Winning, OPS_MAX>,
    /// When it was noted, for people.
    pub noted_at: NodeTime,
    /// What became of it.
    pub fate: Fate,
}

/// One fork of two histories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The last sequence both had.
    pub fork: Option<u64>,
    /// The epoch of the winning history.
    pub winner: Epoch,
    /// The epoch of the last losing entry.
    pub loser: Epoch,
    /// Who won by which rule, in words.
    pub rule: Text<1024>,
    /// Both had been active and both wrote.
    pub both_active: bool,
}

/// What the winning history has for an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Winning {
    /// Which.
    pub item: ItemKey,
    /// Its value.
    pub value: Option<Blob>,
    /// The entry that set or removed it.
    pub position: Option<Position>,
    /// When.
    pub written_at: Option<NodeTime>,
}

/// What became of a losing entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// Waits for a person.
    Kept,
    /// Taken as a new entry.
    InHistory(Position),
    /// Written again by a person.
    Replayed(Position),
    /// It was there already, by its key.
    Repeated(Position),
}
