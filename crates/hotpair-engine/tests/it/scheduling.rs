//! The schedule: a grid that does not drift, slots left out and counted, objects in fault.
use hotpair_engine::objects::{
    Due, Fault, FaultKind, Name, Next, Schedule, Scheduler, Statistics, Verdict,
};
use hotpair_types::Time;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

const fn ms(it: u64) -> Duration {
    Duration::from_millis(it)
}

fn every(period: u64, phase: u64) -> Schedule {
    Schedule { period: ms(period), phase: ms(phase), scan_limit: ms(period * 10) }
}

fn name(it: &str) -> Name {
    Name::new(it).unwrap()
}

fn trap() -> Fault {
    Fault::new(FaultKind::Trapped, "division by zero")
}

/// A schedule and a clock.
struct Clock {
    scheduler: Scheduler,
    now: Time,
}

impl Clock {
    fn with(start: u64, objects: &[(&str, Schedule)]) -> Self {
        let now = Time::from_millis(start);
        let mut it = Self { scheduler: Scheduler::new(now), now };
        for (object, schedule) in objects {
            it.scheduler.deploy(now, name(object), *schedule, 0, None);
        }
        it
    }

    fn at(&mut self, millis: u64) -> &mut Self {
        self.now = Time::from_millis(millis);
        self
    }

    fn next(&mut self) -> Next {
        self.scheduler.next(self.now)
    }

    fn due(&mut self) -> Due {
        match self.next() {
            Next::Scan(due) => due,
            other @ (Next::Wait(_) | Next::Idle) => panic!("{other:?} at {}", self.now),
        }
    }

    fn end(&mut self, due: &Due, result: Result<(), Fault>) -> Verdict {
        self.scheduler.ended(self.now, due.object.as_str(), due.run, result)
    }

    /// Runs everything for a while, each scan taking no time: when which ran.
    fn run(&mut self, until: u64) -> Vec<String> {
        let mut ran = Vec::new();
        loop {
            match self.next() {
                Next::Scan(due) => {
                    ran.push(format!("{}#{} {}", due.object, due.scan, self.now.0 / 1_000));
                    assert_eq!(self.end(&due, Ok(())), Verdict::Keep);
                }
                Next::Wait(at) if at < Time::from_millis(until) => self.now = at,
                Next::Wait(_) | Next::Idle => return ran,
            }
        }
    }
}

#[test]
fn phases_and_periods_make_a_grid() {
    let mut clock = Clock::with(5, &[("slow", every(50, 20)), ("fast", every(20, 0))]);
    assert_eq!(
        clock.run(80),
        ["fast#1 5", "fast#2 25", "slow#1 25", "fast#3 45", "fast#4 65", "slow#2 75"]
    );
    assert_eq!(Clock::with(0, &[]).next(), Next::Idle);
}

#[test]
fn slots_that_passed_are_counted_and_not_caught_up() {
    let mut clock = Clock::with(0, &[("tank", every(10, 0))]);
    let first = clock.due();
    assert_eq!(clock.at(35).next(), Next::Wait(Time(100_001)), "one scan at a time");
    assert_eq!(clock.end(&first, Ok(())), Verdict::Keep, "long, and not too long");
    let second = clock.due();
    assert_eq!((second.scan, second.slot, second.missed), (2, Time::from_millis(30), 2));
    clock.end(&second, Ok(()));
    assert_eq!(clock.next(), Next::Wait(Time::from_millis(40)), "the grid did not move");
    let third = clock.at(40).due();
    assert_eq!((third.scan, third.missed), (3, 0));
    clock.end(&third, Ok(()));
    let shown = clock.scheduler.shown("tank").unwrap();
    assert_eq!((shown.overruns, shown.last_scan), (2, 3));
    assert_eq!(shown.scan_time.longest(), ms(35));
    assert_eq!(shown.jitter.longest(), ms(5));
    assert_eq!(shown.jitter.count(), 3);
}

#[test]
fn an_object_in_fault_rests_and_the_others_go_on() {
    let mut clock = Clock::with(0, &[("bad", every(10, 0)), ("good", every(10, 0))]);
    let bad = clock.due();
    assert_eq!(clock.end(&bad, Err(trap())), Verdict::Fault(trap()));
    assert_eq!(clock.run(35), ["good#1 0", "good#2 10", "good#3 20", "good#4 30"]);
    assert_eq!(clock.scheduler.shown("bad").unwrap().fault, Some(trap()));
    // A restart is a step of its own, with a number that goes to the partner.
    assert_eq!(clock.scheduler.restart(clock.now, "bad"), Some(2));
    assert_eq!(clock.scheduler.restart(clock.now, "bad"), None, "it is not in fault");
    assert_eq!(clock.scheduler.restart(clock.now, "gone"), None);
    assert_eq!(clock.run(45), ["bad#3 30", "bad#4 40", "good#5 40"]);
}

#[test]
fn a_scan_that_takes_too_long_puts_its_object_in_fault() {
    let mut clock = Clock::with(0, &[("long", every(10, 0)), ("stuck", every(10, 0))]);
    let (long, stuck) = (clock.due(), clock.due());
    clock.at(101);
    let fault = Fault::overran(ms(101), ms(100));
    assert_eq!(fault.to_string(), "overran: the scan took 101ms, at most 100ms are allowed");
    assert_eq!(clock.end(&long, Ok(())), Verdict::Fault(fault.clone()));
    // One that never comes back is given up; if it does come back, nobody waits for it.
    assert_eq!(clock.scheduler.give_up(clock.now), [(name("stuck"), 1, fault)]);
    assert_eq!(clock.end(&stuck, Ok(())), Verdict::Stale);
    assert_eq!(clock.next(), Next::Idle);
    assert_eq!(clock.scheduler.shown("stuck").unwrap().last_scan, 1);
}

#[test]
fn a_takeover_goes_on_with_the_next_number() {
    let mut clock = Clock::with(1_000, &[]);
    clock.scheduler.deploy(clock.now, name("tank"), every(10, 0), 41, None);
    clock.scheduler.deploy(clock.now, name("bad"), every(10, 0), 7, Some(trap()));
    assert_eq!(clock.run(1_015), ["tank#42 1000", "tank#43 1010"]);
    assert_eq!(clock.scheduler.shown("bad").unwrap().fault, Some(trap()), "that goes on, too");
}

#[test]
fn a_change_while_a_scan_runs_makes_that_scan_stale() {
    let mut clock = Clock::with(0, &[("tank", every(10, 0))]);
    let old = clock.due();
    clock.scheduler.deploy(clock.now, name("tank"), every(20, 5), 0, None);
    let new = clock.at(5).due();
    assert_eq!((old.scan, new.scan), (1, 1), "the stale one has no effect");
    assert_eq!(clock.end(&old, Err(trap())), Verdict::Stale);
    assert_eq!(clock.end(&new, Ok(())), Verdict::Keep);
    clock.scheduler.undeploy("tank");
    assert_eq!(clock.end(&new, Ok(())), Verdict::Stale);
    assert_eq!(clock.next(), Next::Idle);
}

#[test]
fn a_fault_from_outside_has_a_number_of_its_own() {
    let mut clock = Clock::with(0, &[("tank", every(10, 0))]);
    let running = clock.due();
    assert_eq!(clock.scheduler.fault("tank", trap()), Some(1), "that of the scan under way");
    assert_eq!(clock.end(&running, Ok(())), Verdict::Stale);
    assert_eq!(clock.scheduler.fault("tank", trap()), None, "it is in fault");
    assert_eq!(clock.scheduler.restart(clock.now, "tank"), Some(2));
    assert_eq!(clock.scheduler.fault("tank", trap()), Some(3));
}

#[test]
fn statistics_are_bounded_and_miss_nothing() {
    let mut statistics = Statistics::default();
    for micros in [0, 1, 2, 3, 900, 20_000_000] {
        statistics.add(Duration::from_micros(micros));
    }
    let counted: Vec<_> = statistics.classes().filter(|it| it.1 > 0).collect();
    let bound = |it| Some(Duration::from_micros(it));
    assert_eq!(counted, [(bound(1), 1), (bound(2), 1), (bound(4), 2), (bound(1024), 1), (None, 1)]);
    assert_eq!(statistics.count(), 6);
    assert_eq!(statistics.sum(), Duration::from_micros(20_000_906));
}

proptest! {
    /// Whatever scans take: numbers have no gap, slots lie on the grid, every slot was run or counted.
    #[test]
    fn each_slot_is_run_once_or_counted(
        objects in prop::collection::vec((10..60_u64, 0..10_u64), 1..5),
        times in prop::collection::vec((0..90_u64, 0..40_u64), 1..200),
    ) {
        let names = ["a", "b", "c", "d"];
        let objects: Vec<_> =
            objects.iter().zip(names).map(|((period, phase), it)| (it, every(*period, *phase))).collect();
        let mut clock = Clock::with(3, &objects);
        let mut scans = BTreeMap::new();
        for (took, waited) in times {
            clock.at(clock.now.0 / 1_000 + waited);
            let Next::Scan(due) = clock.next() else { continue };
            let schedule = clock.scheduler.shown(due.object.as_str()).unwrap().schedule;
            prop_assert!(due.slot <= clock.now);
            prop_assert!(clock.now.since(due.slot) < schedule.period, "an older slot was left out");
            let since = due.slot.since(Time::from_millis(3) + schedule.phase).as_micros();
            prop_assert_eq!(since % schedule.period.as_micros(), 0, "not on the grid");
            let last = scans.insert(due.object.clone(), due.scan).unwrap_or(0);
            prop_assert_eq!(due.scan, last + 1);
            let overruns = clock.scheduler.shown(due.object.as_str()).unwrap().overruns;
            let slots = u128::from(due.scan + overruns - 1) * schedule.period.as_micros();
            prop_assert_eq!(since, slots, "run or counted");
            clock.at(clock.now.0 / 1_000 + took);
            let kept = clock.end(&due, Ok(()));
            prop_assert_eq!(kept, Verdict::Keep);
        }
    }
}
