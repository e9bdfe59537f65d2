//! What a commit costs and how long opening takes after a kill, for each way redb can commit.
//!
//! `cargo run --release -p hotpair-storage --example commit_cost -- DIRECTORY [MIB]`. The numbers
//! decide docs/decisions/0010-how-redb-commits.md.
use bytes::Bytes;
use hotpair_storage::{Change, DataDirectory, EngineStore, Entry, Op, Options, StorageThread};
use hotpair_types::{EngineName, Epoch, ItemKey, JournalKind, NodeTime, Position};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

const RUN: Duration = Duration::from_secs(2);
/// The ways take turns, so that a busy machine does not favour one.
const ROUNDS: usize = 3;
const CHILD: &str = "HOTPAIR_COMMIT_COST_CHILD";

fn ways() -> [(&'static str, Options); 3] {
    let base = Options { replicated_two_phase: false, quick_repair: false, ..Options::default() };
    [
        ("one phase", base),
        ("two phases", Options { replicated_two_phase: true, ..base }),
        ("quick repair", Options { quick_repair: true, ..base }),
    ]
}

fn entry(sequence: u64, items: u64) -> Op {
    let change = |index: u64| Change::Set {
        item: ItemKey::config(&format!("line/{}", (sequence * 31 + index) % 10_000)),
        value: Bytes::from(vec![sequence as u8; 64]),
    };
    let entry = Entry {
        position: Position { epoch: Epoch { number: 1, tag: 7 }, sequence },
        changes: (0..items).map(change).collect(),
        key: None,
        written_at: NodeTime(sequence),
        origin: None,
        chain: [1; 32],
    };
    Op::Append { journal: JournalKind::Config, entries: vec![entry] }
}

fn open(path: &Path, options: Options) -> (DataDirectory, EngineStore) {
    let data = DataDirectory::lock(path).expect("the directory is ours");
    let (store, _) = EngineStore::open(&data, &EngineName::default(), options).expect("opens");
    (data, store)
}

/// One writer that waits for each commit.
fn one_by_one(path: &Path, options: Options, items: u64) -> (f64, Duration, Duration) {
    let (_data, mut store) = open(path, options);
    let mut latencies = Vec::new();
    let began = Instant::now();
    while began.elapsed() < RUN {
        let next = store.history().config.last + 1;
        let batch = [entry(next, items)];
        let at = Instant::now();
        store.commit(&batch).expect("commits");
        latencies.push(at.elapsed());
    }
    let rate = latencies.len() as f64 / began.elapsed().as_secs_f64();
    latencies.sort_unstable();
    store.close().expect("closes");
    (rate, latencies[latencies.len() / 2], latencies[latencies.len() * 99 / 100])
}

/// Writers that do not wait: how many entries a second go through the thread.
fn grouped(path: &Path, options: Options) -> f64 {
    let (_data, store) = open(path, options);
    let mut next = store.history().config.last + 1;
    let (sent, completed) = channel();
    let thread = StorageThread::spawn(store, move |them| {
        let _ = sent.send(them.len() as u64);
    })
    .expect("a thread");
    let (began, mut waiting, mut done) = (Instant::now(), 0, 0);
    while began.elapsed() < RUN {
        while waiting < 512 {
            thread.handle().submit(next, vec![entry(next, 1)]).expect("there is room");
            (next, waiting) = (next + 1, waiting + 1);
        }
        let count = completed.recv().expect("the thread lives");
        waiting -= count;
        done += count;
    }
    let rate = done as f64 / began.elapsed().as_secs_f64();
    thread.close().expect("closes");
    rate
}

/// A second of live values at once: 50,000 entries over 1,000 tags in one append.
fn live(path: &Path, options: Options) -> f64 {
    let (_data, mut store) = open(path, options);
    let (began, mut done) = (Instant::now(), 0);
    while began.elapsed() < RUN {
        let entries = (0..50_000).map(|index| Entry {
            position: Position {
                epoch: Epoch { number: 1, tag: 0x9E37_79B9_7F4A_7C15 },
                sequence: done + index + 1,
            },
            changes: vec![Change::Set {
                item: ItemKey::new("tags", &format!("area/{}/value", index % 1_000)),
                value: Bytes::from_static(&[7; 24]),
            }],
            key: None,
            written_at: NodeTime(1_795_418_280_000),
            origin: None,
            chain: [0; 32],
        });
        let batch = [Op::Append { journal: JournalKind::Runtime, entries: entries.collect() }];
        store.commit(&batch).expect("commits");
        done += 50_000;
    }
    let rate = done as f64 / began.elapsed().as_secs_f64();
    store.close().expect("closes");
    rate
}

/// Fills about so many bytes of items, commits once more and dies without closing.
fn fill_and_die(path: &Path, options: Options, mib: u64) -> ! {
    let (_data, mut store) = open(path, options);
    for block in 0..mib * 1_024 {
        let sequence = block + 1;
        let changes = (0..4).map(|index| Change::Set {
            item: ItemKey::new("tags", &format!("area/{block}/{index}")),
            value: Bytes::from(vec![block as u8; 180]),
        });
        let entry = Entry {
            position: Position { epoch: Epoch { number: 1, tag: 7 }, sequence },
            changes: changes.collect(),
            key: None,
            written_at: NodeTime(0),
            origin: None,
            chain: [0; 32],
        };
        let ops: Vec<Op> = vec![Op::Append { journal: JournalKind::Runtime, entries: vec![entry] }];
        pending(&mut store, ops, block % 1_024 == 1_023);
    }
    std::process::abort();
}

fn pending(store: &mut EngineStore, ops: Vec<Op>, flush: bool) {
    use std::cell::RefCell;
    thread_local! { static WAITING: RefCell<Vec<Vec<Op>>> = const { RefCell::new(Vec::new()) } }
    WAITING.with_borrow_mut(|waiting| {
        waiting.push(ops);
        if flush {
            let group: Vec<&[Op]> = waiting.iter().map(Vec::as_slice).collect();
            assert!(store.commit_group(&group).iter().all(Result::is_ok));
            waiting.clear();
        }
    });
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().expect("a directory to write to");
    let mib: u64 = arguments.next().map_or(200, |it| it.parse().expect("MiB"));
    let directory = Path::new(&directory);
    if let Ok(way) = std::env::var(CHILD) {
        let way: usize = way.parse().expect("an index");
        fill_and_die(&directory.join(format!("big-{way}")), ways()[way].1, mib);
    }
    for round in 1..=ROUNDS {
        if mib == 0 {
            // Only what the processor costs.
            println!("{round}: {:.0} live entries/s", live(&directory.join("live"), ways()[0].1));
            std::fs::remove_dir_all(directory.join("live")).expect("removed");
            continue;
        }
        for (index, (name, options)) in ways().into_iter().enumerate() {
            let path = directory.join(format!("small-{round}-{index}"));
            for items in [1, 100] {
                let (rate, p50, p99) = one_by_one(&path, options, items);
                println!(
                    "{round} {name}: {items} items a commit: {rate:.0}/s, p50 {p50:.1?}, p99 {p99:.1?}"
                );
            }
            let rate = grouped(&path, options);
            println!("{round} {name}: through the thread, 512 waiting: {rate:.0} entries/s");
            let rate = live(&path, options);
            println!("{round} {name}: live values, 50,000 at once: {rate:.0} entries/s");
        }
    }
    if mib == 0 {
        return;
    }
    for (index, (name, options)) in ways().into_iter().enumerate() {
        let path = directory.join(format!("big-{index}"));
        let me = std::env::current_exe().expect("a path");
        let arguments = [directory.as_os_str().to_owned(), mib.to_string().into()];
        let began = Instant::now();
        let _ = Command::new(me).args(arguments).env(CHILD, index.to_string()).status();
        let filled = began.elapsed();
        let file = path.join("engines/main/replicated.redb");
        let size = std::fs::metadata(&file).expect("the file").len() >> 20;
        let began = Instant::now();
        let (data, store) = open(&path, options);
        let killed = began.elapsed();
        let began = Instant::now();
        let items = store.reader().load(1 << 20).expect("loads").runtime.items.len();
        let loaded = began.elapsed();
        store.close().expect("closes");
        drop(data);
        let began = Instant::now();
        let (_data, store) = open(&path, options);
        let clean = began.elapsed();
        store.close().expect("closes");
        println!(
            "{name}: {size} MiB written in {filled:.1?}; opened after a kill in {killed:.2?}, \
             {items} items loaded in {loaded:.2?}; opened after closing in {clean:.2?}"
        );
    }
}
