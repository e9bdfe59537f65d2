//! What an answer, a step of a sync or a decision promises, held at the moment it is given.
use crate::pair::{A, B, Pair, set, tag};
use expect_test::expect;
use hotpair_replication::{AckRule, Direction, Fact, Input, Op, Outcome, Settings, WriteBody};
use hotpair_types::{Ack, JournalKind};
use std::collections::BTreeMap;
use std::time::Duration;

fn small(tombstones_max: usize) -> Pair {
    let mut settings = Settings { resend_after: Duration::from_millis(50), ..Settings::default() };
    settings.limits.runtime_ring_bytes_max = 2_000;
    settings.limits.message_bytes_max = 700;
    settings.limits.tombstones_max = tombstones_max;
    Pair::with(settings)
}

fn remove(pair: &mut Pair, node: usize, item: &str) -> u64 {
    let ops = vec![Op::Remove { item: tag(item) }];
    pair.write_with(node, None, None, WriteBody::Runtime { ops })
}

/// B is away while A goes on.
fn part(pair: &mut Pair) {
    pair.cut_wire();
    pair.direct(A, Direction::AcknowledgeBy(AckRule::Alone));
    pair.direct(B, Direction::StopSync);
}

fn step_until(pair: &mut Pair, mut is_so: impl FnMut(&Pair) -> bool) {
    while !is_so(pair) {
        assert!(pair.step(), "it does not come to that:\n{}", pair.log);
    }
}

#[test]
fn durable_means_both_disks() {
    for down in [A, B] {
        let mut pair = Pair::level();
        pair.nodes[down].disk_works = false;
        let write = pair.config(A, "k", "1");
        pair.settle();
        assert_eq!(pair.reply(A, write), "no answer", "without the disk of {down}");
        pair.nodes[down].disk_works = true;
        pair.settle();
        expect!["durable e1:1"].assert_eq(&pair.reply(A, write));
    }
}

#[test]
fn a_standby_whose_disk_hangs_is_dropped() {
    let mut pair = Pair::level();
    pair.nodes[B].disk_works = false;
    let late = Fact::DataUnacknowledged(true);
    pair.config(A, "k", "1");
    for _ in 0..3 {
        assert!(!pair.nodes[A].facts.contains(&late), "before drop_after");
        pair.settle();
    }
    assert!(pair.nodes[A].facts.contains(&late));
}

#[test]
fn a_standby_whose_disk_is_slow_is_not_dropped() {
    let mut pair = Pair::level();
    for n in 0..20 {
        pair.nodes[B].disk_works = false;
        pair.config(A, "k", &n.to_string());
        pair.settle();
        pair.nodes[B].disk_works = true;
        while pair.step() {}
    }
    assert!(!pair.nodes[A].facts.contains(&Fact::DataUnacknowledged(true)));
}

#[test]
fn what_a_failed_disk_cannot_store_does_not_hold_a_handover_back() {
    let mut pair = Pair::level();
    pair.nodes[A].disk_works = false;
    pair.config(A, "k", "1");
    pair.settle();
    let ticket = pair.nodes[A].disk.fail().expect("the entry is being stored");
    pair.give(A, Input::StoreFailed { ticket });
    pair.direct(A, Direction::StopWrites);
    pair.settle();
    assert!(pair.nodes[A].facts.iter().any(|it| matches!(it, Fact::Drained { .. })));
}

#[test]
fn a_standby_is_not_level_before_its_disk_has_it() {
    let mut pair = Pair::new();
    pair.activate(A);
    pair.tag(A, "x", "1");
    pair.config(A, "k", "1");
    pair.settle();
    pair.nodes[B].disk_works = false;
    pair.begin_sync(B);
    pair.settle();
    let transferred = |pair: &Pair| {
        pair.nodes[B].facts.iter().any(|it| matches!(it, Fact::DataTransferred { .. }))
    };
    assert!(!transferred(&pair));
    pair.nodes[B].disk_works = true;
    pair.settle();
    assert!(transferred(&pair));
}

#[test]
fn a_standby_is_not_called_level_before_it_has_what_was_answered_as_degraded() {
    for seed in 0..200 {
        let mut pair = Pair::new();
        pair.seed = seed;
        pair.activate(A);
        pair.tag(A, "x", "0");
        pair.settle();
        pair.begin_sync(B);
        pair.drive = true;
        let mut degraded = 0;
        for n in 0..400 {
            let write = pair.tag(A, "x", &n.to_string());
            if let Some(Outcome::Acknowledged(it)) = pair.nodes[A].replies.get(&write)
                && it.degraded
            {
                degraded = it.position.sequence;
            }
            pair.step();
            let caught_up = |it: &Fact| matches!(it, Fact::PartnerCaughtUp { .. });
            if pair.nodes[A].facts.iter().any(caught_up) {
                break;
            }
        }
        let there = pair.nodes[B].replica.positions().runtime.sequence;
        assert!(degraded > 0 && there >= degraded, "{there} of {degraded}, seed {seed}");
    }
}

/// S4: the state machine may count on a standby as soon as it was told that it caught up, also when the
/// connection was lost since, or it takes its time.
#[test]
fn no_degraded_answer_is_given_once_it_was_said_that_the_standby_caught_up() {
    let degraded = |it: &Outcome| matches!(it, Outcome::Acknowledged(it) if it.degraded);
    for is_lost in [false, true] {
        let mut pair = Pair::new();
        pair.activate(A);
        pair.tag(A, "x", "0");
        pair.settle();
        pair.begin_sync(B);
        let said = |pair: &Pair| {
            pair.nodes[A].facts.iter().any(|it| matches!(it, Fact::PartnerCaughtUp { .. }))
        };
        while !said(&pair) {
            // What the state machine does about that fact waits for the view of the standby.
            let is_level = |it: &Fact| matches!(it, Fact::DataTransferred { .. });
            pair.drive = !pair.nodes[B].facts.iter().any(is_level);
            assert!(pair.step(), "it does not come to that:\n{}", pair.log);
        }
        if is_lost {
            pair.cut_wire();
        } else {
            // Nothing arrives, and no connection is known to be lost.
            pair.cut = true;
        }
        let write = pair.tag(A, "x", "1");
        for _ in 0..50 {
            pair.pass(100);
            assert!(!pair.nodes[A].replies.get(&write).is_some_and(degraded), "lost: {is_lost}");
        }
        // The standby is not served any more: nobody counts on it.
        pair.direct(A, Direction::StopServing);
        pair.pass(100);
        while pair.step() {}
        assert!(pair.nodes[A].replies.get(&write).is_some_and(degraded), "lost: {is_lost}");
    }
}

#[test]
fn after_a_move_to_another_link_entries_go_again_at_once() {
    let mut pair = Pair::level();
    let write = pair.tag(A, "x", "1");
    // It is on its way, and lost.
    pair.cut_wire();
    pair.mend_wire();
    while pair.step() {}
    expect!["replicated e1:1"].assert_eq(&pair.reply(A, write));
}

#[test]
fn a_swap_is_a_state_that_the_active_had() {
    for seed in 0..60 {
        let mut pair = small(1_000);
        pair.seed = seed;
        pair.activate(A);
        for n in 0..120 {
            pair.tag(A, &format!("t{n}"), "old");
        }
        if seed % 2 == 0 {
            // With something here already the shadow is beside it.
            pair.sync(B);
            part(&mut pair);
            for n in 0..60 {
                pair.tag(A, &format!("t{n}"), "away");
            }
            pair.mend_wire();
        }
        pair.settle();
        pair.nodes[B].facts.clear();
        pair.begin_sync(B);
        let mut digests = BTreeMap::new();
        for n in 0..1_000 {
            let item = format!("t{}", pair.random(130));
            let there = pair.value(A, JournalKind::Runtime, &tag(&item)).is_some();
            if n % 2 == 0 && there && pair.random(3) == 0 {
                remove(&mut pair, A, &item);
            } else if n % 2 == 0 {
                pair.tag(A, &item, &n.to_string());
            }
            let active = &pair.nodes[A].replica;
            let at = active.positions().runtime;
            digests.insert(at, active.journal_digest(JournalKind::Runtime));
            if !pair.step() {
                pair.pass(20);
            }
            if pair.nodes[B].facts.contains(&Fact::Swapped) {
                break;
            }
        }
        let standby = &pair.nodes[B].replica;
        let expected = digests.get(&standby.positions().runtime);
        assert_eq!(Some(&standby.journal_digest(JournalKind::Runtime)), expected, "seed {seed}");
        pair.settle();
        pair.assert_level();
    }
}

#[test]
fn what_was_stored_before_a_swap_says_nothing_of_the_new_history() {
    let mut pair = small(1_000);
    pair.activate(A);
    pair.sync(B);
    pair.nodes[B].disk_works = false;
    for n in 0..5 {
        pair.tag(A, &format!("t{n}"), "old");
    }
    pair.settle();
    part(&mut pair);
    for n in 0..40 {
        pair.tag(A, &format!("t{n}"), "away");
    }
    pair.mend_wire();
    pair.begin_sync(B);
    step_until(&mut pair, |pair| pair.nodes[B].facts.contains(&Fact::Swapped));
    let ticket = pair.nodes[B].disk.commit().expect("the entries before the swap");
    pair.give(B, Input::Stored { ticket });
    assert_eq!(pair.nodes[B].replica.stored().runtime, 0);
    pair.nodes[B].disk_works = true;
    pair.settle();
    pair.assert_level();
}

#[test]
fn removals_forgotten_while_the_standby_asks_are_not_lost() {
    let mut pair = small(2);
    pair.activate(A);
    for n in 0..40 {
        pair.tag(A, &format!("t{n}"), "1");
    }
    pair.sync(B);
    part(&mut pair);
    remove(&mut pair, A, "t1");
    for n in 10..30 {
        pair.tag(A, &format!("t{n}"), "2");
    }
    pair.mend_wire();
    while pair.step() {}
    pair.begin_sync(B);
    pair.log.clear();
    step_until(&mut pair, |pair| pair.log.contains("a Way"));
    for item in ["t2", "t3", "t4"] {
        remove(&mut pair, A, item);
    }
    pair.settle();
    pair.assert_level();
    assert!(pair.log.contains("a EntriesGone"), "{}", pair.log);
}

/// A dies with a tail that B lacks and comes back while B is active.
fn returns(pair: &mut Pair, tail: impl FnOnce(&mut Pair), meanwhile: impl FnOnce(&mut Pair)) {
    pair.settle();
    part(pair);
    tail(pair);
    pair.settle();
    pair.direct(A, Direction::BecomeStandby);
    pair.activate(B);
    meanwhile(pair);
    pair.mend_wire();
    pair.sync(A);
}

#[test]
fn what_was_built_on_a_kept_entry_is_kept_too() {
    let mut pair = Pair::level();
    pair.tag(A, "shared", "0");
    returns(
        &mut pair,
        |pair| {
            let ops = vec![set(tag("shared"), "tail"), set(tag("free"), "tail 1")];
            pair.write_with(A, Some(Ack::Local), None, WriteBody::Runtime { ops });
            pair.tag(A, "free", "tail 2");
            pair.tag(A, "other", "tail 3");
        },
        |pair| {
            pair.tag(B, "shared", "new");
        },
    );
    expect![[r#"
        runtime e1:2 after 1: tags/shared=tail, tags/free=tail 1; won: tags/free=-, tags/shared=new; kept
        runtime e1:3 after 1: tags/free=tail 2; won: tags/free=-; kept
        runtime e1:4 after 1: tags/other=tail 3; won: tags/other=-; in history at e2:3"#]]
    .assert_eq(&pair.divergence(B));
}

#[test]
fn an_item_whose_removal_may_have_been_forgotten_is_not_brought_back() {
    let mut pair = small(1);
    pair.activate(A);
    pair.sync(B);
    pair.tag(A, "removed", "0");
    pair.tag(A, "x", "0");
    returns(
        &mut pair,
        |pair| {
            pair.tag(A, "removed", "tail");
        },
        |pair| {
            remove(pair, B, "removed");
            remove(pair, B, "x");
        },
    );
    assert_eq!(pair.value(B, JournalKind::Runtime, &tag("removed")), None);
    expect!["runtime e1:3 after 2: tags/removed=tail; won: tags/removed=-; kept"]
        .assert_eq(&pair.divergence(B));
}

#[test]
fn with_an_unknown_fork_every_value_that_is_overwritten_is_kept() {
    let mut pair = Pair::new();
    pair.activate(B);
    for n in 0..10 {
        pair.tag(B, &format!("t{n}"), "same");
    }
    pair.tag(B, "lost", "1");
    pair.tag(B, "t3", "lost");
    pair.settle();
    pair.direct(B, Direction::BecomeStandby);
    pair.restart(B);
    // A's history is so long that nothing of what B has is remembered.
    for n in 0..80 {
        pair.activate(A);
        pair.tag(A, &format!("t{}", n % 10), "same");
    }
    pair.sync(B);
    expect![[r#"
        runtime e2:11 after ?: tags/lost=1; won: tags/lost=-; kept
        runtime e2:12 after ?: tags/t3=lost; won: tags/t3=same; kept"#]]
    .assert_eq(&pair.divergence(B));
    assert_eq!(pair.divergence(A), pair.divergence(B));
}

#[test]
fn a_handover_is_not_drained_before_the_standby_has_everything() {
    let mut pair = Pair::level();
    pair.cut_wire();
    // Answered at once, so nobody waits for it.
    let ops = vec![set(tag("x"), "1")];
    pair.write_with(A, Some(Ack::Local), None, WriteBody::Runtime { ops });
    pair.direct(A, Direction::StopWrites);
    pair.settle();
    let drained =
        |pair: &Pair| pair.nodes[A].facts.iter().any(|it| matches!(it, Fact::Drained { .. }));
    assert!(!drained(&pair));
    pair.mend_wire();
    pair.settle();
    assert!(drained(&pair));
}
