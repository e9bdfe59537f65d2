//! The items of one provider: found by name in constant time, listed in the order of their names.
use crate::Record;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::ops::Bound;
use std::sync::Arc;

/// Records by name. The hash decides where a slot number stands in `index`, nothing else: no order
/// depends on it.
#[derive(Debug, Default)]
pub(crate) struct Items {
    slots: Vec<Option<(Arc<str>, Record)>>,
    free: Vec<u32>,
    order: BTreeMap<Arc<str>, u32>,
    index: Index,
}

/// An open-addressed table of slot numbers.
#[derive(Debug, Default)]
struct Index {
    /// 0: empty; else the upper half of the hash and the slot number plus one.
    cells: Vec<u64>,
    used: usize,
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(name.as_bytes());
    hasher.finish()
}

const SLOT: u64 = 0xffff_ffff;

impl Items {
    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    fn record(&self, slot: u32) -> &(Arc<str>, Record) {
        self.slots[slot as usize].as_ref().expect("the index names filled slots")
    }

    fn find(&self, name: &str, hash: u64) -> Option<u32> {
        let matches = |slot: u32| *self.record(slot).0 == *name;
        self.index.find(hash, matches).map(|(_, slot)| slot)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Record> {
        self.find(name, hash(name)).map(|slot| &self.record(slot).1)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Record> {
        let slot = self.find(name, hash(name))?;
        self.slots[slot as usize].as_mut().map(|(_, record)| record)
    }

    /// Items that come in the order of their names, none twice: with no search for each.
    pub(crate) fn from_sorted(sorted: Vec<(Box<str>, Record)>) -> Self {
        let mut slots = Vec::with_capacity(sorted.len());
        let mut index = Index::with_room_for(sorted.len());
        let place = |((name, record), slot): ((Box<str>, Record), u32)| {
            let name: Arc<str> = name.into();
            slots.push(Some((Arc::clone(&name), record)));
            index.insert(hash(&name), slot);
            (name, slot)
        };
        let order = sorted.into_iter().zip(0..).map(place).collect();
        Self { slots, free: Vec::new(), order, index }
    }

    /// Puts a record; gives back the one it replaces.
    pub(crate) fn insert(&mut self, name: &str, record: Record) -> Option<Record> {
        if let Some(old) = self.get_mut(name) {
            return Some(std::mem::replace(old, record));
        }
        let name: Arc<str> = name.into();
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("fewer than four thousand million items")
        });
        self.slots[slot as usize] = Some((Arc::clone(&name), record));
        self.index.insert(hash(&name), slot);
        self.order.insert(name, slot);
        None
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Record> {
        let Self { slots, index, .. } = self;
        let of = |slot: u32| slots[slot as usize].as_ref();
        let is_it = |slot: u32| of(slot).is_some_and(|(it, _)| **it == *name);
        let (cell, slot) = index.find(hash(name), is_it)?;
        index.remove(cell);
        self.order.remove(name);
        self.free.push(slot);
        self.slots[slot as usize].take().map(|(_, record)| record)
    }

    /// The items of a range, in order.
    pub(crate) fn range(
        &self,
        low: Bound<&str>,
        high: Bound<&str>,
    ) -> impl Iterator<Item = (&str, &Record)> {
        self.order.range::<str, _>((low, high)).map(|(name, slot)| (&**name, &self.record(*slot).1))
    }
}

impl Index {
    /// Room for so many names before it grows.
    fn with_room_for(names: usize) -> Self {
        let len = (names * 8).div_ceil(5).next_power_of_two().max(16);
        Self { cells: if names == 0 { Vec::new() } else { vec![0; len] }, used: 0 }
    }

    const fn mask(&self) -> usize {
        self.cells.len() - 1
    }

    /// Where a name belongs. Only the bits that a cell keeps decide it, so that nothing but the
    /// cells is looked at when the table grows.
    const fn home(&self, hash: u64) -> usize {
        (hash >> 32) as usize & self.mask()
    }

    #[expect(clippy::cast_possible_truncation, reason = "masked to 32 bits")]
    const fn slot(cell: u64) -> u32 {
        ((cell & SLOT) - 1) as u32
    }

    /// The cell and the slot of the name with this hash.
    fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<(usize, u32)> {
        if self.cells.is_empty() {
            return None;
        }
        let mut at = self.home(hash);
        loop {
            let cell = self.cells[at];
            if cell == 0 {
                return None;
            }
            if cell & !SLOT == hash & !SLOT && is_it(Self::slot(cell)) {
                return Some((at, Self::slot(cell)));
            }
            at = (at + 1) & self.mask();
        }
    }

    fn insert(&mut self, hash: u64, slot: u32) {
        if (self.used + 1) * 8 > self.cells.len() * 5 {
            let len = (self.cells.len() * 2).max(16);
            let old = std::mem::replace(&mut self.cells, vec![0; len]);
            for cell in old.into_iter().filter(|it| *it != 0) {
                self.put(cell, Self::slot(cell));
            }
        }
        self.put(hash, slot);
        self.used += 1;
    }

    fn put(&mut self, hash: u64, slot: u32) {
        let mut at = self.home(hash);
        while self.cells[at] != 0 {
            at = (at + 1) & self.mask();
        }
        self.cells[at] = (hash & !SLOT) | (u64::from(slot) + 1);
    }

    /// Empties a cell and moves up what was displaced by it.
    fn remove(&mut self, mut hole: usize) {
        self.used -= 1;
        let mut at = hole;
        loop {
            at = (at + 1) & self.mask();
            let cell = self.cells[at];
            if cell == 0 {
                break;
            }
            let home = self.home(cell);
            // It may move into the hole if its home does not lie between the hole and itself.
            let distance = |to: usize| to.wrapping_sub(home) & self.mask();
            if distance(hole) <= distance(at) {
                self.cells[hole] = cell;
                hole = at;
            }
        }
        self.cells[hole] = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use hotpair_types::{NodeTime, Position};
    use proptest::prelude::*;

    fn record(value: u8) -> Record {
        let value = Bytes::from(vec![value]);
        Record { value, position: Position::START, written_at: NodeTime(0) }
    }

    proptest! {
        #[test]
        fn it_is_an_ordered_map(steps in prop::collection::vec((0..64_u16, any::<Option<u8>>()), 0..600), again in any::<bool>()) {
            let mut items = Items::default();
            let mut model = BTreeMap::new();
            for (name, value) in steps {
                let name = name.to_string();
                match value {
                    Some(value) => {
                        let old = items.insert(&name, record(value)).map(|it| it.value[0]);
                        prop_assert_eq!(old, model.insert(name, value));
                    }
                    None => {
                        let old = items.remove(&name).map(|it| it.value[0]);
                        prop_assert_eq!(old, model.remove(&name));
                    }
                }
            }
            let sorted = items.range(Bound::Unbounded, Bound::Unbounded);
            let sorted = sorted.map(|(name, it)| (name.into(), it.clone())).collect();
            if again {
                items = Items::from_sorted(sorted);
            }
            let all = items.range(Bound::Unbounded, Bound::Unbounded);
            let all: Vec<_> = all.map(|(name, it)| (name.to_owned(), it.value[0])).collect();
            prop_assert_eq!(all, model.clone().into_iter().collect::<Vec<_>>());
            for name in 0..64_u16 {
                let name = name.to_string();
                prop_assert_eq!(items.get(&name).map(|it| it.value[0]), model.get(&name).copied());
            }
        }
    }
}
