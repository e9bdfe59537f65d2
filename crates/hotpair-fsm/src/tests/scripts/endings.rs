//! Ways in which an engine ends here, and what its partner makes of each.
use super::super::steps::Step;
use super::super::world::{Todo, World};
use super::{check, parse};
use crate::Command;
use expect_test::expect;
use hotpair_types::StateId;

#[test]
fn an_undeployed_engine_is_not_taken_over() {
    check(
        "
        start master
        start backup
        ask master undeploy
        start master
        ask master deploy
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
            ask master undeploy
                master answers accepted
                master 2 -> 13 undeployed e1
                backup 8 -> 4 partner-undeployed e1
                = - | 4 Wait sees 13
            start master
                master 1 -> 10 elected e3
                master 10 -> 2 opened e3
                backup 4 -> 5 begin-sync e3
                backup 5 -> 6 modules-match e3
                backup 6 -> 7 way-settled e3
                backup 7 -> 8 level e3
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            ask master deploy
                master answers done
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
        "#]],
    );
}

#[test]
fn leaving_is_proof_in_missed_heartbeats_too() {
    check(
        "
        start master
        start backup
        ! misses backup
        guard-lost master
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
            misses backup
                backup 8 -> 9 beat-missed e1
                = 2 open WhenReplicated sees 8 | 9 Wait sees 2
            guard-lost master
                master 2 -> 13 guard-lost e1
                backup 9 -> 10 left e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 13
        "#]],
    );
}

#[test]
fn a_lost_guard_ends_the_process_and_the_partner_acts() {
    check(
        "
        start master
        start backup
        guard-lost master
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
            guard-lost master
                master 2 -> 13 guard-lost e1
                backup 8 -> 10 left e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 13
        "#]],
    );
}

/// Who left in a script, and whether it knew that the other had seen its last view.
fn left(script: &str) -> Vec<(usize, bool)> {
    let mut world = World::new(|_| {});
    for line in script.lines().map(str::trim).filter(|it| !it.is_empty()) {
        for step in parse(line) {
            assert!(world.can(step), "{line}: cannot happen");
            world.take(step);
        }
        world.run();
    }
    world.left
}

#[test]
fn who_leaves_knows_whether_the_partner_saw_it() {
    let begun = "start master\nstart backup\n";
    assert_eq!(left(&format!("{begun}ask backup leave")), [(1, true)]);
    // Its views do not arrive any more, and it does not know yet.
    let cut = "cut-from backup\nask backup leave\nleave-over backup";
    assert_eq!(left(&format!("{begun}{cut}")), [(1, false)]);
    // It saw that the other is stopping, and never the view that says so for good.
    let answers_lost = "cut-from master\nask backup leave\nleave-over backup";
    assert_eq!(left(&format!("{begun}{answers_lost}")), [(1, false)]);
    assert_eq!(left("start master\nalone master\nask master leave"), [(0, false)]);
}

/// Deployed again, it begins a sync of its own: what an older one finds counts for nothing.
#[test]
fn an_undeployed_engine_ends_its_sync() {
    let mut world = World::new(|_| {});
    let begun = ["start master", "start backup"].into_iter().flat_map(parse);
    begun.for_each(|it| world.take(it));
    while world.state(1) != StateId::StandbySyncingWithActive {
        let step = world.benign().into_iter().next().expect("it is on its way");
        world.take(step);
    }
    let asks = |it: &World| it.live(1).is_some_and(|it| it.todo.contains(&Todo::Modules));
    assert!(asks(&world));
    world.take(Step::Ask(1, Command::Undeploy));
    assert!(world.state(1) == StateId::Unknown && !asks(&world));
}
