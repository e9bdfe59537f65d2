//! A module deployed while the standby is level: its bytes are there before its record.
use crate::pair::{A, B, Pair};
use expect_test::expect;
use hotpair_replication::{Direction, Fact, Message};
use hotpair_types::{ItemKey, JournalKind};

const PUMP: [u8; 3_500] = [7; 3_500];

/// Level, with messages so small that a module takes several.
fn level() -> Pair {
    let mut pair = Pair::level();
    pair.settings.limits.message_bytes_max = 1_000;
    for node in [A, B] {
        let settings = pair.settings.clone();
        pair.nodes[node].replica.set_settings(settings);
        pair.nodes[node].facts.clear();
    }
    pair
}

fn record(pair: &Pair, node: usize, name: &str) -> bool {
    let item = ItemKey::config(&format!("modules/{name}"));
    pair.nodes[node].replica.get(JournalKind::Config, &item).is_some()
}

fn left_level(pair: &Pair) -> bool {
    let left = |it: &Fact| matches!(it, Fact::Gap(_) | Fact::SyncFailed { .. });
    pair.nodes[B].facts.iter().any(left)
}

#[test]
fn the_bytes_are_there_before_the_record() {
    for seed in 0..50 {
        let mut pair = level();
        pair.seed = seed;
        let write = pair.module(A, "pump", &PUMP);
        while pair.nodes[B].disk.blobs.is_empty() {
            assert!(!record(&pair, A, "pump"), "the record waits for the bytes");
            assert!(pair.step(), "it is fetched");
        }
        pair.settle();
        assert_eq!(pair.reply(A, write), "durable e1:1", "not degraded");
        assert!(!left_level(&pair), "{:?}", pair.nodes[B].facts);
        pair.assert_level();
    }
}

#[test]
fn what_the_standby_has_is_not_sent_again() {
    let mut pair = level();
    pair.module(A, "pump", &PUMP);
    pair.settle();
    let bytes = pair.bytes;
    let write = pair.module(A, "the-same-under-another-name", &PUMP);
    pair.settle();
    assert_eq!(pair.reply(A, write), "durable e1:2");
    assert!(pair.bytes - bytes < 1_000, "{} bytes", pair.bytes - bytes);
}

#[test]
fn deployments_keep_their_order() {
    let mut pair = level();
    let large = pair.module(A, "pump", &PUMP);
    let small = pair.module(A, "valve", &[8; 10]);
    let other = pair.config(A, "k", "1");
    pair.settle();
    let replies = [other, large, small].map(|it| pair.reply(A, it));
    expect!["durable e1:1, durable e1:2, durable e1:3"].assert_eq(&replies.join(", "));
    assert!(!left_level(&pair));
    pair.assert_level();
}

#[test]
fn an_offer_that_is_lost_is_made_again() {
    for step in 0..8 {
        let mut pair = level();
        let write = pair.module(A, "pump", &PUMP);
        for _ in 0..step {
            pair.step();
        }
        pair.cut_wire();
        pair.pass(100);
        pair.mend_wire();
        pair.settle();
        assert_eq!(pair.reply(A, write), "durable e1:1", "cut after {step} steps");
        assert!(!left_level(&pair), "cut after {step} steps");
        pair.assert_level();
    }
}

#[test]
fn a_standby_that_says_nothing_does_not_hold_up_the_record_for_ever() {
    let mut pair = level();
    pair.module(A, "pump", &PUMP);
    pair.cut_wire();
    let drop_after = u64::try_from(pair.settings.drop_after.as_millis()).unwrap();
    pair.pass(drop_after - 1);
    assert!(!record(&pair, A, "pump"));
    pair.pass(1);
    assert!(record(&pair, A, "pump"));
}

#[test]
fn what_the_active_cannot_read_is_not_waited_for() {
    let mut pair = level();
    let hash = *blake3::hash(&PUMP).as_bytes();
    pair.module(A, "pump", &PUMP);
    let bytes = pair.nodes[A].blob_bytes.remove(&hash).unwrap();
    while !left_level(&pair) {
        assert!(pair.step(), "declined, so the record goes and names what the standby lacks");
    }
    assert!(record(&pair, A, "pump"));
    // Readable again: the attempt after that has it.
    pair.nodes[A].blob_bytes.insert(hash, bytes);
    pair.sync(B);
}

#[test]
fn a_module_that_arrives_spoiled_is_fetched_again_and_then_declined() {
    for spoiled in [1, 2] {
        let mut pair = level();
        pair.module(A, "pump", &PUMP);
        let mut left = spoiled;
        let bend = |left: &mut i32, message| match message {
            Message::ModuleChunk { session, hash, offset, last: true, bytes } if *left > 0 => {
                *left -= 1;
                let bytes = vec![0; bytes.len()].into();
                Message::ModuleChunk { session, hash, offset, bytes, last: true }
            }
            other => other,
        };
        while pair.step_with(|_, _, message| bend(&mut left, message)) {
            if record(&pair, B, "pump") {
                break;
            }
        }
        assert_eq!(left_level(&pair), spoiled == 2, "spoiled {spoiled} times");
    }
}

#[test]
fn a_write_that_waits_is_refused_when_the_role_goes() {
    let mut pair = level();
    let stopped = pair.module(A, "pump", &PUMP);
    pair.direct(A, Direction::StopWrites);
    expect!["refused: a switchover is under way"].assert_eq(&pair.reply(A, stopped));
    let mut pair = level();
    let closed = pair.module(A, "pump", &PUMP);
    pair.direct(A, Direction::BecomeStandby);
    expect!["refused: this node may not take the write: who is active is being found out"]
        .assert_eq(&pair.reply(A, closed));
}

#[test]
fn a_new_attempt_of_the_standby_ends_the_wait() {
    let mut pair = level();
    let write = pair.module(A, "pump", &PUMP);
    pair.restart(B);
    pair.begin_sync(B);
    pair.settle();
    expect!["local e1:1 degraded"].assert_eq(&pair.reply(A, write));
    pair.assert_level();
}
