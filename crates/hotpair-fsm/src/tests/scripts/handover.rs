//! Handovers that go wrong on the way.
use super::super::oddities::Odd;
use super::super::steps::{Step, TODOS};
use super::super::world::{Todo, World};
use super::{check, check_with, step};
use crate::{Command, Timer};
use expect_test::expect;
use hotpair_types::StateId;

#[test]
fn a_handover_that_is_not_answered_resumes_under_a_newer_epoch() {
    check(
        "
        start master
        start backup
        ! ask master switchover
        ! cut
        timeout master
        heal
    ",
        &expect![[r#"
            start master
                = 1 Wait sees 13 | -
            start backup
                master 1 -> 10 elected e1
                master 10 -> 2 opened e1
                backup 1 -> 4 partner-active e1
                backup 4 -> 5 begin-sync e1
                backup 5 -> 6 modules-match e1
                backup 6 -> 7 way-settled e1
                backup 7 -> 8 level e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            ask master switchover
                master answers accepted
                master 2 -> 11 switchover e1
                = 11 open WhenReplicated sees 8 | 8 Wait sees 2
            cut
                = 11 open WhenReplicated sees 8 | 8 Wait sees 2
            timeout master
                master 11 -> 2 resumed e3
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            heal
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
        "#]],
    );
}

#[test]
fn the_master_takes_over_again_but_not_against_a_person() {
    check(
        "
        start master
        start backup
        kill master
        fenced master
        start master
        hold-over backup
        ask backup become-active
        nothing
    ",
        &expect![[r#"
            start master
                = 1 Wait sees 13 | -
            start backup
                master 1 -> 10 elected e1
                master 10 -> 2 opened e1
                backup 1 -> 4 partner-active e1
                backup 4 -> 5 begin-sync e1
                backup 5 -> 6 modules-match e1
                backup 6 -> 7 way-settled e1
                backup 7 -> 8 level e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            kill master
                = - | 8 Wait sees 2
            fenced master
                backup 8 -> 10 fenced e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 12
            start master
                master 1 -> 4 partner-active e2
                backup 3 -> 2 partner-back e2
                master 4 -> 5 begin-sync e2
                master 5 -> 6 modules-match e2
                master 6 -> 7 way-settled e2
                master 7 -> 8 level e2
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
            hold-over backup
                backup 2 -> 11 recovery e2
                master 8 -> 10 offered e3
                backup 11 -> 4 released e2
                master 10 -> 2 opened e3
                backup 4 -> 5 begin-sync e3
                backup 5 -> 6 modules-match e3
                backup 6 -> 7 way-settled e3
                backup 7 -> 8 level e3
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            ask backup become-active
                backup answers accepted
                master 2 -> 11 switchover e3
                backup 8 -> 10 offered e4
                master 11 -> 4 released e3
                backup 10 -> 2 opened e4
                master 4 -> 5 begin-sync e4
                master 5 -> 6 modules-match e4
                master 6 -> 7 way-settled e4
                master 7 -> 8 level e4
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
            nothing
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
        "#]],
    );
}

#[test]
fn failing_storage_hands_over() {
    check(
        "
        start master
        start backup
        storage-fails master
        mend master
    ",
        &expect![[r#"
            start master
                = 1 Wait sees 13 | -
            start backup
                master 1 -> 10 elected e1
                master 10 -> 2 opened e1
                backup 1 -> 4 partner-active e1
                backup 4 -> 5 begin-sync e1
                backup 5 -> 6 modules-match e1
                backup 6 -> 7 way-settled e1
                backup 7 -> 8 level e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            storage-fails master
                master 2 -> 11 hand-over-storage e1
                backup 8 -> 10 offered e2
                master 11 -> 4 released e1
                backup 10 -> 2 opened e2
                = 4 Wait sees 2 | 2 open Degraded sees 4
            mend master
                master 4 -> 5 begin-sync e2
                master 5 -> 6 modules-match e2
                master 6 -> 7 way-settled e2
                master 7 -> 8 level e2
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
        "#]],
    );
}

#[test]
fn a_lost_network_hands_over() {
    check(
        "
        start master
        start backup
        network-fails master
        mend master
    ",
        &expect![[r#"
            start master
                = 1 Wait sees 13 | -
            start backup
                master 1 -> 10 elected e1
                master 10 -> 2 opened e1
                backup 1 -> 4 partner-active e1
                backup 4 -> 5 begin-sync e1
                backup 5 -> 6 modules-match e1
                backup 6 -> 7 way-settled e1
                backup 7 -> 8 level e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            network-fails master
                master 2 -> 11 hand-over-network e1
                backup 8 -> 10 offered e2
                master 11 -> 4 released e1
                backup 10 -> 2 opened e2
                = 4 Wait sees 2 | 2 open Degraded sees 4
            mend master
                master 4 -> 5 begin-sync e2
                master 5 -> 6 modules-match e2
                master 6 -> 7 way-settled e2
                master 7 -> 8 level e2
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
        "#]],
    );
}

#[test]
fn failing_storage_without_a_standby_closes_the_outputs() {
    check(
        "
        start master
        alone master
        storage-fails master
        mend master
    ",
        &expect![[r#"
            start master
                = 1 Wait sees 13 | -
            alone master
                master 1 -> 10 alone-unverified e1
                master 10 -> 3 opened e1
                = 3 open Degraded sees 13 | -
            storage-fails master
                master 3 -> 1 storage-failed e1
                = 1 Wait sees 13 | -
            mend master
                = 1 Wait sees 13 | -
        "#]],
    );
}

#[test]
fn a_promotion_that_fails_goes_back_and_tries_again() {
    check(
        "
        start master
        start backup
        ! kill master
        ! fenced master
        fail-promotion backup
        retry backup
    ",
        &expect![[r#"
            start master
                = 1 Wait sees 13 | -
            start backup
                master 1 -> 10 elected e1
                master 10 -> 2 opened e1
                backup 1 -> 4 partner-active e1
                backup 4 -> 5 begin-sync e1
                backup 5 -> 6 modules-match e1
                backup 6 -> 7 way-settled e1
                backup 7 -> 8 level e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            kill master
                = - | 8 Wait sees 2
            fenced master
                backup 8 -> 10 fenced e2
                = - | 10 Wait sees 12
            fail-promotion backup
                backup 10 -> 4 promotion-failed e2
                = - | 4 Wait sees 12
            retry backup
                backup 4 -> 10 retried e4
                backup 10 -> 3 opened e4
                = - | 3 open Degraded sees 12
        "#]],
    );
}

#[test]
fn settings_that_change_while_it_runs_are_decided_by_from_then_on() {
    check_with(
        |settings| settings.recovery = hotpair_types::RecoveryMode::Manual,
        "
        start master
        start backup
        kill master
        fenced master
        start master
        recovers-by-itself backup
        hold-over backup
    ",
        &expect![[r#"
            start master
                = 1 Wait sees 13 | -
            start backup
                master 1 -> 10 elected e1
                master 10 -> 2 opened e1
                backup 1 -> 4 partner-active e1
                backup 4 -> 5 begin-sync e1
                backup 5 -> 6 modules-match e1
                backup 6 -> 7 way-settled e1
                backup 7 -> 8 level e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            kill master
                = - | 8 Wait sees 2
            fenced master
                backup 8 -> 10 fenced e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 12
            start master
                master 1 -> 4 partner-active e2
                backup 3 -> 2 partner-back e2
                master 4 -> 5 begin-sync e2
                master 5 -> 6 modules-match e2
                master 6 -> 7 way-settled e2
                master 7 -> 8 level e2
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
            recovers-by-itself backup
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
            hold-over backup
                backup 2 -> 11 recovery e2
                master 8 -> 10 offered e3
                backup 11 -> 4 released e2
                master 10 -> 2 opened e3
                backup 4 -> 5 begin-sync e3
                backup 5 -> 6 modules-match e3
                backup 6 -> 7 way-settled e3
                backup 7 -> 8 level e3
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
        "#]],
    );
}

#[test]
fn a_release_that_comes_late_moves_nobody_who_is_stale() {
    for (stale, acts) in [(false, [false, true]), (true, [true, false])] {
        let mut world = World::new(|_| {});
        for line in ["start master", "start backup"] {
            step(&mut world, line);
        }
        let done = |todo: &Todo| TODOS.iter().position(|it| it == todo).unwrap() as u8;
        let closed = Step::Done(0, done(&Todo::OutputsClosed));
        // Offered and accepted; the backup gives up before the master has closed.
        for at in [
            Step::Ask(0, Command::Switchover),
            Step::Done(0, done(&Todo::Drained)),
            Step::Deliver(0),
            Step::Stored(1),
            Step::Deliver(1),
            Step::Elapsed(1, Timer::Handover),
            closed,
        ] {
            assert!(world.can(at), "{at:?}");
            world.take(at);
        }
        if stale {
            world.take(Step::Odd(1, Odd::NotSent));
            assert_eq!(world.state(1), StateId::StandbyNotReady);
        }
        world.run();
        assert_eq!([world.is_open(0), world.is_open(1)], acts, "stale: {stale}");
    }
}
