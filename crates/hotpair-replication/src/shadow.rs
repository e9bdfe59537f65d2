//! The image a standby is going to have, beside the one it has: what will differ, no more.
use crate::digest::Digest;
use crate::image::Image;
use crate::{Entry, KeyRange, Op, Record};
use bytes::Bytes;
use hotpair_types::{Epoch, ItemKey, Position};
use std::collections::BTreeMap;
use std::ops::Bound;

/// What will be there.
#[derive(Debug)]
pub(crate) enum Shadow {
    /// What will differ from the image.
    Beside(Beside),
    /// Everything: the image is empty or does not count. It takes the image's place as it is, so
    /// that a swap of a million items is not one long step.
    Whole(Whole),
}

/// What will differ from the image.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    slots: BTreeMap<ItemKey, Slot>,
    /// Per provider the last entry that replaced all its items.
    replaced: BTreeMap<Box<str>, u64>,
}

/// An item as it will be; `None`: not there. Positions are of the active's history.
#[derive(Clone, Debug)]
struct Slot {
    position: Position,
    record: Option<Record>,
}

/// A new image.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    image: Image,
    /// For storage, in the order in which they came: of two of one item the later one holds.
    sets: Vec<(ItemKey, Record)>,
    /// Items that entries have removed, or parts did not have any more, and when.
    gone: BTreeMap<ItemKey, u64>,
    replaced: BTreeMap<Box<str>, u64>,
}

/// What has to be done to the image.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// This takes its place.
    pub(crate) whole: Option<Image>,
    /// Items to put; in `whole` they are already.
    pub(crate) sets: Vec<(ItemKey, Record)>,
    pub(crate) removes: Vec<ItemKey>,
}

impl Shadow {
    pub(crate) fn new(whole: bool) -> Self {
        if whole { Self::Whole(Whole::default()) } else { Self::Beside(Beside::default()) }
    }

    pub(crate) const fn is_whole(&self) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::Beside(_) => false,
        }
    }

    /// An item of a part that the active read when its journal ended at `at`.
    pub(crate) fn offer(&mut self, item: ItemKey, record: Record, at: u64) {
        match self {
            Self::Beside(it) => {
                let position = record.position;
                it.put(item, Slot { position, record: Some(record) }, at);
            }
            Self::Whole(it) if it.is_newer(&item, at) => {}
            Self::Whole(it) => it.set(item, record),
        }
    }

    /// An item that the active did not have then.
    pub(crate) fn offer_absent(&mut self, item: ItemKey, at: u64) {
        let position = Position { epoch: Epoch::NONE, sequence: at };
        match self {
            Self::Beside(it) => it.put(item, Slot { position, record: None }, at),
            Self::Whole(it) if it.is_newer(&item, at) => {}
            Self::Whole(it) => it.take(item, at),
        }
    }

    /// An entry of the active, in order.
    pub(crate) fn apply(&mut self, image: &Image, entry: &Entry) {
        match self {
            Self::Beside(it) => it.apply(image, entry),
            Self::Whole(it) => it.apply(entry),
        }
    }

    /// The names of all items of a range that are or may be there, in order.
    pub(crate) fn names(&self, image: &Image, range: &KeyRange) -> Vec<ItemKey> {
        match self {
            Self::Beside(it) => it.names(image, range),
            Self::Whole(it) => names(&it.image, range),
        }
    }

    /// Hashes a range as it will be, as `Image::digest` does.
    pub(crate) fn digest(&self, image: &Image, range: &KeyRange) -> [u8; 32] {
        match self {
            Self::Beside(it) => it.digest(image, range),
            Self::Whole(it) => it.image.digest(range),
        }
    }

    /// What has to be done to the image to have this.
    pub(crate) fn into_difference(self, image: &Image) -> Difference {
        match self {
            Self::Beside(it) => it.into_difference(image),
            Self::Whole(Whole { image, mut sets, gone, .. }) => {
                if !gone.is_empty() {
                    sets.retain(|(item, _)| !gone.contains_key(item));
                }
                Difference { whole: Some(image), sets, removes: Vec::new() }
            }
        }
    }
}

impl Beside {
    fn put(&mut self, item: ItemKey, slot: Slot, at: u64) {
        let newer = self.slots.get(&item).is_some_and(|it| it.position.sequence > at)
            || self.replaced.get(&item.provider).is_some_and(|it| *it > at);
        if !newer {
            self.slots.insert(item, slot);
        }
    }

    fn apply(&mut self, image: &Image, entry: &Entry) {
        let gone = Slot { position: entry.position, record: None };
        for op in &entry.ops {
            match op {
                Op::Set { item, value } => {
                    self.slots.insert(item.clone(), Slot::of(entry, value));
                }
                Op::Remove { item } => {
                    self.slots.insert(item.clone(), gone.clone());
                }
                Op::ReplaceAll { provider, items } => {
                    self.replaced.insert(provider.clone(), entry.position.sequence);
                    for item in self.names(image, &all_of(provider)) {
                        self.slots.insert(item, gone.clone());
                    }
                    for (name, value) in items {
                        let item = ItemKey { provider: provider.clone(), item: name.clone() };
                        self.slots.insert(item, Slot::of(entry, value));
                    }
                }
            }
        }
    }

    fn names(&self, image: &Image, range: &KeyRange) -> Vec<ItemKey> {
        let mut names = names(image, range);
        names.extend(self.slots_of(range).map(|(item, _)| item.clone()));
        names.sort_unstable();
        names.dedup();
        names
    }

    fn slots_of<'a>(
        &'a self,
        range: &'a KeyRange,
    ) -> impl Iterator<Item = (&'a ItemKey, &'a Slot)> + 'a {
        let from = range.from.as_ref().map_or(Bound::Unbounded, Bound::Included);
        let until = range.until.as_ref();
        let slots = self.slots.range::<ItemKey, _>((from, Bound::Unbounded));
        slots.take_while(move |(item, _)| until.is_none_or(|until| *item < until))
    }

    fn digest(&self, image: &Image, range: &KeyRange) -> [u8; 32] {
        if self.slots_of(range).next().is_none() {
            return image.digest(range);
        }
        let mut hash = Digest::new();
        for item in self.names(image, range) {
            let record = match self.slots.get(&item) {
                Some(slot) => slot.record.as_ref(),
                None => image.get(&item),
            };
            if let Some(record) = record {
                hash.add_record(&item.provider, &item.item, record);
            }
        }
        hash.finish()
    }

    fn into_difference(self, image: &Image) -> Difference {
        let mut difference = Difference::default();
        for (item, slot) in self.slots {
            let now = image.get(&item);
            match slot.record {
                Some(record) if now == Some(&record) => {}
                Some(record) => difference.sets.push((item, record)),
                None if now.is_some() => difference.removes.push(item),
                None => {}
            }
        }
        difference
    }
}

impl Slot {
    fn of(entry: &Entry, value: &Bytes) -> Self {
        Self { position: entry.position, record: Some(record_of(entry, value)) }
    }
}

impl Whole {
    fn is_newer(&self, item: &ItemKey, at: u64) -> bool {
        self.image.get(item).is_some_and(|it| it.position.sequence > at)
            || self.gone.get(item).is_some_and(|it| *it > at)
            || self.replaced.get(&item.provider).is_some_and(|it| *it > at)
    }

    fn set(&mut self, item: ItemKey, record: Record) {
        if !self.gone.is_empty() {
            self.gone.remove(&item);
        }
        self.sets.push((item.clone(), record.clone()));
        self.image.put(item, record);
    }

    fn take(&mut self, item: ItemKey, at: u64) {
        self.image.take(&item);
        self.gone.insert(item, at);
    }

    fn apply(&mut self, entry: &Entry) {
        let at = entry.position.sequence;
        for op in &entry.ops {
            match op {
                Op::Set { item, value } => self.set(item.clone(), record_of(entry, value)),
                Op::Remove { item } => self.take(item.clone(), at),
                Op::ReplaceAll { provider, items } => {
                    self.replaced.insert(provider.clone(), at);
                    for item in names(&self.image, &all_of(provider)) {
                        self.take(item, at);
                    }
                    for (name, value) in items {
                        let item = ItemKey { provider: provider.clone(), item: name.clone() };
                        self.set(item, record_of(entry, value));
                    }
                }
            }
        }
    }
}

fn names(image: &Image, range: &KeyRange) -> Vec<ItemKey> {
    image.range(range).map(|(provider, item, _)| ItemKey::new(provider, item)).collect()
}

fn record_of(entry: &Entry, value: &Bytes) -> Record {
    let Entry { position, written_at, .. } = *entry;
    Record { value: value.clone(), position, written_at }
}

/// All items of a provider.
fn all_of(provider: &str) -> KeyRange {
    KeyRange {
        from: Some(ItemKey::new(provider, "")),
        until: Some(ItemKey { provider: after(provider), item: "".into() }),
    }
}

/// The least name after all items of a provider: the name with a zero byte behind.
fn after(provider: &str) -> Box<str> {
    format!("{provider}\0").into()
}
