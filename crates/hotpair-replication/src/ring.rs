//! The newest entries of a journal, bounded in bytes.
use crate::SharedEntry;
use std::collections::VecDeque;

/// The newest entries, without a gap, up to the end of the journal.
#[derive(Debug)]
pub(crate) struct Ring {
    /// Each with the bytes of all entries up to and with it, since the ring was made.
    entries: VecDeque<(u64, SharedEntry)>,
    written_bytes: u64,
    dropped_bytes: u64,
    bytes_max: usize,
}

impl Ring {
    pub(crate) const fn new(bytes_max: usize) -> Self {
        Self { entries: VecDeque::new(), written_bytes: 0, dropped_bytes: 0, bytes_max }
    }

    pub(crate) fn push(&mut self, entry: SharedEntry) {
        if let Some((_, last)) = self.entries.back() {
            assert_eq!(last.position.sequence + 1, entry.position.sequence, "a ring has no gap");
        }
        self.written_bytes += entry.bytes() as u64;
        self.entries.push_back((self.written_bytes, entry));
        while self.written_bytes - self.dropped_bytes > self.bytes_max as u64 {
            let Some((until, _)) = self.entries.pop_front() else { break };
            self.dropped_bytes = until;
        }
    }

    /// Entries after this sequence are here; `last` is the end of the journal.
    pub(crate) fn after(&self, last: u64) -> u64 {
        self.entries.front().map_or(last, |(_, it)| it.position.sequence - 1)
    }

    fn index_after(&self, sequence: u64) -> Option<usize> {
        let (_, first) = self.entries.front()?;
        usize::try_from((sequence + 1).checked_sub(first.position.sequence)?).ok()
    }

    /// The entries after a sequence; none when it lies before the ring.
    pub(crate) fn iter_after(&self, sequence: u64) -> impl Iterator<Item = &SharedEntry> {
        let index = self.index_after(sequence).unwrap_or(self.entries.len());
        self.entries.range(index.min(self.entries.len())..).map(|(_, it)| it)
    }

    /// The entry with this sequence.
    pub(crate) fn get(&self, sequence: u64) -> Option<&SharedEntry> {
        let index = self.index_after(sequence.checked_sub(1)?)?;
        self.entries.get(index).map(|(_, it)| it)
    }

    /// Bytes of the entries after one and up to another sequence, as far as they are here.
    pub(crate) fn bytes_between(&self, after: u64, until: u64) -> usize {
        let upto = |sequence| match self.index_after(sequence) {
            None | Some(0) => self.dropped_bytes,
            Some(index) => {
                self.entries.get(index - 1).map_or(self.written_bytes, |(until, _)| *until)
            }
        };
        usize::try_from(upto(until).saturating_sub(upto(after))).unwrap_or(usize::MAX)
    }

    pub(crate) const fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    pub(crate) const fn set_bytes_max(&mut self, bytes_max: usize) {
        self.bytes_max = bytes_max;
    }
}
