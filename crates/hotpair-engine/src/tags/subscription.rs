//! One reader of changes: where it stands and what it wants to hear.
use super::changes::ChangeRing;
use super::reading::Reading;
use hotpair_types::Position;
use std::collections::VecDeque;

/// Which tags a subscriber wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Those whose path begins so; the empty prefix is all.
    Prefix(Box<str>),
    /// These.
    Paths(std::collections::BTreeSet<Box<str>>),
}

impl Filter {
    fn wants(&self, path: &str) -> bool {
        match self {
            Self::Prefix(prefix) => path.starts_with(&**prefix),
            Self::Paths(paths) => paths.contains(path),
        }
    }
}

/// Where a subscription begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResumeFrom {
    /// With all values as they are, then every change.
    Snapshot,
    /// With the changes from now on.
    Now,
    /// After the last one the subscriber has, on this node or the other. The epoch is what tells
    /// that the other node's history went another way since; leave it out only if it is lost.
    After {
        /// The last sequence it has.
        sequence: u64,
        /// The number of that change's epoch.
        epoch: Option<u64>,
    },
}

/// One reader's place in the changes.
#[derive(Debug)]
pub struct Subscription {
    filter: Filter,
    at: Position,
    generation: u64,
    pending: Option<Pending>,
}

#[derive(Debug)]
struct Pending {
    first: bool,
    readings: VecDeque<Reading>,
}

/// What a subscriber gets next.
#[derive(Clone, Debug, PartialEq)]
pub enum Delivery {
    /// All values at one moment. What the subscriber has is to be replaced by it.
    Snapshot {
        /// The place it is of; changes after it follow.
        at: Position,
        /// The first part of a snapshot.
        first: bool,
        /// The last part of a snapshot.
        last: bool,
        /// Values, in order of their paths.
        readings: Vec<Reading>,
    },
    /// Changes, in the order of the journal. May be empty when none was wanted: `to` goes on.
    Changes {
        /// Resume after this one.
        to: Position,
        /// The changes.
        changes: Vec<Reading>,
    },
    /// Nothing new.
    Idle,
}

impl Subscription {
    pub(super) fn begin(
        filter: Filter,
        from: ResumeFrom,
        ring: &ChangeRing,
        readings: impl FnOnce() -> Vec<Reading>,
    ) -> Self {
        let mut new =
            Self { filter, at: ring.latest(), generation: ring.generation, pending: None };
        match from {
            ResumeFrom::Now => {}
            ResumeFrom::After { sequence, epoch } if ring.covers(sequence, epoch) => {
                new.at.sequence = sequence;
            }
            ResumeFrom::Snapshot | ResumeFrom::After { .. } => new.take_snapshot(ring, readings()),
        }
        new
    }

    pub(super) fn next(
        &mut self,
        limit: usize,
        ring: &ChangeRing,
        readings: impl FnOnce() -> Vec<Reading>,
    ) -> Delivery {
        let limit = limit.max(1);
        if self.pending.is_none()
            && (self.generation != ring.generation || !ring.covers(self.at.sequence, None))
        {
            self.take_snapshot(ring, readings());
        }
        if let Some(pending) = &mut self.pending {
            let count = limit.min(pending.readings.len());
            let readings = pending.readings.drain(..count).collect();
            let first = std::mem::replace(&mut pending.first, false);
            let last = pending.readings.is_empty();
            if last {
                self.pending = None;
            }
            return Delivery::Snapshot { at: self.at, first, last, readings };
        }
        let mut to = None;
        let mut changes = Vec::new();
        for change in ring.after(self.at.sequence, limit) {
            to = Some(change.position);
            if self.filter.wants(&change.path) {
                changes.push(change.clone());
            }
        }
        let Some(to) = to else { return Delivery::Idle };
        self.at = to;
        Delivery::Changes { to, changes }
    }

    fn take_snapshot(&mut self, ring: &ChangeRing, mut readings: Vec<Reading>) {
        readings.retain(|it| self.filter.wants(&it.path));
        self.at = ring.latest();
        self.generation = ring.generation;
        self.pending = Some(Pending { first: true, readings: readings.into() });
    }
}
