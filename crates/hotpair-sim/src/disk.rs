//! A disk that keeps what was synced. What was only written is lost with the power, or not.
use hotpair_core::{StoreOp, StoreTicket};
use hotpair_fsm::Record;
use hotpair_replication::{
    self as replication, DivergenceId, DivergenceRecord, JournalBoot, JournalHead, KeptKey, Op,
    SharedEntry,
};
use hotpair_types::{Designation, Instance, ItemKey, JournalKind, Time};
use std::collections::{BTreeMap, VecDeque};

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
    pub(crate) items: BTreeMap<ItemKey, replication::Record>,
    pub(crate) entries: VecDeque<SharedEntry>,
}

/// A disk: what is safe, and what is on its way.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    pub(crate) image: Image,
    waiting: VecDeque<(Time, StoreTicket, StoreOp)>,
}

impl Image {
    fn new() -> Self {
        Self {
            record: Record::default(),
            config: Journal::new(JournalKind::Config),
            runtime: Journal::new(JournalKind::Runtime),
            divergence: BTreeMap::new(),
        }
    }

    fn journal(&mut self, kind: JournalKind) -> &mut Journal {
        match kind {
            JournalKind::Config => &mut self.config,
            JournalKind::Runtime => &mut self.runtime,
        }
    }

    fn carry_out(&mut self, op: StoreOp) {
        match op {
            StoreOp::Record(record) => self.record = record,
            StoreOp::Data(replication::StoreOp::Append { kind, entries }) => {
                for entry in entries {
                    self.journal(kind).append(entry);
                }
            }
            StoreOp::Data(replication::StoreOp::Swap(swaps)) => {
                for swap in swaps {
                    let journal = self.journal(swap.head.kind);
                    journal.head = swap.head;
                    journal.entries.clear();
                    if swap.clear {
                        journal.items.clear();
                    }
                    for item in swap.removes {
                        journal.items.remove(&item);
                    }
                    journal.items.extend(swap.sets);
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
            self.head.keys.push(KeptKey {
                key: key.clone(),
                answer: entry.answer(),
                sequence: entry.position.sequence,
                written_at: entry.written_at,
            });
        }
        for op in &entry.ops {
            match op {
                Op::Set { item, value } => self.set(item.clone(), value.clone(), &entry),
                Op::Remove { item } => {
                    self.items.remove(item);
                }
                Op::ReplaceAll { provider, items } => {
                    self.items.retain(|it, _| it.provider != *provider);
                    for (name, value) in items {
                        self.set(ItemKey::new(provider, name), value.clone(), &entry);
                    }
                }
            }
        }
        self.entries.push_back(entry);
        if self.entries.len() > JOURNAL_ENTRIES_MAX {
            self.entries.pop_front();
        }
    }

    fn set(&mut self, item: ItemKey, value: bytes::Bytes, entry: &SharedEntry) {
        let (position, written_at) = (entry.position, entry.written_at);
        self.items.insert(item, replication::Record { value, position, written_at });
    }

    fn boot(&self) -> JournalBoot {
        // Runtime entries are not read back after a start: only the image is (docs/design/
        // replication.md, "Journals and positions").
        let keeps = self.head.kind == JournalKind::Config;
        let entries: Vec<_> =
            if keeps { self.entries.iter().cloned().collect() } else { Vec::new() };
        let last = self.head.history.last;
        let stored_after = entries.first().map_or(last, |it| it.position.sequence - 1);
        JournalBoot {
            head: self.head.clone(),
            items: self.items.iter().map(|(key, it)| (key.clone(), it.clone())).collect(),
            entries,
            stored_after,
        }
    }
}

impl Disk {
    pub(crate) fn new() -> Self {
        Self { image: Image::new(), waiting: VecDeque::new() }
    }

    /// Writes; it is safe at `at`. Operations become safe in their order.
    pub(crate) fn submit(&mut self, at: Time, ticket: StoreTicket, op: StoreOp) {
        let at = self.waiting.back().map_or(at, |it| it.0.max(at));
        self.waiting.push_back((at, ticket, op));
    }

    pub(crate) fn next_at(&self) -> Option<Time> {
        self.waiting.front().map(|it| it.0)
    }

    /// The next operation that is safe by now.
    pub(crate) fn done(&mut self, now: Time) -> Option<StoreTicket> {
        self.waiting.front().filter(|it| it.0 <= now)?;
        let (_, ticket, op) = self.waiting.pop_front()?;
        self.image.carry_out(op);
        Some(ticket)
    }

    /// The process died: of what was written a beginning of any length is on disk.
    pub(crate) fn lose(&mut self, kept: usize) {
        for _ in 0..kept {
            let Some((_, _, op)) = self.waiting.pop_front() else { break };
            self.image.carry_out(op);
        }
        self.waiting.clear();
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Entries of the config journal, for a partner that is far behind.
    pub(crate) fn read(&self, kind: JournalKind, after: u64, until: u64) -> Vec<SharedEntry> {
        let journal = match kind {
            JournalKind::Config => &self.image.config,
            JournalKind::Runtime => &self.image.runtime,
        };
        let wanted = |it: &&SharedEntry| (after + 1..=until).contains(&it.position.sequence);
        let entries: Vec<_> = journal.entries.iter().filter(wanted).cloned().collect();
        if entries.first().is_some_and(|it| it.position.sequence == after + 1) {
            return entries;
        }
        Vec::new()
    }
}
