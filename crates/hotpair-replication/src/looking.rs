//! Looks at a replica for people; changes nothing. Much is read a page at a time, so that nobody
//! waits for long: what has changed since the first page is then read again.
use crate::{ChainHash, Record, Replica, SharedEntry};
use hotpair_types::JournalKind;

/// A moment of a journal, for those who read it in pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadPoint {
    swaps: u64,
    sequence: u64,
}

impl ReadPoint {
    /// The moment after this sequence.
    #[must_use]
    pub const fn after_sequence(self, sequence: u64) -> Self {
        Self { sequence, ..self }
    }

    /// The moment after an entry that came later.
    #[must_use]
    pub const fn after(self, entry: &crate::Entry) -> Self {
        Self { sequence: entry.position.sequence, ..self }
    }
}

impl Replica {
    /// The entries of a journal that are in memory, newest first.
    pub fn recent(&self, kind: JournalKind) -> impl Iterator<Item = &SharedEntry> {
        let journal = &self.journals[kind];
        let after = journal.ring.after(journal.history.last);
        let entries: Vec<_> = journal.ring.iter_after(after).collect();
        entries.into_iter().rev()
    }

    /// Whether this node was brought level and follows what its active sends.
    #[must_use]
    pub fn is_level(&self) -> bool {
        self.syncing.as_ref().is_some_and(|it| it.stage == crate::syncing::Stage::Level)
    }

    /// Whether the other has the same items and ends, in both journals: as equal digests say, of two in one
    /// process.
    #[must_use]
    pub fn has_data_of(&self, other: &Self) -> bool {
        JournalKind::ALL.into_iter().all(|kind| {
            let (one, other) = (&self.journals[kind], &other.journals[kind]);
            one.position() == other.position()
                && one.chain == other.chain
                && one.image.has_items_of(&other.image)
        })
    }

    /// The hash of the last config entry and of everything before it.
    #[must_use]
    pub const fn config_chain(&self) -> ChainHash {
        self.journals.config.chain
    }

    /// The items of a provider ("" for config) whose names begin with `prefix` and come after
    /// `after`, in order.
    pub fn items_after<'a>(
        &'a self,
        kind: JournalKind,
        provider: &str,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a str, &'a Record)> + 'a {
        self.journals[kind].image.of_provider_after(provider, prefix, after)
    }

    /// This moment.
    #[must_use]
    pub fn read_point(&self, kind: JournalKind) -> ReadPoint {
        let journal = &self.journals[kind];
        ReadPoint { swaps: journal.swaps, sequence: journal.last() }
    }

    /// The entries since a moment, oldest first; `None`: they are not in memory any more, or the
    /// image was replaced since.
    pub fn entries_since(
        &self,
        kind: JournalKind,
        point: ReadPoint,
    ) -> Option<impl Iterator<Item = &SharedEntry>> {
        let journal = &self.journals[kind];
        let known = journal.swaps == point.swaps
            && (journal.ring.after(journal.last())..=journal.last()).contains(&point.sequence);
        known.then(|| journal.ring.iter_after(point.sequence))
    }
}
