//! A disk that keeps what it was told to keep, in order, and loses the rest in a crash.
use hotpair_replication::{
    Boot, DivergenceId, DivergenceRecord, JournalBoot, KeptKey, Op, PerJournal, Record, StoreOp,
    StoreTicket,
};
use hotpair_types::{Designation, Instance, ItemKey, JournalKind};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub struct Disk {
    journals: PerJournal<Journal>,
    divergence: BTreeMap<DivergenceId, DivergenceRecord>,
    pub blobs: BTreeSet<[u8; 32]>,
    queue: VecDeque<(StoreTicket, StoreOp)>,
}

struct Journal {
    boot: JournalBoot,
    items: BTreeMap<ItemKey, Record>,
}

impl Disk {
    pub fn new() -> Self {
        let journals = PerJournal::from_fn(|kind| Journal {
            boot: JournalBoot::empty(kind),
            items: BTreeMap::new(),
        });
        Self {
            journals,
            divergence: BTreeMap::new(),
            blobs: BTreeSet::new(),
            queue: VecDeque::new(),
        }
    }

    pub fn take(&mut self, ticket: StoreTicket, op: StoreOp) {
        self.queue.push_back((ticket, op));
    }

    /// Commits the oldest operation.
    pub fn commit(&mut self) -> Option<StoreTicket> {
        let (ticket, op) = self.queue.pop_front()?;
        match op {
            StoreOp::Append { kind, entries } => {
                let journal = &mut self.journals[kind];
                for entry in entries {
                    let last = journal.boot.head.history.last;
                    assert_eq!(entry.position.sequence, last + 1, "storage was given a gap");
                    journal.boot.head.history.note(entry.position);
                    journal.boot.head.chain = entry.chain;
                    if let Some(key) = &entry.key {
                        journal.boot.head.keys.push(KeptKey {
                            key: key.clone(),
                            answer: entry.answer(),
                            sequence: entry.position.sequence,
                            written_at: entry.written_at,
                        });
                    }
                    for op in &entry.ops {
                        journal.apply(op, &entry);
                    }
                    journal.boot.entries.push(entry);
                }
            }
            StoreOp::Swap(swaps) => {
                for swap in swaps {
                    let journal = &mut self.journals[swap.head.kind];
                    if swap.clear {
                        journal.items.clear();
                    }
                    for item in swap.removes {
                        journal.items.remove(&item).expect("removes what is there");
                    }
                    journal.items.extend(swap.sets);
                    journal.boot.stored_after = swap.head.history.last;
                    journal.boot.head = swap.head;
                    journal.boot.entries.clear();
                }
            }
            StoreOp::PutDivergence(records) => {
                self.divergence.extend(records.into_iter().map(|it| (it.id, it)));
            }
            StoreOp::DropDivergence(ids) => self.divergence.retain(|id, _| !ids.contains(id)),
        }
        Some(ticket)
    }

    /// The oldest operation fails; nothing more is carried out.
    pub fn fail(&mut self) -> Option<StoreTicket> {
        let (ticket, _) = self.queue.pop_front()?;
        self.queue.clear();
        Some(ticket)
    }

    pub fn is_busy(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Gives up every entry, as storage does beyond its limit; the items stay.
    pub fn give_up_entries(&mut self, kind: JournalKind) {
        self.journals[kind].boot.entries.clear();
    }

    /// Entries after a sequence.
    pub fn read(
        &self,
        kind: JournalKind,
        after: u64,
        until: u64,
    ) -> Vec<std::sync::Arc<hotpair_replication::Entry>> {
        let entries = &self.journals[kind].boot.entries;
        if entries.first().is_none_or(|it| it.position.sequence > after + 1) {
            return Vec::new();
        }
        let wanted = |it: &&std::sync::Arc<hotpair_replication::Entry>| {
            it.position.sequence > after && it.position.sequence <= until
        };
        entries.iter().filter(wanted).take(3).cloned().collect()
    }

    /// What a new process finds. Runtime entries are not kept by this disk; of config entries the
    /// last `ring` ones are loaded.
    pub fn boot(&mut self, designation: Designation, instance: Instance, ring: usize) -> Boot {
        self.queue.clear();
        let journal = |kind: JournalKind| {
            let journal = &self.journals[kind];
            let entries = &journal.boot.entries;
            let mut boot = journal.boot.clone();
            boot.items = journal.items.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
            boot.entries = match kind {
                JournalKind::Config => entries[entries.len().saturating_sub(ring)..].to_vec(),
                JournalKind::Runtime => Vec::new(),
            };
            boot
        };
        Boot {
            designation,
            instance,
            config: journal(JournalKind::Config),
            runtime: journal(JournalKind::Runtime),
            divergence: self.divergence.values().cloned().collect(),
            modules: self.blobs.iter().copied().collect(),
        }
    }

    /// Every item of a journal and its end, as text.
    pub fn show(&self, kind: JournalKind) -> String {
        let journal = &self.journals[kind];
        let items = journal.items.iter().map(|(item, it)| {
            format!("{item}={}@{} ", String::from_utf8_lossy(&it.value), it.position)
        });
        format!("{}{}", items.collect::<String>(), journal.boot.head.history.position())
    }
}

impl Journal {
    fn apply(&mut self, op: &Op, entry: &hotpair_replication::Entry) {
        let record = |value: &bytes::Bytes| Record {
            value: value.clone(),
            position: entry.position,
            written_at: entry.written_at,
        };
        match op {
            Op::Set { item, value } => {
                self.items.insert(item.clone(), record(value));
            }
            Op::Remove { item } => {
                self.items.remove(item);
            }
            Op::ReplaceAll { provider, items } => {
                self.items.retain(|it, _| it.provider != *provider);
                for (name, value) in items {
                    self.items.insert(ItemKey::new(provider, name), record(value));
                }
            }
        }
    }
}
