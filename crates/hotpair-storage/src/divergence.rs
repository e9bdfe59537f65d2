//! What lost an election: kept until a person discards it (docs/design/replication.md,
//! "Divergence store").
use crate::Entry;
use bytes::Bytes;
use hotpair_types::{Epoch, ItemKey, JournalKind, NodeTime, Position};

/// Names a losing entry. Its position is unique, so putting it twice is putting it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DivergenceId {
    /// Which journal.
    pub journal: JournalKind,
    /// The place of the entry in the history that lost.
    pub entry: Position,
}

/// Two histories that parted, and who won.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// The last sequence both had; `None` when it is older than what both remembered.
    pub fork: Option<u64>,
    /// The epoch the winner stood in.
    pub winner: Epoch,
    /// The epoch of the last losing entry.
    pub loser: Epoch,
    /// The rule that decided, in words.
    pub rule: Box<str>,
    /// Both were active.
    pub both_active: bool,
}

/// One losing entry, with what won in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DivergenceRecord {
    /// Its name.
    pub id: DivergenceId,
    /// The conflict it belongs to.
    pub conflict: Conflict,
    /// The entry, whole.
    pub entry: Entry,
    /// What the winning history had for its items.
    pub winning: Vec<Winning>,
    /// When it was noted, on the clock of the node that did.
    pub noted_at: NodeTime,
    /// What became of it.
    pub fate: Fate,
}

/// What the winning history has for an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Winning {
    /// The item.
    pub item: ItemKey,
    /// Its value; `None` when it is not there.
    pub value: Option<Bytes>,
    /// The entry that set or removed it, if that is known.
    pub position: Option<Position>,
    /// When, if that is known.
    pub written_at: Option<NodeTime>,
}

/// What became of a losing entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It waits for a person.
    Kept,
    /// It was taken over as a new entry.
    InHistory(Position),
    /// A person had it written again.
    Replayed(Position),
    /// The winner had the same write already.
    Repeated(Position),
}

/// How much the divergence store holds. It is never trimmed; beyond the bound it alarms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DivergenceUsage {
    /// Losing entries.
    pub records: u64,
    /// Their bytes on disk.
    pub bytes: u64,
    /// Whether it holds more than `Options::divergence_bytes_alarm`.
    pub alarm: bool,
}
