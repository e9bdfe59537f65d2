//! Every walk, most of them to the end: no promise is broken, and together they take every edge.
use expect_test::{Expect, expect};
use hotpair_model::{Edge, everything, not_reached, plans, table, wander};
use hotpair_types::Mode;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Walks all of a mode. A number that changed is a change of behaviour: is it meant?
#[track_caller]
fn check(mode: Mode, worlds: &Expect) -> BTreeSet<Edge> {
    let mut edges = BTreeSet::new();
    let mut told = String::new();
    for plan in plans(0).into_iter().filter(|it| it.bounds.mode == mode) {
        let seen = plan.walk().unwrap_or_else(|why| panic!("{}: {why}", plan.name));
        if let Some(story) = seen.broken {
            panic!("{}: {story}", plan.name);
        }
        let end =
            if seen.given_up { format!(", all within {}", seen.depth - 1) } else { String::new() };
        writeln!(told, "{} {}{end}", plan.name, seen.worlds).expect("a string takes it");
        edges.extend(seen.edges);
    }
    for plan in everything().into_iter().filter(|it| it.bounds.mode == mode) {
        let seen = wander(&plan.start(), &plan.bounds, 500, 200);
        if let Some(story) = seen.broken {
            panic!("{}: {story}", plan.name);
        }
        edges.extend(seen.edges);
    }
    worlds.assert_eq(&told);
    edges
}

/// The modes two at a time, and what they take together.
#[test]
fn no_walk_breaks_a_promise_and_together_they_take_every_edge() {
    let edges = std::thread::scope(|scope| {
        let one = scope.spawn(|| {
            let mut edges = check(
                Mode::Availability,
                &expect![[r#"
                    availability/kill 11338
                    availability/kill-and-write 25002, all within 12
                    availability/host 25001, all within 28
                    availability/cut 18154
                    availability/cut-and-write 25001, all within 15
                    availability/one-way 23769
                    availability/channels 1122
                    availability/loss 6650
                    availability/disk 6626
                    availability/standstill 21694
                    availability/handover 1364
                    availability/pause 14277
                    availability/leave 2361
                    availability/undeploy 10213
                    availability/promote 25001, all within 22
                    availability/promotion-fails 25001, all within 12
                    availability/retry 3135
                    availability/cut-and-kill 25001, all within 10
                    availability/hint 8932
                    availability/reinit 1207
                    availability/guard 2519
                    availability/recovery 21634
                    availability/suspended 11338
                    availability/sync 25004, all within 8
                    availability/own 7871
                    availability/slow-sync 25001, all within 21
                    availability/winner-dies-in-sync 25001, all within 12
                    availability/dies-alone 25002, all within 15
                    availability/leaves-with-more 25002, all within 11
                    availability/left-behind 5333
                    availability/paused 2495
                    availability/suspended-as-standby 3546
                    availability/elected-while-missing 25001, all within 8
                    availability/released-late 25002, all within 16
                    availability/released-late-to-who-has-a-gap 25002, all within 26
                    availability/stands-still-handing-over 25001, all within 21
                    availability/outdated-handing-over 10050
                "#]],
            );
            edges.extend(check(
                Mode::NoSplit,
                &expect![[r#"
                    no-split/kill 21325
                    no-split/kill-and-write 25001, all within 11
                    no-split/host 25001, all within 27
                    no-split/cut 5640
                    no-split/cut-and-write 25002, all within 19
                    no-split/one-way 8489
                    no-split/channels 1122
                    no-split/loss 2405
                    no-split/disk 7452
                    no-split/standstill 7904
                    no-split/handover 1364
                    no-split/pause 14277
                    no-split/leave 2649
                    no-split/undeploy 12541
                    no-split/promote 25001, all within 20
                    no-split/promotion-fails 25001, all within 11
                    no-split/retry 4928
                    no-split/cut-and-kill 25001, all within 10
                    no-split/hint 814
                    no-split/reinit 1234
                    no-split/guard 2877
                    no-split/recovery 25001, all within 47
                    no-split/suspended 21325
                    no-split/sync 25003, all within 8
                    no-split/own 8813
                    no-split/goes-on-slowly 25001, all within 21
                    no-split/elected-slowly 25001, all within 13
                    no-split/outvoted-while-missing 25002, all within 17
                    no-split/elected-after-losing 25002, all within 21
                    no-split/cut-handing-over 25003, all within 22
                "#]],
            ));
            edges
        });
        let mut edges = check(
            Mode::Manual,
            &expect![[r#"
                manual/kill 14638
                manual/kill-and-write 25001, all within 11
                manual/host 25002, all within 39
                manual/cut 2185
                manual/cut-and-write 25002, all within 18
                manual/one-way 3763
                manual/channels 1122
                manual/loss 2663
                manual/disk 7452
                manual/standstill 5012
                manual/handover 1364
                manual/pause 14277
                manual/leave 2637
                manual/undeploy 12529
                manual/promote 25002, all within 23
                manual/promotion-fails 25002, all within 11
                manual/retry 3771
                manual/cut-and-kill 25001, all within 10
                manual/hint 814
                manual/reinit 1234
                manual/guard 2865
                manual/recovery 18258
                manual/suspended 14638
                manual/sync 25001, all within 8
                manual/own 8813
                manual/leaves-after-going-alone 25001, all within 23
                manual/winner-with-more-dies 25003, all within 16
            "#]],
        );
        edges.extend(check(
            Mode::Arbiter,
            &expect![[r#"
                arbiter/kill 25001, all within 15
                arbiter/kill-and-write 25001, all within 10
                arbiter/host 25002, all within 16
                arbiter/cut 7804
                arbiter/cut-and-write 25001, all within 16
                arbiter/one-way 11838
                arbiter/channels 3200
                arbiter/loss 8835
                arbiter/disk 20854
                arbiter/standstill 25001, all within 24
                arbiter/handover 3512
                arbiter/pause 25001, all within 17
                arbiter/leave 9868
                arbiter/undeploy 25002, all within 20
                arbiter/promote 25001, all within 11
                arbiter/promotion-fails 25002, all within 10
                arbiter/retry 8946
                arbiter/cut-and-kill 25001, all within 9
                arbiter/hint 2074
                arbiter/reinit 4483
                arbiter/guard 11518
                arbiter/recovery 25001, all within 15
                arbiter/suspended 25001, all within 15
                arbiter/sync 25001, all within 8
                arbiter/own 25001, all within 35
                arbiter/arbiter-away 10427
                arbiter/arbiter-away-and-host 25002, all within 12
                arbiter/grant-lost 210
                arbiter/grant-ends-handing-over 25001, all within 14
                arbiter/grant-of-another 25002, all within 14
                arbiter/grant-of-another-alone 25001, all within 18
                arbiter/grant-of-another-handing-over 25001, all within 16
            "#]],
        ));
        edges.extend(one.join().unwrap_or_else(|it| std::panic::resume_unwind(it)));
        edges
    });
    let left = not_reached(&edges);
    assert!(left.is_empty(), "not reached: {left:#?}\n{}", table(&edges));
}
