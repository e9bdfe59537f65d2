//! Which epochs a history is made of: tells "behind" from "diverged".
use crate::{Epoch, JournalKind, Position, Positions};

/// How many spans a lineage remembers. Older ones are forgotten; two histories that share none of
/// what both remember count as diverged.
pub const LINEAGE_SPANS_MAX: usize = 64;

/// One stretch of a history: the epoch and the sequence of its first entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Span {
    /// Who wrote.
    pub epoch: Epoch,
    /// The first sequence written under it.
    pub first: u64,
}

/// The spans of one journal, oldest first, epochs and sequences growing. An epoch without entries
/// is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Vec<Span>", into = "Vec<Span>"))]
pub struct Lineage(Vec<Span>);

/// Spans that cannot be a lineage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a lineage: {reason} at span {index}")]
pub struct LineageError {
    reason: &'static str,
    index: usize,
}

/// How one history stands to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// The same entries.
    Equal,
    /// Contains all of the other and more; the other ends at `shared`.
    Ahead {
        /// The last sequence both have.
        shared: u64,
    },
    /// The other contains all of this and more; this one ends at `shared`.
    Behind {
        /// The last sequence both have.
        shared: u64,
    },
    /// Each has entries that the other lacks.
    Diverged {
        /// The last sequence both have; `None` when it is older than what both remember.
        shared: Option<u64>,
    },
}

impl Relation {
    /// Whether nothing of the other is missing here.
    #[must_use]
    pub const fn contains_other(self) -> bool {
        matches!(self, Self::Equal | Self::Ahead { .. })
    }
}

impl Lineage {
    /// Checks spans that came from outside.
    ///
    /// # Errors
    /// `LineageError` when there are too many, or epochs or sequences do not grow.
    pub fn new(spans: Vec<Span>) -> Result<Self, LineageError> {
        if spans.len() > LINEAGE_SPANS_MAX {
            return Err(LineageError { reason: "too many spans", index: LINEAGE_SPANS_MAX });
        }
        let grows = |it: &[Span]| it[0].epoch < it[1].epoch && it[0].first < it[1].first;
        if let Some(index) = spans.windows(2).position(|it| !grows(it)) {
            return Err(LineageError {
                reason: "epochs or sequences do not grow",
                index: index + 1,
            });
        }
        if spans.first().is_some_and(|it| it.first == 0 || it.epoch.is_none()) {
            return Err(LineageError { reason: "begins before the first entry", index: 0 });
        }
        Ok(Self(spans))
    }

    /// The spans, oldest first.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.0
    }

    /// Notes an entry. Only the first of an epoch changes anything.
    pub fn note(&mut self, position: Position) {
        if let Some(last) = self.0.last() {
            assert!(
                last.epoch <= position.epoch,
                "an entry of {} after {}",
                position.epoch,
                last.epoch
            );
            assert!(last.first <= position.sequence, "an entry before the span it belongs to");
            if last.epoch == position.epoch {
                return;
            }
        }
        if self.0.len() == LINEAGE_SPANS_MAX {
            self.0.remove(0);
        }
        self.0.push(Span { epoch: position.epoch, first: position.sequence });
    }

    /// Forgets every entry after `sequence`.
    pub fn truncate_after(&mut self, sequence: u64) {
        self.0.retain(|it| it.first <= sequence);
    }

    /// The epoch of the entry with this sequence, if that is remembered.
    #[must_use]
    pub fn epoch_of(&self, sequence: u64) -> Option<Epoch> {
        self.0.iter().rev().find(|it| it.first <= sequence).map(|it| it.epoch)
    }

    /// The first sequence this lineage still knows the epoch of.
    #[must_use]
    pub fn oldest(&self) -> Option<u64> {
        self.0.first().map(|it| it.first)
    }
}

impl TryFrom<Vec<Span>> for Lineage {
    type Error = LineageError;

    fn try_from(spans: Vec<Span>) -> Result<Self, LineageError> {
        Self::new(spans)
    }
}

impl From<Lineage> for Vec<Span> {
    fn from(lineage: Lineage) -> Self {
        lineage.0
    }
}

/// One journal's history: its spans and its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct JournalHistory {
    /// Which epochs it is made of.
    pub lineage: Lineage,
    /// The last sequence; 0 when it is empty.
    pub last: u64,
}

impl JournalHistory {
    /// Where it ends.
    #[must_use]
    pub fn position(&self) -> Position {
        let epoch = self.lineage.epoch_of(self.last).unwrap_or(Epoch::NONE);
        Position { epoch, sequence: self.last }
    }

    /// Whether there is no entry.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.last == 0
    }

    /// Appends one entry.
    pub fn note(&mut self, position: Position) {
        assert_eq!(position.sequence, self.last + 1, "a journal has no gap");
        self.lineage.note(position);
        self.last = position.sequence;
    }

    /// Forgets every entry after `sequence`.
    pub fn truncate_after(&mut self, sequence: u64) {
        self.lineage.truncate_after(sequence);
        self.last = self.last.min(sequence);
    }

    /// The last sequence of the span at `index`.
    fn end_of(&self, index: usize) -> u64 {
        self.lineage.0.get(index + 1).map_or(self.last, |it| it.first - 1)
    }

    /// The last sequence both have; `None` when it is older than what both remember.
    #[must_use]
    pub fn shared_with(&self, other: &Self) -> Option<u64> {
        if self.is_empty() || other.is_empty() {
            return Some(0);
        }
        for (mine, span) in self.lineage.0.iter().enumerate().rev() {
            let same = other.lineage.0.iter().position(|it| it == span);
            if let Some(theirs) = same {
                return Some(self.end_of(mine).min(other.end_of(theirs)));
            }
        }
        let complete = |it: &Self| it.lineage.oldest() == Some(1);
        (complete(self) && complete(other)).then_some(0)
    }

    /// How this history stands to the other.
    #[must_use]
    pub fn relation_to(&self, other: &Self) -> Relation {
        let Some(shared) = self.shared_with(other) else {
            return Relation::Diverged { shared: None };
        };
        match (self.last > shared, other.last > shared) {
            (false, false) => Relation::Equal,
            (true, false) => Relation::Ahead { shared },
            (false, true) => Relation::Behind { shared },
            (true, true) => Relation::Diverged { shared: Some(shared) },
        }
    }
}

/// Both histories of an engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct History {
    /// The config journal.
    pub config: JournalHistory,
    /// The runtime journal.
    pub runtime: JournalHistory,
}

impl History {
    /// One of them.
    #[must_use]
    pub const fn of(&self, kind: JournalKind) -> &JournalHistory {
        match kind {
            JournalKind::Config => &self.config,
            JournalKind::Runtime => &self.runtime,
        }
    }

    /// Where both end.
    #[must_use]
    pub fn positions(&self) -> Positions {
        Positions { config: self.config.position(), runtime: self.runtime.position() }
    }

    /// Whether neither journal has an entry.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.config.is_empty() && self.runtime.is_empty()
    }

    /// Whether nothing of the other is missing here, in either journal.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.config.relation_to(&other.config).contains_other()
            && self.runtime.relation_to(&other.runtime).contains_other()
    }

    /// Whether both journals are the same.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        self.config.relation_to(&other.config) == Relation::Equal
            && self.runtime.relation_to(&other.runtime) == Relation::Equal
    }

    /// Whether either journal has entries on both sides that the other lacks.
    #[must_use]
    pub fn diverged_from(&self, other: &Self) -> bool {
        JournalKind::ALL.iter().any(|&kind| {
            matches!(self.of(kind).relation_to(other.of(kind)), Relation::Diverged { .. })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(spans: &[(u64, u64)], last: u64) -> JournalHistory {
        let span = |&(number, first)| Span { epoch: Epoch { number, tag: number }, first };
        JournalHistory { lineage: Lineage::new(spans.iter().map(span).collect()).unwrap(), last }
    }

    #[test]
    fn behind_is_not_diverged() {
        let old = history(&[(1, 1)], 5);
        let new = history(&[(1, 1), (2, 6)], 9);
        assert_eq!(old.relation_to(&new), Relation::Behind { shared: 5 });
        assert_eq!(new.relation_to(&old), Relation::Ahead { shared: 5 });
        assert_eq!(new.relation_to(&new), Relation::Equal);
    }

    #[test]
    fn both_wrote_after_the_fork() {
        let a = history(&[(1, 1)], 8);
        let b = history(&[(1, 1), (2, 6)], 6);
        assert_eq!(a.relation_to(&b), Relation::Diverged { shared: Some(5) });
        let c = history(&[(1, 1), (3, 6)], 7);
        assert_eq!(c.relation_to(&b), Relation::Diverged { shared: Some(5) });
    }

    #[test]
    fn an_empty_history_is_behind_everything() {
        let a = history(&[(1, 1)], 8);
        assert_eq!(JournalHistory::default().relation_to(&a), Relation::Behind { shared: 0 });
        assert_eq!(a.relation_to(&JournalHistory::default()), Relation::Ahead { shared: 0 });
        assert_eq!(
            JournalHistory::default().relation_to(&JournalHistory::default()),
            Relation::Equal
        );
    }

    #[test]
    fn beyond_the_bound_is_diverged() {
        let mut a = JournalHistory::default();
        for number in 1..=70 {
            a.note(Position { epoch: Epoch { number, tag: 0 }, sequence: number });
        }
        assert_eq!(a.lineage.spans().len(), LINEAGE_SPANS_MAX);
        let b = history(&[(1, 1)], 3);
        assert_eq!(a.relation_to(&b), Relation::Diverged { shared: None });
    }

    #[test]
    fn spans_from_outside_are_checked() {
        let span = |number, first| Span { epoch: Epoch { number, tag: 0 }, first };
        assert!(Lineage::new(vec![span(2, 1), span(1, 5)]).is_err());
        assert!(Lineage::new(vec![span(1, 5), span(2, 5)]).is_err());
        assert!(Lineage::new(vec![span(0, 1)]).is_err());
    }
}
