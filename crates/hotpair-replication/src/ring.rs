//! The newest entries of a journal, bounded in bytes.
use crate::SharedEntry;
use std::collections::VecDeque;

/// The newest entries, without a gap, up to the end of the journal.
#[derive(Debug)]
pub(crate) struct Ring {
    /// Each with the bytes of all entries up to and with it, since the ring was made.
    entries: VecDeque<(u64, SharedEntry)>,
    /// The sequence of the first of them, at hand without looking at it.
    first: u64,
    written_bytes: u64,
    dropped_bytes: u64,
    bytes_max: usize,
}

impl Ring {
    pub(crate) const fn new(bytes_max: usize) -> Self {
        Self { entries: VecDeque::new(), first: 0, written_bytes: 0, dropped_bytes: 0, bytes_max }
    }

    pub(crate) fn push(&mut self, entry: SharedEntry) {
        let sequence = entry.position.sequence;
        if self.entries.is_empty() {
            self.first = sequence;
        }
        assert_eq!(self.first + self.entries.len() as u64, sequence, "a ring has no gap");
        self.written_bytes += entry.bytes() as u64;
        self.entries.push_back((self.written_bytes, entry));
        while self.written_bytes - self.dropped_bytes > self.bytes_max as u64 {
            let Some((until, _)) = self.entries.pop_front() else { break };
            self.dropped_bytes = until;
            self.first += 1;
        }
    }

    /// Entries after this sequence are here; `last` is the end of the journal.
    pub(crate) fn after(&self, last: u64) -> u64 {
        if self.entries.is_empty() { last } else { self.first - 1 }
    }

    fn index_after(&self, sequence: u64) -> Option<usize> {
        if self.entries.is_empty() {
            return None;
        }
        usize::try_from((sequence + 1).checked_sub(self.first)?).ok()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Entry, Op};
    use hotpair_types::{Epoch, ItemKey, JournalKind, NodeTime, Position};
    use std::sync::Arc;

    fn entry(sequence: u64) -> SharedEntry {
        let value = bytes::Bytes::from_static(&[0; 100]);
        Arc::new(Entry {
            kind: JournalKind::Runtime,
            position: Position { epoch: Epoch { number: 1, tag: 1 }, sequence },
            ops: vec![Op::Set { item: ItemKey::new("p", "i"), value }],
            key: None,
            written_at: NodeTime(0),
            origin: None,
            chain: [0; 32],
        })
    }

    #[test]
    fn it_keeps_the_newest_and_knows_their_bytes() {
        let one = entry(1).bytes();
        let mut ring = Ring::new(3 * one);
        assert_eq!(ring.after(7), 7);
        for sequence in 8..=12 {
            ring.push(entry(sequence));
        }
        assert_eq!(ring.after(12), 9);
        let after = |it| ring.iter_after(it).map(|it| it.position.sequence).collect::<Vec<_>>();
        assert_eq!(after(10), [11, 12]);
        assert_eq!(after(9), [10, 11, 12]);
        assert_eq!(after(8), [0; 0]);
        assert_eq!(after(12), [0; 0]);
        assert_eq!(ring.bytes_between(10, 12), 2 * one);
        assert_eq!(ring.bytes_between(3, 12), 3 * one);
        assert_eq!(ring.bytes_between(12, 12), 0);
        assert!(ring.get(9).is_none() && ring.get(13).is_none());
        assert_eq!(ring.get(10).map(|it| it.position.sequence), Some(10));
    }
}
