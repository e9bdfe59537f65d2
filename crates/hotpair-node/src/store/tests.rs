//! The storage of a node as its driver uses it.
#![allow(clippy::wildcard_enum_match_arm, reason = "a test names what it expects")]

use super::*;
use hotpair_replication::{
    Conflict, DivergenceId, DivergenceRecord, Entry, Fate, IdempotencyKey, JournalHead,
    JournalSwap, KeptKey, Op, Record, StoreOp as DataOp, Winning,
};
use hotpair_storage::{ModuleError, ModuleHash};
use hotpair_types::{
    Epoch, ItemKey, JournalHistory, JournalKind, Lineage, Position, Span, StateId,
};
use std::path::Path;
use std::sync::Arc;

const MAIN: EngineIndex = EngineIndex(0);

fn settings(directory: &Path) -> Settings {
    let text = format!(
        r#"
        [node]
        name = "gw-a"
        designation = "master"
        data_dir = {directory:?}
        [partner]
        name = "gw-b"
        key = "ed25519:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="
        [channels.redundancy]
        listen = "10.10.0.1:4750"
        partner = "10.10.0.2:4750"
        [channels.primary]
        listen = "192.168.1.11:4750"
        partner = "192.168.1.12:4750"
        "#
    );
    Settings::parse("node.toml", &text).unwrap_or_else(|it| panic!("{it}"))
}

fn open(directory: &Path) -> (Store, OpenedEngine, Completions) {
    let (store, mut engines, completions) = Store::open(&settings(directory), 5).unwrap();
    assert_eq!(engines.len(), 1);
    (store, engines.remove(0), completions)
}

fn at(sequence: u64) -> Position {
    Position { epoch: Epoch { number: 1, tag: 9 }, sequence }
}

fn entry(kind: JournalKind, sequence: u64, ops: Vec<Op>) -> Arc<Entry> {
    let key = IdempotencyKey { key: format!("k{sequence}").into(), issued: Some(NodeTime(3)) };
    Arc::new(Entry {
        kind,
        position: at(sequence),
        ops,
        key: Some(key),
        written_at: NodeTime(7),
        origin: (sequence == 2).then(|| at(99)),
        chain: if kind == JournalKind::Config { [sequence as u8; 32] } else { [0; 32] },
    })
}

fn set(item: ItemKey, value: &'static str) -> Op {
    Op::Set { item, value: Bytes::from_static(value.as_bytes()) }
}

fn read_back(store: &Store, completions: &mut Completions, after: u64, until: u64) -> Vec<u64> {
    let ticket = replication::StoreTicket(after);
    store.read_journal(MAIN, ticket, JournalKind::Config, after, until, usize::MAX >> 1);
    match completions.blocking_recv().unwrap() {
        Completion::Data { input: replication::Input::JournalRead { entries, .. }, .. } => {
            entries.iter().map(|it| it.position.sequence).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// Waits for the completion of an operation.
fn done(completions: &mut Completions, number: u64) {
    match completions.blocking_recv().unwrap() {
        Completion::Stored { engine: MAIN, ticket: StoreTicket::Replica(it) } if it == number => {}
        other => panic!("{other:?} instead of {number}"),
    }
}

fn submit(store: &Store, completions: &mut Completions, number: u64, op: DataOp) {
    store.submit(MAIN, StoreTicket::Replica(number), StoreOp::Data(op));
    done(completions, number);
}

#[test]
fn a_restarted_node_begins_with_what_was_durable() {
    let directory = tempfile::tempdir().unwrap();
    let (store, engine, mut completions) = open(directory.path());
    assert_eq!(store.instance(), Instance { count: 1, tag: 5 });
    assert_eq!(engine.record, fsm::Record::default());
    assert!(engine.remarks.is_empty(), "{:?}", engine.remarks);

    let config = vec![
        entry(
            JournalKind::Config,
            1,
            vec![set(ItemKey::config("a"), "1"), set(ItemKey::config("b"), "2")],
        ),
        entry(JournalKind::Config, 2, vec![Op::Remove { item: ItemKey::config("a") }]),
    ];
    let all = Op::ReplaceAll {
        provider: "tags".into(),
        items: vec![("t".into(), Bytes::from_static(b"9"))],
    };
    let runtime =
        vec![entry(JournalKind::Runtime, 1, vec![set(ItemKey::new("tags", "old"), "8"), all])];
    let append = |kind, entries: &[Arc<Entry>]| DataOp::Append { kind, entries: entries.to_vec() };
    submit(&store, &mut completions, 1, append(JournalKind::Config, &config));
    submit(&store, &mut completions, 2, append(JournalKind::Runtime, &runtime));
    let lost = DivergenceRecord {
        id: DivergenceId { kind: JournalKind::Runtime, entry: at(8) },
        conflict: Conflict {
            fork: None,
            winner: Epoch { number: 2, tag: 1 },
            loser: Epoch { number: 1, tag: 9 },
            rule: "longest-active".into(),
            both_active: true,
        },
        entry: entry(JournalKind::Runtime, 8, vec![set(ItemKey::new("tags", "t"), "lost")]),
        winning: vec![Winning {
            item: ItemKey::new("tags", "t"),
            value: None,
            position: Some(at(4)),
            written_at: Some(NodeTime(2)),
        }],
        noted_at: NodeTime(11),
        fate: Fate::Repeated(at(5)),
    };
    submit(&store, &mut completions, 3, DataOp::PutDivergence(vec![lost.clone()]));
    let mut record = fsm::Record { epoch: Epoch { number: 3, tag: 2 }, ..fsm::Record::default() };
    record.marks.in_sync = true;
    store.submit(MAIN, StoreTicket::Machine(fsm::Ticket(4)), StoreOp::Record(record));
    let stored = completions.blocking_recv().unwrap();
    assert!(matches!(
        stored,
        Completion::Stored { ticket: StoreTicket::Machine(fsm::Ticket(4)), .. }
    ));
    let change = storage::RoleChange {
        at: NodeTime(1),
        instance: store.instance(),
        from: StateId::StandbyReady,
        to: StateId::SwitchingToActive,
        rule: "leaving".into(),
        evidence: "x".into(),
        epoch_before: Epoch::NONE,
        epoch_after: Epoch { number: 3, tag: 2 },
        positions: hotpair_types::Positions::default(),
    };
    let kept = KeptChange { at: change.at, instance: change.instance, change };
    store.keep_change(MAIN, kept.clone());
    store.keep_undeployed(MAIN, true);
    store.close();

    let (store, engine, mut completions) = open(directory.path());
    assert_eq!(store.instance().count, 2);
    assert_eq!(engine.record, record);
    assert_eq!(engine.changes, [kept]);
    assert!(engine.undeployed && engine.remarks.is_empty());
    assert_eq!(engine.data.divergence, std::slice::from_ref(&lost));
    let journal = engine.data.config;
    assert_eq!(journal.entries, config);
    assert_eq!(journal.head.chain, [2; 32]);
    assert_eq!(journal.head.keys[1].answer, at(99), "the answer is where it stood first");
    assert_eq!(journal.stored_after, 0);
    let b = Record { value: Bytes::from_static(b"2"), position: at(1), written_at: NodeTime(7) };
    assert_eq!(journal.items, [(ItemKey::config("b"), b)]);
    assert_eq!(engine.data.runtime.items.len(), 1);
    assert_eq!(engine.data.runtime.entries, runtime);

    store.keep_undeployed(MAIN, false);
    submit(&store, &mut completions, 1, DataOp::DropDivergence(vec![lost.id]));
    let ticket = replication::StoreTicket(6);
    store.read_journal(MAIN, ticket, JournalKind::Config, 1, 9, 1 << 20);
    match completions.blocking_recv().unwrap() {
        Completion::Data {
            input: replication::Input::JournalRead { ticket: it, entries }, ..
        } => {
            assert_eq!((it, &entries[..]), (ticket, &config[1..]));
        }
        other => panic!("{other:?}"),
    }
    let history = JournalHistory {
        lineage: Lineage::new(vec![Span { epoch: Epoch { number: 2, tag: 1 }, first: 1 }]).unwrap(),
        last: 7,
    };
    let kept = KeptKey {
        key: IdempotencyKey { key: "other".into(), issued: None },
        answer: at(3),
        sequence: 3,
        written_at: NodeTime(4),
    };
    let head = JournalHead {
        kind: JournalKind::Config,
        history,
        chain: [8; 32],
        keys: vec![kept],
        keys_forgotten: NodeTime(2),
    };
    let item = (
        ItemKey::config("z"),
        Record { value: Bytes::from_static(b"0"), position: at(3), written_at: NodeTime(4) },
    );
    let swap =
        JournalSwap { head: head.clone(), clear: true, sets: vec![item.clone()], removes: vec![] };
    submit(&store, &mut completions, 2, DataOp::Swap(vec![swap]));
    store.close();
    let (store, engine, _completions) = open(directory.path());
    assert_eq!(engine.data.config.head, head);
    assert_eq!(engine.data.config.items, [item]);
    assert_eq!((engine.data.config.stored_after, engine.data.config.entries.len()), (7, 0));
    assert!(engine.data.divergence.is_empty() && !engine.undeployed);
    store.close();
}

/// `config.journal_max`: a partner that was away for longer is not sent entries, but a full copy.
#[test]
fn the_config_journal_holds_what_the_settings_say_and_no_more() {
    const LAST: u64 = 32;
    let directory = tempfile::tempdir().unwrap();
    let mut kept = Vec::new();
    for mebibytes in [1, 8] {
        let path = directory.path().join(mebibytes.to_string());
        std::fs::create_dir(&path).unwrap();
        let mut settings = settings(&path);
        settings.config.journal_max_bytes = mebibytes << 20;
        let (store, _, mut completions) = Store::open(&settings, 5).unwrap();
        for sequence in 1..=LAST {
            let value = Bytes::from(vec![b'x'; 100_000]);
            let ops = vec![Op::Set { item: ItemKey::config("k"), value }];
            let entries = vec![entry(JournalKind::Config, sequence, ops)];
            let append = DataOp::Append { kind: JournalKind::Config, entries };
            submit(&store, &mut completions, sequence, append);
        }
        let first =
            (1..=LAST).find(|it| !read_back(&store, &mut completions, it - 1, LAST).is_empty());
        let first = first.expect("the newest is there");
        let all: Vec<_> = (first..=LAST).collect();
        assert_eq!(read_back(&store, &mut completions, first - 1, LAST), all, "without a gap");
        kept.push(LAST + 1 - first);
        store.close();
        // The next start promises no more than that.
        let (store, engines, _) = Store::open(&settings, 6).unwrap();
        assert_eq!(engines[0].data.config.stored_after, first - 1);
        store.close();
    }
    assert_eq!(kept, [10, LAST], "entries of 100 kB in 1 MiB and in 8");
}

/// Where the note cannot be written, nothing is taken for noted.
#[test]
fn suspect_data_is_noted_durably_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let (store, engine, _completions) = open(directory.path());
    store.close();
    let name = engine.name;
    // As a disk that takes no new file any more.
    let blocked = directory.path().join("engines").join(name.as_str());
    let aside = directory.path().join("engines").join("away");
    std::fs::rename(&blocked, &aside).unwrap();
    assert!(suspect::mark(directory.path(), &name).is_err());
    std::fs::rename(&aside, &blocked).unwrap();
    assert!(!suspect::is_marked(directory.path(), &name));
    suspect::mark(directory.path(), &name).unwrap();
    assert!(suspect::is_marked(directory.path(), &name));
    let (_store, engine, _completions) = open(directory.path());
    assert!(engine.record.marks.stale, "what the file said is not believed");
    assert!(engine.remarks.iter().any(|it| it.contains("set aside")), "{:?}", engine.remarks);
    assert!(!suspect::is_marked(directory.path(), &name), "once");
}

#[test]
fn a_damaged_file_is_set_aside_and_the_node_starts_stale() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _, mut completions) = open(directory.path());
    let entries = vec![entry(JournalKind::Config, 1, vec![set(ItemKey::config("a"), "1")])];
    submit(&store, &mut completions, 1, DataOp::Append { kind: JournalKind::Config, entries });
    store.close();
    let file = directory.path().join("engines/main/replicated.redb");
    std::fs::write(&file, b"garbage").unwrap();
    let (store, engine, _completions) = open(directory.path());
    assert!(engine.record.marks.stale);
    assert!(engine.data.config.items.is_empty());
    let remarks = engine.remarks.join("\n");
    assert!(remarks.contains(file.to_str().unwrap()), "{remarks}");
    assert!(remarks.contains("set-aside"), "{remarks}");
    store.close();
    // All at once, as after a bad day of the disk.
    for name in ["engines/main/replicated.redb", "engines/main/local.redb", "node.redb"] {
        std::fs::write(directory.path().join(name), b"").unwrap();
    }
    let (store, engine, _completions) = open(directory.path());
    assert!(engine.record.marks.stale);
    assert_eq!(store.instance().count, 1);
    store.close();
}

#[test]
fn a_second_node_on_one_directory_is_refused_by_name_and_pid() {
    let directory = tempfile::tempdir().unwrap();
    let (store, ..) = open(directory.path());
    let error = Store::open(&settings(directory.path()), 6).unwrap_err().to_string();
    assert!(error.contains(directory.path().to_str().unwrap()), "{error}");
    assert!(error.contains(&std::process::id().to_string()), "{error}");
    store.close();
}

#[test]
fn a_module_travels_in_pieces_and_is_kept_only_when_it_is_the_right_one() {
    use replication::Input;
    let directory = tempfile::tempdir().unwrap();
    let (store, _, mut completions) = open(directory.path());
    let module = Bytes::from(vec![7; 300_000]);
    let hash = ModuleHash::of(&module).0;
    let answer = |completions: &mut Completions| match completions.blocking_recv().unwrap() {
        Completion::Data { engine: MAIN, input } => input,
        other => panic!("{other:?}"),
    };
    let written = |input: Input| match input {
        Input::BlobWritten { until, .. } => until,
        other => panic!("{other:?}"),
    };
    store.write_blob(MAIN, hash, 0, module.slice(..100_000), false);
    assert_eq!(written(answer(&mut completions)), 100_000);
    // Lost on the way: it says from where to send.
    store.write_blob(MAIN, hash, 200_000, module.slice(200_000..), true);
    assert_eq!(written(answer(&mut completions)), 100_000);
    store.write_blob(MAIN, hash, 100_000, module.slice(100_000..), true);
    assert!(matches!(answer(&mut completions), Input::BlobHere { hash: it } if it == hash));
    assert!(store.has_blob(hash));
    store.read_blob(MAIN, hash, 250_000, 1 << 20);
    match answer(&mut completions) {
        Input::BlobRead { bytes, last: true, .. } => assert_eq!(bytes, module.slice(250_000..)),
        other => panic!("{other:?}"),
    }
    let wrong = [1; 32];
    store.write_blob(MAIN, wrong, 0, module.clone(), true);
    assert!(matches!(answer(&mut completions), Input::BlobLost { hash } if hash == wrong));
    let added =
        store.put_module(MAIN, Bytes::from_static(b"small")).blocking_recv().unwrap().unwrap();
    assert!(matches!(answer(&mut completions), Input::BlobHere { hash } if hash == added));
    store.close();

    let path = directory.path().join("modules").join(ModuleHash(hash).to_string());
    let mut bytes = module.to_vec();
    bytes[5] = 8;
    std::fs::write(path, bytes).unwrap();
    let (store, engine, _completions) = open(directory.path());
    assert_eq!(engine.data.modules, [added], "the damaged one is not counted on");
    assert_eq!(engine.remarks.len(), 1, "{:?}", engine.remarks);
    store.remove_blob(MAIN, added);
    let gone = store.load_module(added).blocking_recv().unwrap();
    assert_eq!(gone, Err(ModuleError::Absent(ModuleHash(added))));
    store.close();
}
