//! Measures the sandbox: admission, a scan with its changes, a restore, and what fuel costs.
//!
//! `cargo run --release -p hotpair-engine --example scans`. Each figure is the least of five rounds.
use hotpair_engine::modules::{
    Budget, FUEL_DEFAULT, Input, Inputs, Instance, MEMORY_BYTES_MAX, Module,
};
use hotpair_engine::tags::{Quality, Value};
use hotpair_types::NodeTime;
use std::time::Instant;

const ROUNDS: usize = 5;

fn main() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/modules/");
    for name in ["tank_level", "pump_sequence", "totaliser"] {
        let bytes = std::fs::read(format!("{folder}{name}.wasm")).expect("it is in the tree");
        let admitted = least(100, || drop(Module::admit(&bytes).expect("it is sound")));
        let module = Module::admit(&bytes).expect("it is sound");
        println!("{name}: {} bytes, admitted in {admitted:.1} us", bytes.len());
        scans(&module, Budget::default());
    }
    for pages in [1_usize, 16, 64, 128] {
        let text = format!(
            r#"(module (memory (export "memory") {pages}) (func (export "hotpair_v1_scan")
                (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))))"#
        );
        let module = Module::admit(&wat::parse_str(text).expect("text")).expect("it is sound");
        println!("one word changes in {} KiB of memory", pages * 64);
        scans(&module, Budget::new(FUEL_DEFAULT, MEMORY_BYTES_MAX));
    }
    fuel("integers", "(local.set $x (i32.mul (local.get $x) (i32.const 1664525)))");
    fuel("loads", "(local.set $x (i32.load (i32.and (local.get $x) (i32.const 0xfff0))))");
    fuel("calls of the node", "(drop (call $elapsed_us))");
    fuel("memory.fill", "(memory.fill (i32.const 0) (i32.const 1) (i32.const 65536))");
    large();
}

/// Microseconds of one call.
fn least(calls: u32, mut call: impl FnMut()) -> f64 {
    let mut round = || {
        let begun = Instant::now();
        (0..calls).for_each(|_| call());
        begun.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
    };
    (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)
}

fn scans(module: &Module, budget: Budget) {
    let mut instance = Instance::new(module, budget).expect("it begins");
    let one = Input { value: Some(Value::Int(1)), quality: Quality::Good };
    let ports = vec![one; module.ports().len()];
    let inputs = Inputs { ports: &ports, elapsed_us: 100_000, time: NodeTime(0) };
    let mut last = None;
    let scan = least(2_000, || last = Some(instance.scan(&inputs)));
    let (fuel, items) = match last {
        Some(Ok(scan)) => (scan.fuel, scan.changes.items()),
        other => return println!("  a scan that faults: {scan:.2} us ({other:?})"),
    };
    let bytes: usize = items.iter().map(|(item, value)| item.len() + value.len()).sum();
    let state = instance.state().expect("it was scanned");
    let restored =
        least(50, || drop(Instance::restore(module, budget, &state).expect("its own state")));
    println!("  a scan with its changes: {scan:.2} us, {fuel} fuel, {bytes} bytes to the partner");
    println!("  restored in {restored:.1} us");
}

fn fuel(what: &str, code: &str) {
    let text = format!(
        r#"(module (import "hotpair_v1" "elapsed_us" (func $elapsed_us (result i64)))
            (memory (export "memory") 1) (func (export "hotpair_v1_scan") (local $x i32)
                (loop $l {code} (br $l))))"#
    );
    let module = Module::admit(&wat::parse_str(text).expect("text")).expect("it is sound");
    let mut instance = Instance::new(&module, Budget::default()).expect("it begins");
    let inputs = Inputs { ports: &[], elapsed_us: 0, time: NodeTime(0) };
    let stopped = least(1, || drop(instance.scan(&inputs).expect_err("it loops for ever")));
    println!("a loop of {what} is stopped after {:.1} ms of {FUEL_DEFAULT} fuel", stopped / 1e3);
}

/// A module of nearly the largest size, all of it code.
fn large() {
    let body = "(drop (i32.add (i32.const 1) (i32.const 2)))".repeat(1_000);
    let function = format!("(func {body})");
    let text = format!(
        r#"(module (memory (export "memory") 1) (func (export "hotpair_v1_scan")) {})"#,
        function.repeat(2_600)
    );
    let bytes = wat::parse_str(text).expect("text");
    let admitted = least(1, || drop(Module::admit(&bytes).expect("it is sound")));
    println!("{} bytes of code are admitted in {:.0} ms", bytes.len(), admitted / 1e3);
}
