//! Damage at rest (docs/design/faults.md, X5 and X6): refused or reported, never served.
use crate::content::{Dice, bytes, entry, keyed, lost, main_engine, role_change, set};
use crate::fault_disk::FaultDisk;
use hotpair_storage::{
    Disk, EngineDisks, EngineStore, Entry, Fate, Loaded, Op, OpenError, Options, RoleChange,
    ScrubCursor, StorageFault,
};
use hotpair_types::JournalKind;

const TWO_PHASES: Options = Options { replicated_two_phase: true, ..Options::DEFAULT };

fn open(bytes: [&[u8]; 2], stopped_cleanly: bool) -> Result<EngineStore, OpenError> {
    let [replicated, local] = bytes.map(|it| Box::new(FaultDisk::of(it.to_vec())));
    let disks = EngineDisks { replicated, local, stopped_cleanly };
    EngineStore::open_with_disks(disks, &main_engine(), Options::default()).map(|it| it.0)
}

/// Both files of a small store, closed or killed.
fn small_store(closed: bool, options: Options) -> [Vec<u8>; 2] {
    let disks = [FaultDisk::default(), FaultDisk::default()];
    let given = EngineDisks {
        replicated: Box::new(disks[0].clone()),
        local: Box::new(disks[1].clone()),
        stopped_cleanly: true,
    };
    let (mut store, _) = EngineStore::open_with_disks(given, &main_engine(), options).unwrap();
    for number in 1..=20 {
        let mut config = keyed(number, &format!("key {number}"));
        config.changes = vec![set("", &format!("k{number:02}"), &"c".repeat(200))];
        store
            .commit(&[
                Op::Append { journal: JournalKind::Config, entries: vec![config] },
                Op::Append {
                    journal: JournalKind::Runtime,
                    entries: vec![entry(number, vec![set("tags", &format!("t{number}"), "1")])],
                },
                Op::PutRole(bytes("role")),
                Op::AppendRoleChange(role_change(number)),
                Op::PutDivergence(vec![lost(number, "x", Fate::Kept)]),
            ])
            .unwrap();
    }
    if closed {
        store.close().unwrap();
        return disks.map(|it| it.bytes());
    }
    let killed = disks.map(|it| it.bytes());
    std::mem::forget(store);
    killed
}

/// All that a store gives away: what a node loads, serves and is asked for by its partner.
#[derive(Debug, PartialEq)]
struct Everything {
    loaded: Loaded,
    changes: Vec<RoleChange>,
    /// Read back as for a partner that was away.
    entries: [Vec<Entry>; 2],
}

fn everything(store: &EngineStore) -> Result<Everything, StorageFault> {
    let reader = store.reader();
    let mut cursor = ScrubCursor::default();
    while !reader.scrub_step(&mut cursor, 1 << 20)?.complete {}
    read_all(store)
}

/// The same without the scrub before it.
fn read_all(store: &EngineStore) -> Result<Everything, StorageFault> {
    let reader = store.reader();
    let loaded = reader.load(u64::MAX)?;
    let entries = |kind| reader.entries(kind, 1, u64::MAX, u64::MAX);
    let entries = [entries(JournalKind::Config)?, entries(JournalKind::Runtime)?];
    Ok(Everything { loaded, changes: reader.role_changes(u64::MAX)?, entries })
}

/// Silences the panics of redb's own debug assertions: they are caught and become damage.
fn quiet<T>(work: impl FnOnce() -> T) -> T {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let ours = info.location().is_none_or(|it| !it.file().contains("redb"));
            if ours {
                before(info);
            }
        }));
    });
    work()
}

/// What became of so many single flipped bits.
#[derive(Debug, Default, PartialEq)]
struct Flips {
    refused: u32,
    reported: u32,
    /// In a page that nothing uses.
    harmless: u32,
}

impl Flips {
    /// Whatever is given away after a flip is what was there before it.
    fn judge(
        &mut self,
        what: &str,
        file: usize,
        found: Result<Everything, StorageFault>,
        whole: &Everything,
    ) {
        match found {
            Err(fault) => {
                let damaged = fault.damaged().unwrap_or_else(|| panic!("{what}: {fault}"));
                assert_eq!(damaged.which as usize, file, "{what}: the file is named");
                self.reported += 1;
            }
            Ok(found) => {
                let Everything { loaded, changes, entries } = found;
                assert!(loaded == whole.loaded, "{what}: changed data was given away");
                assert!(changes == whole.changes, "{what}: changes of role are missing");
                assert!(entries == whole.entries, "{what}: changed entries were sent");
                self.harmless += 1;
            }
        }
    }
}

/// Bits of one run.
const BITS: usize = 10_000;

#[test]
fn none_of_ten_thousand_bits_that_flip_at_rest_is_ever_served_or_sent() {
    let files = small_store(true, Options::DEFAULT);
    let whole = everything(&open([&files[0], &files[1]], true).unwrap()).unwrap();
    assert!(whole.entries.iter().all(|it| it.len() == 20));
    let mut dice = Dice(0xDECA_FBAD);
    let mut flips = Flips::default();
    quiet(|| {
        for round in 0..BITS {
            let file = round % 2;
            let bit = place(&mut dice, &files[file]);
            let mut flipped = files.clone();
            flipped[file][bit / 8] ^= 1 << (bit % 8);
            let clean = dice.roll(2) == 0;
            let what = format!("file {file}, bit {bit}");
            match open([&flipped[0], &flipped[1]], clean) {
                Err(OpenError::Fault(fault)) => {
                    let which = fault.damaged().unwrap_or_else(|| panic!("{what}: {fault}")).which;
                    assert_eq!(which as usize, file, "{what}: the file is named");
                    flips.refused += 1;
                }
                Err(other) => panic!("{what}: {other}"),
                Ok(store) => flips.judge(&what, file, everything(&store), &whole),
            }
        }
    });
    println!("at rest: {flips:?}");
    assert!(flips.refused as usize > BITS / 20 && flips.harmless > 0);
}

/// Half of them anywhere, half in pages that hold something: most of a young file is empty.
fn place(dice: &mut Dice, bytes: &[u8]) -> usize {
    const PAGE: usize = 4096;
    let anywhere = dice.roll(bytes.len() as u64 * 8) as usize;
    if dice.roll(2) == 0 {
        return anywhere;
    }
    let used: Vec<usize> = (0..bytes.len() / PAGE)
        .filter(|it| bytes[it * PAGE..(it + 1) * PAGE].iter().any(|it| *it != 0))
        .collect();
    let page = used[dice.roll(used.len() as u64) as usize];
    page * PAGE * 8 + dice.roll(PAGE as u64 * 8) as usize
}

/// Bits that flip while the file is open, in either file, read by a node that keeps no page in memory:
/// each read is one of the disk.
#[test]
fn none_of_ten_thousand_bits_that_flip_under_an_open_store_is_ever_served_or_sent() {
    let options = Options { cache_bytes: 0, ..Options::DEFAULT };
    let files = small_store(true, options);
    let mut dice = Dice(0x5C2B);
    let mut flips = Flips::default();
    let fresh = || {
        let disks = files.clone().map(FaultDisk::of);
        let [replicated, local] = disks.clone().map(|it| Box::new(it) as Box<dyn Disk>);
        let given = EngineDisks { replicated, local, stopped_cleanly: true };
        let store = EngineStore::open_with_disks(given, &main_engine(), options).unwrap().0;
        (disks, store)
    };
    let (mut disks, mut store) = fresh();
    let whole = everything(&store).unwrap();
    quiet(|| {
        for round in 0..BITS {
            let file = round % 2;
            let bit = place(&mut dice, &files[file]);
            disks[file].flip(bit);
            let what = format!("file {file}, bit {bit}, open");
            // The scrub finds it as well as whoever reads.
            let found = if round % 4 < 2 { everything(&store) } else { read_all(&store) };
            let reported = found.is_err();
            flips.judge(&what, file, found, &whole);
            disks[file].flip(bit);
            if reported {
                // A file whose pages were found to change gives nothing any more.
                (disks, store) = fresh();
            }
        }
    });
    println!("under an open store: {flips:?}");
    assert!(flips.reported as usize > BITS / 10 && flips.harmless > 0);
}

#[test]
fn a_bit_that_flips_is_found_by_the_scrub_of_a_store_that_is_larger_than_its_cache() {
    let (disk, local) = (FaultDisk::default(), FaultDisk::default());
    let disks = EngineDisks {
        replicated: Box::new(disk.clone()),
        local: Box::new(local.clone()),
        stopped_cleanly: true,
    };
    let (mut store, _) =
        EngineStore::open_with_disks(disks, &main_engine(), Options::DEFAULT).unwrap();
    let value = "v".repeat(4_000);
    for block in 0..8 {
        let changes = (0..500).map(|it| set("tags", &format!("{block}/{it:03}"), &value));
        let entries = vec![entry(block + 1, changes.collect())];
        store.commit(&[Op::Append { journal: JournalKind::Runtime, entries }]).unwrap();
    }
    let whole = everything(&store).unwrap();
    store.close().unwrap();
    let bytes = disk.bytes();
    let mut dice = Dice(0x5C2B);
    let mut flips = Flips::default();
    quiet(|| {
        for _ in 0..40 {
            let disk = FaultDisk::of(bytes.clone());
            let disks = EngineDisks {
                replicated: Box::new(disk.clone()),
                local: Box::new(local.clone()),
                stopped_cleanly: true,
            };
            let (store, _) =
                EngineStore::open_with_disks(disks, &main_engine(), Options::DEFAULT).unwrap();
            let bit = dice.roll(bytes.len() as u64 * 8) as usize;
            disk.flip(bit);
            flips.judge(&format!("bit {bit}"), 0, everything(&store), &whole);
        }
    });
    println!("beyond the cache: {flips:?}");
    assert!(flips.reported > 5);
}

/// How often a bit flipped after a kill takes the newest commit back, per file: without a word,
/// and said.
fn taken_back(options: Options, rounds: usize) -> ([u64; 2], [u64; 2]) {
    let files = small_store(false, options);
    let whole = everything(&open([&files[0], &files[1]], false).unwrap()).unwrap();
    let mut dice = Dice(0xBAD_D15C);
    let (mut silently, mut said) = ([0, 0], [0, 0]);
    quiet(|| {
        for round in 0..rounds {
            let file = round % 2;
            let bit = dice.roll(files[file].len() as u64 * 8) as usize;
            let mut flipped = files.clone();
            flipped[file][bit / 8] ^= 1 << (bit % 8);
            let [replicated, local] = flipped.map(|it| Box::new(FaultDisk::of(it)));
            let disks = EngineDisks { replicated, local, stopped_cleanly: false };
            let opened = EngineStore::open_with_disks(disks, &main_engine(), options);
            let Ok((store, report)) = opened else { continue };
            let Ok(found) = everything(&store) else { continue };
            if found != whole {
                let count = if report.went_back { &mut said } else { &mut silently };
                count[file] += 1;
            }
        }
    });
    (silently, said)
}

/// docs/decisions/0010-how-redb-commits.md
#[test]
fn a_commit_that_damage_takes_back_after_a_kill_is_never_taken_back_without_a_word() {
    let (silently, said) = taken_back(Options::DEFAULT, 3_000);
    println!("one phase: taken back without a word {silently:?}, said {said:?}");
    assert_eq!(silently, [0, 0]);
    assert!(said[0] > 0, "redb got better: look at the decision again");
    assert_eq!(said[1], 0, "the local file holds epochs: it refuses instead");
}

#[test]
fn in_two_phases_damage_takes_nothing_back() {
    assert_eq!(taken_back(TWO_PHASES, 3_000), ([0, 0], [0, 0]));
}

#[test]
fn a_truncated_zeroed_or_garbage_file_is_refused_with_its_name() {
    let files = small_store(true, Options::DEFAULT);
    let mut dice = Dice(7);
    let len = files[0].len();
    let garbage: Vec<u8> = (0..len).map(|_| dice.roll(256) as u8).collect();
    let zeroed_page = |page: usize| {
        let mut bytes = files[0].clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0);
        bytes
    };
    let mut cases: Vec<(String, Vec<u8>)> = vec![
        ("all zero".into(), vec![0; len]),
        ("garbage".into(), garbage),
        ("one byte".into(), vec![1]),
        ("text".into(), b"not a database at all\n".repeat(400)),
    ];
    for part in [1, 2, 3, 10, 100] {
        cases.push((format!("cut to 1/{part}"), files[0][..len / part - 1].to_vec()));
    }
    for page in 0..len / 4096 {
        cases.push((format!("page {page} zeroed"), zeroed_page(page)));
    }
    let whole = everything(&open([&files[0], &files[1]], true).unwrap()).unwrap();
    let mut refused = 0;
    quiet(|| {
        for (what, bytes) in &cases {
            for clean in [true, false] {
                let error = match open([bytes, &files[1]], clean) {
                    Err(OpenError::Fault(fault)) => fault,
                    Err(other) => panic!("{what}: {other}"),
                    Ok(store) => match everything(&store) {
                        Err(fault) => fault,
                        Ok(found) => {
                            assert!(found == whole, "{what}: changed data was served");
                            assert!(what.contains("page"), "{what} was taken for sound");
                            continue;
                        }
                    },
                };
                assert!(error.to_string().contains("replicated.redb"), "{what}: {error}");
                refused += 1;
            }
        }
    });
    println!("{refused} of {} refused", cases.len() * 2);
}

#[test]
fn an_empty_file_beside_a_full_one_is_missing_and_not_new() {
    let files = small_store(true, Options::DEFAULT);
    let error = open([&[], &files[1]], true).unwrap_err();
    assert!(matches!(error, OpenError::Missing { .. }), "{error}");
    let error = open([&files[0], &[]], true).unwrap_err();
    assert!(error.to_string().contains("local.redb"), "{error}");
}

#[test]
fn the_two_files_cannot_be_exchanged() {
    let files = small_store(true, Options::DEFAULT);
    let error = open([&files[1], &files[0]], true).unwrap_err();
    assert!(matches!(error, OpenError::Misplaced { .. }), "{error}");
}
