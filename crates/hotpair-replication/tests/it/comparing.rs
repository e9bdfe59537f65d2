//! Level nodes compare what they have: what differs without a trace in the histories is named on both,
//! healed, and what is overwritten is kept.
use crate::pair::{A, B, Pair, set, tag};
use bytes::Bytes;
use expect_test::expect;
use hotpair_replication::{
    Alarm, Comparison, Fact, Fate, Inconsistency, Input, JournalBoot, KeyRange, Message, Op,
    Record, Replica, Settings, WriteBody,
};
use hotpair_types::{Designation, ItemKey, JournalKind, NodeTime};
use std::fmt::Write as _;
use std::time::Duration;

impl Pair {
    /// Both compare what they have from now on.
    pub fn compare(&mut self) {
        self.compares = true;
        for node in [A, B] {
            self.give(node, Input::PartnerCompares(true));
        }
    }
}

fn pair() -> Pair {
    let mut pair = Pair::with(Settings {
        resend_after: Duration::from_millis(50),
        compare_interval: Duration::from_millis(200),
        ..Settings::default()
    });
    pair.activate(A);
    pair
}

/// A level pair with 600 tags and 300 config records.
fn full() -> Pair {
    let mut pair = pair();
    for n in 0..600 {
        pair.tag(A, &format!("t{n:03}"), "1");
    }
    for n in 0..300 {
        pair.config(A, &format!("c{n:03}"), "1");
    }
    pair.sync(B);
    pair
}

/// A node comes back with other data than it had, at the positions that it had.
fn rot(pair: &mut Pair, node: usize, kind: JournalKind, change: impl FnOnce(&mut JournalBoot)) {
    let instance = pair.nodes[node].instance;
    let mut boot = pair.nodes[node].disk.boot(Designation::ALL[node], instance, 8);
    match kind {
        JournalKind::Config => change(&mut boot.config),
        JournalKind::Runtime => change(&mut boot.runtime),
    }
    pair.nodes[node].replica = Replica::new(pair.settings.clone(), boot);
    pair.give(node, Input::PartnerCompares(pair.compares));
    pair.give(node, Input::ProviderReady { provider: "tags".into() });
}

fn become_other(item: &ItemKey, value: &'static str) -> impl FnOnce(&mut JournalBoot) {
    let item = item.clone();
    move |boot| {
        let (_, record) = boot.items.iter_mut().find(|(it, _)| *it == item).expect("it is there");
        *record = Record { value: Bytes::from_static(value.as_bytes()), ..record.clone() };
    }
}

/// What both say of it; hashes by their first four digits.
fn alarms(pair: &Pair) -> String {
    let short = |hash: &Option<[u8; 32]>| {
        hash.map_or_else(|| "-".to_owned(), |it| format!("{:02x}{:02x}", it[0], it[1]))
    };
    let mut text = String::new();
    for (node, name) in [(A, "a"), (B, "b")] {
        for alarm in &pair.nodes[node].alarms {
            if let Alarm::Inconsistency { kind, item, what } = alarm {
                let Inconsistency::DigestDiffers { here, partner } = what else {
                    panic!("{what}");
                };
                let (here, partner) = (short(here), short(partner));
                let _ = writeln!(text, "{name}: {kind} {item}: {here} here, {partner} there");
            }
        }
    }
    text
}

fn settle(pair: &mut Pair) {
    pair.settle();
    // An interval lies between two comparisons.
    pair.settle();
}

#[test]
fn nothing_is_said_of_a_pair_that_has_the_same() {
    let mut pair = full();
    pair.compare();
    settle(&mut pair);
    // 300 records in two parts, 600 tags in three, for each of several rounds.
    let rounds = pair.log.matches("Compared").count() / 5;
    assert!(rounds >= 2, "{rounds} rounds");
    assert_eq!(alarms(&pair), "");
    pair.assert_level();
}

#[test]
fn a_value_that_differs_is_named_on_both_and_healed_and_kept() {
    let mut pair = full();
    rot(&mut pair, B, JournalKind::Runtime, become_other(&tag("t407"), "rotten"));
    pair.begin_sync(B);
    pair.settle();
    assert_eq!(alarms(&pair), "", "nobody compares yet");
    pair.compare();
    settle(&mut pair);
    expect![[r#"
        a: runtime tags/t407: 64b1 here, 40a4 there
        b: runtime tags/t407: 40a4 here, 64b1 there
    "#]]
    .assert_eq(&alarms(&pair));
    let gaps = pair.nodes[B].facts.iter().filter(|it| matches!(it, Fact::Gap(_))).count();
    assert_eq!(gaps, 1);
    pair.assert_level();
    assert_eq!(pair.value(B, JournalKind::Runtime, &tag("t407")).unwrap(), "1");
    expect!["runtime e1:408 after ?: tags/t407=rotten; won: tags/t407=1; kept"]
        .assert_eq(&pair.divergence(B));
    assert_eq!(pair.divergence(A), pair.divergence(B), "the active has it too");
    assert!(pair.nodes[A].alarms.iter().any(|it| matches!(it, Alarm::Diverged { kept: 1 })));
}

#[test]
fn what_one_of_the_two_lacks_is_found() {
    for (lacks, item) in [(B, tag("t599")), (B, tag("t000")), (A, tag("t300"))] {
        let mut pair = full();
        pair.compare();
        let gone = item.clone();
        rot(&mut pair, lacks, JournalKind::Runtime, |it| it.items.retain(|(it, _)| *it != gone));
        if lacks == A {
            pair.activate(A);
        }
        pair.begin_sync(B);
        settle(&mut pair);
        let text = alarms(&pair);
        assert!(text.contains(&format!("b: runtime {item}: ")), "{text}");
        let [a, b] = pair.nodes.each_ref().map(|it| it.replica.state_digest());
        assert_eq!(a, b);
        let kept = pair.divergence(B);
        assert_eq!(kept.contains("t300=1"), lacks == A, "what B loses is kept: {kept}");
    }
}

#[test]
fn config_and_the_end_of_the_range_are_compared_too() {
    for key in ["c000", "c255", "c256", "c299"] {
        let mut pair = full();
        pair.compare();
        rot(&mut pair, B, JournalKind::Config, become_other(&ItemKey::config(key), "rotten"));
        pair.begin_sync(B);
        settle(&mut pair);
        let text = alarms(&pair);
        assert!(text.contains(&format!("b: config {key}: ")), "{text}");
        pair.assert_level();
    }
}

#[test]
fn two_that_differ_in_one_entry_are_both_kept() {
    let mut pair = pair();
    let ops = (0..4).map(|n| set(tag(&format!("t{n}")), "1")).collect();
    pair.write_with(A, None, None, WriteBody::Runtime { ops });
    pair.sync(B);
    pair.compare();
    for item in ["t1", "t2", "t1"] {
        rot(&mut pair, B, JournalKind::Runtime, become_other(&tag(item), "rotten"));
        pair.begin_sync(B);
        settle(&mut pair);
    }
    pair.assert_level();
    let kept =
        "runtime e1:1 after ?: tags/t1=rotten, tags/t2=rotten; won: tags/t1=1, tags/t2=1; kept";
    assert_eq!(pair.divergence(B), kept);
    assert_eq!(pair.divergence(A), kept);
    // It waits for a person also when the two become level once more.
    pair.restart(B);
    pair.sync(B);
    assert_eq!(pair.divergence(B), kept);
}

#[test]
fn under_load_nothing_is_said_that_is_not_so_and_what_differs_is_found() {
    for seed in 0..60 {
        let mut pair = full();
        pair.seed = seed;
        pair.compare();
        let rotten = seed % 2 == 0;
        if rotten {
            rot(&mut pair, B, JournalKind::Runtime, become_other(&tag("t407"), "rotten"));
            pair.begin_sync(B);
            pair.settle();
        }
        for n in 0..900 {
            let item = format!("t{:03}", pair.random(400));
            pair.tag(A, &item, &n.to_string());
            for _ in 0..pair.random(5) {
                pair.step();
            }
            if n % 10 == 0 {
                pair.pass(20);
            }
            if n % 100 == 0 {
                // Data takes another channel.
                pair.overtake();
            }
        }
        settle(&mut pair);
        let text = alarms(&pair);
        assert_eq!(text.contains("b: runtime tags/t407"), rotten, "seed {seed}: {text}");
        assert_eq!(text.lines().count(), if rotten { 2 } else { 0 }, "seed {seed}: {text}");
        pair.assert_level();
    }
}

#[test]
fn a_partner_of_an_older_release_is_never_asked() {
    let mut pair = full();
    for said in [true, false] {
        pair.log.clear();
        for node in [A, B] {
            pair.give(node, Input::PartnerCompares(said));
        }
        settle(&mut pair);
        assert_eq!(pair.log.contains("Compare"), said, "{}", pair.log);
    }
}

#[test]
fn one_step_is_bounded_whatever_is_there() {
    let mut pair = pair();
    let large = "x".repeat(100_000);
    for n in 0..20 {
        pair.tag(A, &format!("large {n}"), &large);
    }
    for n in 0..1_000 {
        pair.tag(A, &format!("small {n}"), "1");
    }
    pair.sync(B);
    pair.compare();
    let mut most = (0, 0);
    for _ in 0..2_000 {
        let now = pair.now;
        let stepped = pair.step_with(|_, _, message| {
            if let Message::Compare { comparison, .. } = &message {
                most.0 = most.0.max(comparison.items);
                if comparison.range.until.as_ref().is_some_and(|it| it.item.starts_with("large")) {
                    most.1 = most.1.max(comparison.items);
                }
            }
            message
        });
        if !stepped {
            pair.pass(20);
        }
        let deadline = pair.nodes[A].replica.next_deadline().unwrap();
        assert!(stepped || deadline > now, "it is never due again and again at one moment");
    }
    assert_eq!(most, (256, 3), "items of a step; of those with 100 kB");
}

/// What an active says is answered with bounded work, whatever it asks for.
#[test]
fn a_comparison_of_everything_at_once_is_not_carried_out() {
    let mut pair = full();
    pair.compare();
    settle(&mut pair);
    let at = pair.nodes[B].replica.positions().runtime;
    let mut last = None;
    pair.tag(A, "x", "1");
    while pair.step_with(|_, _, message| {
        if let Message::Entries { session, .. } = &message {
            last = Some(*session);
        }
        message
    }) {}
    let comparison = Comparison {
        kind: JournalKind::Runtime,
        request: 9,
        at: pair.nodes[B].replica.positions().runtime,
        range: KeyRange::default(),
        items: u64::MAX,
        digest: [1; 32],
        each: Vec::new(),
    };
    assert!(at < comparison.at);
    let mut out = Vec::new();
    let from = pair.nodes[A].instance;
    let session = last.expect("entries went");
    let message = Message::Compare { session, comparison: Box::new(comparison) };
    pair.nodes[B].replica.handle(pair.now, Input::Message { from, message }, &mut out);
    expect![[r#"Compared { session: Session { instance: Instance { count: 1, tag: 1 }, count: 1 }, request: 9, found: Differs }"#]]
        .assert_eq(&out.iter().map(|it| match it {
            hotpair_replication::Output::Send { message, .. } => format!("{message:?}"),
            other => format!("{other:?}"),
        }).collect::<String>());
}

#[test]
fn the_old_value_can_be_written_again() {
    let mut pair = full();
    pair.compare();
    rot(&mut pair, B, JournalKind::Runtime, become_other(&tag("t407"), "not rotten at all"));
    pair.begin_sync(B);
    settle(&mut pair);
    let id = pair.nodes[A].replica.divergence().next().expect("it is kept").id;
    let ticket = hotpair_replication::WriteTicket(77_777);
    pair.give(A, Input::ReplayDivergence { ticket, id, written_at: NodeTime(5) });
    settle(&mut pair);
    assert_eq!(pair.value(B, JournalKind::Runtime, &tag("t407")).unwrap(), "not rotten at all");
    let fate = pair.nodes[A].replica.divergence().next().expect("it is kept").fate;
    assert!(matches!(fate, Fate::Replayed(_)), "{fate:?}");
    pair.assert_level();
}

#[test]
fn what_an_entry_removes_is_not_looked_for() {
    let mut pair = full();
    pair.compare();
    settle(&mut pair);
    let ops = vec![Op::Remove { item: tag("t256") }, Op::Remove { item: tag("t255") }];
    pair.write_with(A, None, None, WriteBody::Runtime { ops });
    settle(&mut pair);
    assert_eq!(alarms(&pair), "");
    pair.assert_level();
}
