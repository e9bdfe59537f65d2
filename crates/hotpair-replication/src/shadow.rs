//! The image a standby is going to have, beside the one it has: what will differ, no more.
use crate::image::{Image, hash_record};
use crate::{Entry, KeyRange, Op, Record};
use hotpair_types::{Epoch, ItemKey, Position};
use std::collections::BTreeMap;
use std::ops::Bound;

/// What will differ from the image.
#[derive(Debug, Default)]
pub(crate) struct Shadow {
    slots: BTreeMap<ItemKey, Slot>,
    /// Per provider the last entry that replaced all its items.
    replaced: BTreeMap<Box<str>, u64>,
    /// The image does not count.
    pub(crate) from_nothing: bool,
}

/// An item as it will be; `None`: not there. Positions are of the active's history.
#[derive(Clone, Debug)]
struct Slot {
    position: Position,
    record: Option<Record>,
}

/// What has to be done to the image.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    pub(crate) sets: Vec<(ItemKey, Record)>,
    pub(crate) removes: Vec<ItemKey>,
}

impl Shadow {
    /// An item of a part that the active read when its journal ended at `at`.
    pub(crate) fn offer(&mut self, item: ItemKey, record: Record, at: u64) {
        let position = record.position;
        self.put(item, Slot { position, record: Some(record) }, at);
    }

    /// An item that the active did not have then.
    pub(crate) fn offer_absent(&mut self, item: ItemKey, at: u64) {
        let position = Position { epoch: Epoch::NONE, sequence: at };
        self.put(item, Slot { position, record: None }, at);
    }

    /// An item that the active has removed.
    pub(crate) fn offer_removed(&mut self, item: ItemKey, position: Position, at: u64) {
        self.put(item, Slot { position, record: None }, at);
    }

    fn put(&mut self, item: ItemKey, slot: Slot, at: u64) {
        let newer = self.slots.get(&item).is_some_and(|it| it.position.sequence > at)
            || self.replaced.get(&item.provider).is_some_and(|it| *it > at);
        if !newer {
            self.slots.insert(item, slot);
        }
    }

    /// An entry of the active, in order.
    pub(crate) fn apply(&mut self, image: &Image, entry: &Entry) {
        let position = entry.position;
        let written_at = entry.written_at;
        let set = |value: &bytes::Bytes| Slot {
            position,
            record: Some(Record { value: value.clone(), position, written_at }),
        };
        let gone = Slot { position, record: None };
        for op in &entry.ops {
            match op {
                Op::Set { item, value } => {
                    self.slots.insert(item.clone(), set(value));
                }
                Op::Remove { item } => {
                    self.slots.insert(item.clone(), gone.clone());
                }
                Op::ReplaceAll { provider, items } => {
                    self.replaced.insert(provider.clone(), position.sequence);
                    let all = KeyRange {
                        from: Some(ItemKey::new(provider, "")),
                        until: Some(ItemKey { provider: after(provider), item: "".into() }),
                    };
                    for item in self.names(image, &all) {
                        self.slots.insert(item, gone.clone());
                    }
                    for (name, value) in items {
                        let item = ItemKey { provider: provider.clone(), item: name.clone() };
                        self.slots.insert(item, set(value));
                    }
                }
            }
        }
    }

    /// The names of all items of a range that are in the image or in a slot, in order.
    pub(crate) fn names(&self, image: &Image, range: &KeyRange) -> Vec<ItemKey> {
        let mut names: Vec<ItemKey> = Vec::new();
        if !self.from_nothing {
            names
                .extend(image.range(range).map(|(provider, item, _)| ItemKey::new(provider, item)));
        }
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

    fn get<'a>(&'a self, image: &'a Image, item: &ItemKey) -> Option<&'a Record> {
        match self.slots.get(item) {
            Some(slot) => slot.record.as_ref(),
            None if self.from_nothing => None,
            None => image.get(item),
        }
    }

    /// Hashes a range as it will be, as `Image::digest` does.
    pub(crate) fn digest(&self, image: &Image, range: &KeyRange) -> [u8; 32] {
        if self.slots_of(range).next().is_none() && !self.from_nothing {
            return image.digest(range);
        }
        let mut hash = blake3::Hasher::new();
        for item in self.names(image, range) {
            if let Some(record) = self.get(image, &item) {
                hash_record(&mut hash, &item.provider, &item.item, record);
            }
        }
        *hash.finalize().as_bytes()
    }

    /// What has to be done to the image to have this.
    pub(crate) fn into_difference(self, image: &Image) -> Difference {
        let mut difference = Difference::default();
        for (item, slot) in self.slots {
            let now = image.get(&item).filter(|_| !self.from_nothing);
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

/// The least name after all items of a provider: the name with a zero byte behind.
pub(crate) fn after(provider: &str) -> Box<str> {
    format!("{provider}\0").into()
}
