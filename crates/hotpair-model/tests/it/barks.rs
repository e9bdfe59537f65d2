//! What is planted is found, with the shortest way to it. Bugs planted in the machine itself are told of in
//! docs/design/model.md.
use hotpair_fsm::Rule;
use hotpair_model::{
    Bounds, Edge, Fault, Lead, Planted, Setup, Step, World, begin, edges, not_reached, plans,
    table, walk,
};
use hotpair_types::Mode;
use std::collections::BTreeSet;

/// The story of the first promise that is broken.
#[track_caller]
fn found(mode: Mode, planted: Planted, faults: Vec<Fault>) -> String {
    let mut start = World::set_up(mode, Setup { planted, ..Setup::default() });
    begin(&mut start);
    let faults_max = u8::try_from(faults.len()).expect("a few");
    let worlds_max = 200_000;
    let bounds = Bounds { faults, faults_max, worlds_max, ..Bounds::calm(mode) };
    let seen = walk(&start, &bounds, |_| {});
    seen.broken.expect("what is planted is found")
}

#[test]
fn a_promise_that_is_a_tick_too_short_opens_two() {
    let planted = Planted { promise_short_ticks: 1, ..Planted::default() };
    let story = found(Mode::NoSplit, planted, vec![Fault::Cut]);
    assert!(story.starts_with("S1/S2: both have their outputs open"), "{story}");
    assert!(story.contains("9->10 silent"), "{story}");
}

#[test]
fn a_grant_that_is_used_a_tick_too_long_opens_two() {
    let planted = Planted { grant_long_ticks: 1, ..Planted::default() };
    let story = found(Mode::Arbiter, planted, vec![Fault::Cut, Fault::ArbiterAway]);
    assert!(story.starts_with("S1/S2: both have their outputs open"), "{story}");
}

#[test]
fn a_disk_that_says_durable_too_early_is_found_at_the_first_opening() {
    let planted = Planted { durable_early: true, ..Planted::default() };
    let mut start = World::set_up(Mode::NoSplit, Setup { planted, ..Setup::default() });
    let taken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| begin(&mut start)));
    let bounds = Bounds::calm(Mode::NoSplit);
    let story = walk(&start, &bounds, |_| {}).broken;
    assert!(taken.is_err() || story.is_some_and(|it| it.contains("S5")));
}

#[test]
fn what_is_not_reached_is_named() {
    let mut reached: BTreeSet<Edge> = edges().collect();
    assert_eq!(not_reached(&reached), Vec::<String>::new());
    reached.retain(|it| it.2 != Rule::StaleEpoch);
    assert_eq!(not_reached(&reached), ["11 -> 1 by stale-epoch", "stale-epoch"]);
    assert!(table(&reached).contains("NEVER  11 -> 1 by stale-epoch\n"));
}

#[test]
fn a_way_that_does_not_lead_where_it_should_is_no_walk() {
    let plan = plans(0).into_iter().find(|it| it.name == "arbiter/grant-of-another");
    let mut plan = plan.expect("it is walked in every run");
    assert_eq!(plan.walk().map(|it| it.broken), Ok(None));
    plan.prelude.retain(|it| !matches!(it, Lead::Take(Step::Heal)));
    let why = plan.walk().map(|it| it.broken).expect_err("nobody follows behind a cut");
    assert!(why.starts_with("no way on at part 7, Until(1, Active)"), "{why}");
    plan.prelude.insert(0, Lead::Take(Step::Heal));
    let why = plan.walk().map(|it| it.broken).expect_err("nothing is cut");
    assert!(why.starts_with("no way on at part 0, Take(Heal)"), "{why}");
}
