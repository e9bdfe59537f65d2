//! What lost an election: kept until a person discards it (docs/design/replication.md,
//! "Divergence store").
use bytes::Bytes;
use hotpair_types::{Designation, Epoch, ItemKey, JournalKind, NodeTime, Position};
use std::fmt;

/// Names a conflict: made from its journal, fork and epochs, so that both nodes, and a second
/// export after a crash, give it the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConflictId(pub u64);

impl fmt::Display for ConflictId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl std::str::FromStr for ConflictId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// Two histories that parted, and who won.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Which journal.
    pub journal: JournalKind,
    /// The last sequence both had; `None` when it is older than what both remembered.
    pub fork: Option<u64>,
    /// The epoch the winner's history ended in.
    pub winner_epoch: Epoch,
    /// The epoch the loser's history ended in.
    pub loser_epoch: Epoch,
    /// Whose entries lost.
    pub loser: Designation,
    /// The rule that decided.
    pub rule: String,
    /// When it was found, on the clock of the node that wrote it down.
    pub found_at: NodeTime,
}

impl Conflict {
    /// The name of this conflict: the same for the same journal, fork and epochs.
    #[must_use]
    pub fn id(&self) -> ConflictId {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"hotpair conflict v1");
        hasher.update(&[self.journal as u8]);
        hasher.update(&self.fork.map_or(u64::MAX, |it| it).to_le_bytes());
        for epoch in [self.winner_epoch, self.loser_epoch] {
            hasher.update(&epoch.number.to_le_bytes());
            hasher.update(&epoch.tag.to_le_bytes());
        }
        let hash = hasher.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        ConflictId(u64::from_le_bytes(first))
    }
}

/// What became of a losing value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LosingStatus {
    /// Nobody looked at it yet.
    Kept,
    /// It is in the winning history, too.
    Present,
    /// A person had it written again.
    Replayed,
}

impl fmt::Display for LosingStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kept => "kept",
            Self::Present => "present",
            Self::Replayed => "replayed",
        })
    }
}

/// One item a losing entry changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LosingItem {
    /// The place of the entry in the losing history.
    pub position: Position,
    /// Counts the changes within the entry, from 0.
    pub index: u32,
    /// The item.
    pub item: ItemKey,
    /// The value that lost; `None` when the entry removed the item.
    pub losing: Option<Bytes>,
    /// The value that won; `None` when the winner has no such item.
    pub winning: Option<Bytes>,
    /// When the losing value was written.
    pub losing_at: NodeTime,
    /// When the winning value was written, if that is known.
    pub winning_at: Option<NodeTime>,
    /// The idempotency key of the losing entry: honoured by a replay.
    pub idempotency_key: Option<Box<str>>,
    /// What became of it.
    pub status: LosingStatus,
}

/// A conflict as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredConflict {
    /// Its name.
    pub id: ConflictId,
    /// What it is about.
    pub conflict: Conflict,
    /// How many losing items are stored.
    pub items: u64,
    /// How many of them nobody looked at yet.
    pub kept: u64,
}

/// How much the divergence store holds. It is never trimmed silently; beyond the bound it alarms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DivergenceUsage {
    /// Conflicts.
    pub conflicts: u64,
    /// Losing items.
    pub items: u64,
    /// Bytes of both.
    pub bytes: u64,
    /// Whether it holds more than `Options::divergence_bytes_alarm`.
    pub alarm: bool,
}
