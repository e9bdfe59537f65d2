//! Pauses whose steps interleave with others: on the scripts' way to rest the last word would always arrive.
use super::steps::Step;
use super::world::World;
use crate::{Command, Timer};
use hotpair_types::StateId;

fn level() -> World {
    let mut world = World::new(|_| {});
    for host in 0..2 {
        world.take(Step::Start(host));
        world.run();
    }
    world
}

fn take(world: &mut World, steps: &[Step]) {
    for &step in steps {
        assert!(world.can(step), "{step:?}");
        world.take(step);
    }
}

fn are_paused(world: &World) -> [bool; 2] {
    [0, 1].map(|it| world.live(it).is_some_and(|live| live.machine.record().paused))
}

/// The partner saw the wish, and its last view was shown before it did.
#[test]
fn a_refused_pause_does_not_stay_at_a_partner_whose_disk_is_slow() {
    let mut world = level();
    let steps = [
        Step::Ask(1, Command::Pause),
        Step::Deliver(1),
        Step::Stored(1),
        Step::Elapsed(1, Timer::Answer),
    ];
    take(&mut world, &steps);
    assert_eq!(are_paused(&world), [true, false]);
    world.run();
    assert_eq!(are_paused(&world), [false; 2]);
}

/// And while its being taken back is not yet durable, it is said again.
#[test]
fn a_refused_pause_is_taken_back_until_that_is_durable() {
    let mut world = level();
    take(&mut world, &[Step::Ask(1, Command::Pause), Step::Deliver(1), Step::Stored(1)]);
    take(&mut world, &[Step::Elapsed(1, Timer::Answer), Step::Deliver(1), Step::Stored(0)]);
    world.run();
    assert_eq!(are_paused(&world), [false; 2]);
}

#[test]
fn an_epoch_that_is_burned_does_not_bring_a_pause_back() {
    let mut world = level();
    world.take(Step::Ask(0, Command::Pause));
    world.run();
    assert_eq!(are_paused(&world), [true; 2]);
    // A person's handover is not held back; the resume comes while it is under way.
    take(&mut world, &[Step::Ask(1, Command::BecomeActive), Step::Deliver(1)]);
    take(&mut world, &[Step::Done(0, 2), Step::Deliver(0)]);
    assert_eq!(world.state(1), StateId::SwitchingToActive);
    take(&mut world, &[Step::AskAnyway(1, Command::Promote { accept_loss: true })]);
    world.take(Step::Elapsed(1, Timer::Answer));
    take(&mut world, &[Step::Ask(1, Command::Resume), Step::Elapsed(1, Timer::Handover)]);
    world.run();
    assert_eq!(are_paused(&world), [false; 2]);
}

/// What the first asked may come to nothing; the second would have been told that both are paused.
#[test]
fn a_pause_that_is_asked_of_both_is_not_done_before_the_first_is() {
    let mut world = level();
    take(&mut world, &[Step::Ask(1, Command::Pause), Step::Deliver(1), Step::Stored(1)]);
    take(&mut world, &[Step::Stored(0)]);
    assert_eq!(are_paused(&world), [true; 2]);
    assert!(!world.can(Step::Ask(0, Command::Pause)), "refused: one is under way");
    world.run();
    assert_eq!(are_paused(&world), [true; 2]);
    assert!(world.can(Step::Ask(0, Command::Pause)));
}
