//! What may be asked of a store: a batch is a list of these, done whole or not at all per file.
use crate::{DivergenceId, DivergenceRecord, Entry, Head, Item, RoleChange};
use bytes::Bytes;
use hotpair_types::{ItemKey, JournalKind};

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Appends entries to a journal, does to its items what they say, keeps their keys and moves
    /// lineage, chain and end on. The oldest entries and keys beyond the bounds of `Options` are
    /// forgotten. Replicated file.
    Append {
        /// Which journal.
        journal: JournalKind,
        /// Without a gap after what is stored.
        entries: Vec<Entry>,
    },
    /// Replaces journals by what the partner sent, all of them in one transaction: whoever fails
    /// half way still has the old. Replicated file.
    Swap(Vec<Swap>),
    /// Keeps the record of the state machine; the caller gives it a version. Local file.
    PutRole(Bytes),
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
    /// Keeps what lost, over records with the same name. Local file.
    PutDivergence(Vec<DivergenceRecord>),
    /// Forgets what lost: a person decided so. Local file.
    DropDivergence(Vec<DivergenceId>),
}

/// The new state of one journal. The entries stored before are void: it goes on after `head`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swap {
    /// Which journal.
    pub journal: JournalKind,
    /// Where it stands afterwards, with its keys.
    pub head: Head,
    /// Whether every item is forgotten first.
    pub clear: bool,
    /// Items that are put.
    pub sets: Vec<Item>,
    /// Items that are taken away.
    pub removes: Vec<ItemKey>,
}

impl Op {
    /// Whether it touches the local file; else it touches the replicated one.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        match self {
            Self::Append { .. } | Self::Swap(_) => false,
            Self::PutRole(_)
            | Self::PutLocal { .. }
            | Self::RemoveLocal { .. }
            | Self::AppendRoleChange(_)
            | Self::PutDivergence(_)
            | Self::DropDivergence(_) => true,
        }
    }
}
