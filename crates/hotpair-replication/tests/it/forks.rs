//! Two histories that came apart: what is taken, what is kept for a person.
use crate::pair::{A, B, Pair, tag};
use expect_test::expect;
use hotpair_replication::{Direction, Fact, Input, Settings, WriteTicket};
use hotpair_types::{JournalKind, NodeTime};

/// A level pair whose link is cut; both act from then on.
fn split() -> Pair {
    let mut pair = Pair::level();
    pair.tag(A, "shared", "0");
    pair.tag(A, "other", "0");
    pair.settle();
    pair.cut_wire();
    pair.direct(A, Direction::AcknowledgeBy(hotpair_replication::AckRule::Alone));
    pair.direct(B, Direction::StopSync);
    pair.activate(B);
    pair
}

/// The loser of an election between two actives gives way and becomes level.
fn lose(pair: &mut Pair, loser: usize) {
    pair.mend_wire();
    let winner = pair.nodes[1 - loser].replica.history();
    let winner_epoch = winner.positions().runtime.epoch;
    let rule = "longest active".into();
    let winner = Box::new(winner);
    pair.direct(loser, Direction::StoreLosingEntries { winner, winner_epoch, rule });
    pair.settle();
    assert!(pair.nodes[loser].facts.contains(&Fact::LosingEntriesStored));
    pair.direct(loser, Direction::BecomeStandby);
    pair.activate(1 - loser);
    pair.sync(loser);
}

#[test]
fn the_history_that_only_went_on_wins_by_being_taken() {
    let mut pair = split();
    pair.tag(B, "shared", "backup");
    pair.settle();
    lose(&mut pair, B);
    assert_eq!(pair.value(A, JournalKind::Runtime, &tag("shared")).as_deref(), Some("backup"));
    expect!["runtime e2:3 after 2: tags/shared=backup; won: tags/shared=0; in history at e3:3"]
        .assert_eq(&pair.divergence(A));
}

#[test]
fn where_both_wrote_the_loser_s_entries_are_kept_on_both() {
    let mut pair = split();
    pair.tag(A, "shared", "master");
    pair.tag(B, "shared", "backup");
    pair.tag(B, "other", "backup");
    pair.settle();
    lose(&mut pair, B);
    assert_eq!(pair.value(B, JournalKind::Runtime, &tag("shared")).as_deref(), Some("master"));
    expect![[r#"
        runtime e2:3 after 2: tags/shared=backup; won: tags/shared=master; kept
        runtime e2:4 after 2: tags/other=backup; won: tags/other=0; kept"#]]
    .assert_eq(&pair.divergence(A));
    assert_eq!(pair.divergence(A), pair.divergence(B));
}

#[test]
fn a_returning_node_s_entries_are_taken_unless_the_record_was_changed() {
    let mut pair = Pair::level();
    pair.tag(A, "shared", "0");
    pair.settle();
    pair.cut_wire();
    // Not replicated, then A dies: B acts without them.
    pair.config(A, "alone", "1");
    pair.tag(A, "shared", "tail");
    pair.tag(A, "free", "tail 1");
    pair.tag(A, "free", "tail 2");
    for _ in 0..20 {
        pair.step();
        pair.pass(20);
    }
    pair.direct(A, Direction::BecomeStandby);
    pair.restart(A);
    pair.direct(B, Direction::StopSync);
    pair.activate(B);
    pair.tag(B, "shared", "new");
    pair.mend_wire();
    pair.sync(A);
    // The disk of the restarted node has lost the entries of the ring, not their last values.
    expect![[r#"
        config e1:1 after 0: alone=1; won: alone=-; in history at e2:1
        runtime e1:2 after 1: tags/shared=tail; won: tags/shared=new; kept
        runtime e1:4 after 1: tags/free=tail 2; won: tags/free=-; in history at e2:3"#]]
    .assert_eq(&pair.divergence(B));
    assert_eq!(pair.value(A, JournalKind::Runtime, &tag("free")).as_deref(), Some("tail 2"));
}

/// A level pair; A writes and dies, B acts without that and writes to `there`; A comes back.
fn of_an_indivisible_provider(there: &str) -> Pair {
    let indivisible = vec!["tags".into()];
    let mut pair = Pair::with(Settings { indivisible, ..Pair::new().settings });
    pair.activate(A);
    pair.tag(A, "shared", "0");
    pair.sync(B);
    pair.cut_wire();
    pair.tag(A, "free", "tail");
    pair.direct(A, Direction::Persist);
    pair.settle();
    pair.direct(A, Direction::BecomeStandby);
    pair.direct(B, Direction::StopSync);
    pair.activate(B);
    pair.config(B, "other", "new");
    if there == "tags" {
        pair.tag(B, "shared", "new");
    }
    pair.mend_wire();
    pair.sync(A);
    pair
}

#[test]
fn of_what_makes_sense_together_only_all_is_taken_or_nothing() {
    let pair = of_an_indivisible_provider("config");
    expect!["runtime e1:2 after 1: tags/free=tail; won: tags/free=-; in history at e2:2"]
        .assert_eq(&pair.divergence(B));
    let pair = of_an_indivisible_provider("tags");
    expect!["runtime e1:2 after 1: tags/free=tail; won: tags/free=-; kept"]
        .assert_eq(&pair.divergence(B));
    assert_eq!(pair.value(A, JournalKind::Runtime, &tag("free")), None);
}

#[test]
fn offering_the_same_entries_again_takes_them_once() {
    for steps in 0..60 {
        let mut pair = split();
        pair.tag(B, "mine", "1");
        pair.settle();
        pair.mend_wire();
        pair.direct(B, Direction::BecomeStandby);
        pair.activate(A);
        pair.seed = steps;
        pair.begin_sync(B);
        for _ in 0..steps {
            pair.step();
        }
        pair.restart(B);
        pair.sync(B);
        assert_eq!(pair.value(B, JournalKind::Runtime, &tag("mine")).as_deref(), Some("1"));
        let taken = pair.nodes[A].replica.positions().runtime.sequence;
        assert_eq!(taken, 3, "after {steps} steps");
    }
}

#[test]
fn a_retried_write_of_the_loser_is_not_taken_twice() {
    let mut pair = split();
    let body = || hotpair_replication::WriteBody::Runtime {
        ops: vec![crate::pair::set(tag("counter"), "1")],
    };
    pair.write_with(B, None, Some("once"), body());
    pair.write_with(A, None, Some("once"), body());
    pair.settle();
    pair.direct(B, Direction::BecomeStandby);
    pair.mend_wire();
    pair.activate(A);
    pair.sync(B);
    expect!["runtime e2:3 after 2: tags/counter=1; won: tags/counter=1; repeats e1:3"]
        .assert_eq(&pair.divergence(A));
}

/// A lost an election, and B fetches what A has ahead.
fn fetch_ahead(pair: &mut Pair) {
    pair.direct(A, Direction::BecomeStandby);
    pair.direct(B, Direction::StopSync);
    pair.mend_wire();
    let partner = pair.nodes[A].instance;
    pair.direct(B, Direction::FetchAhead { partner });
    pair.settle();
}

#[test]
fn the_winner_of_an_election_fetches_what_it_lacks() {
    let mut pair = Pair::level();
    pair.cut_wire();
    pair.tag(A, "x", "1");
    pair.config(A, "k", "1");
    pair.settle();
    fetch_ahead(&mut pair);
    assert!(pair.nodes[B].facts.contains(&Fact::AheadFetched));
    assert_eq!(pair.nodes[A].replica.history(), pair.nodes[B].replica.history());
    pair.activate(B);
    pair.sync(A);
    expect![""].assert_eq(&pair.divergence(A));
}

/// It kept them as an active that lost an election; then the winner took them as they were.
#[test]
fn what_the_winner_fetched_is_not_kept_as_lost() {
    let mut pair = Pair::level();
    let winner = Box::new(pair.nodes[B].replica.history());
    pair.cut_wire();
    pair.tag(A, "x", "1");
    pair.settle();
    let (winner_epoch, rule) = (pair.nodes[B].replica.positions().runtime.epoch, "x".into());
    pair.direct(A, Direction::StoreLosingEntries { winner, winner_epoch, rule });
    pair.settle();
    fetch_ahead(&mut pair);
    pair.activate(B);
    pair.sync(A);
    let fates: Vec<_> =
        pair.nodes[A].replica.divergence().map(|it| (it.fate.is_settled(), it.id.entry)).collect();
    let last = pair.nodes[A].replica.positions().runtime;
    assert_eq!(fates, [(true, last)]);
}

#[test]
fn a_person_replays_and_discards_kept_entries() {
    let mut pair = split();
    pair.tag(A, "shared", "master");
    pair.tag(B, "shared", "backup");
    pair.tag(B, "other", "backup");
    pair.settle();
    lose(&mut pair, B);
    let ids: Vec<_> = pair.nodes[A].replica.divergence().map(|it| it.id).collect();
    let ticket = WriteTicket(1_000);
    pair.give(A, Input::ReplayDivergence { ticket, id: ids[0], written_at: NodeTime(5) });
    pair.give(A, Input::DiscardDivergence { ids: vec![ids[1]] });
    pair.give(A, Input::Flush);
    pair.settle();
    expect!["replicated e3:4"].assert_eq(&pair.reply(A, 1_000));
    expect!["runtime e2:3 after 2: tags/shared=backup; won: tags/shared=master; replayed at e3:4"]
        .assert_eq(&pair.divergence(A));
    pair.assert_level();
    assert_eq!(pair.value(B, JournalKind::Runtime, &tag("shared")).as_deref(), Some("backup"));
}

#[test]
fn losing_entries_are_durable_before_it_is_said_that_they_are_kept() {
    let mut pair = split();
    pair.tag(A, "x", "a");
    pair.tag(B, "x", "b");
    pair.settle();
    pair.mend_wire();
    pair.nodes[B].disk_works = false;
    let winner = Box::new(pair.nodes[A].replica.history());
    let winner_epoch = winner.positions().runtime.epoch;
    pair.direct(B, Direction::StoreLosingEntries { winner, winner_epoch, rule: "test".into() });
    pair.settle();
    assert!(!pair.nodes[B].facts.contains(&Fact::LosingEntriesStored));
    pair.nodes[B].disk_works = true;
    pair.settle();
    assert!(pair.nodes[B].facts.contains(&Fact::LosingEntriesStored));
}

#[test]
fn nothing_replaces_losing_entries_before_they_are_durable() {
    let mut pair = split();
    pair.tag(A, "x", "a");
    pair.tag(B, "x", "b");
    pair.settle();
    pair.mend_wire();
    pair.direct(B, Direction::BecomeStandby);
    pair.nodes[B].disk_works = false;
    pair.nodes[B].facts.clear();
    pair.activate(A);
    pair.begin_sync(B);
    pair.settle();
    assert!(!pair.nodes[B].facts.contains(&Fact::WaySettled), "the way is settled after that");
    pair.nodes[B].disk_works = true;
    pair.settle();
    pair.assert_level();
}

#[test]
fn what_is_kept_is_on_the_loser_s_disk_as_an_entry_too() {
    let mut pair = split();
    pair.tag(A, "x", "a");
    pair.tag(B, "x", "b");
    pair.mend_wire();
    let winner = Box::new(pair.nodes[A].replica.history());
    let winner_epoch = winner.positions().runtime.epoch;
    pair.direct(B, Direction::StoreLosingEntries { winner, winner_epoch, rule: "test".into() });
    while !pair.nodes[B].facts.contains(&Fact::LosingEntriesStored) {
        assert!(pair.step(), "no interval needs to pass");
    }
    pair.restart(B);
    pair.activate(A);
    pair.sync(B);
    // An entry that its history lacks would not be offered: kept by this node alone.
    expect!["runtime e2:3 after 2: tags/x=b; won: tags/x=a; kept"].assert_eq(&pair.divergence(A));
    assert_eq!(pair.divergence(A), pair.divergence(B));
}

#[test]
fn what_lost_with_a_node_that_acts_after_all_is_not_kept_until_it_loses_again() {
    let mut pair = split();
    pair.tag(A, "x", "a");
    pair.tag(B, "x", "b");
    pair.settle();
    let winner = Box::new(pair.nodes[A].replica.history());
    let winner_epoch = winner.positions().runtime.epoch;
    pair.direct(B, Direction::StoreLosingEntries { winner, winner_epoch, rule: "test".into() });
    pair.direct(B, Direction::BecomeStandby);
    pair.settle();
    expect!["runtime e2:3 after 2: tags/x=b; won: ; kept"].assert_eq(&pair.divergence(B));
    // The winner's disk fails before anything was offered.
    pair.activate(B);
    pair.settle();
    expect!["runtime e2:3 after 2: tags/x=b; won: ; in history at e2:3"]
        .assert_eq(&pair.divergence(B));
    // Neither the ring nor the item has it any more.
    for value in 0..20 {
        pair.tag(B, "x", &value.to_string());
    }
    pair.settle();
    pair.restart(B);
    pair.activate(B);
    lose(&mut pair, B);
    let first = pair.divergence(A).lines().next().unwrap_or_default().to_owned();
    expect!["runtime e2:3 after 2: tags/x=b; won: tags/x=a; kept"].assert_eq(&first);
    assert_eq!(pair.divergence(A), pair.divergence(B));
}

#[test]
fn what_acted_after_all_and_loses_at_an_unknown_fork_is_kept_again() {
    let mut pair = split();
    pair.tag(A, "x", "a");
    pair.tag(B, "x", "b");
    pair.settle();
    let winner = Box::new(pair.nodes[A].replica.history());
    let winner_epoch = winner.positions().runtime.epoch;
    pair.direct(B, Direction::StoreLosingEntries { winner, winner_epoch, rule: "test".into() });
    pair.direct(B, Direction::BecomeStandby);
    pair.settle();
    pair.activate(B);
    pair.settle();
    expect!["runtime e2:3 after 2: tags/x=b; won: ; in history at e2:3"]
        .assert_eq(&pair.divergence(B));
    pair.direct(B, Direction::BecomeStandby);
    pair.restart(B);
    // A's history is so long that nothing of what B has is remembered.
    for n in 0..80 {
        pair.activate(A);
        pair.tag(A, "y", &n.to_string());
    }
    pair.mend_wire();
    pair.sync(B);
    assert_eq!(pair.value(B, JournalKind::Runtime, &tag("x")).as_deref(), Some("a"));
    expect!["runtime e2:3 after ?: tags/x=b; won: tags/x=a; kept"].assert_eq(&pair.divergence(A));
    assert_eq!(pair.divergence(A), pair.divergence(B));
}

#[test]
fn what_is_written_again_is_on_disk_before_its_record_says_so() {
    let mut pair = split();
    pair.tag(A, "shared", "master");
    pair.tag(B, "shared", "backup");
    pair.settle();
    lose(&mut pair, B);
    pair.cut_wire();
    pair.direct(A, Direction::AcknowledgeBy(hotpair_replication::AckRule::Alone));
    let id = pair.nodes[A].replica.divergence().next().unwrap().id;
    let ticket = WriteTicket(1_000);
    pair.give(A, Input::ReplayDivergence { ticket, id, written_at: NodeTime(5) });
    pair.give(A, Input::Flush);
    while pair.step() {}
    pair.restart(A);
    expect!["runtime e2:3 after 2: tags/shared=backup; won: tags/shared=master; replayed at e3:4"]
        .assert_eq(&pair.divergence(A));
    assert_eq!(pair.value(A, JournalKind::Runtime, &tag("shared")).as_deref(), Some("backup"));
}

#[test]
fn what_a_person_had_written_again_is_not_kept_at_the_standby_either() {
    let mut pair = split();
    pair.tag(A, "shared", "master");
    pair.tag(B, "shared", "backup");
    pair.settle();
    lose(&mut pair, B);
    let id = pair.nodes[A].replica.divergence().next().unwrap().id;
    let ticket = WriteTicket(1_000);
    pair.give(A, Input::ReplayDivergence { ticket, id, written_at: NodeTime(5) });
    pair.give(A, Input::Flush);
    pair.settle();
    pair.assert_level();
    expect![
        "runtime e2:3 after 2: tags/shared=backup; won: tags/shared=master; in history at e3:4"
    ]
    .assert_eq(&pair.divergence(B));
}
