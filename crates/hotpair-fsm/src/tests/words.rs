//! Where nobody acts, the words say why: the last word, not a step that never comes.
use super::oddities::Odd;
use super::steps::Step;
use super::world::World;
use crate::{Command, Settings, Waiting};
use hotpair_types::{Mode, StartAlone};

pub(super) fn level(mode: Mode) -> World {
    let mut world = World::new(|settings: &mut Settings| {
        settings.mode = mode;
        if mode != Mode::Availability {
            settings.start_alone = StartAlone::Proven;
        }
    });
    for host in 0..2 {
        world.take(Step::Start(host));
        world.run();
    }
    world
}

pub(super) fn words(world: &World) -> [Option<Waiting>; 2] {
    [0, 1].map(|it| world.live(it).map(|live| live.machine.waiting()))
}

#[test]
fn one_that_is_not_heard_does_not_wait_for_an_election() {
    for behind in [false, true] {
        let mut world = level(Mode::NoSplit);
        if behind {
            world.take(Step::Odd(1, Odd::ModuleMissing));
            world.run();
        }
        world.take(Step::Stalled(0));
        world.take(Step::Cut(1));
        world.take(Step::Done(0, 0));
        world.take(Step::Deliver(0));
        world.take(Step::Silent(0));
        world.take(Step::Odd(1, Odd::OneWay));
        world.run();
        assert_eq!(
            words(&world)[1],
            Some(Waiting::Unheard),
            "{} {}",
            world.state(0),
            world.state(1)
        );
    }
}

#[test]
fn one_that_is_level_says_that_both_are_paused() {
    let mut world = level(Mode::Availability);
    world.take(Step::Ask(0, Command::Pause));
    world.run();
    world.take(Step::Stalled(0));
    world.run();
    assert_eq!(words(&world), [Some(Waiting::Paused); 2]);
}

#[test]
fn one_that_misses_an_entry_says_so_when_the_active_is_gone() {
    let mut world = level(Mode::NoSplit);
    world.take(Step::Misses(1));
    world.take(Step::Crash(0));
    world.take(Step::Silent(1));
    world.take(Step::Odd(1, Odd::Gap));
    world.take(Step::PromoteDue(1));
    world.run();
    assert_eq!(words(&world), [None, Some(Waiting::PersonGap)]);
}
