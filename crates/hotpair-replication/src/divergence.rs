//! The divergence store: every entry that lost, kept until a person discards it.
use crate::SharedEntry;
use bytes::Bytes;
use hotpair_types::{Epoch, ItemKey, JournalKind, NodeTime, Position};

/// Names a record. The position of an entry is unique in the world (its epoch carries a random
/// tag), so exporting the same entry twice is one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DivergenceId {
    /// Of which journal.
    pub kind: JournalKind,
    /// The losing entry.
    pub entry: Position,
}

/// One losing entry, with what won in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DivergenceRecord {
    /// Its name.
    pub id: DivergenceId,
    /// The conflict it belongs to.
    pub conflict: Conflict,
    /// The entry itself, whole.
    pub entry: SharedEntry,
    /// What the winning history had for each item when it was noted.
    pub winning: Vec<Winning>,
    /// When it was noted, on the wall clock of the node that did. For people.
    pub noted_at: NodeTime,
    /// What became of it.
    pub fate: Fate,
}

/// One fork of two histories.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// The last sequence both had; `None`: older than what was remembered.
    pub fork: Option<u64>,
    /// The epoch in which the winning history stood when the conflict was found.
    pub winner: Epoch,
    /// The epoch of the last losing entry.
    pub loser: Epoch,
    /// Who won by which rule, in words.
    pub rule: Box<str>,
    /// The loser was active itself and the winner wrote too: nothing is taken over by itself.
    pub both_active: bool,
}

impl Conflict {
    /// The rule of what was overwritten although the two histories were the same. Its record bears the
    /// position of an entry that both have, and did not lose with a fork: it waits for a person.
    pub const SAME_HISTORY: &str = "the histories are the same, their contents were not";

    /// Whether it is of that kind.
    #[must_use]
    pub fn is_without_fork(&self) -> bool {
        *self.rule == *Self::SAME_HISTORY
    }
}

/// What the winning history has for an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Winning {
    /// Which item.
    pub item: ItemKey,
    /// Its value; `None`: it is not there.
    pub value: Option<Bytes>,
    /// The entry that set or removed it, if that is known.
    pub position: Option<Position>,
    /// When, if that is known.
    pub written_at: Option<NodeTime>,
}

/// What became of a losing entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// Waits for a person.
    Kept,
    /// The active took it as a new entry.
    InHistory(Position),
    /// A person had it written again.
    Replayed(Position),
    /// The active had the same write already, by its idempotency key.
    Repeated(Position),
}

impl Fate {
    /// Whether a person need not look at it.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        match self {
            Self::Kept => false,
            Self::InHistory(_) | Self::Replayed(_) | Self::Repeated(_) => true,
        }
    }
}

impl DivergenceRecord {
    /// What it counts with in frames and limits.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let winning = |it: &Winning| 96 + it.value.as_ref().map_or(0, Bytes::len);
        128 + self.entry.bytes() + self.winning.iter().map(winning).sum::<usize>()
    }
}
