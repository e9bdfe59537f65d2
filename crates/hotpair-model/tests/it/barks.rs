//! What is planted is found, with the shortest way to it. Bugs planted in the machine itself are told of in
//! docs/design/model.md.
use hotpair_model::{Bounds, Fault, Planted, Setup, World, begin, walk};
use hotpair_types::Mode;

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
