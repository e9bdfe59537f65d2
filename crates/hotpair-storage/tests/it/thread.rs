//! The writing thread: one commit for many, in order, and what happens after a failure.
use crate::content::{bytes, entry, main_engine, set};
use crate::fault_disk::FaultDisk;
use hotpair_storage::{
    CommitError, Completion, DataDirectory, EngineDisks, EngineStore, LocalTable, Op, Options,
    Outcome, StorageThread,
};
use hotpair_types::JournalKind;
use std::sync::mpsc::channel;

fn disks(replicated: &FaultDisk, local: &FaultDisk) -> EngineStore {
    let disks = EngineDisks {
        replicated: Box::new(replicated.clone()),
        local: Box::new(local.clone()),
        stopped_cleanly: false,
    };
    EngineStore::open_with_disks(disks, &main_engine(), Options::default()).unwrap().0
}

fn write(sequence: u64) -> Vec<Op> {
    let entries = vec![entry(sequence, vec![set("", "a", &sequence.to_string())])];
    vec![Op::Append { journal: JournalKind::Config, entries }]
}

#[test]
fn many_writers_share_commits_and_are_answered_in_order() {
    let (replicated, local) = (FaultDisk::default(), FaultDisk::default());
    let store = disks(&replicated, &local);
    let (sent, completed) = channel();
    let syncs = replicated.syncs();
    let hold = replicated.hold();
    let thread = StorageThread::spawn(store, move |them| sent.send(them).unwrap()).unwrap();
    for sequence in 1..=500 {
        thread.handle().submit(sequence, write(sequence)).unwrap();
    }
    drop(hold);
    let mut tickets = Vec::new();
    while tickets.len() < 500 {
        for it in completed.recv().unwrap() {
            assert!(matches!(it, Completion::Stored { .. }));
            tickets.push(it.ticket());
        }
    }
    assert_eq!(tickets, (1..=500).collect::<Vec<_>>());
    let syncs = replicated.syncs() - syncs;
    assert!(syncs <= 10, "{syncs} syncs for 500 writes");
    assert_eq!(
        thread.handle().reader().entries(JournalKind::Config, 500, 500, 1).unwrap().len(),
        1
    );
    thread.close().unwrap();
}

fn quiet() -> Vec<Op> {
    let (table, key) = ("log".into(), "last".into());
    vec![Op::PutLocal { table, key, value: bytes("quiet") }]
}

#[test]
fn a_quiet_batch_without_company_is_stored_all_the_same() {
    let (replicated, local) = (FaultDisk::default(), FaultDisk::default());
    let (sent, completed) = channel();
    let store = disks(&replicated, &local);
    let thread = StorageThread::spawn(store, move |them| sent.send(them).unwrap()).unwrap();
    thread.handle().submit_quietly(1, quiet()).unwrap();
    assert_eq!(completed.recv().unwrap()[0].ticket(), 1);
    // Closing does not wait for company, and forgets nothing.
    thread.handle().submit_quietly(2, quiet()).unwrap();
    thread.close().unwrap();
    assert_eq!(completed.recv().unwrap()[0].ticket(), 2);
}

#[test]
fn after_one_failure_nothing_is_tried_again() {
    let (replicated, local) = (FaultDisk::default(), FaultDisk::default());
    let mut store = disks(&replicated, &local);
    store.commit(&write(1)).unwrap();
    replicated.fail_after(0, std::io::ErrorKind::Other);
    let first = store.commit(&write(2)).unwrap_err();
    assert_eq!(first.outcome(), Outcome::Unknown);
    assert!(first.to_string().contains("replicated.redb"), "{first}");
    replicated.heal();
    let operations = replicated.operations();
    let second = store.commit(&write(2)).unwrap_err();
    assert_eq!(second.outcome(), Outcome::NotDone);
    assert!(matches!(second, CommitError::NotTried(_)));
    assert_eq!(replicated.operations(), operations, "the disk was not touched");
    assert!(store.failed().is_some());
    // Reads go on.
    let loaded = store.reader().load(u64::MAX).unwrap();
    assert!(loaded.config.head.history.last >= 1);
}

#[test]
fn a_full_disk_is_named_as_such_and_reads_go_on() {
    let (replicated, local) = (FaultDisk::default(), FaultDisk::default());
    let mut store = disks(&replicated, &local);
    store.commit(&write(1)).unwrap();
    replicated.fail_after(0, std::io::ErrorKind::StorageFull);
    let error = store.commit(&write(2)).unwrap_err();
    assert!(error.fault().unwrap().is_disk_full(), "{error}");
    assert_eq!(store.reader().load(u64::MAX).unwrap().config.items.len(), 1);
    // With space again, opening anew is enough.
    replicated.heal();
    drop(store);
    let mut store = disks(&replicated, &local);
    let last = store.history().config.last;
    store.commit(&write(last + 1)).unwrap();
}

#[test]
fn a_failed_local_file_leaves_the_replicated_one_alone() {
    let (replicated, local) = (FaultDisk::default(), FaultDisk::default());
    let mut store = disks(&replicated, &local);
    local.fail_after(0, std::io::ErrorKind::Other);
    let mut batch = write(1);
    batch.push(Op::PutRole(bytes("role")));
    let before = replicated.operations();
    let error = store.commit(&batch).unwrap_err();
    assert!(error.to_string().contains("local.redb"), "{error}");
    assert_eq!(replicated.operations(), before);
}

#[test]
fn a_local_table_keeps_values_on_this_node_alone() {
    let (replicated, local) = (FaultDisk::default(), FaultDisk::default());
    let thread = StorageThread::spawn(disks(&replicated, &local), |_| {}).unwrap();
    let table = LocalTable::<Vec<u32>>::new("cache", thread.handle().clone());
    let writes = replicated.operations();
    table.put("a", &vec![1, 2]).unwrap();
    table.put("b", &vec![3]).unwrap();
    table.remove("a").unwrap();
    assert_eq!(table.all().unwrap(), [("b".into(), vec![3])]);
    assert_eq!(table.get("a").unwrap(), None);
    let wrong = LocalTable::<String>::new("cache", thread.handle().clone());
    assert!(wrong.get("b").is_err());
    assert_eq!(replicated.operations(), writes, "the replicated file was not touched");
    drop((table, wrong));
    thread.close().unwrap();
}

#[test]
fn a_closed_thread_always_leaves_cleanly_closed_files() {
    // Many at once, so that one is interrupted between telling the thread and waiting for it.
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(close_again_and_again);
        }
    });
}

fn close_again_and_again() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDirectory::lock(dir.path()).unwrap();
    for round in 0..20 {
        let (store, report) = EngineStore::open(&data, &main_engine(), Options::default()).unwrap();
        assert!(report.stopped_cleanly, "after round {round}");
        StorageThread::spawn(store, drop).unwrap().close().unwrap();
    }
}
