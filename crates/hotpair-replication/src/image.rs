//! The image of a journal: the current value of every item, and what was removed lately.
use crate::digest::Digest;
use crate::items::Items;
use crate::{Entry, KeyRange, Op, Record};
use bytes::Bytes;
use hotpair_types::{ItemKey, NodeTime, Position};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

/// What the entries of a journal add up to.
#[derive(Debug, Default)]
pub(crate) struct Image {
    providers: BTreeMap<Box<str>, Items>,
    items: usize,
    bytes: usize,
    removed: BTreeMap<ItemKey, Position>,
    removed_order: VecDeque<(u64, ItemKey)>,
    /// Removals after this sequence are all in `removed`.
    removed_after: u64,
    tombstones_max: usize,
}

/// Where an entry comes from, for the records it makes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    pub(crate) position: Position,
    pub(crate) written_at: NodeTime,
}

impl From<&Entry> for Stamp {
    fn from(entry: &Entry) -> Self {
        Self { position: entry.position, written_at: entry.written_at }
    }
}

impl Image {
    /// An image of these items; nothing is known of removals up to `removed_after`.
    pub(crate) fn new(
        items: Vec<(ItemKey, Record)>,
        removed_after: u64,
        tombstones_max: usize,
    ) -> Self {
        let mut image = Self { removed_after, tombstones_max, ..Self::default() };
        // As storage keeps them.
        if items.is_sorted_by(|(one, _), (other, _)| one < other) {
            image.load(items);
        } else {
            for (item, record) in items {
                image.put(item, record);
            }
        }
        image
    }

    /// Takes items that are in order, none twice.
    fn load(&mut self, sorted: Vec<(ItemKey, Record)>) {
        self.items = sorted.len();
        let mut sorted = sorted.into_iter().peekable();
        while let Some((ItemKey { provider, item }, record)) = sorted.next() {
            self.bytes += item_bytes(&provider, &item, &record.value);
            let mut items = vec![(item, record)];
            while let Some((item, record)) = sorted.next_if(|(it, _)| it.provider == provider) {
                self.bytes += item_bytes(&provider, &item.item, &record.value);
                items.push((item.item, record));
            }
            self.providers.insert(provider, Items::from_sorted(items));
        }
    }

    pub(crate) fn get(&self, item: &ItemKey) -> Option<&Record> {
        self.providers.get(&item.provider)?.get(&item.item)
    }

    pub(crate) fn contains(&self, item: &ItemKey) -> bool {
        self.get(item).is_some()
    }

    /// How many items there are.
    pub(crate) const fn items(&self) -> usize {
        self.items
    }

    /// Bytes of their names and values.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// When the item was removed, if that is remembered.
    pub(crate) fn removed_at(&self, item: &ItemKey) -> Option<Position> {
        self.removed.get(item).copied()
    }

    /// Removals after this sequence are remembered.
    pub(crate) const fn removed_after(&self) -> u64 {
        self.removed_after
    }

    /// The providers that have items.
    pub(crate) fn providers(&self) -> impl Iterator<Item = &str> {
        self.providers.iter().filter(|(_, items)| !items.is_empty()).map(|(name, _)| &**name)
    }

    /// A provider's items whose names begin with `prefix`.
    pub(crate) fn of_provider<'a>(
        &'a self,
        provider: &str,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Record)> + 'a {
        self.of_provider_after(provider, prefix, None)
    }

    /// Those of them that come after a name.
    pub(crate) fn of_provider_after<'a>(
        &'a self,
        provider: &str,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a str, &'a Record)> + 'a {
        let items = self.providers.get(provider);
        let from = after.filter(|it| *it >= prefix);
        let from = from.map_or(Bound::Included(prefix), Bound::Excluded);
        items
            .into_iter()
            .flat_map(move |it| it.range(from, Bound::Unbounded))
            .take_while(move |(name, _)| name.starts_with(prefix))
    }

    /// Applies one operation.
    ///
    /// # Errors
    /// The item that was to be removed and is not there.
    pub(crate) fn apply(&mut self, op: &Op, stamp: Stamp) -> Result<(), ItemKey> {
        match op {
            Op::Set { item, value } => {
                self.set(item, value, stamp);
                Ok(())
            }
            Op::Remove { item } => match self.take(item) {
                Some(_) => {
                    self.note_removed(item.clone(), stamp.position);
                    Ok(())
                }
                None => Err(item.clone()),
            },
            Op::ReplaceAll { provider, items } => {
                let old = self.providers.remove(provider).unwrap_or_default();
                for (name, record) in old.range(Bound::Unbounded, Bound::Unbounded) {
                    self.items -= 1;
                    self.bytes -= item_bytes(provider, name, &record.value);
                }
                for (name, value) in items {
                    self.set(
                        &ItemKey { provider: provider.clone(), item: name.clone() },
                        value,
                        stamp,
                    );
                }
                for (name, _) in old.range(Bound::Unbounded, Bound::Unbounded) {
                    let item = ItemKey { provider: provider.clone(), item: name.into() };
                    if !self.contains(&item) {
                        self.note_removed(item, stamp.position);
                    }
                }
                Ok(())
            }
        }
    }

    fn set(&mut self, item: &ItemKey, value: &Bytes, stamp: Stamp) {
        let Stamp { position, written_at } = stamp;
        if let Some(record) =
            self.providers.get_mut(&item.provider).and_then(|it| it.get_mut(&item.item))
        {
            self.bytes = self.bytes - record.value.len() + value.len();
            *record = Record { value: value.clone(), position, written_at };
            return;
        }
        self.put(item.clone(), Record { value: value.clone(), position, written_at });
    }

    /// Puts a record as it is.
    pub(crate) fn put(&mut self, item: ItemKey, record: Record) {
        if !self.removed.is_empty() {
            self.removed.remove(&item);
        }
        self.bytes += item_bytes(&item.provider, &item.item, &record.value);
        let items = match self.providers.get_mut(&item.provider) {
            Some(items) => items,
            None => self.providers.entry(item.provider.clone()).or_default(),
        };
        match items.insert(&item.item, record) {
            Some(old) => self.bytes -= item_bytes(&item.provider, &item.item, &old.value),
            None => self.items += 1,
        }
    }

    /// Takes a record away without remembering that it was there.
    pub(crate) fn take(&mut self, item: &ItemKey) -> Option<Record> {
        let record = self.providers.get_mut(&item.provider)?.remove(&item.item)?;
        self.items -= 1;
        self.bytes -= item_bytes(&item.provider, &item.item, &record.value);
        Some(record)
    }

    /// Takes the items of another image in place of these.
    pub(crate) fn become_items_of(&mut self, other: Self) {
        let Self { providers, items, bytes, .. } = other;
        (self.providers, self.items, self.bytes) = (providers, items, bytes);
    }

    /// Remembers that an item was removed.
    pub(crate) fn note_removed(&mut self, item: ItemKey, position: Position) {
        self.removed_order.push_back((position.sequence, item.clone()));
        self.removed.insert(item, position);
        while self.removed_order.len() > self.tombstones_max {
            let Some((sequence, item)) = self.removed_order.pop_front() else { break };
            if self.removed.get(&item).is_some_and(|it| it.sequence == sequence) {
                self.removed.remove(&item);
            }
            self.removed_after = self.removed_after.max(sequence);
        }
    }

    /// Forgets which items were removed: nothing is known of removals up to `sequence`.
    pub(crate) fn forget_removed(&mut self, sequence: u64) {
        self.removed.clear();
        self.removed_order.clear();
        self.removed_after = sequence;
    }

    /// Items that were removed after a sequence, in the order of their names.
    pub(crate) fn removed_since(
        &self,
        sequence: u64,
        from: Option<&ItemKey>,
    ) -> impl Iterator<Item = (&ItemKey, Position)> {
        let from = from.map_or(Bound::Unbounded, Bound::Included);
        let range = self.removed.range::<ItemKey, _>((from, Bound::Unbounded));
        range.filter(move |(_, at)| at.sequence > sequence).map(|(item, at)| (item, *at))
    }

    /// The items of a range, in order.
    pub(crate) fn range<'a>(
        &'a self,
        range: &'a KeyRange,
    ) -> impl Iterator<Item = (&'a str, &'a str, &'a Record)> + 'a {
        let KeyRange { from, until } = range;
        let first: Bound<&str> =
            from.as_ref().map_or(Bound::Unbounded, |it| Bound::Included(&*it.provider));
        let last: Bound<&str> =
            until.as_ref().map_or(Bound::Unbounded, |it| Bound::Included(&*it.provider));
        let empty = match (from, until) {
            (Some(from), Some(until)) => from >= until,
            _ => false,
        };
        let providers = (!empty).then(|| self.providers.range::<str, _>((first, last)));
        providers.into_iter().flatten().flat_map(move |(provider, items)| {
            let low: Bound<&str> = match from {
                Some(it) if it.provider == *provider => Bound::Included(&*it.item),
                Some(_) | None => Bound::Unbounded,
            };
            let high: Bound<&str> = match until {
                Some(it) if it.provider == *provider => Bound::Excluded(&*it.item),
                Some(_) | None => Bound::Unbounded,
            };
            items.range(low, high).map(move |(name, it)| (&**provider, name, it))
        })
    }

    /// Whether both have the same items with the same records.
    pub(crate) fn has_items_of(&self, other: &Self) -> bool {
        let all = KeyRange::default();
        self.items == other.items && self.range(&all).eq(other.range(&all))
    }

    /// Hashes every item: key, value, position.
    pub(crate) fn digest(&self, range: &KeyRange) -> [u8; 32] {
        self.digest_of(range, usize::MAX)
    }

    /// Hashes the first items of a range in the same way.
    pub(crate) fn digest_of(&self, range: &KeyRange, items: usize) -> [u8; 32] {
        let mut hash = Digest::new();
        for (provider, item, record) in self.range(range).take(items) {
            hash.add_record(provider, item, record);
        }
        hash.finish()
    }
}

/// What an item counts with: its names and its value.
pub(crate) fn item_bytes(provider: &str, item: &str, value: &Bytes) -> usize {
    provider.len() + item.len() + value.len()
}
