//! Reads many items in steps that are short for the driver, and still at one position: a page at a
//! time, and in the end what has changed since the first page.
use super::Face;
use crate::driver::Driver;
use hotpair_api::face::{Problem, ProblemKind};
use hotpair_core::EngineIndex;
use hotpair_replication::{Op, ReadPoint, Record};
use hotpair_types::{ItemKey, JournalKind};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Items read in one step.
const PAGE_ITEMS_MAX: usize = 1_000;
/// Changes looked at in one step; an entry is never split.
const PAGE_CHANGES_MAX: usize = 2_000;
/// How often it is begun anew because the changes since the first page are not known any more.
const TRIES_MAX: usize = 5;
/// Steps that only catch up with changes, before the reader is told to come again.
const CATCH_UP_MAX: usize = 2_000;

/// Items by name.
pub(super) type Items = BTreeMap<Box<str>, Record>;

/// Which items: those of one provider ("" for config).
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) engine: EngineIndex,
    pub(super) kind: JournalKind,
    pub(super) provider: Box<str>,
}

/// One page, and the moment it was read.
struct Page {
    items: Vec<(Box<str>, Record)>,
    more: bool,
    at: ReadPoint,
}

/// What a step that catches up found.
enum Step<T, F> {
    /// These items have changed; there is more.
    Behind { changed: Vec<(Box<str>, Option<Record>)>, at: ReadPoint, finish: F },
    /// These were the last, and what was to be done at that very moment is done.
    Level { changed: Vec<(Box<str>, Option<Record>)>, done: T },
    /// What has changed is not known any more.
    Lost { finish: F },
}

impl Face {
    /// All items that are wanted. `finish` runs on the driver's thread at the moment of which they
    /// are: nothing is written between.
    pub(super) async fn gather<T, F>(
        &self,
        wanted: Wanted,
        mut finish: F,
    ) -> Result<(Items, T), Problem>
    where
        T: Send + 'static,
        F: FnOnce(&mut Driver) -> T + Send + 'static,
    {
        for _ in 0..TRIES_MAX {
            let (mut items, mut at) = self.pages(&wanted).await?;
            for _ in 0..CATCH_UP_MAX {
                let of = wanted.clone();
                match self.call(move |driver| driver.catch_up(&of, at, finish)).await? {
                    Step::Behind { changed, at: until, finish: later } => {
                        (at, finish) = (until, later);
                        overlay(&mut items, changed);
                    }
                    Step::Level { changed, done } => {
                        overlay(&mut items, changed);
                        return Ok((items, done));
                    }
                    Step::Lost { finish: later } => {
                        finish = later;
                        break;
                    }
                }
            }
        }
        let text = "so much is being written that all of it cannot be read at one position";
        Err(Problem::new(ProblemKind::Overloaded, text).retry_after(Duration::from_secs(1)))
    }

    /// All pages, each of its own moment; the moment of the first.
    async fn pages(&self, wanted: &Wanted) -> Result<(Items, ReadPoint), Problem> {
        let mut items = Items::new();
        let mut begun = None;
        let mut after: Option<Box<str>> = None;
        loop {
            let (of, from) = (wanted.clone(), after.take());
            let page = self.call(move |driver| driver.page(&of, from.as_deref())).await?;
            let Page { items: read, more, at } = page;
            let begun = *begun.get_or_insert(at);
            after = read.last().filter(|_| more).map(|it| it.0.clone());
            items.extend(read);
            if after.is_none() {
                return Ok((items, begun));
            }
        }
    }
}

impl Driver {
    fn page(&self, wanted: &Wanted, after: Option<&str>) -> Page {
        let replica = self.replica(wanted.engine);
        let mut rest = replica.items_after(wanted.kind, &wanted.provider, "", after);
        let read = rest.by_ref().take(PAGE_ITEMS_MAX);
        let items = read.map(|(name, record)| (name.into(), record.clone())).collect();
        Page { items, more: rest.next().is_some(), at: replica.read_point(wanted.kind) }
    }

    fn catch_up<T, F: FnOnce(&mut Self) -> T>(
        &mut self,
        wanted: &Wanted,
        since: ReadPoint,
        finish: F,
    ) -> Step<T, F> {
        let replica = self.replica(wanted.engine);
        let Some(mut entries) = replica.entries_since(wanted.kind, since) else {
            return Step::Lost { finish };
        };
        let (mut names, mut looked_at, mut at) = (BTreeSet::new(), 0, since);
        for entry in entries.by_ref() {
            for op in &entry.ops {
                looked_at += 1;
                match op {
                    Op::Set { item, .. } | Op::Remove { item } => {
                        if item.provider == wanted.provider {
                            names.insert(&*item.item);
                        }
                    }
                    // Names that are gone are not told: only another beginning finds them.
                    Op::ReplaceAll { provider, .. } if *provider == wanted.provider => {
                        return Step::Lost { finish };
                    }
                    Op::ReplaceAll { .. } => {}
                }
            }
            at = at.after(entry);
            if looked_at >= PAGE_CHANGES_MAX {
                break;
            }
        }
        let now = |name: &str| {
            let item = ItemKey { provider: wanted.provider.clone(), item: name.into() };
            (Box::from(name), replica.get(wanted.kind, &item).cloned())
        };
        let changed = names.into_iter().map(now).collect();
        if entries.next().is_some() {
            return Step::Behind { changed, at, finish };
        }
        drop(entries);
        Step::Level { changed, done: finish(self) }
    }
}

fn overlay(items: &mut Items, changed: Vec<(Box<str>, Option<Record>)>) {
    for (name, record) in changed {
        match record {
            Some(record) => {
                items.insert(name, record);
            }
            None => {
                items.remove(&name);
            }
        }
    }
}
