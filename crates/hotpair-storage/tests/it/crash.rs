//! Power cut at every write and every sync of a script (docs/design/faults.md, X4): what was
//! acknowledged is there, nothing is there in part, and the file is sound.
use crate::content::{Dice, bytes, entry, lost, main_engine, role_change, set};
use crate::fault_disk::FaultDisk;
use hotpair_storage::{
    CommitError, EngineDisks, EngineStore, Fate, Loaded, Op, OpenError, Options, StorageFault, Swap,
};
use hotpair_types::JournalKind;
use std::io::ErrorKind;

const COMMITS: u64 = 12;

fn open(
    replicated: &FaultDisk,
    local: &FaultDisk,
    options: Options,
) -> Result<EngineStore, OpenError> {
    let disks = EngineDisks {
        replicated: Box::new(replicated.clone()),
        local: Box::new(local.clone()),
        stopped_cleanly: false,
    };
    EngineStore::open_with_disks(disks, &main_engine(), options).map(|it| it.0)
}

fn all_options() -> [Options; 3] {
    let base = Options { config_journal_bytes_max: 3_000, ..Options::default() };
    [
        base,
        Options { replicated_two_phase: !base.replicated_two_phase, ..base },
        Options { quick_repair: true, ..base },
    ]
}

/// Commit number `number`: everything in it says so, in both files.
fn batch(number: u64, last: Option<&Loaded>) -> Vec<Op> {
    let value = format!("{number:0>300}");
    let count = number.to_string();
    let changes = || {
        vec![
            set("", "count", &count),
            set("", "copy", &count),
            set("", &format!("k{}", number % 4), &value),
        ]
    };
    let mut ops = vec![
        Op::PutRole(bytes(&count)),
        Op::PutLocal { table: "t".into(), key: "count".into(), value: bytes(&count) },
        Op::AppendRoleChange(role_change(number)),
        Op::Append { journal: JournalKind::Config, entries: vec![entry(number, changes())] },
        Op::Append {
            journal: JournalKind::Runtime,
            entries: vec![entry(number, vec![set("tags", "count", &count)])],
        },
    ];
    if number.is_multiple_of(5) {
        ops.push(Op::PutDivergence(vec![lost(number, &value, Fate::Kept)]));
    }
    // A swap in the middle of life replaces everything by itself.
    if let (8, Some(loaded)) = (number, last) {
        let swap = Swap {
            journal: JournalKind::Config,
            head: loaded.config.head.clone(),
            clear: true,
            sets: loaded.config.items.clone(),
            removes: vec![],
        };
        ops.insert(3, Op::Swap(vec![swap]));
    }
    ops
}

/// Which commit the files hold: local and replicated. Panics when one holds a part.
fn held(store: &EngineStore) -> (u64, u64) {
    let loaded = store.reader().load(u64::MAX).unwrap();
    let number = |it: &[u8]| std::str::from_utf8(it).unwrap().parse::<u64>().unwrap();
    let local = loaded.role.as_deref().map_or(0, number);
    let value = store.reader().local_value("t", "count").unwrap();
    assert_eq!(value.as_deref().map_or(0, number), local, "a torn local commit");
    assert_eq!(store.reader().role_changes(u64::MAX).unwrap().len() as u64, local);
    assert_eq!(loaded.divergence.len() as u64, local / 5);
    let replicated = loaded.config.head.history.last;
    assert_eq!(loaded.runtime.head.history.last, replicated, "a torn replicated commit");
    for (journal, names) in
        [(&loaded.config, &["count", "copy"][..]), (&loaded.runtime, &["count"])]
    {
        for name in names {
            let found = journal.items.iter().find(|it| &*it.key.item == *name);
            assert_eq!(found.map_or(0, |it| number(&it.value)), replicated, "{name} is torn");
        }
    }
    assert_eq!(
        loaded.config.items.len() as u64,
        if replicated == 0 { 0 } else { 2 + replicated.min(4) }
    );
    (local, replicated)
}

/// Runs the script until something fails; says how many commits were acknowledged.
fn run(store: &mut EngineStore) -> u64 {
    for number in 1..=COMMITS {
        let loaded = (number == 8).then(|| store.reader().load(0).unwrap());
        if let Err(error) = store.commit(&batch(number, loaded.as_ref())) {
            assert!(matches!(error, CommitError::Unknown(_)), "{error}");
            return number - 1;
        }
    }
    COMMITS
}

/// How many writes and syncs the script does on each disk after creation.
fn operations(options: Options) -> [u64; 2] {
    let disks = [FaultDisk::default(), FaultDisk::default()];
    let mut store = open(&disks[0], &disks[1], options).unwrap();
    let before = [disks[0].operations(), disks[1].operations()];
    assert_eq!(run(&mut store), COMMITS);
    [disks[0].operations() - before[0], disks[1].operations() - before[1]]
}

#[test]
fn every_acknowledged_commit_survives_a_power_cut_at_every_write_and_sync() {
    let mut cuts = 0;
    for (index, options) in all_options().into_iter().enumerate() {
        let counts = operations(options);
        for (disk, count) in counts.into_iter().enumerate() {
            for operation in 0..count {
                let mut dice =
                    Dice(0x9E37_79B9 + (index as u64) * 7_919 + operation * 31 + disk as u64);
                let disks = [FaultDisk::default(), FaultDisk::default()];
                let mut store = open(&disks[0], &disks[1], options).unwrap();
                disks[disk].fail_after(operation, ErrorKind::Other);
                let acknowledged = run(&mut store);
                let left = disks.map(|it| it.after_power_cut(&mut dice));
                // What the dying process would still write is lost with the power.
                std::mem::forget(store);
                let what = format!("options {index}, disk {disk}, operation {operation}");
                let store = open(&left[0], &left[1], options)
                    .unwrap_or_else(|error| panic!("{what}: {error}"));
                let (local, replicated) = held(&store);
                let range = acknowledged..=acknowledged + 1;
                assert!(
                    range.contains(&local) && range.contains(&replicated),
                    "{what}: {acknowledged} acknowledged, {local} and {replicated} held"
                );
                assert!(local >= replicated, "{what}: local is written first");
                cuts += 1;
            }
        }
    }
    println!("{cuts} power cuts");
    assert!(cuts > 300, "only {cuts} cuts");
}

#[test]
fn work_goes_on_after_a_power_cut() {
    let options = all_options()[0];
    let mut dice = Dice(42);
    let mut disks = [FaultDisk::default(), FaultDisk::default()];
    let mut done = 0;
    let mut cuts = 0;
    while done < 60 {
        let mut store = open(&disks[0], &disks[1], options).unwrap();
        let (local, replicated) = held_plain(&store);
        assert!(replicated >= done && local >= done);
        disks[dice.roll(2) as usize].fail_after(dice.roll(40), ErrorKind::Other);
        done = replicated;
        for number in replicated + 1..=60 {
            if store.commit(&batch(number, None)).is_err() {
                break;
            }
            done = number;
        }
        let left = disks.each_ref().map(|it| it.after_power_cut(&mut dice));
        std::mem::forget(store);
        disks = left;
        cuts += 1;
    }
    assert!(cuts > 3);
}

fn held_plain(store: &EngineStore) -> (u64, u64) {
    let loaded = store.reader().load(u64::MAX).unwrap();
    let local = loaded.role.map_or(0, |it| String::from_utf8_lossy(&it).parse().unwrap());
    (local, loaded.config.head.history.last)
}

#[test]
fn an_error_at_every_write_and_sync_leaves_an_unknown_outcome_and_a_sound_file() {
    for operation in 0..operations(all_options()[0])[0] {
        for kind in [ErrorKind::Other, ErrorKind::StorageFull] {
            let disks = [FaultDisk::default(), FaultDisk::default()];
            let options = all_options()[0];
            let mut store = open(&disks[0], &disks[1], options).unwrap();
            disks[0].fail_after(operation, kind);
            let acknowledged = run(&mut store);
            let fault = store.failed().cloned();
            if acknowledged < COMMITS {
                let fault = fault.unwrap();
                let expected = kind == ErrorKind::StorageFull;
                assert_eq!(matches!(fault, StorageFault::DiskFull { .. }), expected, "{fault}");
            }
            disks[0].heal();
            drop(store);
            let store = open(&disks[0], &disks[1], options).unwrap();
            let (_, replicated) = held(&store);
            assert!((acknowledged..=acknowledged + 1).contains(&replicated));
        }
    }
}

#[test]
fn the_checker_barks_when_the_disk_lies_about_syncs() {
    let mut lost = 0;
    for seed in 1..40 {
        let mut dice = Dice(seed * 77);
        let disks = [FaultDisk::default(), FaultDisk::default()];
        let options = all_options()[0];
        let mut store = open(&disks[0], &disks[1], options).unwrap();
        disks[0].lose_syncs();
        assert_eq!(run(&mut store), COMMITS);
        let left = disks.map(|it| it.after_power_cut(&mut dice));
        std::mem::forget(store);
        match open(&left[0], &left[1], options) {
            Ok(store) => lost += u64::from(held_plain(&store).1 < COMMITS),
            Err(_) => lost += 1,
        }
    }
    assert!(lost > 10, "a disk that loses syncs must show in this test: {lost}");
}
