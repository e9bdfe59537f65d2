//! A disk that works again, at the worst moment.
use super::oddities::Odd;
use super::steps::Step;
use super::world::World;
use hotpair_types::{Mode, StartAlone, StateId};

/// The level partner won the election because this node's disk had failed, and its view that shows it is late.
/// "It answered, and has not moved" was said before.
#[test]
fn what_a_partner_said_while_the_disk_had_failed_promises_nothing() {
    let mut world = World::new(|_| {});
    for host in 0..2 {
        world.take(Step::Start(host));
        world.run();
    }
    world.take(Step::Odd(0, Odd::StorageFails));
    world.take(Step::Stalled(0));
    world.take(Step::Done(0, 0));
    for _ in 0..6 {
        for step in [Step::Deliver(0), Step::Summary(0), Step::Summary(1), Step::Deliver(1)] {
            if world.state(1) == StateId::StandbyReady && world.can(step) {
                world.take(step);
            }
        }
    }
    for step in [Step::Stored(1), Step::Stored(1), Step::Done(1, 1)] {
        if world.can(step) {
            world.take(step);
        }
    }
    assert!(world.is_open(1), "{}", world.state(1));
    world.take(Step::Mend(0));
    for step in [Step::Stored(0), Step::Stored(0), Step::Done(0, 1)] {
        if world.can(step) {
            world.take(step);
        }
    }
    assert!(!world.is_open(0));
}

/// The level partner won the election because this node's disk had failed, and moves; its own disk is slow. This
/// node's disk works again: it would win now, but what was agreed stands.
#[test]
fn who_won_and_moves_agrees_to_no_other_election() {
    for mode in [Mode::Availability, Mode::NoSplit, Mode::Manual] {
        moves_and_agrees_to_nothing_else(mode);
    }
}

fn moves_and_agrees_to_nothing_else(mode: Mode) {
    let mut world = World::new(|it| {
        it.mode = mode;
        it.start_alone = StartAlone::Proven;
    });
    for host in 0..2 {
        world.take(Step::Start(host));
        world.run();
    }
    world.take(Step::Odd(0, Odd::StorageFails));
    world.take(Step::Stalled(0));
    world.take(Step::Done(0, 0));
    let exchange = [Step::Deliver(0), Step::Summary(0), Step::Summary(1), Step::Deliver(1)];
    for step in std::iter::repeat_n(exchange, 6).flatten() {
        if world.state(1) == StateId::StandbyReady && world.can(step) {
            world.take(step);
        }
    }
    assert_eq!(world.state(1), StateId::SwitchingToActive);
    world.take(Step::Deliver(1));
    assert_eq!(world.state(0), StateId::StandbyNotReady);
    world.take(Step::Mend(0));
    for step in std::iter::repeat_n(exchange, 6).flatten() {
        // That it moves too comes late.
        if world.state(0) == StateId::StandbyNotReady && world.can(step) {
            world.take(step);
        }
        if world.can(Step::Stored(0)) {
            world.take(Step::Stored(0));
        }
    }
    let stored = [0, 0, 1, 1].map(Step::Stored);
    for step in stored.into_iter().chain([Step::Done(0, 1), Step::Done(1, 1)]) {
        if world.can(step) {
            world.take(step);
        }
    }
    assert!(world.is_open(1), "{}", world.state(1));
    assert!(!world.is_open(0), "two in {mode}");
}
