//! Random forks, crashes and cuts: the two always come to the same state, and nothing is lost.
use crate::pair::{A, B, Pair, set, tag};
use hotpair_replication::{AckRule, Direction, Fate, Op, WriteBody};
use hotpair_types::{ItemKey, JournalKind};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
    Tag { node: usize, item: u8 },
    RemoveTag { node: usize, item: u8 },
    ReplaceTags { node: usize, items: u8 },
    Config { node: usize, item: u8 },
    RemoveConfig { node: usize, item: u8 },
    Deliver(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let node = 0..2_usize;
    let item = 0..6_u8;
    prop_oneof![
        6 => (node.clone(), item.clone()).prop_map(|(node, item)| Step::Tag { node, item }),
        2 => (node.clone(), item.clone()).prop_map(|(node, item)| Step::RemoveTag { node, item }),
        1 => (node.clone(), item.clone()).prop_map(|(node, items)| Step::ReplaceTags { node, items }),
        3 => (node.clone(), item.clone()).prop_map(|(node, item)| Step::Config { node, item }),
        1 => (node, item).prop_map(|(node, item)| Step::RemoveConfig { node, item }),
        3 => (0..20_u8).prop_map(Step::Deliver),
    ]
}

fn run(pair: &mut Pair, steps: &[Step], values: &mut u32) {
    for step in steps {
        *values += 1;
        let value = values.to_string();
        match *step {
            Step::Tag { node, item } => {
                pair.tag(node, &format!("t{item}"), &value);
            }
            Step::RemoveTag { node, item } => {
                let ops = vec![Op::Remove { item: tag(&format!("t{item}")) }];
                let there = pair.value(node, JournalKind::Runtime, &tag(&format!("t{item}")));
                if there.is_some() {
                    pair.write_with(node, None, None, WriteBody::Runtime { ops });
                }
            }
            Step::ReplaceTags { node, items } => {
                let item = |it| (format!("t{it}").into(), value.clone().into_bytes().into());
                let items = (0..items).map(item).collect();
                let ops = vec![Op::ReplaceAll { provider: "tags".into(), items }];
                pair.write_with(node, None, None, WriteBody::Runtime { ops });
            }
            Step::Config { node, item } => {
                pair.config(node, &format!("c{item}"), &value);
            }
            Step::RemoveConfig { node, item } => {
                pair.remove_config(node, &format!("c{item}"));
            }
            Step::Deliver(steps) => {
                for _ in 0..steps {
                    pair.step();
                }
            }
        }
    }
}

/// Every acknowledged or visible change of both nodes is, after they have met, in the common
/// state, overwritten by a later one of the same history, or in a divergence store.
fn check_nothing_lost(
    pair: &Pair,
    before: &[BTreeMap<ItemKey, String>; 2],
    loser: usize,
    fork: u32,
) {
    let late = |it: &str| it.parse::<u32>().expect("values are numbers") > fork;
    for (item, value) in before[loser].iter().filter(|(_, it)| late(it)) {
        let kind =
            if item.provider.is_empty() { JournalKind::Config } else { JournalKind::Runtime };
        let now = pair.value(A, kind, item);
        let kept = |node: usize| {
            pair.nodes[node].replica.divergence().any(|record| {
                record.entry.ops.iter().any(|op| match op {
                    Op::Set { item: it, value: v } => it == item && v == value.as_bytes(),
                    Op::ReplaceAll { items, .. } => {
                        items.iter().any(|(name, v)| *name == item.item && v == value.as_bytes())
                    }
                    Op::Remove { .. } => false,
                })
            })
        };
        let there = now.as_deref() == Some(&**value);
        assert!(
            there || (kept(A) && kept(B)),
            "{item}={value} of the loser is gone; now {now:?}\n{}",
            pair.divergence(A),
        );
    }
}

fn state(pair: &Pair, node: usize) -> BTreeMap<ItemKey, String> {
    let mut state = BTreeMap::new();
    for kind in JournalKind::ALL {
        let provider = if kind == JournalKind::Config { "" } else { "tags" };
        for (name, record) in pair.nodes[node].replica.items(kind, provider, "") {
            let value = String::from_utf8_lossy(&record.value).into_owned();
            state.insert(ItemKey::new(provider, name), value);
        }
    }
    state
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_forks_come_to_one_state_and_every_losing_entry_is_kept(
        seed in any::<u64>(),
        shared in prop::collection::vec(step(), 0..20),
        apart in prop::collection::vec(step(), 0..30),
        loser in 0..2_usize,
        was_active in any::<bool>(),
        restarted in any::<bool>(),
        crash_at in prop::option::of(0..60_usize),
        small in any::<bool>(),
    ) {
        let mut settings = Pair::new().settings;
        settings.config_writable_on = hotpair_types::WritableOn::Active;
        if small {
            settings.limits.runtime_ring_bytes_max = 1_500;
            settings.limits.config_ring_bytes_max = 1_500;
            settings.limits.message_bytes_max = 700;
            settings.limits.tombstones_max = 2;
        }
        let mut pair = Pair::with(settings);
        pair.seed = seed;
        let mut values = 0;
        pair.activate(A);
        pair.sync(B);
        let on_a: Vec<Step> = shared.into_iter().map(|it| on(it, A)).collect();
        run(&mut pair, &on_a, &mut values);
        let fork = values;
        pair.cut_wire();
        pair.direct(A, Direction::AcknowledgeBy(AckRule::Alone));
        pair.direct(B, Direction::StopSync);
        pair.activate(B);
        run(&mut pair, &apart, &mut values);
        for _ in 0..3 {
            while pair.step() {}
            pair.pass(100);
        }
        while pair.step() {}
        if restarted {
            pair.restart(loser);
        }
        let before = [state(&pair, A), state(&pair, B)];
        pair.mend_wire();
        if was_active && !restarted {
            let winner = Box::new(pair.nodes[1 - loser].replica.history());
            let winner_epoch = winner.positions().runtime.epoch;
            let rule = "test".into();
            pair.direct(loser, Direction::StoreLosingEntries { winner, winner_epoch, rule });
            while pair.step() {}
        }
        pair.direct(loser, Direction::BecomeStandby);
        pair.activate(1 - loser);
        pair.begin_sync(loser);
        if let Some(steps) = crash_at {
            for _ in 0..steps {
                pair.step();
            }
            pair.restart(loser);
            pair.begin_sync(loser);
        }
        pair.settle();
        pair.assert_level();
        check_nothing_lost(&pair, &before, loser, fork);
        for record in pair.nodes[loser].replica.divergence() {
            let there = pair.nodes[1 - loser].replica.divergence().any(|it| it.id == record.id);
            prop_assert!(there, "{:?} is with the loser only", record.id);
            if let Fate::InHistory(at) = record.fate {
                let last = pair.nodes[A].replica.positions().of(record.id.kind).sequence;
                prop_assert!(at.sequence <= last);
            }
        }
        // And it goes on.
        let write = pair.write_with(1 - loser, None, None, WriteBody::Runtime { ops: vec![set(tag("end"), "1")] });
        pair.settle();
        pair.assert_level();
        prop_assert!(pair.reply(1 - loser, write).starts_with("replicated"));
    }
}

fn on(step: Step, node: usize) -> Step {
    match step {
        Step::Tag { item, .. } => Step::Tag { node, item },
        Step::RemoveTag { item, .. } => Step::RemoveTag { node, item },
        Step::ReplaceTags { items, .. } => Step::ReplaceTags { node, items },
        Step::Config { item, .. } => Step::Config { node, item },
        Step::RemoveConfig { item, .. } => Step::RemoveConfig { node, item },
        Step::Deliver(steps) => Step::Deliver(steps),
    }
}
