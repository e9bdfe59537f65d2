//! What comparing two level nodes costs: the longest steps, and a round over everything.
//!
//! `cargo run --release -p hotpair-replication --example compare [ITEMS]`
#![allow(clippy::print_stdout, reason = "it prints a table")]
#![allow(clippy::disallowed_methods, reason = "it measures")]
#![allow(clippy::wildcard_enum_match_arm, reason = "it carries out what comparing needs")]

use bytes::Bytes;
use hotpair_replication::{
    AckRule, Boot, Direction, Input, JournalBoot, Message, Output, Record, Replica, Settings,
};
use hotpair_types::{Designation, Epoch, Instance, ItemKey, JournalKind, NodeTime, Position, Time};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const EPOCH: Epoch = Epoch { number: 1, tag: 7 };

fn boot(designation: Designation, tag: u64, items: u64) -> Boot {
    let mut runtime = JournalBoot::empty(JournalKind::Runtime);
    let position = Position { epoch: EPOCH, sequence: 1 };
    runtime.head.history.note(position);
    let record =
        Record { value: Bytes::from_static(b"12345678"), position, written_at: NodeTime(0) };
    let item = |n| (ItemKey::new("tags", &format!("area/line/tag{n:07}")), record.clone());
    runtime.items = (0..items).map(item).collect();
    Boot {
        designation,
        instance: Instance { count: 1, tag },
        config: JournalBoot::empty(JournalKind::Config),
        runtime,
        divergence: Vec::new(),
        modules: Vec::new(),
    }
}

struct Host {
    replica: Replica,
    instance: Instance,
    longest: Duration,
    busy: Duration,
}

fn main() {
    let items = std::env::args().nth(1).and_then(|it| it.parse().ok()).unwrap_or(1_000_000);
    let settings = Settings { compare_interval: Duration::from_secs(3_600), ..Settings::default() };
    let mut hosts = [(Designation::Master, 1), (Designation::Backup, 2)].map(|(it, tag)| Host {
        replica: Replica::new(settings.clone(), boot(it, tag, items)),
        instance: Instance { count: 1, tag },
        longest: Duration::ZERO,
        busy: Duration::ZERO,
    });
    let [active, standby] = [hosts[0].instance, hosts[1].instance];
    let mut queue: VecDeque<(usize, Input)> = VecDeque::new();
    let direct = Input::Direction;
    queue.extend([
        (0, Input::PartnerCompares(true)),
        (0, direct(Direction::BecomeActive { epoch: EPOCH })),
        (0, direct(Direction::ServePartner { partner: standby })),
        (1, direct(Direction::BeginSync { partner: active })),
        (1, direct(Direction::SettleWay)),
        (1, direct(Direction::TransferData)),
    ]);
    let (mut now, mut questions, mut answers, mut quiet) = (Time::from_millis(1), 0, 0, 0);
    while quiet < 200 {
        let Some((to, input)) = queue.pop_front() else {
            now = now + Duration::from_millis(10);
            quiet += 1;
            queue.extend([0, 1].map(|to| (to, Input::Tick { wall: NodeTime(0) })));
            continue;
        };
        let compares = matches!(
            &input,
            Input::Tick { .. } | Input::Message { message: Message::Compare { .. }, .. }
        );
        let mut out = Vec::new();
        let host = &mut hosts[to];
        let begun = Instant::now();
        host.replica.handle(now, input, &mut out);
        let took = begun.elapsed();
        host.replica.handle(now, Input::Flush, &mut out);
        if compares && questions > 0 {
            host.longest = host.longest.max(took);
            host.busy += took;
        }
        let from = host.instance;
        for output in out {
            match output {
                Output::Send { message, .. } => {
                    questions += u64::from(matches!(message, Message::Compare { .. }));
                    if matches!(message, Message::Compared { .. }) {
                        answers += 1;
                        quiet = 0;
                    }
                    queue.push_back((1 - to, Input::Message { from, message }));
                }
                Output::Store { ticket, .. } => queue.push_back((to, Input::Stored { ticket })),
                Output::Fact(hotpair_replication::Fact::PartnerCaughtUp { .. }) => {
                    queue.push_back((0, direct(Direction::AcknowledgeBy(AckRule::WithPartner))));
                }
                _ => {}
            }
        }
    }
    println!("{items} items: {questions} comparisons, {answers} answers");
    for (host, name) in hosts.iter().zip(["active", "standby"]) {
        let mean = host.busy / u32::try_from(questions.max(1)).unwrap_or(u32::MAX);
        println!("{name}: {:?} for all, {mean:?} a step, {:?} at most", host.busy, host.longest);
    }
}
