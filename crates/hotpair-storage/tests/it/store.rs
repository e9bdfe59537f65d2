//! What is put into a store comes out of it, after closing and opening it.
use crate::content::{
    at, bytes, entry, epoch, item, keyed, lost, main_engine, remove, role_change, set,
};
use bytes::Bytes;
use hotpair_storage::{
    Change, CommitError, DataDirectory, EngineStore, Fate, FileOrigin, Head, KeptKey, NodeStore,
    Op, Options, Outcome, Refusal, ScrubCursor, Swap, WriteKey,
};
use hotpair_types::{ItemKey, JournalHistory, JournalKind, Lineage, NodeTime, Position, Span};

const CONFIG: JournalKind = JournalKind::Config;
const RUNTIME: JournalKind = JournalKind::Runtime;

fn append(journal: JournalKind, entries: Vec<hotpair_storage::Entry>) -> Op {
    Op::Append { journal, entries }
}

fn open(data: &DataDirectory) -> EngineStore {
    EngineStore::open(data, &main_engine(), Options::default()).unwrap().0
}

fn names(items: &[hotpair_storage::Item]) -> Vec<String> {
    items.iter().map(|it| format!("{}={}", it.key, String::from_utf8_lossy(&it.value))).collect()
}

#[test]
fn what_was_committed_is_there_after_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDirectory::lock(dir.path()).unwrap();
    let (mut store, report) = EngineStore::open(&data, &main_engine(), Options::default()).unwrap();
    assert_eq!((report.local, report.replicated), (FileOrigin::Created, FileOrigin::Created));
    let mut taken_over = keyed(3, "k3");
    taken_over.origin = Some(at(77));
    store
        .commit(&[
            append(
                CONFIG,
                vec![
                    entry(1, vec![set("", "b", "1"), set("", "a", "2")]),
                    entry(2, vec![remove("", "b"), set("", "c", "3")]),
                    taken_over,
                ],
            ),
            append(RUNTIME, vec![entry(1, vec![set("tags", "x/y", "9"), set("alarms", "x", "8")])]),
            Op::PutRole(bytes("a record")),
            Op::AppendRoleChange(role_change(1)),
            Op::PutLocal { table: "cache".into(), key: "k".into(), value: bytes("v") },
            Op::PutDivergence(vec![lost(4, "5", Fate::Kept)]),
        ])
        .unwrap();
    let before = store.reader().load(u64::MAX).unwrap();
    store.close().unwrap();

    let (store, report) = EngineStore::open(&data, &main_engine(), Options::default()).unwrap();
    assert_eq!((report.local, report.replicated), (FileOrigin::Opened, FileOrigin::Opened));
    assert!(report.stopped_cleanly);
    let reader = store.reader();
    let loaded = reader.load(u64::MAX).unwrap();
    assert_eq!(loaded, before);
    assert_eq!(names(&loaded.config.items), ["a=2", "c=3"]);
    assert_eq!(names(&loaded.runtime.items), ["alarms/x=8", "tags/x/y=9"]);
    assert_eq!(loaded.config.items[1].position, at(2));
    assert_eq!(loaded.config.items[1].written_at, NodeTime(1_002));
    assert_eq!(loaded.config.head.history.position(), at(3));
    assert_eq!(loaded.config.head.chain, [3; 32]);
    assert_eq!(loaded.config.head.keys[0].answer, at(77));
    assert_eq!(loaded.config.entries.len(), 3);
    assert_eq!(loaded.config.stored_after, 0);
    assert_eq!(loaded.role, Some(bytes("a record")));
    assert_eq!(loaded.divergence, [lost(4, "5", Fate::Kept)]);
    assert_eq!(reader.role_changes(9).unwrap(), [role_change(1)]);
    assert_eq!(reader.local_value("cache", "k").unwrap(), Some(bytes("v")));
    assert_eq!(store.history().runtime.position(), at(1));
}

#[test]
fn an_entry_that_does_not_follow_is_refused_and_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDirectory::lock(dir.path()).unwrap();
    let mut store = open(&data);
    let [good, gap, next] = [1, 3, 2].map(|it| [append(CONFIG, vec![entry(it, vec![])])]);
    let mut old = entry(3, vec![]);
    old.position.epoch = epoch(0);
    let old = [append(CONFIG, vec![old])];
    let results = store.commit_group(&[&good, &gap, &next, &old]);
    assert_eq!(results[0], Ok(()));
    let refused = CommitError::Refused(Refusal::Gap { last: 1, found: 3 });
    assert_eq!(refused.outcome(), Outcome::NotDone);
    assert_eq!(results[1], Err(refused));
    assert_eq!(results[2], Ok(()));
    assert!(matches!(results[3], Err(CommitError::Refused(Refusal::EpochWentBack { .. }))));
    assert_eq!(store.history().config.last, 2);
    let name = "x".repeat(1 << 20);
    let long = store.commit(&[append(CONFIG, vec![entry(3, vec![set("", &name, "1")])])]);
    assert!(matches!(long, Err(CommitError::Refused(Refusal::KeyTooLong { .. }))));
}

#[test]
fn replacing_a_provider_leaves_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDirectory::lock(dir.path()).unwrap();
    let mut store = open(&data);
    let all = |items: &[(&str, &str)]| Change::ReplaceAll {
        provider: "tags".into(),
        items: items.iter().map(|(item, value)| ((*item).into(), bytes(value))).collect(),
    };
    let first = [append(
        RUNTIME,
        vec![
            entry(1, vec![set("tag", "z", "0"), set("tags", "a", "1"), set("tagsx", "b", "2")]),
            entry(2, vec![set("tags", "c", "3"), all(&[("d", "4"), ("e", "5")])]),
        ],
    )];
    store.commit(&first).unwrap();
    let loaded = store.reader().load(u64::MAX).unwrap();
    assert_eq!(names(&loaded.runtime.items), ["tag/z=0", "tags/d=4", "tags/e=5", "tagsx/b=2"]);
    store
        .commit(&[append(RUNTIME, vec![entry(3, vec![all(&[]), set("tags", "f", "6")])])])
        .unwrap();
    let loaded = store.reader().load(u64::MAX).unwrap();
    assert_eq!(names(&loaded.runtime.items), ["tag/z=0", "tags/f=6", "tagsx/b=2"]);
}

#[test]
fn a_swap_replaces_both_journals_and_goes_on_after_their_heads() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDirectory::lock(dir.path()).unwrap();
    let mut store = open(&data);
    store
        .commit(&[
            append(CONFIG, vec![entry(1, vec![set("", "a", "1")]), keyed(2, "old")]),
            append(RUNTIME, vec![entry(1, vec![set("tags", "t", "1"), set("tags", "u", "1")])]),
        ])
        .unwrap();
    let history = |last| JournalHistory {
        lineage: Lineage::new(vec![Span { epoch: epoch(2), first: 1 }]).unwrap(),
        last,
    };
    let winner = |sequence| Position { epoch: epoch(2), sequence };
    let kept = KeptKey {
        key: WriteKey { name: "new".into(), issued: None },
        answer: winner(8),
        sequence: 8,
        written_at: NodeTime(5),
    };
    let swap = Op::Swap(vec![
        Swap {
            journal: CONFIG,
            head: Head {
                history: history(9),
                chain: [5; 32],
                keys: vec![kept.clone()],
                keys_forgotten: NodeTime(4),
            },
            clear: true,
            sets: vec![item("", "z", "1", 9), item("", "b", "2", 8)],
            removes: vec![],
        },
        Swap {
            journal: RUNTIME,
            head: Head { history: history(4), ..Head::default() },
            clear: false,
            sets: vec![item("tags", "t", "2", 4)],
            removes: vec![ItemKey::new("tags", "u")],
        },
    ]);
    let mut next = entry(10, vec![set("", "y", "3")]);
    next.position.epoch = epoch(2);
    store.commit(&[swap, append(CONFIG, vec![next])]).unwrap();
    store.close().unwrap();
    let loaded = open(&data).reader().load(u64::MAX).unwrap();
    assert_eq!(names(&loaded.config.items), ["b=2", "y=3", "z=1"]);
    assert_eq!(names(&loaded.runtime.items), ["tags/t=2"]);
    assert_eq!(loaded.config.head.history, history(10));
    assert_eq!(loaded.config.head.keys, [kept]);
    assert_eq!(loaded.config.head.keys_forgotten, NodeTime(4));
    assert_eq!(loaded.config.stored_after, 9);
    assert_eq!(loaded.config.entries.len(), 1);
    assert_eq!((loaded.runtime.stored_after, loaded.runtime.entries.len()), (4, 0));
}

#[test]
fn journals_and_keys_are_bounded_and_what_is_left_has_no_gap() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDirectory::lock(dir.path()).unwrap();
    let options = Options {
        config_journal_bytes_max: 4_000,
        runtime_journal_bytes_max: 0,
        keys_max: 10,
        role_changes_max: 5,
        ..Options::default()
    };
    let (mut store, _) = EngineStore::open(&data, &main_engine(), options).unwrap();
    for sequence in 1..=100 {
        let mut config = keyed(sequence, &format!("k{sequence}"));
        config.changes = vec![set("", "a", &"x".repeat(100))];
        store
            .commit(&[
                append(CONFIG, vec![config]),
                append(RUNTIME, vec![entry(sequence, vec![set("tags", "t", "1")])]),
                Op::AppendRoleChange(role_change(sequence)),
            ])
            .unwrap();
    }
    assert!(store.journal_bytes(CONFIG) <= 4_000);
    store.close().unwrap();
    let (store, _) = EngineStore::open(&data, &main_engine(), options).unwrap();
    let reader = store.reader();
    let loaded = reader.load(u64::MAX).unwrap();
    let entries = &loaded.config.entries;
    assert!(entries.len() > 10 && entries.len() < 40);
    assert_eq!(entries.last().unwrap().position, at(100));
    assert_eq!(entries[0].position.sequence, loaded.config.stored_after + 1);
    assert_eq!(loaded.runtime.entries, []);
    assert_eq!(loaded.runtime.stored_after, 100);
    assert_eq!(loaded.config.head.keys.len(), 10);
    assert_eq!(loaded.config.head.keys_forgotten, NodeTime(1_090));
    let changes = reader.role_changes(3).unwrap();
    assert_eq!(changes.iter().map(|it| it.at.0).collect::<Vec<_>>(), [98, 99, 100]);
    assert_eq!(reader.role_changes(99).unwrap().len(), 5);

    let from = loaded.config.stored_after + 1;
    let some = reader.entries(CONFIG, from, from + 5, u64::MAX).unwrap();
    assert_eq!(some.len(), 6);
    assert_eq!(reader.entries(CONFIG, from, 100, 1).unwrap().len(), 1);
    assert_eq!(reader.entries(CONFIG, 1, 100, u64::MAX).unwrap(), []);
    let few = reader.load(1_000).unwrap();
    assert!(few.config.entries.len() < 8 && few.config.entries.last().unwrap().position == at(100));
    assert_eq!(few.config.stored_after, loaded.config.stored_after);
}

#[test]
fn entries_written_together_are_read_from_any_of_them_on() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDirectory::lock(dir.path()).unwrap();
    let mut store = open(&data);
    let value = "v".repeat(500);
    let some = |from: u64, to| (from..=to).map(|it| entry(it, vec![set("tags", "t", &value)]));
    let before: Vec<_> = some(1, 300).collect();
    let after: Vec<_> = some(301, 310).collect();
    let results = store
        .commit_group(&[&[append(RUNTIME, before.clone())], &[append(RUNTIME, after.clone())]]);
    assert_eq!(results, [Ok(()), Ok(())]);
    let all = [before, after].concat();
    let reader = store.reader();
    let loaded = reader.load(u64::MAX).unwrap();
    assert_eq!(loaded.runtime.entries, all);
    assert_eq!(loaded.runtime.items.len(), 1);
    for (from, to) in [(1, 310), (1, 1), (57, 60), (150, 305), (310, 400)] {
        let read = reader.entries(RUNTIME, from, to, u64::MAX).unwrap();
        assert_eq!(read, all[from as usize - 1..to.min(310) as usize], "{from} to {to}");
    }
    let few = reader.entries(RUNTIME, 57, 310, 6_000).unwrap();
    assert_eq!(few, all[56..56 + few.len()]);
    assert!((5..15).contains(&few.len()));
    assert_eq!(reader.entries(RUNTIME, 311, 400, 1).unwrap(), []);
    assert_eq!(reader.entries(RUNTIME, 5, 4, 1).unwrap(), []);
    let newest = reader.load(6_000).unwrap().runtime.entries;
    assert_eq!(newest, all[310 - newest.len()..]);
}

#[test]
fn what_lost_is_kept_once_counted_and_dropped_only_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDirectory::lock(dir.path()).unwrap();
    let options = Options { divergence_bytes_alarm: 1_000, ..Options::default() };
    let (mut store, _) = EngineStore::open(&data, &main_engine(), options).unwrap();
    for _ in 0..3 {
        store
            .commit(&[Op::PutDivergence(vec![lost(4, "5", Fate::Kept), lost(5, "6", Fate::Kept)])])
            .unwrap();
    }
    let usage = store.divergence_usage();
    assert_eq!((usage.records, usage.alarm), (2, false));
    store.commit(&[Op::PutDivergence(vec![lost(4, "5", Fate::Replayed(at(9)))])]).unwrap();
    store.commit(&[Op::PutDivergence(vec![lost(6, &"7".repeat(2_000), Fate::Kept)])]).unwrap();
    assert!(store.divergence_usage().alarm);
    store.close().unwrap();
    let (mut store, _) = EngineStore::open(&data, &main_engine(), options).unwrap();
    assert!(store.divergence_usage().alarm);
    let records = store.reader().divergence().unwrap();
    assert_eq!(records.len(), 3);
    assert_eq!(records[0].fate, Fate::Replayed(at(9)));
    let ids = records.iter().map(|it| it.id).collect();
    store.commit(&[Op::DropDivergence(ids)]).unwrap();
    assert_eq!(store.divergence_usage(), hotpair_storage::DivergenceUsage::default());
    assert_eq!(store.reader().divergence().unwrap(), []);
}

#[test]
fn a_scrub_visits_everything_in_bounded_steps() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDirectory::lock(dir.path()).unwrap();
    let mut store = open(&data);
    let value = "v".repeat(1_000);
    let entries = (1..=100).map(|it| entry(it, vec![set("", &format!("k{it:03}"), &value)]));
    store.commit(&[append(CONFIG, entries.collect()), Op::PutRole(Bytes::new())]).unwrap();
    let reader = store.reader();
    let (mut cursor, mut steps, mut records) = (ScrubCursor::default(), 0, 0);
    loop {
        let progress = reader.scrub_step(&mut cursor, 10_000).unwrap();
        assert!(progress.bytes < 10_000 + 40_000);
        records += progress.records;
        steps += 1;
        if progress.complete {
            break;
        }
    }
    // Two identities, one head, the items, a few records of entries, the role.
    let entries = records - (2 + 1 + 100 + 1);
    assert!((2..10).contains(&entries), "{entries} records of entries");
    assert!(steps > 10, "{steps} steps");
    assert_eq!(cursor, ScrubCursor::default());
}

#[test]
fn each_start_of_a_node_is_counted_also_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDirectory::lock(dir.path()).unwrap();
    let (mut node, origin) = NodeStore::open(&data).unwrap();
    assert_eq!(origin, FileOrigin::Created);
    assert_eq!(node.next_instance(5).unwrap().count, 1);
    node.put("pair", "name", b"x").unwrap();
    drop(node);
    let (mut node, origin) = NodeStore::open(&data).unwrap();
    assert_eq!(origin, FileOrigin::Opened);
    assert_eq!(node.next_instance(6).unwrap().count, 2);
    assert_eq!(node.get("pair", "name").unwrap(), Some(bytes("x")));
    node.remove("pair", "name").unwrap();
    assert_eq!(node.get("pair", "name").unwrap(), None);
    node.close().unwrap();
    assert_eq!(NodeStore::open(&data).unwrap().0.started().unwrap(), 2);
}
