//! A subscriber misses nothing, on either node; who is too far behind is told so.
use crate::table::{Journal, at, shown};
use hotpair_engine::RuntimeStateProvider;
use hotpair_engine::tags::{Delivery, Filter, ResumeFrom, Subscription, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const INT: &str = r#"{"type":"int"}"#;

fn after(epoch: u64, sequence: u64) -> ResumeFrom {
    ResumeFrom::After { sequence, epoch: Some(epoch) }
}

fn begin(journal: &Journal, from: ResumeFrom) -> Subscription {
    journal.tags.subscribe(Filter::Prefix("".into()), from)
}

fn heard(journal: &Journal, subscription: &mut Subscription, limit: usize) -> String {
    let all = |it: &[hotpair_engine::tags::Reading]| {
        it.iter().map(|it| format!(" {};", shown(it))).collect::<String>()
    };
    match journal.tags.next(subscription, limit) {
        Delivery::Idle => "idle".into(),
        Delivery::Changes { to, changes } => format!("to {to}:{}", all(&changes)),
        Delivery::Snapshot { at, first, last, readings } => {
            format!("snapshot {at} first={first} last={last}:{}", all(&readings))
        }
    }
}

#[test]
fn a_subscriber_gets_all_values_and_then_every_change() {
    let mut journal = Journal::with(&[("a", INT), ("b", INT)]);
    journal.write("a", 1).unwrap();
    let mut subscription = begin(&journal, ResumeFrom::Snapshot);
    journal.write("a", 2).unwrap();
    let snapshot = heard(&journal, &mut subscription, 9);
    assert_eq!(snapshot, "snapshot e1:1 first=true last=true: a=2 good @e1:2; b=none bad @e0:0;");
    assert_eq!(heard(&journal, &mut subscription, 9), "to e1:2:", "it was shown already");
    assert_eq!(heard(&journal, &mut subscription, 9), "idle");
    journal.write("b", 3).unwrap();
    assert_eq!(heard(&journal, &mut subscription, 9), "to e1:3: b=3 good @e1:3;");
}

#[test]
fn a_snapshot_in_parts_and_what_follows_show_every_change_once() {
    let mut journal = Journal::with(&[("a", INT), ("b", INT)]);
    journal.batch(&[("a", 1.into()), ("b", 1.into())]).unwrap();
    let mut subscription = begin(&journal, ResumeFrom::Snapshot);
    let part = heard(&journal, &mut subscription, 1);
    assert_eq!(part, "snapshot e1:1 first=true last=false: a=1 good @e1:1;");
    journal.batch(&[("a", 2.into()), ("b", 2.into())]).unwrap();
    let part = heard(&journal, &mut subscription, 1);
    assert_eq!(part, "snapshot e1:1 first=false last=true: b=2 good @e1:2;");
    journal.batch(&[("a", 3.into()), ("b", 3.into())]).unwrap();
    let changes = heard(&journal, &mut subscription, 1);
    assert_eq!(changes, "to e1:2: a=2 good @e1:2;", "b was shown with its part");
    let changes = heard(&journal, &mut subscription, 1);
    assert_eq!(changes, "to e1:3: a=3 good @e1:3; b=3 good @e1:3;", "an entry is never split");
}

#[test]
fn parts_and_changes_add_up_whatever_comes_between() {
    const TAGS: usize = 23;
    let path = |n: usize| format!("t{n:02}");
    for seed in 0..300_usize {
        let names: Vec<String> = (0..TAGS).map(path).collect();
        let declared: Vec<(&str, &str)> = names.iter().map(|it| (it.as_str(), INT)).collect();
        let mut journal = Journal::with(&declared);
        let mut subscription = begin(&journal, ResumeFrom::Snapshot);
        let mut held = std::collections::BTreeMap::new();
        let (mut value, mut step) = (0, seed);
        loop {
            step = step.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
            if step >> 40 & 1 == 0 && value < 60 {
                value += 1;
                journal.write(&names[(step >> 44) % TAGS], value).unwrap();
                continue;
            }
            let delivered = match journal.tags.next(&mut subscription, 1 + (step >> 50) % 4) {
                Delivery::Snapshot { readings, .. } => readings,
                Delivery::Changes { changes, .. } => changes,
                Delivery::Idle if value == 60 => break,
                Delivery::Idle => continue,
            };
            for reading in delivered {
                let before = held.insert(reading.path.to_string(), reading.clone());
                let newer = before.is_none_or(|it| it.position < reading.position);
                assert!(newer, "{} twice or backwards, seed {seed}", reading.path);
            }
        }
        for name in &names {
            assert_eq!(held.get(name), journal.tags.read(name).as_ref(), "seed {seed}");
        }
    }
}

#[test]
fn a_subscriber_goes_on_at_the_other_node() {
    let mut active = Journal::with(&[("a", INT)]);
    let mut standby = Journal::with(&[("a", INT)]);
    for value in 1..=4_i64 {
        active.write("a", value).unwrap();
        standby.write("a", value).unwrap();
    }
    standby.end = at(2, 4);
    standby.write("a", 5).unwrap();
    let mut subscription = begin(&standby, after(1, 3));
    let changes = heard(&standby, &mut subscription, 9);
    assert_eq!(changes, "to e2:5: a=4 good @e1:4; a=5 good @e2:5;");
}

#[test]
fn a_sequence_that_this_history_does_not_know_begins_anew() {
    // The old active had 4 and 5 that never came here; the same numbers are others here.
    let mut journal = Journal::with(&[("a", INT)]);
    for value in 1..=3_i64 {
        journal.write("a", value).unwrap();
    }
    journal.end.epoch = at(2, 0).epoch;
    for value in 4..=9_i64 {
        journal.write("a", value).unwrap();
    }
    let begins = |from| heard(&journal, &mut begin(&journal, from), 9);
    assert!(begins(after(1, 5)).starts_with("snapshot"), "another epoch wrote 5 here");
    assert!(begins(after(2, 12)).starts_with("snapshot"), "12 is not here yet");
    assert!(begins(after(1, 3)).starts_with("to e2:9: a=4"));
}

#[test]
fn entries_of_other_providers_are_part_of_the_history() {
    let mut journal = Journal::with(&[("a", INT)]);
    journal.write("a", 1).unwrap();
    journal.tags.journal_at(at(1, 5));
    assert_eq!(heard(&journal, &mut begin(&journal, after(1, 5)), 9), "idle");
    assert!(heard(&journal, &mut begin(&journal, after(1, 6)), 9).starts_with("snapshot"));
    journal.tags.journal_at(at(2, 6));
    assert_eq!(heard(&journal, &mut begin(&journal, after(1, 5)), 9), "idle");
    assert!(heard(&journal, &mut begin(&journal, after(1, 6)), 9).starts_with("snapshot"));
    journal.end = at(2, 6);
    journal.write("a", 2).unwrap();
    let changes = heard(&journal, &mut begin(&journal, after(1, 5)), 9);
    assert_eq!(changes, "to e2:7: a=2 good @e2:7;");
}

#[test]
fn who_is_too_far_behind_gets_a_snapshot() {
    let mut journal = Journal::with(&[("a", r#"{"type":"text"}"#)]);
    journal.write("a", "x").unwrap();
    let mut subscription = begin(&journal, ResumeFrom::Now);
    let long = "x".repeat(60_000);
    for _ in 0..300 {
        journal.write("a", Value::from(&*long)).unwrap();
    }
    let gets = heard(&journal, &mut subscription, 9);
    assert!(gets.starts_with("snapshot e1:301 first=true last=true"), "{:.60}", gets);
    assert_eq!(heard(&journal, &mut subscription, 9), "idle");
}

#[test]
fn a_replaced_history_begins_anew() {
    let mut journal = Journal::with(&[("a", INT)]);
    journal.write("a", 1).unwrap();
    let mut subscription = begin(&journal, ResumeFrom::Now);
    journal.tags.restore(at(2, 1), &[]).unwrap();
    let gets = heard(&journal, &mut subscription, 9);
    assert_eq!(gets, "snapshot e2:1 first=true last=true: a=none bad @e0:0;");
    journal.end = at(4, 0);
    journal.write("a", 3).unwrap();
    let gets = heard(&journal, &mut subscription, 9);
    assert_eq!(gets, "snapshot e4:1 first=true last=true: a=3 good @e4:1;", "it went back");
}

#[test]
fn a_tag_that_goes_is_heard_of() {
    let mut journal = Journal::with(&[("a", INT), ("b", INT)]);
    journal.write("a", 1).unwrap();
    let mut subscription = journal.tags.subscribe(
        Filter::Paths(["a".into()].into()),
        ResumeFrom::After { sequence: 0, epoch: None },
    );
    journal.write("b", 1).unwrap();
    let effect = journal.tags.config_changed("tags/a", None).unwrap();
    let hotpair_engine::tags::ConfigEffect::Removed(post) = effect else { panic!("removed") };
    journal.tags.commit(at(1, 3), vec![post]).unwrap();
    let gets = heard(&journal, &mut subscription, 9);
    assert_eq!(gets, "to e1:3: a=1 good @e1:1; a=none bad @e1:3 gone;");
}

#[test]
fn every_change_wakes() {
    let mut journal = Journal::with(&[("a", INT)]);
    let woken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&woken);
    journal.tags.set_on_change(move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    journal.write("a", 1).unwrap();
    journal.write("a", 2).unwrap();
    assert_eq!(woken.load(Ordering::Relaxed), 2);
}
