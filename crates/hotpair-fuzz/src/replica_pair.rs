//! Two replicas, what is on its way between them, and stand-ins for disk and state machine.
use bytes::Bytes;
use hotpair_replication::{
    AckRule, Boot, Direction, Fact, Input, Message, Op, Output, Replica, SharedEntry, StoreOp,
    StoreTicket, Write, WriteBody, WriteTicket,
};
use hotpair_replication::{PerJournal, Settings};
use hotpair_types::{Designation, Epoch, Instance, ItemKey, JournalKind, NodeTime, Time};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

pub(crate) const ACTIVE: usize = 0;
pub(crate) const STANDBY: usize = 1;

/// More steps than this without an end mean that the two talk for ever.
const STEPS_MAX: usize = 20_000;

/// One side.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) replica: Replica,
    pub(crate) instance: Instance,
    disk: VecDeque<StoreTicket>,
    /// Entries that were stored, for reading back.
    stored: PerJournal<Vec<SharedEntry>>,
    blobs: BTreeMap<[u8; 32], Vec<u8>>,
    /// Messages on their way to the other side.
    pub(crate) sent: VecDeque<Message>,
}

/// Both.
#[derive(Debug)]
pub(crate) struct ReplicaPair {
    pub(crate) sides: [Side; 2],
    now: Time,
    tickets: u64,
    epochs: u64,
}

impl ReplicaPair {
    /// An active with some data and a standby that has none, or something of its own.
    pub(crate) fn new(diverged: bool) -> Self {
        let mut settings =
            Settings { resend_after: Duration::from_millis(50), ..Settings::default() };
        // Small, so that short scripts come to all ways of becoming level.
        settings.limits.runtime_ring_bytes_max = 1_500;
        settings.limits.config_ring_bytes_max = 3_000;
        settings.limits.message_bytes_max = 400;
        settings.limits.tombstones_max = 8;
        let side = |index: usize| {
            let instance = Instance { count: 1, tag: index as u64 };
            let boot = Boot::empty(Designation::ALL[index], instance);
            Side {
                replica: Replica::new(settings.clone(), boot),
                instance,
                disk: VecDeque::new(),
                stored: PerJournal::default(),
                blobs: BTreeMap::new(),
                sent: VecDeque::new(),
            }
        };
        let mut pair = Self {
            sides: [side(ACTIVE), side(STANDBY)],
            now: Time::from_millis(1),
            tickets: 0,
            epochs: 0,
        };
        if diverged {
            pair.activate(STANDBY);
            pair.write(STANDBY, JournalKind::Runtime, "t1", b"lost");
            pair.write(STANDBY, JournalKind::Config, "c1", b"lost");
            pair.commit_all();
            pair.direct(STANDBY, Direction::BecomeStandby);
        }
        pair.activate(ACTIVE);
        for number in 0..6 {
            pair.write(ACTIVE, JournalKind::Runtime, &format!("t{number}"), &[b'r'; 80]);
            pair.write(ACTIVE, JournalKind::Config, &format!("c{number}"), &[b'c'; 80]);
        }
        pair.add_module(&[7; 900]);
        pair.commit_all();
        pair
    }

    fn activate(&mut self, side: usize) {
        let designation = Designation::ALL[side];
        let epoch = Epoch { number: self.epochs, tag: 0 }.next(designation, 7);
        self.epochs = epoch.number;
        self.direct(side, Direction::BecomeActive { epoch });
        self.direct(side, Direction::AcknowledgeBy(AckRule::Alone));
    }

    fn add_module(&mut self, bytes: &[u8]) {
        let hash = *blake3::hash(bytes).as_bytes();
        self.sides[ACTIVE].blobs.insert(hash, bytes.to_vec());
        self.give(ACTIVE, Input::BlobHere { hash });
        let hex = blake3::Hash::from(hash).to_hex();
        let record = format!("{{\"hash\":\"{hex}\",\"size\":{}}}", bytes.len());
        self.write(ACTIVE, JournalKind::Config, "modules/pump", record.as_bytes());
    }

    /// Writes one item.
    pub(crate) fn write(&mut self, side: usize, kind: JournalKind, item: &str, value: &[u8]) {
        let value = Bytes::copy_from_slice(value);
        let (item, body): (_, fn(Vec<Op>) -> WriteBody) = match kind {
            JournalKind::Config => {
                (ItemKey::config(item), |ops| WriteBody::Config { expect: Vec::new(), ops })
            }
            JournalKind::Runtime => (ItemKey::new("tags", item), |ops| WriteBody::Runtime { ops }),
        };
        self.change(side, body(vec![Op::Set { item, value }]));
    }

    /// Removes one item, if it is there.
    pub(crate) fn remove(&mut self, side: usize, item: &str) {
        let ops = vec![Op::Remove { item: ItemKey::config(item) }];
        self.change(side, WriteBody::Config { expect: Vec::new(), ops });
    }

    fn change(&mut self, side: usize, body: WriteBody) {
        self.tickets += 1;
        let (ticket, written_at) = (WriteTicket(self.tickets), NodeTime(self.now.0 / 1_000));
        self.give(side, Input::Write(Write { ticket, ack: None, key: None, written_at, body }));
        self.give(side, Input::Flush);
    }

    pub(crate) fn give(&mut self, side: usize, input: Input) {
        let mut out = Vec::new();
        self.sides[side].replica.handle(self.now, input, &mut out);
        for output in out {
            self.carry_out(side, output);
        }
    }

    pub(crate) fn direct(&mut self, side: usize, direction: Direction) {
        self.give(side, Input::Direction(direction));
        self.give(side, Input::Flush);
    }

    fn carry_out(&mut self, at: usize, output: Output) {
        let side = &mut self.sides[at];
        match output {
            Output::Send { message, .. } => side.sent.push_back(message),
            Output::Store { ticket, op } => {
                if let StoreOp::Append { kind, entries } = &op {
                    side.stored[*kind].extend(entries.iter().cloned());
                }
                if let StoreOp::Swap(swaps) = &op {
                    swaps.iter().for_each(|it| side.stored[it.head.kind].clear());
                }
                side.disk.push_back(ticket);
            }
            Output::ReadJournal { ticket, kind, after, until, .. } => {
                let wanted = |it: &&SharedEntry| {
                    it.position.sequence > after && it.position.sequence <= until
                };
                let found: Vec<_> = side.stored[kind].iter().filter(wanted).cloned().collect();
                let whole = found.first().is_some_and(|it| it.position.sequence == after + 1);
                let entries = if whole { found } else { Vec::new() };
                self.give(at, Input::JournalRead { ticket, entries });
            }
            Output::ReadBlob { hash, offset, bytes_max } => {
                let blob = side.blobs.get(&hash).cloned().unwrap_or_default();
                let from = usize::try_from(offset).unwrap_or(usize::MAX).min(blob.len());
                let until = (from + bytes_max).min(blob.len());
                let last = !blob.is_empty() && until == blob.len();
                let bytes = Bytes::copy_from_slice(&blob[from..until]);
                self.give(at, Input::BlobRead { hash, offset, bytes, last });
            }
            Output::WriteBlob { hash, offset, bytes, last } => {
                let blob = side.blobs.entry(hash).or_default();
                blob.truncate(usize::try_from(offset).unwrap_or(usize::MAX));
                blob.extend_from_slice(&bytes);
                let until = blob.len() as u64;
                let right = *blake3::hash(blob).as_bytes() == hash;
                self.give(at, Input::BlobWritten { hash, until });
                match (last, right) {
                    (true, true) => self.give(at, Input::BlobHere { hash }),
                    (true, false) => self.give(at, Input::BlobLost { hash }),
                    (false, _) => {}
                }
            }
            Output::RemoveBlob { hash } => drop(side.blobs.remove(&hash)),
            Output::Fact(fact) => self.follow(at, &fact),
            Output::Apply { .. }
            | Output::Restore { .. }
            | Output::Reply { .. }
            | Output::Progress(_)
            | Output::Alarm(_)
            | Output::DivergenceDiscarded { .. } => {}
        }
    }

    /// What the state machines do about a fact.
    fn follow(&mut self, at: usize, fact: &Fact) {
        let direct = Input::Direction;
        match fact {
            Fact::ModulesMatch => self.give(at, direct(Direction::SettleWay)),
            Fact::WaySettled => self.give(at, direct(Direction::TransferData)),
            Fact::PartnerCaughtUp { .. } => {
                self.give(at, direct(Direction::AcknowledgeBy(AckRule::WithPartner)));
                self.give(1 - at, direct(Direction::Follow));
            }
            Fact::SyncFailed { .. } | Fact::Gap(_) if at == STANDBY => self.begin_sync(),
            Fact::SyncFailed { .. }
            | Fact::Gap(_)
            | Fact::PartnerBegan
            | Fact::DataTransferred { .. }
            | Fact::Swapped
            | Fact::DataUnacknowledged(_)
            | Fact::DegradedWanted
            | Fact::Drained { .. }
            | Fact::LosingEntriesStored
            | Fact::AheadFetched
            | Fact::StorageFailed => {}
        }
    }

    /// The standby begins an attempt.
    pub(crate) fn begin_sync(&mut self) {
        let (partner, active) = (self.sides[STANDBY].instance, self.sides[ACTIVE].instance);
        for direction in [
            Direction::StopServing,
            Direction::AcknowledgeBy(AckRule::Alone),
            Direction::ServePartner { partner },
        ] {
            self.give(ACTIVE, Input::Direction(direction));
        }
        self.give(STANDBY, Input::Direction(Direction::StopSync));
        self.give(STANDBY, Input::Direction(Direction::BeginSync { partner: active }));
    }

    /// A message arrives.
    pub(crate) fn arrives(&mut self, to: usize, message: Message) {
        let from = self.sides[1 - to].instance;
        self.give(to, Input::Message { from, message });
        self.give(to, Input::Flush);
    }

    /// The oldest operation of a disk is done.
    pub(crate) fn commit(&mut self, side: usize) -> bool {
        let Some(ticket) = self.sides[side].disk.pop_front() else { return false };
        self.give(side, Input::Stored { ticket });
        self.give(side, Input::Flush);
        true
    }

    fn commit_all(&mut self) {
        for side in [ACTIVE, STANDBY] {
            while self.commit(side) {}
        }
    }

    pub(crate) fn pass(&mut self, millis: u64) {
        self.now = self.now + Duration::from_millis(millis);
        for side in [ACTIVE, STANDBY] {
            self.give(side, Input::Tick { wall: NodeTime(self.now.0 / 1_000) });
            self.give(side, Input::Flush);
        }
    }

    /// Everything arrives once and in order, until nothing is on its way.
    pub(crate) fn settle(&mut self) {
        for _ in 0..40 {
            let mut steps = 0;
            loop {
                self.commit_all();
                let next =
                    [ACTIVE, STANDBY].into_iter().find(|it| !self.sides[*it].sent.is_empty());
                let Some(from) = next else { break };
                let message = self.sides[from].sent.pop_front().expect("it is not empty");
                self.arrives(1 - from, message);
                steps += 1;
                assert!(steps < STEPS_MAX, "the two talk for ever");
            }
            self.pass(20);
        }
    }

    /// Both have the same.
    pub(crate) fn is_level(&self) -> bool {
        let [active, standby] = &self.sides;
        active.replica.positions() == standby.replica.positions()
            && active.replica.state_digest() == standby.replica.state_digest()
    }
}
