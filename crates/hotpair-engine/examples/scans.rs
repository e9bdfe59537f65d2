//! What scans cost, in one thread, without journal, wire and disk:
//! `cargo run --release -p hotpair-engine --example scans`.
//!
//! Each figure is the median of several rounds, beside the same number of scans by a native object that only
//! counts, which is the price of the schedule, the unit and the checkpoint.
use hotpair_engine::alarms::Alarms;
use hotpair_engine::modules::{Budget, Module, ModuleProgram, attributes_of};
use hotpair_engine::objects::{
    Around, Begin, Checkpoints, Fault, MakeProgram, Native, NativeObject, ObjectDeclaration, Port,
    Runner, Scan,
};
use hotpair_engine::tags::Tags;
use hotpair_types::{Epoch, NodeTime, Position, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Rounds of each figure.
const ROUNDS: usize = 5;
const TANK_LEVEL: &[u8] = include_bytes!("../../../examples/modules/tank_level.wasm");
/// Fills so many pieces of 1 KiB with numbers that cannot be packed, in a memory of so many pages of 64 KiB.
fn sweeper(pages: u32, pieces: u32) -> String {
    let end = pieces * 1024;
    format!(
        r#"(module (memory (export "memory") {pages})
        (global $number (mut i64) (i64.const 88172645463325252))
        (func (export "hotpair_v1_scan") (local $at i32)
            (loop $next
                (global.set $number (i64.add
                    (i64.mul (global.get $number) (i64.const 6364136223846793005))
                    (i64.const 1442695040888963407)))
                (i64.store (local.get $at) (global.get $number))
                (local.set $at (i32.add (local.get $at) (i32.const 8)))
                (br_if $next (i32.lt_u (local.get $at) (i32.const {end}))))))"#
    )
}

#[derive(Serialize, Deserialize)]
struct Counter(i64);

impl NativeObject for Counter {
    const IDENTITY: &'static str = "counter/1";

    fn scan(&mut self, scan: &mut Scan<'_>) -> Result<(), Fault> {
        self.0 += 1;
        scan.set("count", self.0)
    }
}

/// One kind of object, and how many of them.
struct Case {
    name: &'static str,
    count: usize,
    /// Scans of all of them in one round.
    turns: usize,
    make: MakeProgram,
    document: String,
    ports: Vec<Port>,
}

/// What a round came to.
struct Round {
    scan: Duration,
    bytes: usize,
}

fn main() {
    let cases = [
        native(1_000, 10),
        module("1,000 PID controllers (tank_level.wasm)", 1_000, 10, TANK_LEVEL.to_vec(), TANK),
        swept("64 KiB of memory, 1 KiB of it changed", 100, 1, 1),
        swept("64 KiB of memory, all of it changed", 100, 1, 64),
        swept("4 MiB of memory, 1 KiB of it changed", 20, 64, 1),
        swept("4 MiB of memory, 1 MiB of it changed", 20, 64, 1_024),
    ];
    println!(
        "{:45} {:>12} {:>14} {:>22}",
        "", "one scan", "its checkpoint", "objects a core, 100 ms"
    );
    for case in cases {
        let mut rounds: Vec<Round> = (0..ROUNDS).map(|_| round(&case)).collect();
        rounds.sort_by_key(|it| it.scan);
        let Round { scan, bytes } = rounds[ROUNDS / 2];
        let a_core = Duration::from_millis(100).as_secs_f64() / scan.as_secs_f64();
        println!(
            "{:45} {:>9.1} us {:>8} bytes {:>22.0}",
            case.name,
            scan.as_secs_f64() * 1e6,
            bytes,
            a_core
        );
    }
}

const TANK: &str = r#"{"module": "m", "period": "100ms", "attributes": {
    "level": {"type": "float"}, "setpoint": {"type": "float", "initial": 2},
    "gain": {"type": "float", "initial": 120}, "reset_s": {"type": "float", "initial": 12},
    "rate_s": {"type": "float", "initial": 0.33}, "automatic": {"type": "bool", "initial": true},
    "manual": {"type": "float"}, "valve": {"type": "float"}, "deviation": {"type": "float"}},
    "inputs": {"level": "level"}}"#;
const EMPTY: &str = r#"{"module": "m", "period": "100ms"}"#;

fn native(count: usize, turns: usize) -> Case {
    let make: MakeProgram =
        Arc::new(|it| Ok(Box::new(Native::new(Arc::new(it.clone()), Counter(0)))));
    let document =
        r#"{"module": "m", "period": "100ms", "attributes": {"count": {"type": "int"}}}"#;
    let name = "1,000 native objects that count (beside)";
    Case { name, count, turns, make, document: document.to_owned(), ports: Vec::new() }
}

fn swept(name: &'static str, turns: usize, pages: u32, pieces: u32) -> Case {
    let bytes = wat::parse_str(sweeper(pages, pieces)).expect("the text of a module");
    module(name, 1, turns, bytes, EMPTY)
}

fn module(name: &'static str, count: usize, turns: usize, bytes: Vec<u8>, document: &str) -> Case {
    let module = Module::admit(&bytes).expect("a module that is admitted");
    let ports = attributes_of(&module);
    let make: MakeProgram = Arc::new(move |declaration| {
        Ok(Box::new(ModuleProgram::new(&module, Budget::default(), declaration)?))
    });
    Case { name, count, turns, make, document: document.to_owned(), ports }
}

/// All scans of a case, checkpoints committed; without the first, in which the objects are made.
fn round(case: &Case) -> Round {
    let tags = Tags::new();
    tags.config_changed("tags/level", Some(br#"{"type": "float", "initial": 1}"#)).expect("a tag");
    let checkpoints = Arc::new(Checkpoints::new());
    let mut now = Time::ZERO;
    let mut runner = Runner::new(now, checkpoints.clone(), Arc::new(Alarms::new()));
    let modules = BTreeMap::from([("m".into(), case.ports.clone())]);
    let around = Around { tags: &tags, modules: &modules, writers: &BTreeMap::new() };
    for number in 0..case.count {
        let name = format!("o{number:04}");
        let read = ObjectDeclaration::from_json(&name, case.document.as_bytes(), &around);
        runner.deploy(now, Arc::new(read.expect("a sound document")), case.make.clone());
    }
    let mut sequence = 0;
    let (mut took, mut bytes, mut scans) = (Duration::ZERO, 0, 0);
    while sequence < (case.count * (case.turns + 1)) as u64 {
        let begun = Instant::now();
        match runner.next(now) {
            Begin::Scan(job) => {
                let ended = job.run(NodeTime(1), &|path| tags.read(path));
                let unit = runner.ended(now, ended).expect("it was waited for");
                let posts = runner.posts(now, NodeTime(1), unit, &tags).expect("it can be posted");
                let size = posts
                    .checkpoint
                    .iter()
                    .map(|it| it.item.len() + it.value.as_ref().map_or(0, |it| it.len()));
                let size: usize = size.sum();
                sequence += 1;
                let position = Position { epoch: Epoch { number: 1, tag: 1 }, sequence };
                runner.posted(now, posts, Some(position)).expect("it was prepared");
                if sequence > case.count as u64 {
                    (took, bytes, scans) = (took + begun.elapsed(), bytes + size, scans + 1);
                }
            }
            Begin::Wait(at) => now = at,
            Begin::Idle => unreachable!("all objects are scheduled"),
        }
    }
    Round { scan: took / scans, bytes: bytes / scans as usize }
}
