//! Alarms by ISA-18.2: limits with deadband and delays, people's commands, and what the partner goes on with.
use crate::object_declarations::{TANK, declared};
use crate::table::at;
use expect_test::{Expect, expect};
use hotpair_engine::alarms::{
    AlarmDeclaration, AlarmEdge, AlarmRecord, AlarmState, Alarms, COMMENT_BYTES_MAX, Cause,
    Command, Condition, EDGES, OnBadQuality, SHELF_MAX, WHO_BYTES_MAX, Word, WordError,
};
use hotpair_engine::objects::Name;
use hotpair_engine::tags::{Quality, TagRecord, Value};
use hotpair_engine::{Item, Post, RuntimeStateProvider};
use hotpair_types::NodeTime;
use proptest::prelude::*;
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

fn record(value: impl Into<Value>, quality: Quality) -> TagRecord {
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

fn table() -> (Alarms, Name) {
    let alarms = Alarms::new();
    let tank = declared("tank", TANK).unwrap();
    assert_eq!(alarms.declare(&tank.name, &tank.alarms), []);
    (alarms, tank.name)
}

fn scan(alarms: &Alarms, level: f64) -> Vec<Post> {
    alarms.scanned("tank", SECOND, AT, &|it| match it {
        "level" => good(level),
        "running" => Some(record(true, Quality::Good)),
        _ => None,
    })
}

fn command(alarms: &Alarms, command: Command) -> Result<Post, String> {
    alarms.command("tank", "level-high-high", &command, word(), AT).map_err(|it| it.to_string())
}

fn state(alarms: &Alarms) -> AlarmState {
    alarms.get("tank", "level-high-high").unwrap().record.state()
}

#[test]
fn commands_that_do_nothing_are_refused_with_the_reason() {
    let (alarms, _) = table();
    let ack = |occurrence| command(&alarms, Command::Acknowledge { occurrence }).map(|_| ());
    expect!["alarm `tank/level-high-high`: the alarm is normal: nothing waits for a person"]
        .assert_eq(&ack(None).unwrap_err());
    scan(&alarms, 3.6);
    assert_eq!(state(&alarms), AlarmState::Unacknowledged);
    scan(&alarms, 1.0);
    assert_eq!(state(&alarms), AlarmState::ReturnedUnacknowledged);
    scan(&alarms, 3.6);
    expect!["alarm `tank/level-high-high`: occurrence 1 is over: the alarm has come 2 times"]
        .assert_eq(&ack(Some(1)).unwrap_err());
    ack(Some(2)).unwrap();
    let shelve = |seconds| command(&alarms, Command::Shelve { time: SECOND * seconds }).map(|_| ());
    expect!["alarm `tank/level-high-high`: 0ns on the shelf; from 1s to 86400s are allowed"]
        .assert_eq(&shelve(0).unwrap_err());
    expect!["alarm `tank/level-high-high`: 90000s on the shelf; from 1s to 86400s are allowed"]
        .assert_eq(&shelve(90_000).unwrap_err());
    shelve(60).unwrap();
    expect!["alarm `tank/level-high-high`: the alarm is shelved: it is put aside already"]
        .assert_eq(&shelve(60).unwrap_err());
    expect!["alarm `tank/level-high-high`: the alarm is shelved: nothing waits for a person"]
        .assert_eq(&ack(None).unwrap_err());
    for (one, text) in [
        (Command::Unsuppress, "the alarm is shelved: it is not suppressed"),
        (Command::PutBack, "the alarm is shelved: it is in service"),
    ] {
        let error = command(&alarms, one).unwrap_err();
        assert_eq!(error, format!("alarm `tank/level-high-high`: {text}"));
    }
    let error = alarms.command("tank", "gone", &Command::Suppress, word(), AT).unwrap_err();
    assert_eq!(error.to_string(), "object `tank` has no alarm `gone`");
}

#[test]
fn what_comes_back_from_the_shelf_is_announced_anew() {
    let (alarms, _) = table();
    scan(&alarms, 3.6);
    command(&alarms, Command::Acknowledge { occurrence: None }).unwrap();
    command(&alarms, Command::Shelve { time: SECOND * 10 }).unwrap();
    assert_eq!(alarms.passed(SECOND * 9, AT).len(), 1);
    assert_eq!(state(&alarms), AlarmState::Shelved);
    let shown = alarms.get("tank", "level-high-high").unwrap().record;
    assert_eq!((shown.shelf, shown.occurrence), (Some(SECOND), 1));
    assert_eq!(shown.last.by, Some(word()), "time that goes by does not hide who did it");
    alarms.passed(SECOND, AT);
    assert_eq!(state(&alarms), AlarmState::Unacknowledged);
    let shown = alarms.get("tank", "level-high-high").unwrap().record;
    assert_eq!((shown.occurrence, shown.last.cause), (2, Cause::ShelfEnded));
    assert_eq!(alarms.passed(SHELF_MAX, AT), [], "nothing is on a shelf");
}

/// Everything that can happen to an alarm without delays.
fn everything() -> Vec<(&'static str, Option<Command>)> {
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
    assert_eq!(seen.len(), 36);
    let aside = [AlarmState::Shelved, AlarmState::Suppressed, AlarmState::OutOfService];
    let unseen = same
        .iter()
        .filter(|it| !aside.contains(&it.0) && it.1 != "bad" && it.1 != "back" && it.1 != "beyond");
    assert_eq!(unseen.count(), 0, "a command that is not refused changes what people see");
}

fn follow(active: &[Post], standby: &Alarms, sequence: u64) {
    let updates: Vec<_> = active.iter().cloned().map(|it| it.at(at(1, sequence))).collect();
    standby.apply_entry(&updates).unwrap();
}

fn items(alarms: &Alarms) -> Vec<Item> {
    let item = |(item, value)| Item { position: at(1, 1), item, value };
    alarms.snapshot().unwrap().into_iter().map(item).collect()
}

#[test]
fn records_and_declarations_come_in_either_order() {
    let (active, tank) = table();
    let posts = scan(&active, 3.6);
    let standby = Alarms::new();
    follow(&posts, &standby, 1);
    assert_eq!(standby.all(), [], "nobody has said what it is");
    standby.declare(&tank, &declared("tank", TANK).unwrap().alarms);
    assert_eq!(standby.all(), active.all());
    let again = posts[0].clone().at(at(1, 2));
    let error = standby.apply(&again).unwrap_err();
    assert_eq!(error.to_string(), "change 1 after change 1");
    let gone = active.declare(&tank, &[]);
    assert_eq!(gone.len(), 3);
    assert!(gone.iter().all(|it| it.value.is_none()));
    standby.declare(&tank, &[]);
    assert_eq!((active.all(), standby.snapshot().unwrap()), (vec![], vec![]));
    follow(&gone, &standby, 3);
}

#[derive(Clone, Debug)]
enum Step {
    Scan(f64),
    Pass(u64),
    Do(Command),
    TakeOver,
}

fn step() -> impl Strategy<Value = Step> {
    let commands = everything().into_iter().filter_map(|it| it.1).collect::<Vec<_>>();
    prop_oneof![
        4 => prop::sample::select(vec![1.0, 2.95, 3.2, 3.6]).prop_map(Step::Scan),
        1 => (0..3_u64).prop_map(Step::Pass),
        3 => prop::sample::select(commands).prop_map(Step::Do),
        1 => Just(Step::TakeOver),
    ]
}

proptest! {
    /// Whoever goes on, by entries or by a snapshot, goes on as if nothing had happened; and an
    /// acknowledgement that was answered is there until the alarm is announced anew.
    #[test]
    fn a_takeover_changes_nothing(steps in prop::collection::vec(step(), 1..120)) {
        let (alone, tank) = table();
        let alarms = declared("tank", TANK).unwrap().alarms;
        let (mut active, mut standby) = (table().0, table().0);
        let mut acknowledged = None;
        for (sequence, it) in (1..).zip(steps) {
            match it {
                Step::Scan(level) => {
                    let posts = scan(&active, level);
                    prop_assert_eq!(&posts, &scan(&alone, level));
                    follow(&posts, &standby, sequence);
                }
                Step::Pass(seconds) => {
                    let posts = active.passed(SECOND * u32::try_from(seconds).unwrap(), AT);
                    alone.passed(SECOND * u32::try_from(seconds).unwrap(), AT);
                    follow(&posts, &standby, sequence);
                }
                Step::Do(it) => {
                    let done = command(&active, it.clone());
                    prop_assert_eq!(&done, &command(&alone, it.clone()));
                    if let Ok(post) = done {
                        follow(&[post], &standby, sequence);
                        let record = active.get("tank", "level-high-high").unwrap().record;
                        if matches!(it, Command::Acknowledge { .. }) {
                            acknowledged = Some(record.occurrence);
                        }
                    }
                }
                Step::TakeOver => {
                    let fresh = Alarms::new();
                    fresh.restore(at(1, sequence), &items(&standby)).unwrap();
                    fresh.declare(&tank, &alarms);
                    active = std::mem::replace(&mut standby, fresh);
                }
            }
            prop_assert_eq!(active.all(), alone.all());
            prop_assert_eq!(active.all(), standby.all());
            let record = standby.get("tank", "level-high-high").unwrap().record;
            if acknowledged == Some(record.occurrence) {
                prop_assert_eq!(record.acknowledgement.clone().map(|it| it.0), Some(word()));
                prop_assert_ne!(record.state().id(), "unacknowledged");
            }
        }
    }
}
