//! One alarm by ISA-18.2: limits with deadband and delays, people's commands.
use crate::object_declarations::{TANK, declared};
use expect_test::{Expect, expect};
use hotpair_engine::alarms::{
    AlarmDeclaration, AlarmEdge, AlarmRecord, AlarmState, COMMENT_BYTES_MAX, Command, Condition,
    EDGES, OnBadQuality, WHO_BYTES_MAX, Word, WordError,
};
use hotpair_engine::objects::Name;
use hotpair_engine::tags::{Quality, TagRecord, Value};
use hotpair_types::NodeTime;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const AT: NodeTime = NodeTime(7);

/// Above 3 until at 2.9; two seconds to come, one to go.
pub(crate) fn high() -> AlarmDeclaration {
    let mut alarm = declared("tank", TANK).unwrap().alarms.remove(0);
    alarm.off_delay = SECOND;
    alarm
}

pub(crate) fn record(value: impl Into<Value>, quality: Quality) -> TagRecord {
    TagRecord { value: value.into(), quality, timestamp: AT }
}

pub(crate) fn good(value: f64) -> Option<TagRecord> {
    Some(record(value, Quality::Good))
}

pub(crate) fn word() -> Word {
    Word::new("ann", "on my way").unwrap()
}

/// Values a second apart: the states they lead to.
fn states(alarm: &AlarmDeclaration, values: &[Option<TagRecord>]) -> String {
    let mut it = AlarmRecord::default();
    let mut states = Vec::new();
    for value in values {
        it = it.observed(alarm, value.as_ref(), SECOND, AT).unwrap_or(it);
        let bad = if it.is_bad { " bad" } else { "" };
        states.push(format!("{}{bad}", it.state().id()));
    }
    states.join(", ")
}

fn numbers(alarm: &AlarmDeclaration, values: &[f64], expect: Expect) {
    let values: Vec<_> = values.iter().map(|it| good(*it)).collect();
    expect.assert_eq(&states(alarm, &values));
}

#[test]
fn a_limit_has_a_deadband_and_delays() {
    // It has to be beyond for the delay, without a break.
    numbers(
        &high(),
        &[3.0, 3.1, 3.1, 2.95, 3.1],
        expect!["normal, normal, normal, unacknowledged, unacknowledged"],
    );
    numbers(&high(), &[3.1, 2.9, 3.1, 3.1], expect!["normal, normal, normal, normal"]);
    // It has to be back by the deadband, for the delay.
    numbers(
        &high(),
        &[3.1, 3.1, 3.1, 2.95, 2.9, 2.9],
        expect![
            "normal, normal, unacknowledged, unacknowledged, unacknowledged, returned-unacknowledged"
        ],
    );
    numbers(
        &high(),
        &[3.1, 3.1, 3.1, 2.9, 3.1, 2.9, 2.9],
        expect![
            "normal, normal, unacknowledged, unacknowledged, unacknowledged, unacknowledged, returned-unacknowledged"
        ],
    );
    let mut low = high();
    let Condition::Above(limit) = low.condition else { panic!("above") };
    low.condition = Condition::Below(limit);
    (low.on_delay, low.off_delay) = (Duration::ZERO, Duration::ZERO);
    numbers(
        &low,
        &[3.0, 2.99, 3.0, 3.09, 3.1],
        expect!["normal, unacknowledged, unacknowledged, unacknowledged, returned-unacknowledged"],
    );
    let mut stopped = low;
    stopped.condition = Condition::Is(false);
    let values = [false, true].map(|it| Some(record(it, Quality::Good)));
    assert_eq!(states(&stopped, &values), "unacknowledged, returned-unacknowledged");
}

#[test]
fn a_value_that_cannot_be_used_is_held_or_raised() {
    let bad = Some(record(9.0, Quality::Bad));
    let values = [good(3.1), bad.clone(), good(3.1), good(3.1), good(3.1), bad.clone(), None];
    // The delay begins anew after it; an alarm that is there stays.
    expect!["normal, normal bad, normal, unacknowledged, unacknowledged, unacknowledged bad, unacknowledged bad"].assert_eq(&states(&high(), &values));
    let mut raise = high();
    raise.on_bad_quality = OnBadQuality::Raise;
    expect!["normal, normal bad, normal bad, unacknowledged bad, unacknowledged, returned-unacknowledged"]
        .assert_eq(&states(&raise, &[good(1.0), bad.clone(), bad, None, good(1.0), good(1.0)]));
    let uncertain = Some(record(3.1, Quality::Uncertain));
    let text = Some(record("x", Quality::Good));
    expect!["normal, normal, unacknowledged, unacknowledged bad"]
        .assert_eq(&states(&high(), &[uncertain.clone(), uncertain.clone(), uncertain, text]));
}

#[test]
fn a_word_is_bounded() {
    let long = "x".repeat(WHO_BYTES_MAX + 1);
    let refused = |who: &str, comment: &str| Word::new(who, comment).unwrap_err().to_string();
    assert_eq!(Word::new("", "hm"), Err(WordError::Nobody));
    assert_eq!(refused(&long, ""), "`who` has 65 bytes, at most 64 are allowed");
    assert_eq!(refused("a\n", ""), "`who` has a control character");
    let long = "x".repeat(COMMENT_BYTES_MAX + 1);
    assert_eq!(refused("ann", &long), "`comment` has 513 bytes, at most 512 are allowed");
    assert_eq!(Word::new("ann", "").unwrap().to_string(), "ann");
    assert_eq!(word().to_string(), "ann: on my way");
}

/// Everything that can happen to an alarm without delays.
pub(crate) fn everything() -> Vec<(&'static str, Option<Command>)> {
    vec![
        ("beyond", None),
        ("back", None),
        ("bad", None),
        ("time", None),
        ("acknowledge", Some(Command::Acknowledge { occurrence: None })),
        ("shelve", Some(Command::Shelve { time: SECOND })),
        ("unshelve", Some(Command::Unshelve)),
        ("suppress", Some(Command::Suppress)),
        ("unsuppress", Some(Command::Unsuppress)),
        ("take out", Some(Command::TakeOut)),
        ("put back", Some(Command::PutBack)),
    ]
}

fn happen(it: &AlarmRecord, what: &(&str, Option<Command>)) -> Option<AlarmRecord> {
    let mut alarm = high();
    (alarm.on_delay, alarm.off_delay) = (Duration::ZERO, Duration::ZERO);
    match (&what.1, what.0) {
        (Some(command), _) => it.commanded(command, word(), AT).ok(),
        (None, "beyond") => it.observed(&alarm, good(3.5).as_ref(), SECOND, AT),
        (None, "back") => it.observed(&alarm, good(1.0).as_ref(), SECOND, AT),
        (None, "bad") => it.observed(&alarm, None, SECOND, AT),
        (None, _) => it.passed(SECOND, AT),
    }
}

#[test]
fn every_edge_is_walked_and_no_other() {
    let mut seen = BTreeSet::new();
    let mut edges = BTreeSet::new();
    let mut waiting = VecDeque::from([AlarmRecord::default()]);
    let mut same = BTreeSet::new();
    while let Some(it) = waiting.pop_front() {
        for what in everything() {
            let Some(next) = happen(&it, &what) else { continue };
            if next.state() == it.state() {
                same.insert((it.state(), what.0));
            } else {
                let cause = next.last.cause;
                edges.insert(AlarmEdge { from: it.state(), to: next.state(), cause });
            }
            // Without what only counts, there are few.
            let mut bare = next.clone();
            (bare.change, bare.occurrence) = (0, 0);
            (bare.acknowledgement, bare.last) = (None, AlarmRecord::default().last);
            if seen.insert(format!("{bare:?}")) {
                waiting.push_back(bare);
            }
        }
    }
    assert_eq!(edges, EDGES.iter().copied().collect::<BTreeSet<_>>());
    assert_eq!(seen.len(), 44);
    let aside = [AlarmState::Shelved, AlarmState::Suppressed, AlarmState::OutOfService];
    let unseen = same
        .iter()
        .filter(|it| !aside.contains(&it.0) && it.1 != "bad" && it.1 != "back" && it.1 != "beyond");
    assert_eq!(unseen.count(), 0, "a command that is not refused changes what people see");
}

#[test]
fn what_watches_something_else_is_announced_anew() {
    let mut alarm = high();
    (alarm.on_delay, alarm.off_delay) = (Duration::ZERO, Duration::ZERO);
    let raised = AlarmRecord::default().observed(&alarm, good(3.5).as_ref(), SECOND, AT).unwrap();
    let seen = raised.commanded(&Command::Acknowledge { occurrence: None }, word(), AT).unwrap();
    let Condition::Above(mut limit) = alarm.condition else { panic!("above") };
    limit.at = 3.2;
    alarm.condition = Condition::Above(limit);
    assert_eq!(seen.observed(&alarm, good(3.5).as_ref(), SECOND, AT), None, "another limit");
    alarm.attribute = Name::new("pressure").unwrap();
    let again = seen.observed(&alarm, good(3.5).as_ref(), SECOND, AT).unwrap();
    assert_eq!((again.state(), again.occurrence), (AlarmState::Unacknowledged, 2));
    assert_eq!(again.observed(&alarm, good(3.5).as_ref(), SECOND, AT), None, "once");
    alarm.condition = Condition::Below(limit);
    let gone = again.observed(&alarm, good(3.5).as_ref(), SECOND, AT).unwrap();
    assert_eq!(gone.state(), AlarmState::ReturnedUnacknowledged, "nobody has seen the old one");
    let aside = seen.commanded(&Command::TakeOut, word(), AT).unwrap();
    let aside = aside.observed(&alarm, good(3.0).as_ref(), SECOND, AT).unwrap();
    assert_eq!(aside.state(), AlarmState::OutOfService, "whoever took it out puts it back");
    assert_eq!(aside.observed(&alarm, good(3.0).as_ref(), SECOND, AT), None);
}
