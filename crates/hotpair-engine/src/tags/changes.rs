//! The newest changes of all tags, bounded, so that a subscriber can go on where it was.
use super::reading::Reading;
use hotpair_types::{Epoch, Position};
use std::collections::VecDeque;

const CHANGES_MAX: usize = 65_536;
const CHANGE_BYTES_MAX: usize = 16 * 1024 * 1024;
const SPANS_MAX: usize = 64;

/// Every change after `floor`, in the order of the journal.
#[derive(Default)]
pub(super) struct ChangeRing {
    changes: VecDeque<Reading>,
    bytes: usize,
    floor: Position,
    latest: Position,
    /// Under which epoch the sequences from this one on were written, as far as was seen.
    spans: VecDeque<(u64, Epoch)>,
    /// Grows when the history was replaced: whoever followed the old one needs a snapshot.
    pub(super) generation: u64,
}

impl ChangeRing {
    pub(super) fn push(&mut self, position: Position, change: Reading) {
        // The history went another way than we saw it go: nobody can go on from the old one.
        if position.sequence < self.latest.sequence
            || (position.sequence == self.latest.sequence && position.epoch != self.latest.epoch)
        {
            self.reset(Position {
                epoch: position.epoch,
                sequence: position.sequence.saturating_sub(1),
            });
        }
        self.note(position);
        self.bytes += change.memory_bytes();
        self.changes.push_back(change);
        while self.changes.len() > CHANGES_MAX || self.bytes > CHANGE_BYTES_MAX {
            self.forget_oldest_entry();
        }
    }

    pub(super) fn reset(&mut self, at: Position) {
        let generation = self.generation + 1;
        *self = Self { floor: at, latest: at, generation, ..Self::default() };
        self.spans.push_back((at.sequence, at.epoch));
    }

    pub(super) fn is_behind(&self, position: Position) -> bool {
        self.latest.sequence < position.sequence
    }

    /// Entries without a change of a tag, up to here.
    pub(super) fn go_on(&mut self, position: Position) {
        if self.is_behind(position) {
            self.note(position);
        }
    }

    pub(super) fn latest(&self) -> Position {
        self.latest
    }

    /// Whether everything after this place is still here, and it is a place of this history.
    pub(super) fn covers(&self, sequence: u64, epoch: Option<u64>) -> bool {
        let known = self.spans.iter().rev().find(|(first, _)| *first <= sequence);
        let same = epoch.is_none_or(|it| known.is_some_and(|(_, seen)| seen.number == it));
        let start = sequence == 0 && self.floor.sequence == 0;
        (self.floor.sequence..=self.latest.sequence).contains(&sequence) && (same || start)
    }

    /// The changes after `sequence`: about `limit`, never a part of an entry.
    pub(super) fn after(&self, sequence: u64, limit: usize) -> impl Iterator<Item = &Reading> {
        let begin = self.changes.partition_point(|it| it.position.sequence <= sequence);
        let end = self.changes.get((begin + limit.min(CHANGES_MAX)).saturating_sub(1)).map_or(
            self.changes.len(),
            |last| {
                self.changes.partition_point(|it| it.position.sequence <= last.position.sequence)
            },
        );
        self.changes.range(begin..end)
    }

    fn note(&mut self, position: Position) {
        if self.spans.back().is_none_or(|(_, epoch)| *epoch != position.epoch) {
            self.spans.push_back((position.sequence, position.epoch));
            if self.spans.len() > SPANS_MAX {
                self.spans.pop_front();
            }
        }
        self.latest = position;
    }

    fn forget_oldest_entry(&mut self) {
        let Some(oldest) = self.changes.front().map(|it| it.position) else { return };
        while let Some(change) = self.changes.front()
            && change.position == oldest
        {
            self.bytes -= change.memory_bytes();
            self.changes.pop_front();
        }
        self.floor = oldest;
    }
}
