//! What changes under an open store, page by page (docs/decisions/0011).
use crate::content::{bytes, entry, main_engine, role_change, set};
use crate::fault_disk::FaultDisk;
use hotpair_storage::{
    CommitError, DataDirectory, EngineDisks, EngineStore, Op, Options, ScrubCursor, StorageFault,
    StoreFile,
};
use hotpair_types::JournalKind;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

/// Nothing is read from memory.
const NO_CACHE: Options = Options { cache_bytes: 0, ..Options::DEFAULT };

fn batch(number: u64) -> Vec<Op> {
    let change = set("tags", &format!("t{}", number % 50), &number.to_string().repeat(100));
    vec![
        Op::Append { journal: JournalKind::Runtime, entries: vec![entry(number, vec![change])] },
        Op::PutRole(bytes("role")),
        Op::AppendRoleChange(role_change(number)),
    ]
}

/// All of it, as the scrub of a node does.
fn scrub(store: &EngineStore) -> Result<(), StorageFault> {
    let mut cursor = ScrubCursor::default();
    while !store.reader().scrub_step(&mut cursor, 1 << 20)?.complete {}
    Ok(())
}

#[test]
fn a_page_of_a_real_file_that_changes_under_it_is_named_and_stays_so() {
    let directory = tempfile::tempdir().unwrap();
    let data = DataDirectory::lock(directory.path()).unwrap();
    let (mut store, _) = EngineStore::open(&data, &main_engine(), NO_CACHE).unwrap();
    (1..=20).for_each(|number| store.commit(&batch(number)).unwrap());
    scrub(&store).unwrap();
    let path = data.engine(&main_engine()).join("local.redb");
    let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
    let pages = file.metadata().unwrap().len() / 4096;
    // The header is not read again: all the rest is turned over.
    for page in 1..pages {
        let mut byte = [0];
        file.read_exact_at(&mut byte, page * 4096 + 100).unwrap();
        file.write_all_at(&[!byte[0]], page * 4096 + 100).unwrap();
    }
    let fault = store.reader().role_changes(10).unwrap_err();
    assert!(fault.damaged().is_some() && fault.to_string().contains("local.redb"), "{fault}");
    assert!(fault.to_string().contains("changed since"), "{fault}");
    // Whatever comes after it says the same, and not that it is closed.
    let fault = store.reader().role().unwrap_err();
    assert_eq!(fault.damaged().map(|it| it.which), Some(StoreFile::Local), "{fault}");
    let error = store.commit(&batch(21)).unwrap_err();
    let CommitError::Unknown(fault) = error else { panic!("{error}") };
    assert!(fault.to_string().contains("changed since"), "{fault}");
}

#[test]
fn whoever_reads_while_another_writes_finds_no_change() {
    let disks = [FaultDisk::default(), FaultDisk::default()];
    let given = EngineDisks {
        replicated: Box::new(disks[0].clone()),
        local: Box::new(disks[1].clone()),
        stopped_cleanly: true,
    };
    // Few entries are kept, so that pages are given up and written anew all the time.
    let options = Options { role_changes_max: 20, runtime_journal_bytes_max: 20_000, ..NO_CACHE };
    let (mut store, _) = EngineStore::open_with_disks(given, &main_engine(), options).unwrap();
    let done = AtomicBool::new(false);
    let readers: Vec<_> = (0..2).map(|_| store.reader()).collect();
    std::thread::scope(|scope| {
        for reader in readers {
            let done = &done;
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    reader.load(u64::MAX).unwrap();
                    reader.role_changes(u64::MAX).unwrap();
                }
            });
        }
        (1..=300).for_each(|number| store.commit(&batch(number)).unwrap());
        done.store(true, Ordering::Relaxed);
    });
    scrub(&store).unwrap();
}
