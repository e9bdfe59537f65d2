//! How many runtime writes a second two replicas take in one thread: written, sent, applied,
//! acknowledged, answered; no wire, no disk. `cargo run --release --example writes [TAGS] [BATCH]`
#![allow(clippy::wildcard_enum_match_arm, reason = "it carries out what it needs")]

use bytes::Bytes;
use hotpair_replication::{
    AckRule, Boot, Direction, Fact, Input, Op, Outcome, Output, Replica, Settings, Write,
    WriteBody, WriteTicket,
};
use hotpair_types::{Designation, Epoch, Instance, ItemKey, NodeTime, Time};

struct Side {
    replica: Replica,
    instance: Instance,
    answered: u64,
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|it| it.parse::<u64>().ok());
    let tags = arguments.next().unwrap_or(1_000);
    let batch = arguments.next().unwrap_or(1_000);
    let mut sides = Designation::ALL.map(|designation| {
        let tag = u64::from(designation == Designation::Backup);
        let instance = Instance { count: 1, tag };
        let boot = Boot::empty(designation, instance);
        Side { replica: Replica::new(Settings::default(), boot), instance, answered: 0 }
    });
    let epoch = Epoch { number: 1, tag: 1 };
    let (active, standby) = (sides[0].instance, sides[1].instance);
    give(&mut sides, 0, Input::Direction(Direction::BecomeActive { epoch }));
    give(&mut sides, 0, Input::Direction(Direction::AcknowledgeBy(AckRule::Alone)));
    give(&mut sides, 0, Input::Direction(Direction::ServePartner { partner: standby }));
    give(&mut sides, 1, Input::Direction(Direction::BeginSync { partner: active }));
    let names: Vec<ItemKey> =
        (0..tags).map(|it| ItemKey::new("tags", &format!("plant/area/tank-{it}/level"))).collect();
    let value = Bytes::from_static(&[7; 100]);
    for round in 0..3 {
        let writes = 1_000_000;
        let before = sides[0].answered;
        let start = clock();
        let mut next = 0_u64;
        while next < writes {
            for _ in 0..batch {
                // A stride that visits all tags in no order.
                let item = names[(next.wrapping_mul(7_919) % tags) as usize].clone();
                let ops = vec![Op::Set { item, value: value.clone() }];
                let write = Write {
                    ticket: WriteTicket(next),
                    ack: None,
                    key: None,
                    written_at: NodeTime(next),
                    body: WriteBody::Runtime { ops },
                };
                give(&mut sides, 0, Input::Write(write));
                next += 1;
            }
            give(&mut sides, 0, Input::Flush);
            give(&mut sides, 1, Input::Flush);
        }
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(sides[0].answered - before, next, "every write is answered");
        println!("round {round}: {:.2} million writes/s", next as f64 / seconds / 1e6);
    }
    assert_eq!(sides[0].replica.state_digest(), sides[1].replica.state_digest());
}

#[expect(clippy::disallowed_methods, reason = "it measures; the replicas get a fixed time")]
fn clock() -> std::time::Instant {
    std::time::Instant::now()
}

/// Gives an input and carries out what comes of it, on both sides.
fn give(sides: &mut [Side; 2], to: usize, input: Input) {
    let mut queue = std::collections::VecDeque::from([(to, input)]);
    let mut out = Vec::new();
    while let Some((to, input)) = queue.pop_front() {
        sides[to].replica.handle(Time::from_millis(1), input, &mut out);
        for output in out.drain(..) {
            match output {
                Output::Send { message, .. } => {
                    let from = sides[to].instance;
                    queue.push_back((1 - to, Input::Message { from, message }));
                    queue.push_back((1 - to, Input::Flush));
                }
                Output::Store { ticket, .. } => queue.push_back((to, Input::Stored { ticket })),
                Output::Reply { outcome, .. } => {
                    assert!(matches!(outcome, Outcome::Acknowledged(it) if !it.degraded));
                    sides[to].answered += 1;
                }
                Output::Fact(Fact::ModulesMatch) => {
                    queue.push_back((to, Input::Direction(Direction::SettleWay)));
                }
                Output::Fact(Fact::WaySettled) => {
                    queue.push_back((to, Input::Direction(Direction::TransferData)));
                }
                Output::Fact(Fact::PartnerCaughtUp { .. }) => {
                    let rule = Direction::AcknowledgeBy(AckRule::WithPartner);
                    queue.push_back((to, Input::Direction(rule)));
                    queue.push_back((1 - to, Input::Direction(Direction::Follow)));
                }
                _ => {}
            }
        }
    }
}
