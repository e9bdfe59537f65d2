//! Promotions that end otherwise, and one that no walk begins; found by the model check.
use super::oddities::Odd;
use super::steps::{Step, TODOS};
use super::world::{Todo, World};
use crate::{Command, Rule, Timer};
use hotpair_types::{Mode, StateId};

fn level() -> World {
    let mut world = World::new(|_| {});
    for host in 0..2 {
        world.take(Step::Start(host));
        world.run();
    }
    assert_eq!(world.state(1), StateId::StandbyReady);
    world
}

/// Everything in this order that can happen.
fn take(world: &mut World, steps: &[Step]) {
    for &step in steps {
        if world.can(step) {
            world.take(step);
        }
    }
}

fn done(host: usize, todo: &Todo) -> Step {
    let which = TODOS.iter().position(|it| it == todo).unwrap();
    Step::Done(host, u8::try_from(which).unwrap())
}

/// The master offers, and the backup accepts; its epoch is not durable yet.
fn accepted() -> World {
    let mut world = level();
    take(
        &mut world,
        &[
            Step::Ask(0, Command::Switchover),
            Step::Stored(0),
            done(0, &Todo::Drained),
            Step::Stored(0),
            Step::Deliver(0),
        ],
    );
    assert_eq!(world.state(1), StateId::SwitchingToActive);
    world
}

#[test]
fn who_failed_to_take_a_handover_does_not_take_its_release_later() {
    let mut world = accepted();
    take(
        &mut world,
        &[
            Step::Stored(1),
            Step::Deliver(1),
            done(0, &Todo::OutputsClosed),
            Step::Stored(0),
            Step::Deliver(0),
            Step::FailPromotion(1),
            Step::Stored(1),
            Step::Deliver(1),
        ],
    );
    assert_eq!(world.state(0), StateId::SwitchingToActive, "the master takes its role back");
    take(&mut world, &[Step::Elapsed(1, Timer::Retry)]);
    assert_eq!(world.state(1), StateId::StandbyNotReady);
    world.run();
    assert!(world.is_open(0) && !world.is_open(1));
}

#[test]
fn a_disk_that_fails_while_a_promotion_is_called_off_fails_it() {
    let mut world = accepted();
    take(&mut world, &[Step::Elapsed(1, Timer::Handover)]);
    assert_eq!(world.state(1), StateId::SwitchingToActive, "the epoch is not burned yet");
    take(&mut world, &[Step::Odd(1, Odd::StorageFails)]);
    assert_eq!(world.state(1), StateId::StandbyNotReady);
}

#[test]
fn who_misses_an_entry_while_it_tries_to_act_is_not_level_afterwards() {
    let mut world = accepted();
    take(&mut world, &[Step::Odd(1, Odd::Gap), Step::Elapsed(1, Timer::Handover), Step::Stored(1)]);
    assert_eq!(world.state(1), StateId::StandbyNotReady);
    take(&mut world, &[Step::Deliver(1), Step::Stored(0)]);
    world.run();
    assert_eq!([world.state(0), world.state(1)], [StateId::Active, StateId::StandbyReady]);
}

#[test]
fn proof_of_a_process_counts_no_more_once_its_successor_promotes() {
    let mut world = level();
    take(
        &mut world,
        &[
            Step::Cut(0),
            Step::Cut(1),
            Step::CrashWithGuard(0),
            Step::Start(0),
            Step::Elapsed(0, Timer::StartupAllowance),
        ],
    );
    assert_eq!(world.state(0), StateId::SwitchingToActive);
    take(&mut world, &[Step::Heal(0), Step::Heal(1), Step::Hears(1), Step::Deliver(0)]);
    take(&mut world, &[Step::Fenced(0)]);
    assert!(world.state(1).is_standby(), "{}", world.state(1));
    world.run();
    assert!(world.is_open(0) && !world.is_open(1));
}

/// The winner of an election is proven dead while the loser brings its code level.
#[test]
fn who_lost_an_election_acts_while_it_syncs_code_when_its_winner_is_proven_dead() {
    let mut world = World::new(|_| {});
    take(&mut world, &[Step::Start(0), Step::Start(1)]);
    while world.state(1) != StateId::StandbySyncingCode {
        // The backup first: it comes to the verdict itself, before it sees the master act.
        let next = world.benign().pop().unwrap();
        world.take(next);
    }
    take(&mut world, &[Step::CrashWithGuard(0), Step::Fenced(0)]);
    assert_eq!(world.state(1), StateId::SwitchingToActive);
    let (_, change) = world.changes.last().unwrap();
    assert_eq!((change.from, change.rule), (StateId::StandbySyncingCode, Rule::WinnerFenced));
}

/// Hole 58: the winner came with the right to act alone from a life before, and its guard does not know yet.
#[test]
fn the_death_of_a_winner_that_may_act_alone_makes_no_second_one_that_may() {
    for (mode, acts) in [(Mode::NoSplit, false), (Mode::Manual, false), (Mode::Availability, true)]
    {
        let mut world = World::new(|it| {
            it.mode = mode;
            it.start_alone = hotpair_types::StartAlone::Proven;
        });
        for step in [Step::Start(0), Step::Start(1), Step::CrashWithGuard(0), Step::Fenced(0)] {
            world.take(step);
            world.run();
        }
        assert_eq!(world.state(1), StateId::ActiveStandbyNotAvailable, "{mode}: with `sole`");
        take(&mut world, &[Step::Crash(1), Step::Start(1), Step::Start(0)]);
        let told = done(1, &Todo::GuardTold(true));
        while !world.is_open(1) || !follows(&world) {
            let next = world.benign().into_iter().find(|it| *it != told);
            world.take(next.expect("it goes on without the guard"));
        }
        take(&mut world, &[Step::CrashWithGuard(1), Step::Fenced(1)]);
        let begins = world.state(0) == StateId::SwitchingToActive;
        assert_eq!(begins, acts, "{mode}: {}", world.state(0));
        // It comes back with the right that it had, and acts.
        take(&mut world, &[Step::Start(1)]);
        world.run();
        assert_eq!(world.is_open(0), acts, "{mode}");
        assert_ne!(world.is_open(0), world.is_open(1), "{mode}");
    }
}

/// The loser knows that the winner acts.
fn follows(world: &World) -> bool {
    world.state(0) == StateId::StandbyNotReady
        && world.live(0).is_some_and(|it| it.machine.partner_state().is_active())
}
