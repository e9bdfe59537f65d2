//! One value for each of the two journals.
use hotpair_types::JournalKind;
use std::ops::{Index, IndexMut};

/// One value for each journal of an engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerJournal<T> {
    /// The value of the config journal.
    pub config: T,
    /// The value of the runtime journal.
    pub runtime: T,
}

impl<T> PerJournal<T> {
    /// Makes the value of each journal.
    pub fn from_fn(mut make: impl FnMut(JournalKind) -> T) -> Self {
        Self { config: make(JournalKind::Config), runtime: make(JournalKind::Runtime) }
    }
}

impl<T> Index<JournalKind> for PerJournal<T> {
    type Output = T;

    fn index(&self, kind: JournalKind) -> &T {
        match kind {
            JournalKind::Config => &self.config,
            JournalKind::Runtime => &self.runtime,
        }
    }
}

impl<T> IndexMut<JournalKind> for PerJournal<T> {
    fn index_mut(&mut self, kind: JournalKind) -> &mut T {
        match kind {
            JournalKind::Config => &mut self.config,
            JournalKind::Runtime => &mut self.runtime,
        }
    }
}
