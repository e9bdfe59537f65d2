//! A partner that says what it should not: real messages, bent, repeated, in the wrong states.
//! Nothing reaches a panic, and the node heals with an honest partner afterwards.
use crate::pair::{A, B, Pair, set, tag};
use hotpair_replication::{
    AckRule, ComparedItem, Direction, Found, Input, KeyRange, Message, Op, PerJournal, Scope,
    Session, WriteBody,
};
use hotpair_types::{
    Epoch, Instance, ItemKey, JournalHistory, JournalKind, Lineage, Position, Span,
};
use std::sync::Arc;
use std::time::Duration;

struct Bender<'a> {
    pair: &'a mut Pair,
}

impl Bender<'_> {
    fn number(&mut self, real: u64) -> u64 {
        match self.pair.random(8) {
            0 => 0,
            1 => u64::MAX,
            2 => real.wrapping_add(1),
            3 => real.wrapping_sub(1),
            4 => self.pair.random(40) as u64,
            _ => real,
        }
    }

    fn epoch(&mut self, real: Epoch) -> Epoch {
        Epoch { number: self.number(real.number), tag: real.tag }
    }

    fn position(&mut self, real: Position) -> Position {
        Position { epoch: self.epoch(real.epoch), sequence: self.number(real.sequence) }
    }

    fn history(&mut self, real: &JournalHistory) -> JournalHistory {
        let spans = real.lineage.spans().iter();
        let spans =
            spans.map(|it| Span { epoch: self.epoch(it.epoch), first: self.number(it.first) });
        let lineage = Lineage::new(spans.collect()).unwrap_or_else(|_| real.lineage.clone());
        JournalHistory { lineage, last: self.number(real.last) }
    }

    fn item(&mut self, real: &ItemKey) -> ItemKey {
        match self.pair.random(4) {
            0 => ItemKey::new("", "modules/x"),
            1 => tag("t0"),
            _ => real.clone(),
        }
    }

    fn entry(&mut self, real: &hotpair_replication::Entry) -> Arc<hotpair_replication::Entry> {
        let mut entry = real.clone();
        entry.position = self.position(entry.position);
        match self.pair.random(6) {
            0 => entry.ops.clear(),
            1 => entry.ops.push(Op::Remove { item: tag("t0") }),
            2 => entry.ops.push(Op::ReplaceAll { provider: "tags".into(), items: Vec::new() }),
            3 => entry.kind = JournalKind::Runtime,
            4 => entry.origin = Some(entry.position),
            _ => {}
        }
        Arc::new(entry)
    }

    fn bend(&mut self, message: Message) -> Message {
        match message {
            Message::Entries { session, kind, previous, entries, urgent } => Message::Entries {
                session,
                kind,
                previous: self.position(previous),
                entries: entries.iter().map(|it| self.entry(it)).collect(),
                urgent,
            },
            Message::Ahead { session, kind, previous, entries } => Message::Ahead {
                session,
                kind,
                previous: self.position(previous),
                entries: entries.iter().map(|it| self.entry(it)).collect(),
            },
            Message::Losing { session, mut records } => {
                for record in &mut records {
                    record.entry = self.entry(&record.entry);
                    record.id.entry = if self.pair.random(2) == 0 {
                        record.entry.position
                    } else {
                        self.position(record.id.entry)
                    };
                    record.conflict.fork = record.conflict.fork.map(|it| self.number(it));
                }
                Message::Losing { session, records }
            }
            Message::Way { session, mut history, entries_after, removals_after, chain } => {
                history.config = self.history(&history.config);
                history.runtime = self.history(&history.runtime);
                let entries_after = PerJournal::from_fn(|it| self.number(entries_after[it]));
                let removals_after = PerJournal::from_fn(|it| self.number(removals_after[it]));
                Message::Way { session, history, entries_after, removals_after, chain }
            }
            Message::WayWanted { session, mut history } => {
                history.config = self.history(&history.config);
                history.runtime = self.history(&history.runtime);
                Message::WayWanted { session, history }
            }
            Message::AheadWanted { session, mut history } => {
                history.runtime = self.history(&history.runtime);
                Message::AheadWanted { session, history }
            }
            Message::EntriesWanted { session, kind, after } => {
                Message::EntriesWanted { session, kind, after: self.position(after) }
            }
            Message::SnapshotBegins { session, mut head, items, bytes } => {
                head.history = self.history(&head.history);
                Message::SnapshotBegins { session, head, items: self.number(items), bytes }
            }
            Message::Chunk { session, kind, request, at, mut sets, removes, next } => {
                for (item, record) in &mut sets {
                    *item = self.item(item);
                    record.position = self.position(record.position);
                }
                let next = next.map(|it| self.item(&it));
                let (request, at) = (self.number(request), self.number(at));
                Message::Chunk { session, kind, request, at, sets, removes, next }
            }
            Message::ChunkWanted { session, kind, request, credit, .. } => {
                let from = Some(self.item(&tag("t5")));
                let until = Some(self.item(&tag("t1")));
                let scope = match self.pair.random(3) {
                    0 => Scope::Range(KeyRange { from, until }),
                    1 => Scope::ChangedAfter { sequence: self.number(3), from },
                    _ => Scope::Items(vec![tag("t3"), tag("t1"), tag("t3")]),
                };
                Message::ChunkWanted { session, kind, request, scope, credit }
            }
            Message::DigestsWanted { session, kind, request, mut ranges } => {
                for range in &mut ranges {
                    range.range.from = range.range.from.as_ref().map(|it| self.item(it));
                    range.range.until = Some(self.item(&tag("t2")));
                }
                Message::DigestsWanted { session, kind, request, ranges }
            }
            Message::Digests { session, kind, request, .. } => {
                Message::Digests { session, kind, request, differing: vec![0, 7, u32::MAX, 0] }
            }
            Message::Ack { session, received, durable } => Message::Ack {
                session,
                received: PerJournal::from_fn(|it| self.number(received[it])),
                durable: PerJournal::from_fn(|it| self.number(durable[it])),
            },
            Message::ResendWanted { session, kind, after } => {
                Message::ResendWanted { session, kind, after: self.number(after) }
            }
            Message::Manifest { session, mut modules } => {
                for module in &mut modules {
                    module.size = self.number(module.size);
                }
                modules.extend(modules.clone());
                Message::Manifest { session, modules }
            }
            Message::ModuleChunk { session, hash, offset, bytes, last } => {
                let offset = self.number(offset);
                Message::ModuleChunk { session, hash, offset, bytes, last }
            }
            Message::CaughtUp { session, mut positions } => {
                positions.runtime = self.position(positions.runtime);
                Message::CaughtUp { session, positions }
            }
            Message::Compare { session, mut comparison } => {
                comparison.at = self.position(comparison.at);
                comparison.range.until = Some(self.item(&tag("t2")));
                comparison.items = self.number(comparison.items);
                comparison.digest[0] ^= u8::from(self.pair.random(2) == 0);
                if self.pair.random(2) == 0 {
                    comparison.each = vec![(self.item(&tag("t3")), [1; 32]); 3];
                }
                Message::Compare { session, comparison }
            }
            Message::Compared { session, request, .. } => {
                let item = self.item(&tag("t3"));
                let found = match self.pair.random(3) {
                    0 => Found::Differs,
                    1 => Found::Elsewhere,
                    _ => Found::Item(ComparedItem { item, active: None, standby: None }),
                };
                Message::Compared { session, request: self.number(request), found }
            }
            Message::Begin { .. }
            | Message::ModuleWanted { .. }
            | Message::ModuleOffered { .. }
            | Message::ModuleTaken { .. }
            | Message::LosingTaken { .. }
            | Message::SnapshotWanted { .. }
            | Message::MoreWanted { .. }
            | Message::EntriesGone { .. }
            | Message::AheadEnd { .. } => message,
        }
    }
}

#[test]
fn bent_messages_reach_no_panic_and_no_loss_of_the_ability_to_heal() {
    for seed in 0..400 {
        let mut settings = Pair::new().settings;
        settings.limits.runtime_ring_bytes_max = 1_500;
        settings.limits.message_bytes_max = 600;
        settings.compare_interval = Duration::from_millis(100);
        let mut pair = Pair::with(settings);
        pair.seed = seed;
        pair.compare();
        pair.activate(A);
        for n in 0..12 {
            pair.tag(A, &format!("t{n}"), "1");
            pair.config(A, &format!("c{n}"), "1");
        }
        pair.module(A, "pump", &[1; 900]);
        // B has something of its own to offer.
        if seed % 2 == 0 {
            pair.sync(B);
            pair.cut_wire();
            pair.direct(B, Direction::StopSync);
            pair.activate(B);
            pair.tag(B, "t1", "b");
            pair.tag(B, "new", "b");
            pair.direct(B, Direction::BecomeStandby);
            pair.direct(A, Direction::AcknowledgeBy(AckRule::Alone));
            pair.tag(A, "t1", "a");
            pair.mend_wire();
        }
        pair.activate(A);
        pair.begin_sync(B);
        let mut old: Vec<(usize, Message)> = Vec::new();
        for step in 0..300 {
            if step % 7 == 0 {
                let ops = vec![set(tag("busy"), &step.to_string())];
                pair.write_with(A, None, None, WriteBody::Runtime { ops });
            }
            if !pair.step_with(|pair, from, message| {
                old.push((from, message.clone()));
                if pair.random(3) > 0 { message } else { Bender { pair }.bend(message) }
            }) {
                pair.pass(30);
            }
            if pair.random(10) == 0 && !old.is_empty() {
                let (from, message) = old[pair.random(old.len())].clone();
                let message = Bender { pair: &mut pair }.bend(message);
                let instance = pair.nodes[from].instance;
                let to = if pair.random(8) == 0 { from } else { 1 - from };
                pair.give(to, Input::Message { from: instance, message });
            }
        }
        // What such a partner may have done to B's data is undone by copying it anew.
        pair.restart(B);
        pair.direct(B, Direction::Reinit);
        pair.begin_sync(B);
        pair.settle();
        pair.assert_level();
    }
}

#[test]
fn messages_of_strangers_and_of_older_attempts_are_ignored() {
    let mut pair = Pair::level();
    let stranger = Instance { count: 9, tag: 9 };
    let session = Session { instance: stranger, count: 1 };
    let before = pair.nodes[A].replica.received_by_partner();
    let received = PerJournal { config: 1, runtime: 1 };
    let message = Message::Ack { session, received, durable: received };
    pair.give(A, Input::Message { from: stranger, message });
    let session = Session { instance: pair.nodes[B].instance, count: 0 };
    let message = Message::Begin { session };
    pair.give(A, Input::Message { from: pair.nodes[B].instance, message });
    assert_eq!(pair.nodes[A].replica.received_by_partner(), before);
    pair.tag(A, "x", "1");
    pair.settle();
    pair.assert_level();
}
