//! Mode `arbiter`: the grant comes with the role.
use super::super::steps::Step;
use super::super::third::With;
use super::super::world::World;
use super::{arbiter, check_granted as check, step};
use crate::{Acknowledge, Rule, Timer};
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
fn a_handover_is_refused_while_the_standby_cannot_reach_the_arbiter() {
    check(
        "
        arbiter-away backup
        ask master switchover
        ask backup switchover
        network-fails master
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
            arbiter-away backup
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            ask master switchover
                master answers refused: the partner cannot reach the arbiter, so it could not take over
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            ask backup switchover
                backup answers refused: the arbiter cannot be reached from this node for 0 s; roles stay as they are until it answers
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            network-fails master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            arbiter-back backup
                master 2 -> 11 hand-over-network e1
                backup 8 -> 10 offered e2
                master 11 -> 4 released e1
                backup 10 -> 2 opened e2
                = 4 Wait sees 2 | 2 open Degraded sees 4
        "#]],
    );
}

#[test]
fn who_lost_the_arbiter_just_now_declines_at_once_and_is_not_asked_again_at_once() {
    let mut world = World::new(arbiter);
    for line in ["start master", "start backup"] {
        step(&mut world, line);
    }
    world.changes.clear();
    // The backup knows, the master does not yet.
    for at in [Step::With(1, With::Cut), Step::With(1, With::Call)] {
        world.take(at);
    }
    step(&mut world, "network-fails master");
    let ways = |world: &World| world.changes.iter().map(|it| it.1.rule).collect::<Vec<_>>();
    assert_eq!(ways(&world), [Rule::HandOverNetwork, Rule::Resumed]);
    step(&mut world, "arbiter-back backup");
    assert_eq!(ways(&world).len(), 2, "not offered again at once");
    step(&mut world, "retry master");
    assert_eq!(ways(&world)[2], Rule::HandOverNetwork);
    assert!(world.is_open(1));
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

#[test]
fn proof_passes_over_a_note_that_nothing_hangs_on() {
    let mut world = World::new(arbiter);
    for line in ["start master", "start backup"] {
        step(&mut world, line);
    }
    // It wrote that it goes on alone, and died before its guard knew: nothing was answered.
    for at in [Step::Cut(1), Step::Unacknowledged(0), Step::Stored(0), Step::With(0, With::Note)] {
        assert!(world.can(at), "{at:?}");
        world.take(at);
    }
    assert_eq!(world.third.alone, Some(0));
    for line in ["kill master", "heal-from backup", "fenced master"] {
        step(&mut world, line);
    }
    assert!(world.is_open(1), "{:?}", world.live(1).unwrap().machine.waiting());
}

#[test]
fn who_can_reach_the_arbiter_acts() {
    check(
        "
        arbiter-away master
        stalled master
        lease-ends master
        kill backup
        kill master
        start backup
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
            stalled master
                master 2 -> 1 stalled e1
                = 1 Wait sees 8 | 8 Wait sees 1
            lease-ends master
                backup 8 -> 10 elected e2
                backup 10 -> 2 opened e2
                master 1 -> 4 partner-active e2
                master 4 -> 5 begin-sync e2
                master 5 -> 6 modules-match e2
                master 6 -> 7 way-settled e2
                master 7 -> 8 level e2
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
            kill backup
                = 8 Wait sees 2 | -
            kill master
                = - | -
            start backup
                = - | 1 Wait sees 13
            start master
                master 1 -> 4 not-elected e2
                backup 1 -> 10 elected e4
                backup 10 -> 2 opened e4
                master 4 -> 5 begin-sync e4
                master 5 -> 6 modules-match e4
                master 6 -> 7 way-settled e4
                master 7 -> 8 level e4
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
        "#]],
    );
}

#[test]
fn a_new_grant_writes_anew_that_this_node_goes_on_alone() {
    let mut world = World::new(arbiter);
    for line in ["start master", "start backup", "cut", "silent master", "heal-from backup"] {
        step(&mut world, line);
    }
    assert_eq!(world.acknowledge(0), Acknowledge::Degraded);
    for at in [Step::Heal(0), Step::Hears(1), Step::Acknowledged(0)] {
        world.take(at);
    }
    // Frozen, and without a grant for a while.
    for what in [With::Cut, With::Call] {
        world.take(Step::With(0, what));
    }
    world.take(Step::Elapsed(0, Timer::Grant));
    for what in [With::LeaseEnds, With::Heal] {
        world.take(Step::With(0, what));
    }
    assert_eq!(world.acknowledge(0), Acknowledge::Degraded, "the note stands");
    world.take(Step::With(0, With::Call));
    assert_eq!(world.acknowledge(0), Acknowledge::Wait, "somebody may have passed over it");
    world.take(Step::With(0, With::Note));
    world.run();
    assert!(world.is_open(0));
}
