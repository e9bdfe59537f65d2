//! Real files: the lock, setting damaged files aside, and modules.
use crate::content::{bytes, entry, main_engine, set};
use hotpair_storage::{
    DataDirectory, EngineStore, FileOrigin, LastFailure, ModuleError, ModuleHash, ModuleStore,
    NodeStore, Op, OpenError, Options, StoreFile, set_aside,
};
use hotpair_types::{JournalKind, NodeTime};

fn write(store: &mut EngineStore, sequence: u64) {
    let entries = vec![entry(sequence, vec![set("", "a", "1")])];
    let append = Op::Append { journal: JournalKind::Config, entries };
    store.commit(&[append, Op::PutRole(bytes("role"))]).unwrap();
}

#[test]
fn a_second_owner_of_a_directory_is_refused_with_the_first_ones_pid() {
    let dir = tempfile::tempdir().unwrap();
    let first = DataDirectory::lock(dir.path()).unwrap();
    let error = DataDirectory::lock(dir.path()).unwrap_err();
    let pid = Some(std::process::id());
    assert_eq!(error, OpenError::InUse { directory: dir.path().into(), pid });
    assert!(error.to_string().contains(&dir.path().display().to_string()));
    drop(first);
    DataDirectory::lock(dir.path()).unwrap();
}

#[test]
fn a_store_that_was_not_closed_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDirectory::lock(dir.path()).unwrap();
    let open = || EngineStore::open(&data, &main_engine(), Options::default()).unwrap();
    let (mut store, report) = open();
    assert!(report.stopped_cleanly);
    write(&mut store, 1);
    drop(store);
    let (store, report) = open();
    assert!(!report.stopped_cleanly);
    store.close().unwrap();
    let (store, report) = open();
    assert!(report.stopped_cleanly);
    assert_eq!(store.history().config.last, 1);
}

#[test]
fn after_a_disk_error_the_files_are_verified_from_the_disk_once() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDirectory::lock(dir.path()).unwrap();
    let open = || EngineStore::open(&data, &main_engine(), Options::default()).unwrap();
    let (mut store, report) = open();
    assert_eq!(report.after_failure, None);
    write(&mut store, 1);
    drop(store);
    // What a store leaves that failed.
    for (name, failure) in
        [("failed", LastFailure::DiskError), ("disk-full", LastFailure::DiskFull)]
    {
        std::fs::write(data.engine(&main_engine()).join(name), "").unwrap();
        assert_eq!(data.last_failure(&main_engine()).unwrap(), Some(failure));
        let (store, report) = open();
        assert_eq!(report.after_failure, Some(failure));
        assert_eq!(store.history().config.last, 1);
        store.close().unwrap();
        assert_eq!(open().1.after_failure, None);
    }
}

#[test]
fn a_damaged_file_is_set_aside_and_replaced_and_the_other_stays() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDirectory::lock(dir.path()).unwrap();
    let engine = main_engine();
    let (mut store, _) = EngineStore::open(&data, &engine, Options::default()).unwrap();
    write(&mut store, 1);
    store.close().unwrap();
    let path = data.engine_file(&engine, StoreFile::Replicated);
    let now = NodeTime(1_795_418_280_000);
    for (round, content) in [&b""[..], b"garbage"].into_iter().enumerate() {
        std::fs::write(&path, content).unwrap();
        let error = EngineStore::open(&data, &engine, Options::default()).unwrap_err();
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        assert_eq!(error.to_set_aside(), Some(StoreFile::Replicated));
        let moved = set_aside(&data, &engine, StoreFile::Replicated, now).unwrap().unwrap();
        let name =
            ["20261123T071800Z-replicated.redb", "20261123T071800Z-1-replicated.redb"][round];
        assert_eq!(moved, data.engine(&engine).join("set-aside").join(name));
        assert_eq!(std::fs::read(&moved).unwrap(), content);
        let (store, report) = EngineStore::open(&data, &engine, Options::default()).unwrap();
        assert_eq!(report.replicated, FileOrigin::Replaced);
        assert_eq!(report.local, FileOrigin::Opened);
        assert_eq!(store.reader().role().unwrap(), Some(bytes("role")));
        assert!(store.history().is_empty());
        store.close().unwrap();
    }
    let (mut store, _) = EngineStore::open(&data, &engine, Options::default()).unwrap();
    write(&mut store, 1);
    store.close().unwrap();
    let (_, report) = EngineStore::open(&data, &engine, Options::default()).unwrap();
    assert_eq!(report.replicated, FileOrigin::Opened, "it has data again");
}

#[test]
fn a_file_that_is_gone_is_not_taken_for_a_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDirectory::lock(dir.path()).unwrap();
    let engine = main_engine();
    EngineStore::open(&data, &engine, Options::default()).unwrap().0.close().unwrap();
    std::fs::remove_file(data.engine_file(&engine, StoreFile::Local)).unwrap();
    let error = EngineStore::open(&data, &engine, Options::default()).unwrap_err();
    assert!(matches!(error, OpenError::Missing { which: StoreFile::Local, .. }), "{error}");
    assert_eq!(set_aside(&data, &engine, StoreFile::Local, NodeTime(0)).unwrap(), None);
    let (store, report) = EngineStore::open(&data, &engine, Options::default()).unwrap();
    assert_eq!(report.local, FileOrigin::Replaced);
    store.close().unwrap();
    // The whole directory gone is an engine that has never been here.
    std::fs::remove_dir_all(data.engine(&engine)).unwrap();
    let (_, report) = EngineStore::open(&data, &engine, Options::default()).unwrap();
    assert_eq!(report.local, FileOrigin::Created);
}

#[test]
fn a_damaged_node_file_is_refused_and_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDirectory::lock(dir.path()).unwrap();
    let (mut node, _) = NodeStore::open(&data).unwrap();
    node.next_instance(1).unwrap();
    node.close().unwrap();
    std::fs::write(dir.path().join("node.redb"), b"x").unwrap();
    let error = NodeStore::open(&data).unwrap_err();
    assert_eq!(error.to_set_aside(), Some(StoreFile::Node));
    set_aside(&data, &main_engine(), StoreFile::Node, NodeTime(0)).unwrap().unwrap();
    assert_eq!(NodeStore::open(&data).unwrap().1, FileOrigin::Replaced);
}

#[test]
fn a_module_is_kept_only_whole_and_found_out_when_it_changed() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDirectory::lock(dir.path()).unwrap();
    let store = ModuleStore::open(&data).unwrap();
    let module: Vec<u8> = (0..3_000_000_u32).map(|it| it as u8).collect();
    let hash = ModuleHash::of(&module);
    assert_eq!(store.have(hash).unwrap(), None);
    assert_eq!(store.verify(hash), Err(ModuleError::Absent(hash)));

    let mut writer = store.writer(hash).unwrap();
    for piece in module.chunks(100_000) {
        writer.write(piece).unwrap();
    }
    writer.finish().unwrap();
    assert_eq!(store.have(hash).unwrap(), Some(3_000_000));
    assert_eq!(store.read(hash, 2_999_990, 100).unwrap(), module[2_999_990..]);
    assert!(store.read(hash, 5_000_000, 100).unwrap().is_empty());
    assert_eq!(store.load(hash).unwrap(), module);
    store.verify(hash).unwrap();

    let wrong = ModuleHash::of(b"other");
    let mut writer = store.writer(wrong).unwrap();
    writer.write(b"not it").unwrap();
    assert!(matches!(writer.finish(), Err(ModuleError::WrongHash { .. })));
    assert_eq!(store.have(wrong).unwrap(), None);
    let mut abandoned = store.writer(wrong).unwrap();
    abandoned.write(b"half").unwrap();
    std::mem::forget(abandoned);
    let store = ModuleStore::open(&data).unwrap();
    assert_eq!(std::fs::read_dir(data.modules()).unwrap().count(), 1, "what was left is cleared");

    let other = store.put(b"other").unwrap();
    assert_eq!(store.list().unwrap().len(), 2);
    let mut flipped = module.clone();
    flipped[1_234_567] ^= 4;
    std::fs::write(store.path(hash), &flipped).unwrap();
    assert!(matches!(store.verify(hash), Err(ModuleError::WrongHash { .. })));
    assert!(matches!(store.load(hash), Err(ModuleError::WrongHash { .. })));
    assert_eq!(store.remove_surplus(&[other]).unwrap(), [hash]);
    assert_eq!(store.list().unwrap(), [other]);
    assert_eq!(ModuleHash::from_hex(&other.to_string()), Some(other));
}
