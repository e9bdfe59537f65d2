//! What is on a disk for good: the record and the divergence store in one file, both journals in
//! the other.
use super::name::Name;
use hotpair_core::StoreOp;
use hotpair_fsm::Record;
use hotpair_replication::{
    self as replication, DivergenceId, DivergenceRecord, JournalBoot, JournalHead, KeptKey, Op,
    SharedEntry,
};
use hotpair_types::{Designation, Instance, ItemKey, JournalKind};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Config entries that can be read back.
const JOURNAL_ENTRIES_MAX: usize = 64;

/// What is on a disk for good.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) record: Record,
    pub(crate) config: Journal,
    pub(crate) runtime: Journal,
    pub(crate) divergence: BTreeMap<DivergenceId, DivergenceRecord>,
}

/// One journal on disk.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    pub(crate) head: JournalHead,
    /// By provider and name.
    items: BTreeMap<Name, BTreeMap<Name, replication::Record>>,
    pub(crate) entries: VecDeque<SharedEntry>,
    /// The keys in the head, to be found fast.
    keys: BTreeSet<Name>,
}

impl Image {
    pub(crate) fn new() -> Self {
        Self {
            record: Record::default(),
            config: Journal::new(JournalKind::Config),
            runtime: Journal::new(JournalKind::Runtime),
            divergence: BTreeMap::new(),
        }
    }

    pub(crate) const fn journal(&self, kind: JournalKind) -> &Journal {
        match kind {
            JournalKind::Config => &self.config,
            JournalKind::Runtime => &self.runtime,
        }
    }

    const fn journal_mut(&mut self, kind: JournalKind) -> &mut Journal {
        match kind {
            JournalKind::Config => &mut self.config,
            JournalKind::Runtime => &mut self.runtime,
        }
    }

    pub(crate) fn carry_out(&mut self, op: StoreOp) {
        match op {
            StoreOp::Record(record) => self.record = record,
            StoreOp::Data(replication::StoreOp::Append { kind, entries }) => {
                for entry in entries {
                    self.journal_mut(kind).append(entry);
                }
            }
            StoreOp::Data(replication::StoreOp::Swap(swaps)) => {
                for swap in swaps {
                    let journal = self.journal_mut(swap.head.kind);
                    journal.head = swap.head;
                    journal.keys =
                        journal.head.keys.iter().map(|it| Name::new(&it.key.key)).collect();
                    journal.entries.clear();
                    if swap.clear {
                        journal.items.clear();
                    }
                    for item in &swap.removes {
                        journal.remove(item);
                    }
                    for (item, record) in swap.sets {
                        journal.set(Name::new(&item.provider), &item.item, record);
                    }
                }
            }
            StoreOp::Data(replication::StoreOp::PutDivergence(records)) => {
                self.divergence.extend(records.into_iter().map(|it| (it.id, it)));
            }
            StoreOp::Data(replication::StoreOp::DropDivergence(ids)) => {
                for id in ids {
                    self.divergence.remove(&id);
                }
            }
        }
    }

    /// The file of the journals is set aside: a new one is made.
    pub(crate) fn lose_data(&mut self) {
        let new = Self::new();
        (self.config, self.runtime) = (new.config, new.runtime);
        self.believe_less();
    }

    /// The file of the record is set aside, and with it the divergence store.
    pub(crate) fn lose_record(&mut self) {
        self.record = Record::default();
        self.divergence.clear();
        self.believe_less();
    }

    /// As the node does when it opens a file that replaced another: it does not know what it
    /// promised, or does not have what it promised to have.
    fn believe_less(&mut self) {
        let (config, runtime) =
            (self.config.head.history.position(), self.runtime.head.history.position());
        self.record.epoch = self.record.epoch.max(config.epoch).max(runtime.epoch);
        self.record.marks.in_sync = false;
        self.record.marks.sole = None;
        self.record.marks.stale = true;
    }

    /// Whether this value of an item is here, in a journal or in the divergence store.
    pub(crate) fn holds(&self, kind: JournalKind, item: &ItemKey, value: &[u8]) -> bool {
        let here = self.journal(kind).get(item).is_some_and(|it| it.value == value);
        here || self.divergence.values().any(|it| keeps(it, item, value))
    }

    /// What a starting node loads.
    pub(crate) fn boot(&self, designation: Designation, instance: Instance) -> replication::Boot {
        replication::Boot {
            designation,
            instance,
            config: self.config.boot(),
            runtime: self.runtime.boot(),
            divergence: self.divergence.values().cloned().collect(),
            modules: Vec::new(),
        }
    }
}

impl Journal {
    fn new(kind: JournalKind) -> Self {
        Self {
            head: JournalBoot::empty(kind).head,
            items: BTreeMap::new(),
            entries: VecDeque::new(),
            keys: BTreeSet::new(),
        }
    }

    fn append(&mut self, entry: SharedEntry) {
        assert_eq!(
            entry.position.sequence,
            self.head.history.last + 1,
            "storage was given a gap in the {} journal",
            self.head.kind
        );
        self.head.history.note(entry.position);
        self.head.chain = entry.chain;
        if let Some(key) = &entry.key {
            let news = self.keys.insert(Name::new(&key.key));
            assert!(news, "{key:?} is twice in one history: {entry:?}");
            self.head.keys.push(KeptKey {
                key: key.clone(),
                answer: entry.answer(),
                sequence: entry.position.sequence,
                written_at: entry.written_at,
            });
        }
        let (position, written_at) = (entry.position, entry.written_at);
        let record = |value: &bytes::Bytes| {
            let value = value.clone();
            replication::Record { value, position, written_at }
        };
        for op in &entry.ops {
            match op {
                Op::Set { item, value } => {
                    self.set(Name::new(&item.provider), &item.item, record(value));
                }
                Op::Remove { item } => self.remove(item),
                Op::ReplaceAll { provider, items } => {
                    let provider = Name::new(provider);
                    self.items.remove(&provider);
                    for (name, value) in items {
                        self.set(provider, name, record(value));
                    }
                }
            }
        }
        self.entries.push_back(entry);
        if self.entries.len() > JOURNAL_ENTRIES_MAX {
            self.entries.pop_front();
        }
    }

    fn get(&self, item: &ItemKey) -> Option<&replication::Record> {
        self.items.get(&Name::new(&item.provider))?.get(&Name::new(&item.item))
    }

    fn set(&mut self, provider: Name, name: &str, record: replication::Record) {
        self.items.entry(provider).or_default().insert(Name::new(name), record);
    }

    fn remove(&mut self, item: &ItemKey) {
        if let Some(items) = self.items.get_mut(&Name::new(&item.provider)) {
            items.remove(&Name::new(&item.item));
        }
    }

    fn boot(&self) -> JournalBoot {
        // Runtime entries are not read back after a start: only the image is (docs/design/
        // replication.md, "Journals and positions").
        let keeps = self.head.kind == JournalKind::Config;
        let entries: Vec<_> =
            if keeps { self.entries.iter().cloned().collect() } else { Vec::new() };
        let mut items = Vec::with_capacity(self.items.values().map(BTreeMap::len).sum());
        for (provider, names) in &self.items {
            let key = |name: &Name| ItemKey { provider: provider.text(), item: name.text() };
            items.extend(names.iter().map(|(name, it)| (key(name), it.clone())));
        }
        let last = self.head.history.last;
        let stored_after = entries.first().map_or(last, |it| it.position.sequence - 1);
        JournalBoot { head: self.head.clone(), items, entries, stored_after }
    }
}

/// Whether a record of a divergence store has this value of an item.
pub(crate) fn keeps(record: &DivergenceRecord, item: &ItemKey, value: &[u8]) -> bool {
    record.entry.ops.iter().any(|op| match op {
        Op::Set { item: it, value: at } => it == item && at == value,
        Op::ReplaceAll { provider, items } => {
            *provider == item.provider
                && items.iter().any(|(name, at)| *name == item.item && at == value)
        }
        Op::Remove { .. } => false,
    })
}
