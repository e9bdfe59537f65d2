//! Going alone and coming back from it, with a death in between: one right to act alone at a time.
use super::steps::Step;
use super::third::With;
use super::words::{level, words};
use super::world::World;
use crate::{Command, Timer, Waiting};
use hotpair_types::Mode;

/// The master comes back behind a cut, and its allowance is over.
fn comes_back_alone(world: &mut World, host: usize) {
    for step in [Step::Cut(0), Step::Cut(1), Step::Start(host)] {
        world.take(step);
    }
    world.run();
    world.take(Step::Elapsed(host, Timer::StartupAllowance));
    world.run();
}

fn two_are_open(world: &World) -> bool {
    world.is_open(0) && world.is_open(1)
}

/// Lets everything happen but what the disk of the backup confirms.
fn run_with_a_slow_disk(world: &mut World) {
    for _ in 0..200 {
        let step = world.benign().into_iter().find(|it| *it != Step::Stored(1));
        let Some(step) = step else { return };
        world.take(step);
    }
    panic!("no rest");
}

#[test]
fn one_that_dies_while_it_goes_alone_leaves_no_second_right_to_act() {
    let mut moments = 0;
    for after in 0..5 {
        let mut world = level(Mode::Manual);
        for step in [Step::Cut(0), Step::Cut(1), Step::Silent(0)] {
            world.take(step);
        }
        for _ in 0..after {
            let own = [Step::Stored(0), Step::Done(0, 8), Step::Done(0, 9)];
            if let Some(step) = own.into_iter().find(|it| world.can(*it)) {
                world.take(step);
                moments += 1;
            }
        }
        world.take(Step::CrashWithGuard(0));
        for step in [Step::Heal(0), Step::Heal(1), Step::Fenced(0)] {
            world.take(step);
        }
        world.run();
        comes_back_alone(&mut world, 0);
        assert!(!two_are_open(&world), "killed after {after} steps");
    }
    assert!(moments > 4, "it goes alone step by step");
}

#[test]
fn a_right_to_act_alone_that_is_on_its_way_to_the_disk_is_shown() {
    let mut world = level(Mode::Manual);
    for step in [Step::CrashWithGuard(0), Step::Fenced(0), Step::FailPromotion(1), Step::Start(0)] {
        world.take(step);
    }
    run_with_a_slow_disk(&mut world);
    world.take(Step::Stored(1));
    run_with_a_slow_disk(&mut world);
    world.take(Step::Crash(1));
    comes_back_alone(&mut world, 1);
    assert!(!two_are_open(&world), "{} {}", world.state(0), world.state(1));
}

#[test]
fn one_that_lost_to_a_paused_partner_does_not_wait_for_an_election() {
    let mut world = level(Mode::Availability);
    world.take(Step::Ask(0, Command::Pause));
    world.take(Step::CrashWithGuard(1));
    world.take(Step::Stored(0));
    world.take(Step::Start(1));
    while world.state(1).number() == 1 {
        let step = world.benign().into_iter().find(|it| *it != Step::Stored(1));
        world.take(step.expect("it is on its way"));
    }
    world.take(Step::Crash(0));
    world.take(Step::Silent(1));
    world.take(Step::Start(0));
    world.run();
    assert_eq!(words(&world), [Some(Waiting::Paused), Some(Waiting::PartnerMoves)]);
}

#[test]
fn one_whose_active_is_undeployed_does_not_wait_for_it_to_move() {
    let mut world = level(Mode::Availability);
    world.take(Step::Ask(0, Command::Undeploy));
    while world.state(1).is_level() {
        let step = world.benign().into_iter().next();
        world.take(step.expect("it is on its way"));
    }
    assert_eq!(words(&world)[1], Some(Waiting::PartnerUndeployed));
}

#[test]
fn one_that_is_level_says_that_it_waits_for_a_partner_that_does_not_act() {
    let mut world = level(Mode::Arbiter);
    let away = [Step::With(0, With::Cut), Step::With(0, With::Call)];
    for step in away.into_iter().chain([Step::Cut(0), Step::Cut(1), Step::Silent(0)]) {
        world.take(step);
    }
    world.run();
    for step in [Step::Elapsed(0, Timer::Grant), Step::FenceDue(0)] {
        world.take(step);
    }
    world.run();
    for step in [Step::Heal(0), Step::Heal(1)] {
        world.take(step);
    }
    world.run();
    assert_eq!(words(&world), [Some(Waiting::ArbiterAway), Some(Waiting::PartnerMoves)]);
}
