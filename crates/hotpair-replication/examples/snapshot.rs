//! How long a standby takes that has nothing, and one that lacks one item in a hundred, and the
//! longest time one input took; no wire, no disk.
//! `cargo run --release --example snapshot [TAGS] [BYTES]`
#![allow(clippy::wildcard_enum_match_arm, reason = "it carries out what it needs")]

use bytes::Bytes;
use hotpair_replication::{
    AckRule, Boot, Direction, Fact, Input, Lane, Message, Op, Output, Replica, Settings, Write,
    WriteBody, WriteTicket,
};
use hotpair_types::{Ack, Designation, Epoch, Instance, ItemKey, NodeTime, Time};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

struct Side {
    replica: Replica,
    instance: Instance,
    longest: (Duration, String),
    busy: Duration,
}

#[derive(Default)]
struct World {
    queues: BTreeMap<(usize, Lane), VecDeque<Message>>,
    inputs: VecDeque<(usize, Input)>,
    chunks: u64,
    level: bool,
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|it| it.parse::<usize>().ok());
    let tags = arguments.next().unwrap_or(1_000_000);
    let value = Bytes::from(vec![7; arguments.next().unwrap_or(100)]);
    let mut sides = Designation::ALL.map(|designation| side(designation, 1));
    let epoch = Epoch { number: 1, tag: 1 };
    let mut world = World::default();
    world.run(&mut sides, 0, Direction::BecomeActive { epoch });
    world.run(&mut sides, 0, Direction::AcknowledgeBy(AckRule::Alone));
    for n in 0..tags {
        world.write(&mut sides, n, &value);
    }
    world.sync(&mut sides, "a full copy");
    // The standby is away while one item in a hundred changes, and more than the ring holds.
    world.run(&mut sides, 0, Direction::StopServing);
    world.run(&mut sides, 1, Direction::StopSync);
    let mut settings = sides[0].replica.settings().clone();
    settings.limits.runtime_ring_bytes_max = 1 << 20;
    sides[0].replica.set_settings(settings);
    world.run(&mut sides, 0, Direction::AcknowledgeBy(AckRule::Alone));
    for n in (0..tags).step_by(100).chain((0..20_000).map(|_| 0)) {
        world.write(&mut sides, n, &value);
    }
    world.sync(&mut sides, "one in a hundred changed");
    world.run(&mut sides, 0, Direction::StopServing);
    sides[1].replica.handle(Time::ZERO, Input::Direction(Direction::Reinit), &mut Vec::new());
    world.run(&mut sides, 1, Direction::StopSync);
    world.run(&mut sides, 0, Direction::AcknowledgeBy(AckRule::Alone));
    world.sync(&mut sides, "copied anew");
}

fn side(designation: Designation, count: u64) -> Side {
    let instance = Instance { count, tag: u64::from(designation == Designation::Backup) };
    let replica = Replica::new(Settings::default(), Boot::empty(designation, instance));
    Side { replica, instance, longest: Default::default(), busy: Duration::ZERO }
}

#[expect(clippy::disallowed_methods, reason = "it measures; the replicas get a fixed time")]
fn clock() -> Instant {
    Instant::now()
}

impl World {
    fn write(&mut self, sides: &mut [Side; 2], n: usize, value: &Bytes) {
        let item = ItemKey::new("tags", &format!("plant/area/tank-{n}/level"));
        let write = Write {
            ticket: WriteTicket(0),
            ack: Some(Ack::Local),
            key: None,
            written_at: NodeTime(1),
            body: WriteBody::Runtime { ops: vec![Op::Set { item, value: value.clone() }] },
        };
        self.give(sides, 0, Input::Write(write));
        if n.is_multiple_of(1_000) {
            self.give(sides, 0, Input::Flush);
            self.drain(sides);
        }
    }

    fn sync(&mut self, sides: &mut [Side; 2], what: &str) {
        for side in sides.iter_mut() {
            side.longest = Default::default();
            side.busy = Duration::ZERO;
        }
        self.chunks = 0;
        self.level = false;
        let (active, standby) = (sides[0].instance, sides[1].instance);
        self.run(sides, 0, Direction::ServePartner { partner: standby });
        self.run(sides, 1, Direction::BeginSync { partner: active });
        assert!(self.level, "{what}: it is not level");
        println!("{what}: {} bytes in parts", self.chunks);
        for (name, side) in ["active", "standby"].iter().zip(sides.iter()) {
            let (longest, input) = &side.longest;
            println!("  {name}: {:?} in all, longest {longest:?} for {input}", side.busy);
        }
    }

    fn run(&mut self, sides: &mut [Side; 2], to: usize, direction: Direction) {
        self.give(sides, to, Input::Direction(direction));
        self.drain(sides);
    }

    fn drain(&mut self, sides: &mut [Side; 2]) {
        loop {
            while let Some((to, input)) = self.inputs.pop_front() {
                self.give(sides, to, input);
            }
            let next = self.queues.iter_mut().find(|(_, queue)| !queue.is_empty());
            let Some(((from, _), queue)) = next else { return };
            let (from, message) = (*from, queue.pop_front().expect("it is not empty"));
            let instance = sides[from].instance;
            self.give(sides, 1 - from, Input::Message { from: instance, message });
            self.give(sides, 0, Input::Flush);
            self.give(sides, 1, Input::Flush);
        }
    }

    fn give(&mut self, sides: &mut [Side; 2], to: usize, input: Input) {
        let mut out = Vec::new();
        let side = &mut sides[to];
        let name: String = match &input {
            Input::Message { message, .. } => format!("{message:?}").chars().take(20).collect(),
            other => format!("{other:?}").chars().take(20).collect(),
        };
        let start = clock();
        side.replica.handle(Time::from_millis(1), input, &mut out);
        let took = start.elapsed();
        side.busy += took;
        if took > side.longest.0 {
            side.longest = (took, name);
        }
        for output in out {
            match output {
                Output::Send { lane, message } => {
                    if let Message::Chunk { sets, .. } = &message {
                        let bytes = sets.iter().map(|(item, it)| item.item.len() + it.value.len());
                        self.chunks += bytes.sum::<usize>() as u64;
                    }
                    self.queues.entry((to, lane)).or_default().push_back(message);
                }
                Output::Store { ticket, .. } => {
                    self.inputs.push_back((to, Input::Stored { ticket }));
                }
                Output::Fact(Fact::ModulesMatch) => {
                    self.inputs.push_back((to, Input::Direction(Direction::SettleWay)));
                }
                Output::Fact(Fact::WaySettled) => {
                    self.inputs.push_back((to, Input::Direction(Direction::TransferData)));
                }
                Output::Fact(Fact::PartnerCaughtUp { .. }) => {
                    let rule = Direction::AcknowledgeBy(AckRule::WithPartner);
                    self.inputs.push_back((to, Input::Direction(rule)));
                    self.inputs.push_back((1 - to, Input::Direction(Direction::Follow)));
                    self.level = true;
                }
                _ => {}
            }
        }
    }
}
