//! The files that an earlier release wrote: `tests/data/release-<version>`, never written anew.
use crate::content::main_engine;
use expect_test::expect;
use hotpair_storage::{
    DataDirectory, EngineStore, FileOrigin, LoadedJournal, ModuleStore, NodeStore, Op, Options,
};
use hotpair_types::JournalKind;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

fn show(journal: &LoadedJournal) -> String {
    let mut text = format!("{}\n", journal.head.history.position());
    for item in &journal.items {
        let value = item.value.escape_ascii().to_string();
        writeln!(text, "{} = {value:.60} at {}", item.key, item.position).unwrap();
    }
    for entry in &journal.entries {
        let keyed = entry.key.is_some();
        let changes = entry.changes.len();
        writeln!(text, "entry {}: {changes} changes, keyed {keyed}", entry.position).unwrap();
    }
    text
}

#[test]
fn what_release_0_1_0_wrote_is_read_and_gone_on_with() {
    let written = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/release-0.1.0");
    let dir = tempfile::tempdir().unwrap();
    copy(&written, dir.path());
    let data = DataDirectory::lock(dir.path()).unwrap();
    let (node, origin) = NodeStore::open(&data).unwrap();
    assert_eq!((node.started().unwrap(), origin), (1, FileOrigin::Opened));
    let modules = ModuleStore::open(&data).unwrap();
    let hashes = modules.list().unwrap();
    assert_eq!(hashes.len(), 1);
    assert_eq!(modules.load(hashes[0]).unwrap(), b"\0asm\x01\0\0\0");

    let (mut store, report) = EngineStore::open(&data, &main_engine(), Options::default()).unwrap();
    assert_eq!((report.local, report.replicated), (FileOrigin::Opened, FileOrigin::Opened));
    assert!(report.stopped_cleanly && !report.went_back);
    let loaded = store.reader().load(u64::MAX).unwrap();
    expect![[r#"
        e1:6
        limits = {\"high\":80,\"low\":20} at e1:3
        modules/pump = {\"hash\":\"0d66d411a21e80d93afa1487b002a1867432c04ba1d08dc7 at e1:6
        tags/tank/level = {\"initial\":0,\"type\":\"float\",\"unit\":\"%\"} at e1:1
        tags/tank/pump = {\"initial\":false,\"type\":\"bool\"} at e1:2
        entry e1:1: 1 changes, keyed true
        entry e1:2: 1 changes, keyed true
        entry e1:3: 1 changes, keyed true
        entry e1:4: 1 changes, keyed true
        entry e1:5: 1 changes, keyed true
        entry e1:6: 1 changes, keyed true
    "#]]
    .assert_eq(&show(&loaded.config));
    expect![[r#"
        e1:2
        tags/tank/level = \x01\x00\xc4\xc3\xab\xb4\xa14\x02\x00\x00\x00\x00\x00\xc0D@ at e1:1
        tags/tank/pump = \x01\x00\xd0\xc3\xab\xb4\xa14\x00\x01 at e1:2
        entry e1:1: 1 changes, keyed true
        entry e1:2: 1 changes, keyed true
    "#]]
    .assert_eq(&show(&loaded.runtime));
    assert!(loaded.role.is_some() && loaded.divergence.is_empty());
    assert!(!store.reader().role_changes(100).unwrap().is_empty());

    // Its own newest entry once more, one further: the history goes on.
    let mut next = loaded.runtime.entries.last().unwrap().clone();
    next.position.sequence += 1;
    let position = next.position;
    store.commit(&[Op::Append { journal: JournalKind::Runtime, entries: vec![next] }]).unwrap();
    store.close().unwrap();
    let (store, _) = EngineStore::open(&data, &main_engine(), Options::default()).unwrap();
    let again = store.reader().load(u64::MAX).unwrap();
    assert_eq!(again.runtime.head.history.position(), position);
    assert_eq!(again.config, loaded.config);
}
