//! Clients write, ask again, and are answered.
use crate::carry::index;
use crate::client::{Carrier, hot};
use crate::world::{Happening, World};
use hotpair_core::{EngineInput, Input};
use hotpair_replication::{self as replication, IdempotencyKey, Op, Write, WriteBody, WriteTicket};
use hotpair_types::{Ack, JournalKind, NodeTime};
use std::time::Duration;

impl World {
    pub(crate) fn write(&mut self) {
        let engine = self.rng.pick(self.engines());
        let kind = if self.rng.percent(25) { JournalKind::Config } else { JournalKind::Runtime };
        let node = self.client_finds(engine);
        if self.rng.percent(35) {
            let (draw, ticket) = (self.rng.next(), self.client.ticket());
            let there = |it: &_| {
                self.replica(node, engine).is_some_and(|replica| replica.get(kind, it).is_some())
            };
            let op = hot(kind, draw, ticket, there);
            return self.send_write(engine, node, kind, op, ticket, None);
        }
        let keyed = self.rng.percent(40);
        let number = self.client.begin(engine, kind, node, keyed);
        self.try_write(number, node);
        if keyed {
            let patience =
                self.rng.between(Duration::from_millis(20), Duration::from_millis(2_500));
            self.at(self.now + patience, Happening::Retry(number));
        }
    }

    /// A client that is not sure asks again with the same key, and one of ten that is sure does too.
    pub(crate) fn retry(&mut self, number: usize) {
        let write = self.client.write(number);
        let (engine, sure) = (write.engine, write.answer.is_some());
        if (sure && !self.rng.percent(10)) || self.faults_over {
            return;
        }
        let node = self.client_finds(engine);
        self.try_write(number, node);
    }

    /// A client finds who acts; of two it finds either.
    fn client_finds(&mut self, engine: usize) -> usize {
        let acts = [0, 1].map(|it: usize| self.nodes[it].acts(engine).is_some());
        match acts {
            [true, false] => 0,
            [false, true] => 1,
            [true, true] | [false, false] => usize::from(self.rng.percent(50)),
        }
    }

    fn try_write(&mut self, number: usize, node: usize) {
        let ticket = self.client.attempt(number);
        let write = self.client.write(number);
        let op = Op::Set {
            item: write.item.clone(),
            value: bytes::Bytes::copy_from_slice(&write.value),
        };
        let key = write.key.clone().map(|key| IdempotencyKey { key, issued: None });
        self.send_write(write.engine, node, write.kind, op, ticket, key);
    }

    fn send_write(
        &mut self,
        engine: usize,
        node: usize,
        kind: JournalKind,
        op: Op,
        ticket: u64,
        key: Option<IdempotencyKey>,
    ) {
        let body = match kind {
            JournalKind::Config => WriteBody::Config { expect: Vec::new(), ops: vec![op] },
            JournalKind::Runtime => WriteBody::Runtime { ops: vec![op] },
        };
        let ack = match self.rng.below(100) {
            0..20 => Some(Ack::Durable),
            20..25 => Some(Ack::Local),
            _ => None,
        };
        if ack == Some(Ack::Local) {
            self.client.ask_here_only(ticket);
        }
        let written_at = NodeTime(self.now.0 / 1_000);
        let write = Write { ticket: WriteTicket(ticket), ack, key, written_at, body };
        let input = EngineInput::Data(replication::Input::Write(write));
        self.give(node, Input::Engine { engine: index(engine), input });
    }

    /// What an answer says must be so when it is given, for what can be seen then.
    pub(crate) fn look_at_answer(&mut self, node: usize, number: usize) {
        let write = self.client.write(number);
        let Some((_, how)) = write.answer else { return };
        let (engine, other) = (write.engine, 1 - node);
        let durable = how.reached == Ack::Durable;
        let on_both = !how.degraded && how.reached != Ack::Local;
        let own = self.is_in_memory(node, write) && (!durable || self.is_on_disk(node, write));
        let there = on_both && self.is_in_memory(other, write);
        let other_disk = on_both && (durable || !there) && self.is_on_disk(other, write);
        let other_lost = self.watch.damaged_since(other, self.nodes[node].started);
        let level = self.machine(other, engine).is_some_and(|it| it.state().is_level());
        let broken = !own
            || (durable && on_both && !other_disk && !other_lost)
            || (on_both && level && !there);
        if broken {
            let text = format!(
                "node {node} answers {:?} {} with {how:?}: it has it {own}, in the other's memory \
                 {there}, on the other's disk {other_disk}",
                write.kind, write.item
            );
            self.watch.broken_promise.get_or_insert(text);
        }
        let dead = self.nodes[other].core.is_none();
        let acts_too = !dead && self.nodes[other].gates[engine].is_some();
        let write = self.client.write_mut(number);
        write.of_two = acts_too && self.watch.is_excused(engine);
        // The process that had it died, which is not known here yet.
        if on_both && dead {
            write.carriers[other] = if other_disk { Carrier::Disk } else { Carrier::Lost };
        } else if on_both && !there && !other_disk {
            write.carriers[other] = Carrier::Lost;
        }
    }
}
