//! One journal: its history, its image, its newest entries and keys, and how far it is on disk.
use crate::digest::Digest;
use crate::image::Image;
use crate::keys::Keys;
use crate::ring::Ring;
use crate::{ChainHash, Entry, JournalBoot, JournalHead, Settings, SharedEntry};
use hotpair_types::{Epoch, ItemKey, JournalHistory, JournalKind, Position, Time};
use std::sync::Arc;

/// One of the two journals.
#[derive(Debug)]
pub(crate) struct Journal {
    pub(crate) kind: JournalKind,
    pub(crate) history: JournalHistory,
    pub(crate) chain: ChainHash,
    pub(crate) image: Image,
    pub(crate) ring: Ring,
    pub(crate) keys: Keys,
    /// Appended and not given to storage yet.
    pub(crate) unissued: Vec<SharedEntry>,
    pub(crate) unissued_bytes: usize,
    /// Durable here up to this sequence.
    pub(crate) stored: u64,
    /// Entries after this sequence can be read back from storage.
    pub(crate) stored_after: u64,
    /// The partner's image differs although its history does not say so.
    pub(crate) suspect: bool,
    /// How often the image was replaced.
    pub(crate) swaps: u64,
    /// The end, at hand.
    epoch: Epoch,
}

/// What does not fit when an entry of the partner is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Misfit {
    ChainBroken,
    OtherHistory,
    RemoveOfMissing(ItemKey),
}

/// Whether a history from outside can be: its end lies in its last span, far from where sequences
/// would overflow.
pub(crate) fn is_sound(history: &JournalHistory) -> bool {
    let JournalHistory { lineage, last } = history;
    match lineage.spans().last() {
        Some(span) => span.first <= *last && *last < u64::MAX / 4,
        None => *last == 0,
    }
}

impl Journal {
    pub(crate) fn new(boot: JournalBoot, settings: &Settings) -> Self {
        let JournalBoot { head, items, entries, stored_after } = boot;
        let JournalHead { kind, history, chain, keys, keys_forgotten } = head;
        let limits = &settings.limits;
        let bytes_max = match kind {
            JournalKind::Config => limits.config_ring_bytes_max,
            JournalKind::Runtime => limits.runtime_ring_bytes_max,
        };
        let last = history.last;
        let mut ring = Ring::new(bytes_max);
        let ends_right = entries.last().is_none_or(|it| it.position.sequence == last);
        assert!(ends_right, "storage gave entries that do not end with the journal");
        let after = entries.first().map_or(last, |it| it.position.sequence - 1);
        let mut image = Image::new(items, after, limits.tombstones_max);
        for entry in entries {
            for op in &entry.ops {
                if let crate::Op::Remove { item } = op
                    && !image.contains(item)
                {
                    image.note_removed(item.clone(), entry.position);
                }
                if matches!(op, crate::Op::ReplaceAll { .. }) {
                    image.forget_removed(entry.position.sequence);
                }
            }
            ring.push(entry);
        }
        let epoch = history.position().epoch;
        let keys = Keys::new(Time::ZERO, keys, keys_forgotten);
        Self {
            kind,
            history,
            chain,
            image,
            ring,
            keys,
            unissued: Vec::new(),
            unissued_bytes: 0,
            stored: last,
            stored_after: stored_after.min(last),
            suspect: false,
            swaps: 0,
            epoch,
        }
    }

    /// Where it ends.
    pub(crate) const fn position(&self) -> Position {
        Position { epoch: self.epoch, sequence: self.history.last }
    }

    pub(crate) const fn last(&self) -> u64 {
        self.history.last
    }

    /// Whether the entry of this position is in the history.
    pub(crate) fn has(&self, position: Position) -> bool {
        position.sequence <= self.last() && self.position_of(position.sequence) == position
    }

    /// The position of the entry with this sequence, as far as the lineage remembers.
    pub(crate) fn position_of(&self, sequence: u64) -> Position {
        if sequence == 0 {
            return Position::START;
        }
        Position { epoch: self.history.lineage.epoch_of(sequence).unwrap_or(Epoch::NONE), sequence }
    }

    /// Entries after this sequence can be sent.
    pub(crate) fn entries_after(&self) -> u64 {
        let ring = self.ring.after(self.last());
        match self.kind {
            JournalKind::Config => ring.min(self.stored_after),
            JournalKind::Runtime => ring,
        }
    }

    /// The chain hash after the entry with this sequence, if it is at hand.
    pub(crate) fn chain_at(&self, sequence: u64) -> Option<ChainHash> {
        if sequence == self.last() {
            return Some(self.chain);
        }
        if sequence == 0 {
            return Some([0; 32]);
        }
        self.ring.get(sequence).map(|it| it.chain)
    }

    /// Appends an entry that was made here; gives it its chain hash.
    pub(crate) fn append(&mut self, now: Time, mut entry: Entry) -> SharedEntry {
        if self.kind == JournalKind::Config {
            entry.chain = entry.chain_after(&self.chain);
        }
        let entry = Arc::new(entry);
        for op in &entry.ops {
            let applied = self.image.apply(op, (&*entry).into());
            assert!(applied.is_ok(), "a write removes what was just seen to be there");
        }
        self.take_in(now, &entry);
        entry
    }

    /// Whether an entry of the partner is the next one of this history.
    ///
    /// # Errors
    /// `Misfit` when it is not.
    pub(crate) fn check(&self, entry: &Entry) -> Result<(), Misfit> {
        let position = entry.position;
        if entry.kind != self.kind
            || position.sequence != self.last() + 1
            || position.epoch < self.epoch
            || position.epoch.is_none()
            || !entry.belongs()
        {
            return Err(Misfit::OtherHistory);
        }
        if self.kind == JournalKind::Config && entry.chain != entry.chain_after(&self.chain) {
            return Err(Misfit::ChainBroken);
        }
        Ok(())
    }

    /// Applies an entry of the partner that was checked. It is applied also when something to be
    /// removed is not there: then the images have differed before, and the first such item is
    /// returned.
    pub(crate) fn follow(&mut self, now: Time, entry: &SharedEntry) -> Option<ItemKey> {
        let mut missing = None;
        for op in &entry.ops {
            if let Err(item) = self.image.apply(op, (&**entry).into()) {
                missing = missing.or(Some(item));
            }
        }
        self.take_in(now, entry);
        missing
    }

    fn take_in(&mut self, now: Time, entry: &SharedEntry) {
        self.history.note(entry.position);
        self.epoch = entry.position.epoch;
        self.chain = entry.chain;
        self.keys.note(now, entry);
        self.unissued_bytes += entry.bytes();
        self.unissued.push(Arc::clone(entry));
        self.ring.push(Arc::clone(entry));
    }

    /// History, chain and keys, as they are now.
    pub(crate) fn head(&self) -> JournalHead {
        JournalHead {
            kind: self.kind,
            history: self.history.clone(),
            chain: self.chain,
            keys: self.keys.kept().cloned().collect(),
            keys_forgotten: self.keys.forgotten(),
        }
    }

    /// Takes another history, chain and keys; the image has been changed to match. Entries that
    /// wait for storage are void.
    pub(crate) fn take_head(&mut self, now: Time, head: JournalHead, mut ring: Ring) {
        assert_eq!(head.kind, self.kind, "the head of the other journal");
        self.swaps += 1;
        self.epoch = head.history.position().epoch;
        self.history = head.history;
        self.chain = head.chain;
        self.keys = Keys::new(now, head.keys, head.keys_forgotten);
        ring.set_bytes_max(self.ring.bytes_max());
        self.ring = ring;
        self.image.forget_removed(self.history.last);
        self.unissued.clear();
        self.unissued_bytes = 0;
        self.stored_after = self.history.last;
    }
}

impl Journal {
    /// Hashes every item and the end.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hash = Digest::new();
        hash.add(&self.image.digest(&crate::KeyRange::default()));
        hash.add_position(self.position());
        hash.add(&self.chain);
        hash.finish()
    }
}
