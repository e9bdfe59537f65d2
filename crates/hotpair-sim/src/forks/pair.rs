//! Two replicas, two disks and a wire, without a state machine: messages of each lane keep their
//! order, and everything else happens in any order.
use crate::Rng;
use crate::disk::Image;
use hotpair_core::StoreOp;
use hotpair_replication::{
    AckRule, Direction, Fact, Input, Lane, Message, Outcome, Output, Replica, Settings,
    StoreTicket, Write, WriteBody, WriteTicket,
};
use hotpair_types::{Designation, Epoch, Instance, NodeTime, Time};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// More steps than this mean that the two talk for ever.
const STEPS_MAX: u32 = 20_000;
/// How often time passes until everything that waits for it is done.
const ROUNDS: u32 = 30;
const ROUND: Duration = Duration::from_millis(30);

/// One node.
pub(super) struct Side {
    pub(super) replica: Replica,
    pub(super) image: Image,
    queue: VecDeque<(StoreTicket, StoreOp)>,
    pub(super) instance: Instance,
    pub(super) losing_stored: bool,
    pub(super) acknowledged: BTreeMap<u64, bool>,
}

pub(super) struct Pair {
    pub(super) sides: [Side; 2],
    pub(super) rng: Rng,
    settings: Settings,
    wires: [BTreeMap<Lane, VecDeque<Message>>; 2],
    cut: bool,
    now: Time,
    epochs: u64,
    tickets: u64,
    /// Commits since the fork met.
    pub(super) commits: u64,
}

impl Pair {
    pub(super) fn new(rng: Rng, settings: Settings) -> Self {
        let side = |index: usize| {
            let instance = Instance { count: 1, tag: index as u64 };
            let image = Image::new();
            let boot = image.boot(Designation::ALL[index], instance);
            Side {
                replica: Replica::new(settings.clone(), boot),
                image,
                queue: VecDeque::new(),
                instance,
                losing_stored: false,
                acknowledged: BTreeMap::new(),
            }
        };
        let sides = [side(0), side(1)];
        let wires = [BTreeMap::new(), BTreeMap::new()];
        let now = Time::from_millis(1);
        Self { sides, rng, settings, wires, cut: false, now, epochs: 0, tickets: 0, commits: 0 }
    }

    fn give(&mut self, side: usize, input: Input) {
        let mut out = Vec::new();
        self.sides[side].replica.handle(self.now, input, &mut out);
        for output in out {
            self.carry_out(side, output);
        }
    }

    pub(super) fn direct(&mut self, side: usize, direction: Direction) {
        self.give(side, Input::Direction(direction));
        self.give(side, Input::Flush);
    }

    fn carry_out(&mut self, side: usize, output: Output) {
        match output {
            Output::Send { lane, message } => {
                if !self.cut {
                    self.wires[side].entry(lane).or_default().push_back(message);
                }
            }
            Output::Store { ticket, op } => {
                self.sides[side].queue.push_back((ticket, StoreOp::Data(op)));
            }
            Output::ReadJournal { ticket, kind, after, until, .. } => {
                let entries = crate::disk::read(&self.sides[side].image, kind, after, until);
                self.give(side, Input::JournalRead { ticket, entries });
            }
            Output::Reply { ticket, outcome } => {
                let good = matches!(outcome, Outcome::Acknowledged(_));
                self.sides[side].acknowledged.insert(ticket.0, good);
            }
            Output::Fact(fact) => self.follow(side, &fact),
            Output::Apply { .. }
            | Output::Restore { .. }
            | Output::Progress(_)
            | Output::Alarm(_)
            | Output::ReadBlob { .. }
            | Output::WriteBlob { .. }
            | Output::RemoveBlob { .. }
            | Output::DivergenceDiscarded { .. } => {}
        }
    }

    /// What the state machines would do.
    fn follow(&mut self, side: usize, fact: &Fact) {
        let direct = Input::Direction;
        match fact {
            Fact::ModulesMatch => self.give(side, direct(Direction::SettleWay)),
            Fact::WaySettled => self.give(side, direct(Direction::TransferData)),
            Fact::PartnerCaughtUp { .. } => {
                self.give(side, direct(Direction::AcknowledgeBy(AckRule::WithPartner)));
                self.give(1 - side, direct(Direction::Follow));
            }
            Fact::SyncFailed { .. } | Fact::Gap(_) => {
                let partner = self.sides[1 - side].instance;
                self.give(1 - side, direct(Direction::AcknowledgeBy(AckRule::Alone)));
                self.give(side, direct(Direction::StopSync));
                self.give(side, direct(Direction::BeginSync { partner }));
            }
            Fact::LosingEntriesStored => self.sides[side].losing_stored = true,
            Fact::PartnerBegan
            | Fact::DataTransferred { .. }
            | Fact::Swapped
            | Fact::DataUnacknowledged(_)
            | Fact::DegradedWanted
            | Fact::Drained { .. }
            | Fact::AheadFetched
            | Fact::StorageFailed => {}
        }
    }

    /// A message arrives, or a disk commits; who committed. `None`: nothing is under way.
    pub(super) fn step(&mut self) -> Option<Option<usize>> {
        let mut choices: Vec<(usize, Option<Lane>)> = Vec::new();
        for side in 0..2 {
            let busy = self.wires[side].iter().filter(|(_, queue)| !queue.is_empty());
            choices.extend(busy.map(|(lane, _)| (side, Some(*lane))));
            if !self.sides[side].queue.is_empty() {
                choices.push((side, None));
            }
        }
        if choices.is_empty() {
            return None;
        }
        let (side, lane) = choices[self.rng.pick(choices.len())];
        let mut committed = None;
        match lane {
            Some(lane) => {
                let message = self.wires[side].get_mut(&lane).and_then(VecDeque::pop_front)?;
                let from = self.sides[side].instance;
                self.give(1 - side, Input::Message { from, message });
            }
            None => {
                let (ticket, op) = self.sides[side].queue.pop_front()?;
                self.sides[side].image.carry_out(op);
                self.commits += 1;
                committed = Some(side);
                // A crash between the commit and its answer is one of those that matter.
                if self.rng.percent(50) {
                    self.give(side, Input::Stored { ticket });
                } else {
                    self.sides[side].queue.push_front((ticket, StoreOp::Data(nothing())));
                }
            }
        }
        for side in 0..2 {
            self.give(side, Input::Flush);
        }
        Some(committed)
    }

    /// Until nothing is under way and no deadline is near.
    pub(super) fn settle(&mut self) {
        for _ in 0..ROUNDS {
            let mut steps = 0;
            while self.step().is_some() {
                steps += 1;
                assert!(steps < STEPS_MAX, "the two talk for ever");
            }
            self.pass();
        }
    }

    pub(super) fn pass(&mut self) {
        self.now = self.now + ROUND;
        for side in 0..2 {
            self.give(side, Input::Tick { wall: NodeTime(self.now.0 / 1_000) });
        }
    }

    /// The node acts alone.
    pub(super) fn activate(&mut self, side: usize) {
        let epoch = Epoch { number: self.epochs, tag: 0 }.next(Designation::ALL[side], 7);
        self.epochs = epoch.number;
        self.direct(side, Direction::BecomeActive { epoch });
        self.direct(side, Direction::AcknowledgeBy(AckRule::Alone));
    }

    /// The node begins to become level with the other, which is active.
    pub(super) fn begin_sync(&mut self, side: usize) {
        let (partner, active) = (self.sides[side].instance, self.sides[1 - side].instance);
        self.direct(1 - side, Direction::StopServing);
        self.direct(1 - side, Direction::AcknowledgeBy(AckRule::Alone));
        self.direct(1 - side, Direction::ServePartner { partner });
        self.direct(side, Direction::StopSync);
        self.direct(side, Direction::BeginSync { partner: active });
    }

    pub(super) fn cut_wire(&mut self) {
        self.cut = true;
        for side in 0..2 {
            self.wires[side].clear();
            self.give(side, Input::LinkLost);
        }
    }

    pub(super) fn mend_wire(&mut self) {
        self.cut = false;
        for side in 0..2 {
            self.give(side, Input::LinkUp);
            self.give(side, Input::Flush);
        }
    }

    /// The process dies; what its disk had committed is found by the next one.
    pub(super) fn restart(&mut self, index: usize) {
        self.wires[0].clear();
        self.wires[1].clear();
        let side = &mut self.sides[index];
        side.queue.clear();
        side.instance.count += 1;
        let boot = side.image.boot(Designation::ALL[index], side.instance);
        side.replica = Replica::new(self.settings.clone(), boot);
        side.losing_stored = false;
    }

    pub(super) fn write(&mut self, side: usize, key: Option<String>, body: WriteBody) -> u64 {
        self.tickets += 1;
        let ticket = WriteTicket(self.tickets);
        let key =
            key.map(|it| hotpair_replication::IdempotencyKey { key: it.into(), issued: None });
        let written_at = NodeTime(self.now.0 / 1_000);
        self.give(side, Input::Write(Write { ticket, ack: None, key, written_at, body }));
        self.give(side, Input::Flush);
        ticket.0
    }
}

/// An operation that was carried out already and is only still to be answered.
const fn nothing() -> hotpair_replication::StoreOp {
    hotpair_replication::StoreOp::PutDivergence(Vec::new())
}
