//! Mode `arbiter`: who closes without the grant, and who waits for it.
use super::super::world::World;
use super::{arbiter, check_granted as check, step};
use crate::{Alarm, Waiting};
use expect_test::expect;

#[test]
fn a_cut_leaves_the_holder_alone_and_the_standby_waiting() {
    check(
        "
        cut
        silent master
        fence-due master
        write master
        silent backup
        promote-due backup
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
            cut
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            silent master
                master 2 -> 3 partner-silent e1
                = 3 open Degraded sees 13 | 8 Wait sees 2
            fence-due master
                = 3 open Degraded sees 13 | 8 Wait sees 2
            write master
                = 3 open Degraded sees 13 | 8 Wait sees 2
            silent backup
                backup 8 -> 9 beat-missed e1
                = 3 open Degraded sees 13 | 9 Wait sees 13
            promote-due backup
                = 3 open Degraded sees 13 | 9 Wait sees 13
            heal
                backup 9 -> 8 beats-back e1
                backup 8 -> 4 active-went-on e1
                master 3 -> 2 partner-back e1
                backup 4 -> 5 begin-sync e1
                backup 5 -> 6 modules-match e1
                backup 6 -> 7 way-settled e1
                backup 7 -> 8 level e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
        "#]],
    );
}

#[test]
fn with_the_arbiter_away_roles_are_frozen_and_then_closed() {
    check(
        "
        arbiter-away master
        arbiter-away backup
        grant-ending master
        write master
        ask master switchover
        ask backup switchover
        lease-ends master
        cut
        unacknowledged master
        silent backup
        fence-due master
        promote-due backup
        arbiter-back backup
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
            arbiter-away master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            arbiter-away backup
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            grant-ending master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            write master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            ask master switchover
                master answers refused: the arbiter cannot be reached from this node for 0 s; roles stay as they are until it answers
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            ask backup switchover
                backup answers refused: the arbiter cannot be reached from this node for 0 s; roles stay as they are until it answers
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            lease-ends master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            cut
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            unacknowledged master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            silent backup
                backup 8 -> 9 beat-missed e1
                = 2 open WhenReplicated sees 8 | 9 Wait sees 13
            fence-due master
                master 2 -> 1 fence-due e1
                = 1 Wait sees 8 | 9 Wait sees 13
            promote-due backup
                = 1 Wait sees 8 | 9 Wait sees 13
            arbiter-back backup
                backup 9 -> 10 silent e2
                backup 10 -> 3 opened e2
                = 1 Wait sees 8 | 3 open Degraded sees 13
        "#]],
    );
}

#[test]
fn a_grant_that_ends_unacknowledged_closes() {
    check(
        "
        cut
        silent master
        fence-due master
        arbiter-away master
        grant-ending master
        arbiter-back master
        alone master
        fence-due backup
        promote-due master
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
            cut
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            silent master
                master 2 -> 3 partner-silent e1
                = 3 open Degraded sees 13 | 8 Wait sees 2
            fence-due master
                = 3 open Degraded sees 13 | 8 Wait sees 2
            arbiter-away master
                = 3 open Degraded sees 13 | 8 Wait sees 2
            grant-ending master
                master 3 -> 1 grant-ending e1
                = 1 Wait sees 13 | 8 Wait sees 2
            arbiter-back master
                = 1 Wait sees 13 | 8 Wait sees 2
            alone master
                = 1 Wait sees 13 | 8 Wait sees 2
            fence-due backup
                = 1 Wait sees 13 | 8 Wait sees 2
            promote-due master
                master 1 -> 10 alone-sole e3
                master 10 -> 3 opened e3
                = 3 open Degraded sees 13 | 8 Wait sees 2
        "#]],
    );
}

#[test]
fn a_standby_says_that_another_holds_the_grant() {
    let mut world = World::new(arbiter);
    for line in ["start master", "start backup", "crash master", "silent backup"] {
        step(&mut world, line);
    }
    let waiting = |world: &World| world.live(1).unwrap().machine.waiting();
    assert_eq!(waiting(&world), Waiting::Promise);
    step(&mut world, "promote-due backup");
    assert_eq!(waiting(&world), Waiting::GrantBusy);
}

#[test]
fn a_standby_does_not_act_while_the_partner_went_on_alone() {
    let mut world = World::new(arbiter);
    for line in ["start master", "start backup", "cut", "silent master", "write master"] {
        step(&mut world, line);
    }
    for line in ["crash master", "silent backup", "promote-due backup"] {
        step(&mut world, line);
    }
    let waiting = |world: &World| world.live(1).unwrap().machine.waiting();
    assert_eq!(waiting(&world), Waiting::PartnerWentOn, "whether its lease has ended or not");
    step(&mut world, "lease-ends master");
    assert_eq!(waiting(&world), Waiting::PartnerWentOn);
    step(&mut world, "arbiter-away backup");
    assert_eq!(waiting(&world), Waiting::ArbiterAway);
    assert!(world.live(1).unwrap().machine.alarms().contains(&Alarm::ArbiterAway));
    step(&mut world, "arbiter-back backup");
    step(&mut world, "ask backup promote");
    assert!(world.is_open(1), "a person passes over it");
}

#[test]
fn nothing_is_handed_over_while_the_arbiter_is_away() {
    check(
        "
        arbiter-away master
        network-fails master
        mend master
        storage-fails master
        mend master
        arbiter-back master
        arbiter-away backup
        storage-fails backup
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
            arbiter-away master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            network-fails master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            mend master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            storage-fails master
                master 2 -> 1 storage-failed e1
                = 1 Wait sees 8 | 8 Wait sees 1
            mend master
                = 1 Wait sees 8 | 8 Wait sees 1
            arbiter-back master
                master 1 -> 10 not-moved e3
                master 10 -> 2 opened e3
                backup 8 -> 4 not-level e1
                backup 4 -> 5 begin-sync e3
                backup 5 -> 6 modules-match e3
                backup 6 -> 7 way-settled e3
                backup 7 -> 8 level e3
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            arbiter-away backup
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            storage-fails backup
                backup 8 -> 4 storage-failed e3
                = 2 open Degraded sees 4 | 4 Wait sees 2
        "#]],
    );
}

#[test]
fn who_leaves_with_the_arbiter_away_does_not_wait_for_it() {
    check(
        "
        arbiter-away master
        ask master leave
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
            arbiter-away master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            ask master leave
                master answers accepted
                master 2 -> 13 leave e1
                backup 8 -> 10 left e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 13
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
fn who_has_what_the_other_lacks_is_waited_for_though_the_arbiter_is_away_for_it() {
    check(
        "
        kill backup
        fenced backup
        write master
        kill master
        start backup
        lease-ends master
        arbiter-away master
        start master
        arbiter-back master
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
            kill master
                = - | -
            start backup
                = - | 1 Wait sees 13
            lease-ends master
                = - | 1 Wait sees 13
            arbiter-away master
                = - | 1 Wait sees 13
            start master
                backup 1 -> 4 not-elected e1
                = 1 Wait sees 4 | 4 Wait sees 1
            arbiter-back master
                master 1 -> 10 elected e3
                master 10 -> 2 opened e3
                backup 4 -> 5 begin-sync e3
                backup 5 -> 6 modules-match e3
                backup 6 -> 7 way-settled e3
                backup 7 -> 8 level e3
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
        "#]],
    );
}
