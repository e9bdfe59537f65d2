//! One reader of changes: where it stands and what it wants to hear.
use super::Table;
use super::changes::ChangeRing;
use super::reading::Reading;
use hotpair_types::Position;

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
    /// Parts of the snapshot before, as long as a change may still come that they showed.
    shown: Vec<Part>,
}

/// A snapshot under way.
#[derive(Debug, Default)]
struct Pending {
    /// The last path that was looked at; none yet at the first part.
    after: Option<Box<str>>,
}

/// A part of a snapshot that was given.
#[derive(Debug)]
struct Part {
    /// Its last path; `None`: it went to the end.
    until: Option<Box<str>>,
    /// The sequence at which it was read.
    at: u64,
}

/// What a subscriber gets next.
#[derive(Clone, Debug, PartialEq)]
pub enum Delivery {
    /// All values, part by part. What the subscriber has is to be replaced by them. Each part is
    /// of its own moment; what changed since then follows as changes, and nothing comes twice.
    Snapshot {
        /// Where it was begun; changes after it follow.
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
    pub(super) fn begin(filter: Filter, from: ResumeFrom, ring: &ChangeRing) -> Self {
        let (at, generation) = (ring.latest(), ring.generation);
        let mut new = Self { filter, at, generation, pending: None, shown: Vec::new() };
        match from {
            ResumeFrom::Now => {}
            ResumeFrom::After { sequence, epoch } if ring.covers(sequence, epoch) => {
                new.at.sequence = sequence;
            }
            ResumeFrom::Snapshot | ResumeFrom::After { .. } => new.begin_snapshot(ring),
        }
        new
    }

    /// Whether a snapshot comes next.
    #[must_use]
    pub const fn begins_anew(&self) -> bool {
        self.pending.is_some()
    }

    /// Everything up to here was delivered, once `Delivery::Idle` says so.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.at
    }

    pub(super) fn next(&mut self, limit: usize, table: &Table) -> Delivery {
        let (limit, ring) = (limit.max(1), &table.ring);
        if self.generation != ring.generation || !ring.covers(self.at.sequence, None) {
            self.begin_snapshot(ring);
        }
        if let Some(Pending { after }) = self.pending.take() {
            let (readings, until) = table.page(&self.filter, after.as_deref(), limit);
            self.shown.push(Part { until: until.clone(), at: ring.latest().sequence });
            let (first, last) = (self.shown.len() == 1, until.is_none());
            self.pending = until.map(|it| Pending { after: Some(it) });
            return Delivery::Snapshot { at: self.at, first, last, readings };
        }
        let mut to = None;
        let mut changes = Vec::new();
        for change in ring.after(self.at.sequence, limit) {
            to = Some(change.position);
            if self.filter.wants(&change.path) && !self.was_shown(change) {
                changes.push(change.clone());
            }
        }
        let Some(to) = to else {
            self.at = ring.latest();
            self.shown.clear();
            return Delivery::Idle;
        };
        self.at = to;
        if self.shown.last().is_some_and(|it| it.at <= to.sequence) {
            self.shown.clear();
        }
        Delivery::Changes { to, changes }
    }

    /// Whether the part of the snapshot with this path was read after the change.
    fn was_shown(&self, change: &Reading) -> bool {
        let before = |it: &Part| it.until.as_ref().is_some_and(|it| **it < *change.path);
        let part = self.shown.partition_point(before);
        self.shown.get(part).is_some_and(|it| change.position.sequence <= it.at)
    }

    fn begin_snapshot(&mut self, ring: &ChangeRing) {
        self.at = ring.latest();
        self.generation = ring.generation;
        self.shown.clear();
        self.pending = Some(Pending::default());
    }
}
