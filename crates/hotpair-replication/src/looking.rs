//! Looks at a replica for people; changes nothing.
use crate::{ChainHash, Replica, SharedEntry};
use hotpair_types::JournalKind;

impl Replica {
    /// The entries of a journal that are in memory, newest first.
    pub fn recent(&self, kind: JournalKind) -> impl Iterator<Item = &SharedEntry> {
        let journal = &self.journals[kind];
        let after = journal.ring.after(journal.history.last);
        let entries: Vec<_> = journal.ring.iter_after(after).collect();
        entries.into_iter().rev()
    }

    /// The hash of the last config entry and of everything before it.
    #[must_use]
    pub const fn config_chain(&self) -> ChainHash {
        self.journals.config.chain
    }
}
