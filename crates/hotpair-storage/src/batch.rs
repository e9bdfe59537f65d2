//! What may be asked of a store: a batch is a list of these, done whole or not at all per file.
use crate::{Answer, Conflict, ConflictId, Entry, LosingItem, LosingStatus, RoleChange};
use bytes::Bytes;
use hotpair_types::{ItemKey, JournalHistory, JournalKind, Position};

/// The value of an item and the entry that wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The item.
    pub key: ItemKey,
    /// Its value.
    pub value: Bytes,
    /// The entry that wrote it.
    pub position: Position,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Appends entries to the config journal, changes the records they speak of, keeps their
    /// answers and moves the history on. Replicated file.
    AppendConfig(Vec<Entry>),
    /// Brings runtime data level with `history`: items that changed since the last time, items
    /// that are gone, answers since then. Replicated file.
    PutRuntime {
        /// Items with their new values.
        items: Vec<Item>,
        /// Items that are gone.
        removed: Vec<ItemKey>,
        /// Answers to writes with idempotency keys.
        answers: Vec<Answer>,
        /// Where the runtime journal ends with them.
        history: JournalHistory,
    },
    /// Replaces data by what the partner sent, in one transaction. Replicated file.
    Swap(Swap),
    /// Forgets the oldest config entries until the journal is no larger. Replicated file.
    TrimConfigJournal {
        /// The bound.
        bytes_max: u64,
    },
    /// Forgets answers of entries before a sequence. Replicated file.
    TrimAnswers {
        /// Of which journal.
        journal: JournalKind,
        /// The first sequence to keep.
        before: u64,
    },
    /// Keeps a document of the node's own. Local file.
    PutDocument {
        /// Which one.
        document: LocalDocument,
        /// What it says; the caller versions it.
        bytes: Bytes,
    },
    /// Keeps a value in a local table. Local file.
    PutLocal {
        /// The table.
        table: Box<str>,
        /// The key in it.
        key: Box<str>,
        /// The value.
        value: Bytes,
    },
    /// Forgets a value in a local table. Local file.
    RemoveLocal {
        /// The table.
        table: Box<str>,
        /// The key in it.
        key: Box<str>,
    },
    /// Records a change of role; the oldest beyond `Options::role_changes_max` are forgotten.
    /// Local file.
    AppendRoleChange(RoleChange),
    /// Keeps what lost. The same conflict and positions again change nothing but what is new.
    /// Local file.
    PutDivergence {
        /// What it is about.
        conflict: Conflict,
        /// What lost.
        items: Vec<LosingItem>,
    },
    /// Says what became of a losing item; one that is not there is ignored. Local file.
    MarkDivergence {
        /// The conflict.
        conflict: ConflictId,
        /// The sequence of the losing entry.
        sequence: u64,
        /// The change within it.
        index: u32,
        /// What became of it.
        status: LosingStatus,
    },
    /// Forgets a conflict and all that lost in it: a person decided so. Local file.
    DiscardDivergence {
        /// The conflict.
        conflict: ConflictId,
    },
}

impl Op {
    /// Whether it touches the local file; else it touches the replicated one.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        match self {
            Self::AppendConfig(_)
            | Self::PutRuntime { .. }
            | Self::Swap(_)
            | Self::TrimConfigJournal { .. }
            | Self::TrimAnswers { .. } => false,
            Self::PutDocument { .. }
            | Self::PutLocal { .. }
            | Self::RemoveLocal { .. }
            | Self::AppendRoleChange(_)
            | Self::PutDivergence { .. }
            | Self::MarkDivergence { .. }
            | Self::DiscardDivergence { .. } => true,
        }
    }
}

/// A document of an engine on this node. One record each; the caller gives it a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LocalDocument {
    /// Epoch, marks, pause, damping: what the state machine must know after a restart.
    Role,
    /// What was seen of the partner: its instance, its positions, its settings.
    PartnerSeen,
}

impl LocalDocument {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Role, Self::PartnerSeen];
}

/// What a swap replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All data of the journal's kind.
    Whole,
    /// The items from each first key on, up to but without the second; `None`: to the end.
    Ranges(Vec<(ItemKey, Option<ItemKey>)>),
}

/// Replaces data of one kind by what the partner sent: whole, or the ranges that differ. What is
/// outside the scope stays. One transaction: whoever fails half way still has the old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swap {
    /// Config or runtime.
    pub kind: JournalKind,
    /// What to replace.
    pub scope: Scope,
    /// What is there afterwards.
    pub items: Vec<Item>,
    /// The history afterwards.
    pub history: JournalHistory,
    /// Config only: the entries of the journal up to here stay, later ones go.
    pub journal_keeps_to: u64,
    /// Config only: entries that are put behind those, up to the end of `history`. The records
    /// are given by `items`, these change none.
    pub journal: Vec<Entry>,
    /// The answers of this kind afterwards; all others of the kind go.
    pub answers: Vec<Answer>,
}
