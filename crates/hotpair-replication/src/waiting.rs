//! Writes that wait for their acknowledgement.
use crate::{AckRule, Acknowledged, Outcome, Output, WriteTicket};
use hotpair_types::{Ack, Position};
use std::collections::VecDeque;

/// The writes of one journal that wait.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    replicated: VecDeque<Waiter>,
    durable: VecDeque<Waiter>,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiter {
    pub(crate) ticket: WriteTicket,
    /// Of its entry.
    pub(crate) sequence: u64,
    /// What it will be told.
    pub(crate) answer: Position,
    pub(crate) repeated: bool,
}

/// How far a journal has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    pub(crate) rule: AckRule,
    /// On disk here.
    pub(crate) stored: u64,
    /// In the standby's memory.
    pub(crate) received: u64,
    /// On the standby's disk.
    pub(crate) durable: u64,
}

impl Waiting {
    pub(crate) fn len(&self) -> usize {
        self.replicated.len() + self.durable.len()
    }

    /// The oldest entry that somebody waits for on both disks.
    pub(crate) fn wanted_on_disk(&self) -> Option<u64> {
        self.durable.front().map(|it| it.sequence)
    }

    /// Somebody waits for the disk.
    pub(crate) fn wants_disk(&self) -> bool {
        !self.durable.is_empty()
    }

    /// Queues a write; `ack` is not `Local`.
    pub(crate) fn push(&mut self, ack: Ack, waiter: Waiter) {
        let queue = if ack == Ack::Durable { &mut self.durable } else { &mut self.replicated };
        if queue.back().is_none_or(|it| it.sequence <= waiter.sequence) {
            queue.push_back(waiter);
            return;
        }
        let index = queue.partition_point(|it| it.sequence <= waiter.sequence);
        queue.insert(index, waiter);
    }

    /// Answers everything that has reached what it asked for.
    pub(crate) fn settle(&mut self, reached: Reached, out: &mut Vec<Output>) {
        let Reached { rule, stored, received, durable } = reached;
        let (replicated, durable, degraded) = match rule {
            AckRule::Wait => return,
            AckRule::WithPartner => (received, durable.min(stored), false),
            AckRule::Alone => (u64::MAX, stored, true),
        };
        let level = |ack| if degraded { Ack::Local } else { ack };
        drain(&mut self.replicated, replicated, level(Ack::Replicated), degraded, out);
        drain(&mut self.durable, durable, level(Ack::Durable), degraded, out);
    }

    /// Nobody can tell any more what becomes of them.
    pub(crate) fn give_up(&mut self, out: &mut Vec<Output>) {
        for waiter in self.replicated.drain(..).chain(self.durable.drain(..)) {
            let outcome = Outcome::Unknown { position: waiter.answer };
            out.push(Output::Reply { ticket: waiter.ticket, outcome });
        }
    }
}

fn drain(
    queue: &mut VecDeque<Waiter>,
    until: u64,
    reached: Ack,
    degraded: bool,
    out: &mut Vec<Output>,
) {
    while let Some(waiter) = queue.pop_front_if(|it| it.sequence <= until) {
        let Waiter { ticket, answer, repeated, .. } = waiter;
        let acknowledged = Acknowledged { position: answer, reached, degraded, repeated };
        out.push(Output::Reply { ticket, outcome: Outcome::Acknowledged(acknowledged) });
    }
}
