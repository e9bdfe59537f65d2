//! What a level pair says when it compares what it has.
use crate::KeyRange;
use hotpair_types::{ItemKey, JournalKind, Position};

/// What an active has in a range at a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Of which journal.
    pub kind: JournalKind,
    /// Its number.
    pub request: u64,
    /// Where the journal ended.
    pub at: Position,
    /// The range.
    pub range: KeyRange,
    /// How many items are in it.
    pub items: u64,
    /// BLAKE3 over them in order: key, value, position.
    pub digest: [u8; 32],
    /// Each item with its hash, when the range is known to differ; else empty.
    pub each: Vec<(ItemKey, [u8; 32])>,
}

/// What a standby found in a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The same.
    Same,
    /// It is not at that position.
    Elsewhere,
    /// Something else: send each item's hash.
    Differs,
    /// This item differs.
    Item(ComparedItem),
}

/// An item that differs, with the hash of what each side has: key, value, position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedItem {
    /// It.
    pub item: ItemKey,
    /// At the active; `None`: it is not there.
    pub active: Option<[u8; 32]>,
    /// At the standby.
    pub standby: Option<[u8; 32]>,
}
