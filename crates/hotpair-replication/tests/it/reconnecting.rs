//! A node comes back: what travels, and what is whole when it breaks off.
use crate::pair::{A, B, Pair, set, tag};
use expect_test::expect;
use hotpair_replication::{Alarm, Direction, Fact, Input, Settings, WriteBody};
use hotpair_types::JournalKind;
use std::time::Duration;

/// The messages since the last look, without acknowledgements.
fn log(pair: &mut Pair) -> String {
    let log = std::mem::take(&mut pair.log);
    let talk = log.lines().filter(|it| !it.contains(" Ack"));
    talk.map(|it| format!("{it}\n")).collect()
}

#[test]
fn what_a_standby_has_only_in_memory_is_on_its_disk_after_a_swap() {
    let mut pair = Pair::level();
    let write = |pair: &mut Pair, item| {
        pair.tag(A, item, "1");
        pair.direct(A, Direction::Persist);
        while pair.step() {}
    };
    // The disk of B is slow: one entry is under way, the next waits in memory.
    pair.nodes[B].disk_works = false;
    write(&mut pair, "under way");
    pair.pass(200);
    write(&mut pair, "in memory");
    pair.cut_wire();
    write(&mut pair, "missed");
    // A's entries are gone with the process, so that the images are compared.
    pair.direct(B, Direction::StopSync);
    pair.restart(A);
    pair.mend_wire();
    pair.activate(A);
    pair.begin_sync(B);
    while pair.step() {}
    pair.nodes[B].disk_works = true;
    pair.settle();
    pair.assert_level();
}

#[test]
fn only_what_is_missing_travels() {
    let mut pair = Pair::level();
    for n in 0..100 {
        pair.tag(A, &format!("t{n}"), "before");
        pair.config(A, &format!("c{n}"), "before");
    }
    pair.settle();
    pair.cut_wire();
    pair.restart(B);
    pair.direct(A, Direction::AcknowledgeBy(hotpair_replication::AckRule::Alone));
    for n in 0..3 {
        pair.tag(A, &format!("t{n}"), "meanwhile");
        pair.config(A, &format!("c{n}"), "meanwhile");
    }
    pair.mend_wire();
    log(&mut pair);
    pair.seed = 3;
    pair.sync(B);
    expect![[r#"
        b Begin
        a Entries config 3
        a Entries runtime 3
        a Manifest
        b WayWanted
        a Way
        b EntriesWanted config after e1:100
        b EntriesWanted runtime after e1:100
        a Entries config 3
        a Entries runtime 3
        b CaughtUp
    "#]]
    .assert_eq(&log(&mut pair));
}

#[test]
fn the_one_behind_receives_in_whichever_direction() {
    let mut pair = Pair::level();
    pair.tag(A, "x", "master");
    pair.config(A, "k", "1");
    pair.settle();
    pair.restart(A);
    pair.activate(B);
    pair.tag(B, "x", "backup");
    pair.sync(A);
    assert_eq!(pair.value(A, JournalKind::Runtime, &tag("x")).as_deref(), Some("backup"));
    expect![""].assert_eq(&pair.divergence(A));
}

#[test]
fn records_deleted_and_inserted_on_the_backup_are_on_the_master() {
    let mut settings = Pair::new().settings;
    settings.config_writable_on = hotpair_types::WritableOn::Active;
    let mut pair = Pair::with(settings);
    pair.activate(A);
    pair.sync(B);
    pair.config(A, "deleted", "1");
    pair.settle();
    pair.restart(A);
    pair.activate(B);
    let gone = pair.remove_config(B, "deleted");
    pair.config(B, "inserted", "1");
    pair.settle();
    expect!["local e2:2 degraded"].assert_eq(&pair.reply(B, gone));
    pair.sync(A);
    let value =
        |key: &str| pair.value(A, JournalKind::Config, &hotpair_types::ItemKey::config(key));
    assert_eq!((value("deleted"), value("inserted").as_deref()), (None, Some("1")));
}

/// A pair whose rings hold little.
fn small() -> Pair {
    let mut settings = Settings { resend_after: Duration::from_millis(50), ..Settings::default() };
    settings.limits.runtime_ring_bytes_max = 2_000;
    settings.limits.config_ring_bytes_max = 2_000;
    settings.limits.message_bytes_max = 1_000;
    Pair::with(settings)
}

#[test]
fn entries_that_storage_gave_up_are_not_promised_again() {
    let mut pair = small();
    pair.activate(A);
    for n in 0..300 {
        pair.config(A, &format!("c{n:03}"), "before");
    }
    pair.settle();
    pair.nodes[A].disk.give_up_entries(JournalKind::Config);
    // The first attempt finds out; it used to be followed by the same one for ever.
    pair.begin_sync(B);
    pair.settle();
    pair.sync(B);
    pair.assert_level();
}

#[test]
fn beyond_the_ring_only_changed_items_travel() {
    let mut pair = small();
    pair.activate(A);
    for n in 0..300 {
        pair.tag(A, &format!("t{n:03}"), "before");
    }
    pair.sync(B);
    pair.cut_wire();
    pair.direct(A, Direction::AcknowledgeBy(hotpair_replication::AckRule::Alone));
    for n in 0..20 {
        pair.tag(A, &format!("t{:03}", n * 7), "meanwhile");
    }
    let ops = vec![hotpair_replication::Op::Remove { item: tag("t001") }];
    pair.write_with(A, None, None, WriteBody::Runtime { ops });
    pair.mend_wire();
    log(&mut pair);
    pair.seed = 3;
    pair.sync(B);
    expect![[r#"
        b Begin
        a EntriesGone
        a Manifest
        b WayWanted
        a Way
        b EntriesWanted config after e0:0
        b SnapshotWanted runtime
        a SnapshotBegins
        b ChunkWanted
        a Chunk runtime 16 1
        b ChunkWanted
        a Chunk runtime 4 0
        b CaughtUp
    "#]]
    .assert_eq(&log(&mut pair));
}

#[test]
fn older_config_entries_are_read_back_from_storage() {
    let mut pair = small();
    pair.activate(A);
    for n in 0..40 {
        pair.config(A, &format!("c{n}"), "1");
    }
    pair.settle();
    log(&mut pair);
    pair.sync(B);
    let talk = log(&mut pair);
    assert!(talk.contains("Entries config 3") && !talk.contains("Snapshot"), "{talk}");
}

#[test]
fn without_a_known_past_only_ranges_that_differ_travel() {
    let mut pair = Pair::level();
    for n in 0..2_000 {
        pair.tag(A, &format!("t{n:04}"), "before");
    }
    pair.settle();
    // The two histories share no epoch that is remembered: B gets one of its own, with nearly the
    // same items.
    pair.restart(B);
    let mut other = Pair::new();
    other.activate(A);
    other.activate(A);
    for n in 0..2_000 {
        let value = if n % 500 == 7 { "differs" } else { "before" };
        other.tag(A, &format!("t{n:04}"), value);
    }
    other.sync(B);
    pair.nodes.swap(A, A);
    std::mem::swap(&mut pair.nodes[B].disk, &mut other.nodes[B].disk);
    pair.restart(B);
    pair.bytes = 0;
    pair.sync(B);
    let full = 2_000 * 60;
    assert!(pair.bytes < full, "{} bytes", pair.bytes);
}

#[test]
fn an_inconsistency_is_named_and_healed_while_running() {
    let mut pair = Pair::level();
    for n in 0..600 {
        pair.tag(A, &format!("t{n}"), "1");
    }
    pair.settle();
    // The images of A and B come apart without a trace in their histories.
    let instance = pair.nodes[B].instance;
    let mut boot = pair.nodes[B].disk.boot(hotpair_types::Designation::Backup, instance, 8);
    boot.runtime.items.retain(|(item, _)| *item != tag("t7"));
    pair.nodes[B].replica = hotpair_replication::Replica::new(pair.settings.clone(), boot);
    pair.give(B, Input::ProviderReady { provider: "tags".into() });
    pair.begin_sync(B);
    pair.settle();
    assert_ne!(pair.nodes[A].replica.state_digest(), pair.nodes[B].replica.state_digest());
    pair.nodes[B].facts.clear();
    pair.bytes = 0;
    let ops = vec![hotpair_replication::Op::Remove { item: tag("t7") }];
    pair.write_with(A, None, None, WriteBody::Runtime { ops });
    pair.settle();
    let alarm = pair.nodes[B].alarms.iter().find_map(|it| match it {
        Alarm::Inconsistency { item, what, .. } => Some(format!("{item}: {what:?}")),
        _ => None,
    });
    expect!["tags/t7: RemoveOfMissing"].assert_eq(&alarm.unwrap());
    assert!(matches!(pair.nodes[B].facts[0], Fact::Gap(_)));
    assert_eq!(pair.nodes[A].replica.state_digest(), pair.nodes[B].replica.state_digest());
    assert!(pair.bytes < 3_000, "{} bytes to heal", pair.bytes);
}

#[test]
fn modules_are_fetched_and_verified_before_data_and_surplus_goes() {
    let mut pair = Pair::level();
    pair.settings.limits.message_bytes_max = 1_000;
    let settings = pair.settings.clone();
    pair.nodes[A].replica.set_settings(settings);
    pair.module(A, "pump", &[7; 3_500]);
    pair.settle();
    assert_eq!(pair.nodes[A].disk.blobs, pair.nodes[B].disk.blobs);
    // Deployed while B is away; another one is taken away.
    pair.restart(B);
    pair.module(A, "valve", &[8; 2_500]);
    pair.remove_config(A, "modules/pump");
    pair.settle();
    log(&mut pair);
    pair.sync(B);
    assert_eq!(pair.nodes[B].disk.blobs.len(), 1);
    let wanted = log(&mut pair).matches("ModuleChunk").count();
    assert_eq!(wanted, 3);
}

#[test]
fn a_sync_that_breaks_off_anywhere_leaves_the_old_data_whole() {
    for steps in 0..200 {
        let mut pair = small();
        pair.activate(A);
        for n in 0..30 {
            pair.tag(A, &format!("t{n}"), "old");
            pair.config(A, &format!("c{n}"), "old");
        }
        pair.sync(B);
        let old = JournalKind::ALL.map(|kind| pair.nodes[B].disk.show(kind));
        pair.cut_wire();
        pair.restart(B);
        pair.direct(A, Direction::AcknowledgeBy(hotpair_replication::AckRule::Alone));
        for n in 0..60 {
            pair.tag(A, &format!("t{n}"), "new");
            pair.config(A, &format!("c{n}"), "new");
        }
        pair.settle();
        let new = JournalKind::ALL.map(|kind| pair.nodes[A].disk.show(kind));
        pair.mend_wire();
        pair.seed = steps;
        pair.begin_sync(B);
        let mut over = false;
        for _ in 0..steps {
            over = !pair.step();
        }
        pair.restart(B);
        // Config comes by entries, so it may stand anywhere between; runtime is old or new.
        let runtime = pair.nodes[B].disk.show(JournalKind::Runtime);
        assert!(runtime == old[1] || runtime == new[1], "neither old nor new after {steps} steps");
        pair.sync(B);
        if over {
            return;
        }
    }
    panic!("the sync takes more than 200 steps");
}

#[test]
fn a_transfer_that_breaks_off_goes_on_where_it_was() {
    let mut pair = small();
    pair.activate(A);
    for n in 0..500 {
        pair.tag(A, &format!("t{n}"), "value");
    }
    pair.settle();
    pair.begin_sync(B);
    while pair.log.matches("Chunk runtime").count() < 20 {
        assert!(pair.step());
    }
    let before = pair.bytes;
    pair.cut_wire();
    pair.tag(A, "t1", "later");
    pair.pass(100);
    pair.mend_wire();
    pair.begin_sync(B);
    pair.settle();
    pair.assert_level();
    let total = 500 * 42;
    assert!(pair.bytes < total + total / 3, "{} bytes, {before} before the cut", pair.bytes);
}

#[test]
fn writes_go_on_while_a_snapshot_travels() {
    for seed in 0..20 {
        let mut pair = small();
        pair.seed = seed;
        pair.activate(A);
        for n in 0..200 {
            pair.tag(A, &format!("t{n}"), "old");
        }
        pair.settle();
        pair.begin_sync(B);
        let mut n = 0;
        while pair.step() {
            n += 1;
            if n % 3 == 0 && n < 400 {
                let item = pair.random(250);
                let ops = if pair.random(3) == 0
                    && pair.value(A, JournalKind::Runtime, &tag(&format!("t{item}"))).is_some()
                {
                    vec![hotpair_replication::Op::Remove { item: tag(&format!("t{item}")) }]
                } else {
                    vec![set(tag(&format!("t{item}")), &n.to_string())]
                };
                pair.write_with(A, None, None, WriteBody::Runtime { ops });
            }
        }
        pair.settle();
        pair.assert_level();
    }
}

#[test]
fn a_part_that_overtakes_the_one_before_it_is_not_taken_for_it() {
    for seed in 0..20 {
        let mut pair = small();
        pair.seed = seed;
        pair.activate(A);
        for n in 0..100 {
            pair.tag(A, &format!("t{n}"), "1");
        }
        pair.settle();
        pair.begin_sync(B);
        while pair.step() {
            pair.overtake();
        }
        pair.settle();
        pair.assert_level();
    }
}

#[test]
fn reinit_copies_everything_and_keeps_the_old_until_then() {
    let mut pair = Pair::level();
    for n in 0..50 {
        pair.tag(A, &format!("t{n}"), "1");
    }
    pair.settle();
    pair.direct(B, Direction::Reinit);
    pair.bytes = 0;
    pair.sync(B);
    assert!(pair.bytes > 50 * 32, "{} bytes", pair.bytes);
}
