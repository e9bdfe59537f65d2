//! The alarms of an engine: what is prepared and posted, what the partner goes on with, what is
//! declared when.
use crate::alarms::{AT, SECOND, everything, good, record, word};
use crate::object_declarations::{TANK, declared};
use crate::table::at;
use expect_test::expect;
use hotpair_engine::alarms::{
    AlarmRecord, AlarmState, Alarms, Cause, Command, Observed, SHELF_MAX,
};
use hotpair_engine::objects::Name;
use hotpair_engine::tags::Quality;
use hotpair_engine::{Item, Post, RuntimeStateProvider};
use proptest::prelude::*;
use std::time::Duration;

fn table() -> Alarms {
    let alarms = Alarms::new();
    let tank = declared("tank", TANK).unwrap();
    alarms.declare("tank", &tank.alarms);
    alarms
}

/// What was prepared is posted.
fn posted(alarms: &Alarms, posts: Vec<Post>) -> Vec<Post> {
    alarms.commit(at(1, 1), posts.clone()).unwrap();
    posts
}

fn prepared(alarms: &Alarms, level: f64) -> Vec<Post> {
    let name = |it| Name::new(it).unwrap();
    let level = (name("level"), good(level).unwrap());
    let running = (name("running"), record(true, Quality::Good));
    alarms.observed("tank", &Observed::new(SECOND, vec![level, running]), AT)
}

fn scan(alarms: &Alarms, level: f64) -> Vec<Post> {
    posted(alarms, prepared(alarms, level))
}

fn pass(alarms: &Alarms, elapsed: Duration) -> Vec<Post> {
    posted(alarms, alarms.passed(elapsed, AT))
}

fn command(alarms: &Alarms, command: Command) -> Result<Post, String> {
    let post = alarms.commanded("tank", "level-high-high", &command, word(), AT);
    let post = post.map_err(|it| it.to_string())?;
    Ok(posted(alarms, vec![post]).remove(0))
}

fn state(alarms: &Alarms) -> AlarmState {
    alarms.get("tank", "level-high-high").unwrap().record.state()
}

#[test]
fn commands_that_do_nothing_are_refused_with_the_reason() {
    let alarms = table();
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
    expect!["alarm `tank/level-high-high`: 0 s on the shelf; 1 s to 24 h are allowed"]
        .assert_eq(&shelve(0).unwrap_err());
    expect!["alarm `tank/level-high-high`: 90000 s on the shelf; 1 s to 24 h are allowed"]
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
    let error = alarms.commanded("tank", "gone", &Command::Suppress, word(), AT).unwrap_err();
    assert_eq!(error.to_string(), "object `tank` has no alarm `gone`");
}

#[test]
fn what_comes_back_from_the_shelf_is_announced_anew() {
    let alarms = table();
    scan(&alarms, 3.6);
    command(&alarms, Command::Acknowledge { occurrence: None }).unwrap();
    command(&alarms, Command::Shelve { time: SECOND * 10 }).unwrap();
    assert_eq!(pass(&alarms, SECOND * 9).len(), 1);
    assert_eq!(state(&alarms), AlarmState::Shelved);
    let shown = alarms.get("tank", "level-high-high").unwrap().record;
    assert_eq!((shown.shelf, shown.occurrence), (Some(SECOND), 1));
    assert_eq!(shown.last.by, Some(word()), "time that goes by does not hide who did it");
    pass(&alarms, SECOND);
    assert_eq!(state(&alarms), AlarmState::Unacknowledged);
    let shown = alarms.get("tank", "level-high-high").unwrap().record;
    assert_eq!((shown.occurrence, shown.last.cause), (2, Cause::ShelfEnded));
    assert_eq!(pass(&alarms, SHELF_MAX), [], "nothing is on a shelf");
}

fn follow(active: &[Post], standby: &Alarms, sequence: u64) {
    let updates: Vec<_> = active.iter().cloned().map(|it| it.at(at(1, sequence))).collect();
    standby.apply_entry(&updates).unwrap();
}

fn records(alarms: &Alarms) -> Vec<(Name, AlarmRecord)> {
    alarms.all().into_iter().map(|it| (it.alarm, it.record)).collect()
}

fn items(alarms: &Alarms) -> Vec<Item> {
    let item = |(item, value)| Item { position: at(1, 1), item, value };
    alarms.snapshot().unwrap().into_iter().map(item).collect()
}

#[test]
fn records_and_declarations_come_in_either_order() {
    let active = table();
    let posts = scan(&active, 3.6);
    let standby = Alarms::new();
    follow(&posts, &standby, 1);
    assert_eq!(standby.all(), [], "nobody has said what it is");
    standby.declare("tank", &declared("tank", TANK).unwrap().alarms);
    assert_eq!(records(&standby), records(&active));
    let again = posts[0].clone().at(at(1, 2));
    let error = standby.apply(&again).unwrap_err();
    assert_eq!(error.to_string(), "change 1 after change 1");
    // The record of what it declares may be gone, or not be readable for a time.
    for it in [&active, &standby] {
        it.undeclare_all();
    }
    assert_eq!((active.all(), active.removals(|_| false)), (vec![], vec![]));
    let gone = active.removals(|_| true);
    assert_eq!(gone.len(), posts.len());
    assert!(gone.iter().all(|it| it.value.is_none()));
    let gone = posted(&active, gone);
    follow(&gone, &standby, 3);
    assert_eq!((active.snapshot().unwrap(), standby.snapshot().unwrap()), (vec![], vec![]));
}

#[test]
fn what_is_declared_still_goes_on_and_what_is_not_goes() {
    let alarms = table();
    scan(&alarms, 3.6);
    command(&alarms, Command::Acknowledge { occurrence: None }).unwrap();
    let before = alarms.get("tank", "level-high-high").unwrap();
    let mut declared = declared("tank", TANK).unwrap().alarms;
    declared.retain(|it| it.name.as_str() == "level-high-high");
    declared[0].message = "another one".into();
    alarms.declare("tank", &declared);
    let after = alarms.get("tank", "level-high-high").unwrap();
    assert_eq!((&after.record, &*after.declaration.message), (&before.record, "another one"));
    assert_eq!(alarms.all().len(), 1);
    let gone = posted(&alarms, alarms.removals(|_| true));
    assert_eq!(gone.iter().map(|it| &*it.item).collect::<Vec<_>>(), ["tank/level-high"]);
    assert_eq!(alarms.removals(|_| true), []);
}

#[test]
fn what_was_not_posted_did_not_happen() {
    let alarms = table();
    let first = prepared(&alarms, 3.6);
    assert!(!first.is_empty());
    assert_eq!(state(&alarms), AlarmState::Normal);
    assert_eq!(prepared(&alarms, 3.6), first, "the same inputs give the same");
    scan(&alarms, 3.6);
    alarms.commanded("tank", "level-high-high", &Command::Suppress, word(), AT).unwrap();
    assert_eq!(state(&alarms), AlarmState::Unacknowledged);
}

#[test]
fn a_change_is_told_once_and_time_that_goes_by_is_none() {
    let alarms = table();
    let told = || alarms.get("tank", "level-high").unwrap().told_at.sequence;
    let step = |sequence, level| {
        let posts = prepared(&alarms, level);
        alarms.commit(at(1, sequence), posts.clone()).unwrap();
        posts.len()
    };
    assert_eq!((told(), step(1, 3.2), told()), (0, 1, 0), "its delay runs");
    assert_eq!((step(2, 3.2), told()), (1, 0), "the delay goes on");
    assert_eq!((step(3, 3.2), told()), (1, 3), "it is announced");
    assert_eq!((step(4, 3.2), told()), (0, 3));
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
        let alone = table();
        let alarms = declared("tank", TANK).unwrap().alarms;
        let (mut active, mut standby) = (table(), table());
        let mut acknowledged = None;
        for (sequence, it) in (1..).zip(steps) {
            match it {
                Step::Scan(level) => {
                    let posts = scan(&active, level);
                    prop_assert_eq!(&posts, &scan(&alone, level));
                    follow(&posts, &standby, sequence);
                }
                Step::Pass(seconds) => {
                    let posts = pass(&active, SECOND * u32::try_from(seconds).unwrap());
                    pass(&alone, SECOND * u32::try_from(seconds).unwrap());
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
                    fresh.declare("tank", &alarms);
                    active = std::mem::replace(&mut standby, fresh);
                }
            }
            prop_assert_eq!(records(&active), records(&alone));
            prop_assert_eq!(records(&active), records(&standby));
            let record = standby.get("tank", "level-high-high").unwrap().record;
            if acknowledged == Some(record.occurrence) {
                prop_assert_eq!(record.acknowledgement.clone().map(|it| it.0), Some(word()));
                prop_assert_ne!(record.state().id(), "unacknowledged");
            }
        }
    }
}
