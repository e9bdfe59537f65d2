//! Writes on a level pair and on one without a standby.
use crate::pair::{A, B, Pair, set, tag};
use bytes::Bytes;
use expect_test::expect;
use hotpair_replication::{
    AckRule, Direction, Expectation, Fact, Gap, Message, Op, Session, Settings, WriteBody,
};
use hotpair_types::{Ack, ItemKey, JournalKind};
use std::time::Duration;

#[test]
fn a_fresh_pair_becomes_level_and_follows() {
    let mut pair = Pair::level();
    let tag_write = pair.tag(A, "level", "1");
    let config_write = pair.config(A, "tags/level", "{}");
    pair.settle();
    expect!["replicated e1:1"].assert_eq(&pair.reply(A, tag_write));
    expect!["durable e1:1"].assert_eq(&pair.reply(A, config_write));
    pair.assert_level();
    assert_eq!(pair.value(B, JournalKind::Runtime, &tag("level")).as_deref(), Some("1"));
}

#[test]
fn a_write_waits_for_what_it_asked_for() {
    let mut pair = Pair::level();
    pair.nodes[B].disk_works = false;
    let body = |value| WriteBody::Runtime { ops: vec![set(tag("x"), value)] };
    let local = pair.write_with(A, Some(Ack::Local), None, body("1"));
    let replicated = pair.write_with(A, Some(Ack::Replicated), None, body("2"));
    let durable = pair.write_with(A, Some(Ack::Durable), None, body("3"));
    expect!["local e1:1"].assert_eq(&pair.reply(A, local));
    expect!["no answer"].assert_eq(&pair.reply(A, replicated));
    pair.settle();
    expect!["replicated e1:2"].assert_eq(&pair.reply(A, replicated));
    expect!["no answer"].assert_eq(&pair.reply(A, durable));
    pair.nodes[B].disk_works = true;
    pair.settle();
    expect!["durable e1:3"].assert_eq(&pair.reply(A, durable));
}

#[test]
fn without_a_standby_answers_are_degraded_or_refused() {
    let mut pair = Pair::new();
    let early = pair.tag(A, "x", "0");
    pair.activate(A);
    let degraded = pair.tag(A, "x", "1");
    let durable = pair.config(A, "k", "1");
    pair.settle();
    expect!["refused: this node may not take the write: who is active is being found out"]
        .assert_eq(&pair.reply(A, early));
    expect!["local e1:1 degraded"].assert_eq(&pair.reply(A, degraded));
    expect!["local e1:1 degraded"].assert_eq(&pair.reply(A, durable));
    let mut settings = pair.settings.clone();
    settings.require_standby = true;
    pair.nodes[A].replica.set_settings(settings);
    let refused = pair.tag(A, "x", "2");
    expect!["refused: no standby is ready, and one is required"].assert_eq(&pair.reply(A, refused));
}

#[test]
fn more_changes_than_a_partner_takes_are_refused() {
    let mut pair = Pair::level();
    let mut settings = pair.settings.clone();
    assert_eq!(settings.limits.entry_changes_max, 1_048_576);
    settings.limits.entry_changes_max = 3;
    pair.nodes[A].replica.set_settings(settings);
    let sets = |count: usize| (0..count).map(|it| set(tag(&it.to_string()), "")).collect();
    let all = |count: usize| {
        let items = (0..count).map(|it| (it.to_string().into(), Bytes::new())).collect();
        vec![Op::ReplaceAll { provider: "tags".into(), items }]
    };
    let fits = pair.write_with(A, None, None, WriteBody::Runtime { ops: sets(3) });
    let many = pair.write_with(A, None, None, WriteBody::Runtime { ops: sets(4) });
    let replaced = pair.write_with(A, None, None, WriteBody::Runtime { ops: all(3) });
    let fits_too = pair.write_with(A, None, None, WriteBody::Runtime { ops: all(2) });
    pair.settle();
    expect!["replicated e1:1"].assert_eq(&pair.reply(A, fits));
    expect!["refused: 4 changes in one write, limit 3"].assert_eq(&pair.reply(A, many));
    expect!["refused: 4 changes in one write, limit 3"].assert_eq(&pair.reply(A, replaced));
    expect!["replicated e1:2"].assert_eq(&pair.reply(A, fits_too));
    pair.assert_level();
}

#[test]
fn until_it_is_settled_who_acknowledges_writes_wait() {
    let mut pair = Pair::new();
    pair.activate(A);
    pair.direct(A, Direction::AcknowledgeBy(AckRule::Wait));
    let write = pair.tag(A, "x", "1");
    pair.settle();
    expect!["no answer"].assert_eq(&pair.reply(A, write));
    pair.direct(A, Direction::AcknowledgeBy(AckRule::Alone));
    expect!["local e1:1 degraded"].assert_eq(&pair.reply(A, write));
}

#[test]
fn a_write_in_the_wrong_place_is_refused_with_who_may_take_it() {
    let mut pair = Pair::level();
    let on_standby = pair.config(B, "k", "1");
    expect!["refused: this node may not take the write: the partner is active"]
        .assert_eq(&pair.reply(B, on_standby));
    pair.direct(A, Direction::BecomeStandby);
    pair.activate(B);
    let acting_backup = pair.config(B, "k", "1");
    expect!["refused: config data may be written on the master only, and the backup is active"]
        .assert_eq(&pair.reply(B, acting_backup));
    let tag = pair.tag(B, "x", "1");
    expect!["local e2:1 degraded"].assert_eq(&pair.reply(B, tag));
}

#[test]
fn a_transaction_runs_here_first_and_only_then_there() {
    let mut pair = Pair::level();
    pair.config(A, "k", "1");
    pair.settle();
    let before = pair.nodes[A].replica.positions();
    let item = ItemKey::config("k");
    let expect_none = vec![Expectation { item: item.clone(), version: None }];
    let refused = pair.config_expecting(A, expect_none, vec![set(item.clone(), "2")]);
    expect!["refused: k is not at the version that was expected"]
        .assert_eq(&pair.reply(A, refused));
    let gone = pair.remove_config(A, "not-there");
    expect!["refused: not-there is not there"].assert_eq(&pair.reply(A, gone));
    assert_eq!(pair.nodes[A].replica.positions(), before);
    let version = Some(before.config);
    let ops = vec![set(ItemKey::config("l"), "1"), Op::Remove { item: item.clone() }];
    let done = pair.config_expecting(A, vec![Expectation { item, version }], ops);
    pair.settle();
    expect!["durable e1:2"].assert_eq(&pair.reply(A, done));
    pair.assert_level();
}

#[test]
fn a_retry_on_the_new_active_is_applied_once() {
    let mut pair = Pair::level();
    let body = |value: &str| WriteBody::Runtime { ops: vec![set(tag("x"), value)] };
    let first = pair.write_with(A, None, Some("once"), body("1"));
    while !pair.reply(A, first).starts_with("replicated") {
        assert!(pair.step());
    }
    pair.restart(A);
    pair.activate(B);
    let retry = pair.write_with(B, None, Some("once"), body("1"));
    expect!["local e1:1 degraded repeated"].assert_eq(&pair.reply(B, retry));
    assert_eq!(pair.nodes[B].replica.positions().runtime.sequence, 1);
    pair.sync(A);
    let again = pair.write_with(B, None, Some("once"), body("1"));
    expect!["replicated e1:1 repeated"].assert_eq(&pair.reply(B, again));
}

#[test]
fn a_forgotten_key_is_refused_and_not_applied_again() {
    let mut pair = Pair::level();
    let body = || WriteBody::Runtime { ops: vec![set(tag("x"), "1")] };
    pair.write_with(A, None, Some("old"), body());
    let issued = pair.now;
    pair.settle();
    pair.pass(600_001);
    pair.settle();
    let now = std::mem::replace(&mut pair.now, issued);
    let retry = pair.write_with(A, None, Some("old"), body());
    pair.now = now;
    expect![
        "refused: the key was issued at NodeTime(801), remembered is what came after NodeTime(801)"
    ]
    .assert_eq(&pair.reply(A, retry));
}

#[test]
fn what_was_under_way_when_the_role_was_lost_is_unknown() {
    let mut pair = Pair::level();
    pair.cut_wire();
    let write = pair.tag(A, "x", "1");
    pair.direct(A, Direction::BecomeStandby);
    expect!["unknown e1:1"].assert_eq(&pair.reply(A, write));
}

#[test]
fn a_full_queue_says_so() {
    let mut pair = Pair::level();
    pair.settings.limits.waiting_writes_max = 3;
    let settings = pair.settings.clone();
    pair.nodes[A].replica.set_settings(settings);
    pair.cut_wire();
    let writes: Vec<u64> = (0..4).map(|it| pair.tag(A, "x", &it.to_string())).collect();
    expect!["no answer"].assert_eq(&pair.reply(A, writes[2]));
    expect!["refused: overloaded: 3 waiting, limit 3"].assert_eq(&pair.reply(A, writes[3]));
    pair.mend_wire();
    pair.settle();
    expect!["replicated e1:3"].assert_eq(&pair.reply(A, writes[2]));
}

#[test]
fn a_switchover_drains_and_takes_nothing_new() {
    let mut pair = Pair::level();
    let write = pair.tag(A, "x", "1");
    let config = pair.config(A, "k", "1");
    pair.direct(A, Direction::StopWrites);
    let late = pair.tag(A, "x", "2");
    expect!["refused: a switchover is under way"].assert_eq(&pair.reply(A, late));
    pair.settle();
    expect!["replicated e1:1"].assert_eq(&pair.reply(A, write));
    expect!["durable e1:1"].assert_eq(&pair.reply(A, config));
    let drained = pair.nodes[A].facts.iter().filter(|it| matches!(it, Fact::Drained { .. }));
    assert_eq!(drained.count(), 1);
}

#[test]
fn data_that_is_not_acknowledged_is_noticed() {
    let mut pair = Pair::level();
    pair.cut_wire();
    pair.tag(A, "x", "1");
    let noticed = |pair: &Pair| {
        let unacknowledged = Fact::DataUnacknowledged(true);
        pair.nodes[A].facts.contains(&unacknowledged)
    };
    pair.pass(1_999);
    assert!(!noticed(&pair));
    pair.pass(1);
    assert!(noticed(&pair));
}

#[test]
fn a_lost_word_that_entries_are_gone_is_said_again() {
    let mut settings = Settings { resend_after: Duration::from_millis(50), ..Settings::default() };
    settings.limits.runtime_ring_bytes_max = 2_000;
    let mut pair = Pair::with(settings);
    pair.activate(A);
    pair.sync(B);
    pair.direct(A, Direction::AcknowledgeBy(AckRule::WithPartner));
    let gap =
        |pair: &Pair| pair.nodes[B].facts.contains(&Fact::Gap(Gap::Entries(JournalKind::Runtime)));
    let late = |pair: &Pair| pair.nodes[A].facts.contains(&Fact::DataUnacknowledged(true));
    pair.cut_wire();
    for n in 0..100 {
        pair.tag(A, &format!("t{n:03}"), "meanwhile");
    }
    // It is said, and lost with the connection.
    pair.mend_wire();
    pair.cut_wire();
    pair.pass(20_000);
    assert!(late(&pair), "a standby that did not hear it is not waited for");
    assert!(!gap(&pair));
    pair.mend_wire();
    pair.settle();
    assert!(gap(&pair), "B goes on as if it were level");
}

#[test]
fn a_lost_wish_for_entries_is_wished_again() {
    let mut pair = Pair::level();
    pair.tag(A, "x", "1");
    pair.settle();
    // Equal to the active, it has caught up at once.
    pair.begin_sync(B);
    let mut lost = 0;
    while pair.step_with(|_, _, message| match message {
        Message::EntriesWanted { session, kind, after } if lost < 2 => {
            lost += 1;
            let session = Session { count: 0, ..session };
            Message::EntriesWanted { session, kind, after }
        }
        other => other,
    }) {}
    assert_eq!(lost, 2);
    pair.tag(A, "x", "2");
    pair.settle();
    pair.assert_level();
    assert_eq!(pair.value(B, JournalKind::Runtime, &tag("x")).as_deref(), Some("2"));
}

#[test]
fn a_standby_that_did_not_hear_that_entries_are_gone_is_late_though_more_is_written() {
    let mut settings = Settings { resend_after: Duration::from_millis(50), ..Settings::default() };
    settings.limits.runtime_ring_bytes_max = 2_000;
    let mut pair = Pair::with(settings);
    pair.activate(A);
    pair.sync(B);
    pair.direct(A, Direction::AcknowledgeBy(AckRule::WithPartner));
    let late = |pair: &Pair| pair.nodes[A].facts.contains(&Fact::DataUnacknowledged(true));
    pair.cut_wire();
    for n in 0..100 {
        pair.tag(A, &format!("t{n:03}"), "meanwhile");
    }
    pair.mend_wire();
    pair.cut_wire();
    for n in 0..400 {
        pair.pass(50);
        pair.tag(A, "x", &n.to_string());
    }
    assert!(late(&pair), "a standby that did not hear it is not waited for");
}

#[test]
fn a_standby_that_no_connection_leads_to_is_late_though_more_is_written() {
    let mut pair = Pair::level();
    pair.direct(A, Direction::AcknowledgeBy(AckRule::WithPartner));
    pair.settle();
    pair.nodes[A].facts.clear();
    pair.cut_wire();
    for n in 0..400 {
        pair.pass(50);
        pair.tag(A, "x", &n.to_string());
    }
    let late = |pair: &Pair| pair.nodes[A].facts.contains(&Fact::DataUnacknowledged(true));
    assert!(late(&pair));
}

/// That it caught up in the attempt before says nothing of the new one.
#[test]
fn a_new_attempt_is_told_once_and_before_it_is_called_caught_up() {
    let mut pair = Pair::level();
    pair.nodes[A].facts.clear();
    pair.direct(B, Direction::StopSync);
    let active = pair.nodes[A].instance;
    pair.direct(B, Direction::BeginSync { partner: active });
    pair.settle();
    let told = pair.nodes[A].facts.iter().map(|it| match it {
        Fact::PartnerBegan => "began",
        Fact::PartnerCaughtUp { .. } => "caught up",
        other => panic!("{other:?}"),
    });
    let told: Vec<_> = told.collect();
    assert_eq!(told, ["began", "caught up"]);
}
