//! The history of one engine, as a runtime state provider like any other.
use super::block::BlockId;
use super::head::Head;
use super::held::{Block, Change, Held, Open, Place};
use crate::{Item, Post, ProviderError, RuntimeStateProvider, Update};
use bytes::Bytes;
use hotpair_types::{NodeTime, Position};
use std::sync::{RwLock, RwLockReadGuard};

/// The provider under whose name history travels.
pub const PROVIDER: &str = "history";

/// What is recorded and not yet in the sink.
///
/// The active goes, as with checkpoints: what is to be posted is prepared (`acting.rs`), the node posts it,
/// and with the place that the journal gave it is committed. The partner takes it through the provider
/// interface. Both check the same, and take an entry whole or not at all.
#[derive(Debug, Default)]
pub struct History {
    held: RwLock<Held>,
}

/// How much is held, and how far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The counts.
    pub head: Head,
    /// Sealed blocks.
    pub blocks: u64,
    /// Samples, those of blocks included.
    pub records: u64,
    /// Samples that are in no block yet.
    pub open_records: u64,
    /// Bytes, those of blocks included, with what an item costs beside its value.
    pub bytes: u64,
    /// When the oldest sample was taken, by the clock of the node that did.
    pub oldest_at: Option<NodeTime>,
}

/// The oldest block.
#[derive(Clone, Debug)]
pub struct Oldest {
    /// Its name.
    pub id: BlockId,
    /// The entry that sealed it: when that is safe, it may go to the sink.
    pub position: Position,
    /// What it holds, for [`scans`](super::scans).
    pub bytes: Bytes,
}

impl History {
    /// Nothing recorded yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How much is held.
    #[must_use]
    pub fn shown(&self) -> Shown {
        let held = self.held();
        let block = held.blocks.front().map(|it| it.at);
        Shown {
            head: held.head,
            blocks: held.blocks.len() as u64,
            records: held.block_records + held.open_records,
            open_records: held.open_records,
            bytes: held.bytes(),
            oldest_at: block.or_else(|| held.open.front().map(|it| it.at)),
        }
    }

    /// The block that goes to the sink next.
    #[must_use]
    pub fn oldest(&self) -> Option<Oldest> {
        let held = self.held();
        let Block { id, position, bytes, .. } = held.blocks.front()?.clone();
        Some(Oldest { id, position, bytes })
    }

    /// Makes what was posted the state here, at the position the journal gave it.
    ///
    /// # Errors
    /// As the provider's `apply_entry`.
    pub fn commit(&self, position: Position, posts: Vec<Post>) -> Result<(), ProviderError> {
        let updates: Vec<_> = posts.into_iter().map(|it| it.at(position)).collect();
        self.apply_entry(&updates)
    }

    pub(super) fn held(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().expect(UNPOISONED)
    }
}

impl RuntimeStateProvider for History {
    fn name(&self) -> &str {
        PROVIDER
    }

    fn apply(&self, update: &Update) -> Result<(), ProviderError> {
        self.apply_entry(std::slice::from_ref(update))
    }

    fn apply_entry(&self, updates: &[Update]) -> Result<(), ProviderError> {
        let mut change = Change::default();
        for Update { position, item, value } in updates {
            let refuse = |error: &dyn std::fmt::Display| ProviderError::of_item(item, error);
            let place = Place::of(item).ok_or_else(|| refuse(&"no item of history"))?;
            match (place, value) {
                (Place::Head, Some(value)) => {
                    change.head = Some(Head::decode(value).map_err(|it| refuse(&it))?);
                }
                (Place::Head, None) => return Err(refuse(&"the head does not go")),
                (Place::Open(first), Some(value)) => {
                    let open = Open::read(first, value.clone()).map_err(|it| refuse(&it))?;
                    change.opened.push(open);
                }
                (Place::Open(first), None) => change.closed.push(first),
                (Place::Block(first), Some(value)) => {
                    let block = Block::read(first, *position, value.clone());
                    change.sealed.push(block.map_err(|it| refuse(&it))?);
                }
                (Place::Block(first), None) => change.gone.push(first),
            }
        }
        change.sort();
        let mut held = self.held.write().expect(UNPOISONED);
        let item = || Place::Head.item();
        held.check(&change).map_err(|reason| ProviderError { item: Some(item()), reason })?;
        held.take(change);
        Ok(())
    }

    fn snapshot(&self) -> Result<Vec<(Box<str>, Bytes)>, ProviderError> {
        let held = self.held();
        if held.head == Head::default() {
            return Ok(Vec::new());
        }
        let mut items = vec![(Place::Head.item(), held.head.encode())];
        let blocks = held.blocks.iter().map(|it| (Place::Block(it.id.first), it.bytes.clone()));
        let open = held.open.iter().map(|it| (Place::Open(it.first), it.bytes.clone()));
        items.extend(blocks.chain(open).map(|(place, bytes)| (place.item(), bytes)));
        Ok(items)
    }

    fn restore(&self, _at: Position, items: &[Item]) -> Result<(), ProviderError> {
        let mut all = Change::default();
        let mut failed = None;
        for Item { position, item, value } in items {
            let read = match Place::of(item) {
                Some(Place::Head) => Head::decode(value).map(|it| all.head = Some(it)),
                Some(Place::Open(first)) => {
                    Open::read(first, value.clone()).map(|it| all.opened.push(it))
                }
                Some(Place::Block(first)) => {
                    let block = Block::read(first, *position, value.clone());
                    block.map(|it| all.sealed.push(it))
                }
                None => {
                    let error = ProviderError::of_item(item, "no item of history");
                    failed = failed.or(Some(error));
                    continue;
                }
            };
            let read = read.map_err(|error| ProviderError::of_item(item, error));
            failed = failed.or_else(|| read.err());
        }
        all.sort();
        let mut held = Held { head: all.head.unwrap_or_default(), ..Held::default() };
        all.sealed.into_iter().for_each(|it| held.push_block(it));
        all.opened.into_iter().for_each(|it| held.push_open(it));
        let whole = held.check_whole();
        let whole =
            whole.map_err(|reason| ProviderError { item: Some(Place::Head.item()), reason });
        *self.held.write().expect(UNPOISONED) = held;
        failed.or_else(|| whole.err()).map_or(Ok(()), Err)
    }
}

const UNPOISONED: &str = "no code panics while it holds this lock";
