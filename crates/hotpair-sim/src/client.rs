//! Writers, and what they were told: the truth that every history is measured by.
use hotpair_replication::{Acknowledged, Outcome};
use hotpair_types::{Ack, ItemKey, JournalKind, Time};
use std::collections::BTreeMap;

/// One write with an item of its own.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) engine: usize,
    pub(crate) kind: JournalKind,
    pub(crate) item: ItemKey,
    pub(crate) value: Vec<u8>,
    /// On which node.
    pub(crate) node: usize,
    /// When it was answered, by the world's clock, and how.
    pub(crate) answer: Option<(Time, Acknowledged)>,
}

/// All writers.
#[derive(Debug, Default)]
pub(crate) struct Client {
    writes: BTreeMap<u64, Written>,
    next: u64,
}

impl Client {
    pub(crate) fn begin(
        &mut self,
        engine: usize,
        kind: JournalKind,
        node: usize,
    ) -> (u64, Written) {
        self.next += 1;
        let name = format!("w{}", self.next);
        let item = match kind {
            JournalKind::Config => ItemKey::config(&name),
            JournalKind::Runtime => ItemKey::new("tags", &name),
        };
        let value = self.next.to_le_bytes().to_vec();
        let written = Written { engine, kind, item, value, node, answer: None };
        self.writes.insert(self.next, written.clone());
        (self.next, written)
    }

    pub(crate) fn answered(&mut self, now: Time, ticket: u64, outcome: &Outcome) {
        if let Outcome::Acknowledged(it) = outcome
            && let Some(write) = self.writes.get_mut(&ticket)
        {
            write.answer = Some((now, *it));
        }
    }

    /// Every write that was acknowledged.
    pub(crate) fn acknowledged(&self) -> impl Iterator<Item = (&Written, Time, Acknowledged)> {
        self.writes.values().filter_map(|it| it.answer.map(|(at, how)| (it, at, how)))
    }

    pub(crate) fn count(&self) -> (usize, usize) {
        (self.writes.len(), self.acknowledged().count())
    }
}

/// What an answer promises against a loss of processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// It is on a disk.
    Always,
    /// It is in two memories.
    OneCrash,
    /// It is in the memory of the node that answered.
    NoCrashThere,
}

pub(crate) const fn promise(answer: Acknowledged) -> Promise {
    match (answer.reached, answer.degraded) {
        (Ack::Durable, _) => Promise::Always,
        (Ack::Replicated, false) => Promise::OneCrash,
        (Ack::Replicated, true) | (Ack::Local, _) => Promise::NoCrashThere,
    }
}
