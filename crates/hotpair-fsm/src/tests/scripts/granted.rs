//! Mode `arbiter`: the grant comes with the role.
use super::super::steps::Step;
use super::super::third::With;
use super::super::world::World;
use super::{arbiter, check_granted as check, step};
use expect_test::expect;

#[test]
fn a_killed_active_is_followed_at_once() {
    check(
        "
        kill master
        fenced master
        write backup
        start master
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
            write backup
                = - | 3 open Degraded sees 12
            start master
                master 1 -> 4 partner-active e2
                backup 3 -> 2 partner-back e2
                master 4 -> 5 begin-sync e2
                master 5 -> 6 modules-match e2
                master 6 -> 7 way-settled e2
                master 7 -> 8 level e2
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
        "#]],
    );
}

#[test]
fn silence_waits_for_the_promise_and_for_the_lease() {
    check(
        "
        crash master
        silent backup
        promote-due backup
        lease-ends master
        write backup
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
            crash master
                = - | 8 Wait sees 2
            silent backup
                backup 8 -> 9 beat-missed e1
                = - | 9 Wait sees 13
            promote-due backup
                = - | 9 Wait sees 13
            lease-ends master
                backup 9 -> 10 silent e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 13
            write backup
                = - | 3 open Degraded sees 13
        "#]],
    );
}

#[test]
fn a_handover_takes_the_grant_along() {
    check(
        "
        ask master switchover
        write backup
        ask backup leave
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
                backup 8 -> 10 offered e2
                master 11 -> 4 released e1
                backup 10 -> 2 opened e2
                master 4 -> 5 begin-sync e2
                master 5 -> 6 modules-match e2
                master 6 -> 7 way-settled e2
                master 7 -> 8 level e2
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
            write backup
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
            ask backup leave
                backup answers accepted
                backup 2 -> 11 hand-over-leave e2
                master 8 -> 10 offered e3
                backup 11 -> 4 released e2
                master 10 -> 2 opened e3
                backup 4 -> 13 leave e2
                master 2 -> 3 partner-left e3
                = 3 open Degraded sees 13 | -
        "#]],
    );
}

#[test]
fn a_handover_is_declined_by_who_cannot_reach_the_arbiter() {
    check(
        "
        arbiter-away backup
        ask master switchover
        ask backup switchover
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
            arbiter-away backup
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            ask master switchover
                master answers accepted
                master 2 -> 11 switchover e1
                master 11 -> 2 resumed e3
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            ask backup switchover
                backup answers refused: the arbiter cannot be reached from this node for 0 s; roles stay as they are until it answers
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
        "#]],
    );
}

#[test]
fn a_node_alone_starts_with_sole_and_the_grant() {
    check(
        "
        kill backup
        fenced backup
        write master
        crash master
        arbiter-away master
        start master
        alone master
        promote-due master
        arbiter-back master
        start backup
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
            kill backup
                = 2 open WhenReplicated sees 8 | -
            fenced backup
                master 2 -> 3 partner-left e1
                = 3 open Degraded sees 12 | -
            write master
                = 3 open Degraded sees 12 | -
            crash master
                = - | -
            arbiter-away master
                = - | -
            start master
                = 1 Wait sees 13 | -
            alone master
                = 1 Wait sees 13 | -
            promote-due master
                = 1 Wait sees 13 | -
            arbiter-back master
                master 1 -> 10 alone-sole e3
                master 10 -> 3 opened e3
                = 3 open Degraded sees 13 | -
            start backup
                backup 1 -> 4 partner-active e3
                master 3 -> 2 partner-back e3
                backup 4 -> 5 begin-sync e3
                backup 5 -> 6 modules-match e3
                backup 6 -> 7 way-settled e3
                backup 7 -> 8 level e3
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
        "#]],
    );
}

#[test]
fn an_epoch_is_not_below_the_revision_of_its_grant() {
    let mut world = World::new(arbiter);
    world.set_revision(40);
    for line in ["start master", "start backup"] {
        step(&mut world, line);
    }
    let epoch = |world: &World, it: usize| world.live(it).unwrap().machine.epoch().number;
    assert_eq!(epoch(&world, 0), 41, "odd: the master's");
    world.set_revision(70);
    // The grant comes after the epoch of a handover was accepted.
    step(&mut world, "ask master switchover");
    assert!(world.is_open(1));
    assert_eq!(epoch(&world, 1), 72, "even: the backup's");
}

#[test]
fn who_leaves_gives_the_grant_back() {
    let mut world = World::new(arbiter);
    for line in ["start master", "start backup", "kill backup", "fenced backup"] {
        step(&mut world, line);
    }
    step(&mut world, "ask master leave");
    assert!(!world.can(Step::With(0, With::LeaseEnds)), "nothing is left to end");
}
