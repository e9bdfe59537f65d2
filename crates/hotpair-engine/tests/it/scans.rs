//! One scan: inputs in, outputs out, stopped by its budget; whole or not at all.
use crate::wat::{NOTHING, input, instance, module};
use expect_test::{Expect, expect};
use hotpair_engine::modules::{Budget, Fault, Input, Inputs, Instance, Scan};
use hotpair_engine::tags::Quality;
use hotpair_types::NodeTime;

fn shown(scan: &Scan) -> String {
    let output = |it: &hotpair_engine::modules::Output| {
        format!("{}={} {}", it.port, it.value, it.quality.id())
    };
    scan.outputs.iter().map(output).collect::<Vec<_>>().join(", ")
}

fn check_fault(code: &str, id: &str, expect: Expect) {
    let mut instance = instance(code);
    let fault = instance.scan(&NOTHING).unwrap_err();
    expect.assert_eq(&fault.to_string());
    assert_eq!(fault.id(), id);
    assert_eq!(instance.scans(), 0, "a scan that faults is none");
}

const COPY: &str = "
    (call $write_bool (i32.const 3) (call $read_bool (i32.const 0)))
    (call $write_int (i32.const 4) (i64.add (call $read_int (i32.const 1)) (i64.const 1)))
    (call $write_float (i32.const 5) (f64.mul (call $read_float (i32.const 2)) (f64.const 2)))
    (call $write_quality (i32.const 5) (call $quality (i32.const 2)))";

#[test]
fn inputs_are_read_and_outputs_written() {
    let mut instance = instance(COPY);
    let mut scan = |ports: &[Input]| {
        let inputs = Inputs { ports, ..NOTHING };
        shown(&instance.scan(&inputs).unwrap())
    };
    assert_eq!(scan(&[input(true), input(41), input(1.25)]), "3=true good, 4=42 good, 5=2.5 good");
    assert_eq!(scan(&[]), "3=false good, 4=1 good, 5=0.0 bad", "none of them has a value");
    assert_eq!(
        scan(&[input("x"), input(0.5), input(3)]),
        "3=false good, 4=1 good, 5=6.0 good",
        "an int is taken for a float, nothing else for another type"
    );
    let doubtful = Input { quality: Quality::Uncertain, ..input(1.0) };
    assert_eq!(scan(&[input(true), input(1), doubtful]), "3=true good, 4=2 good, 5=2.0 uncertain");
}

#[test]
fn the_last_value_of_an_output_counts() {
    let mut instance = instance(
        "(call $write_int (i32.const 4) (i64.const 1))
         (call $write_quality (i32.const 4) (i32.const 1))
         (call $write_int (i32.const 4) (i64.const 2))",
    );
    assert_eq!(shown(&instance.scan(&NOTHING).unwrap()), "4=2 uncertain");
}

#[test]
fn time_is_what_the_node_says() {
    let mut instance = instance(
        "(call $write_int (i32.const 4) (i64.add (call $scan_number)
            (i64.add (call $elapsed_us) (call $time_ms))))",
    );
    let inputs = Inputs { ports: &[], elapsed_us: 100, time: NodeTime(1_000_000) };
    assert_eq!(shown(&instance.scan(&inputs).unwrap()), "4=1000100 good");
    assert_eq!(shown(&instance.scan(&inputs).unwrap()), "4=1000101 good");
}

#[test]
fn what_loops_for_ever_is_stopped() {
    check_fault(
        "(loop $l (br $l))",
        "out-of-fuel",
        expect!["used its 10000000 units of fuel and was not done"],
    );
    check_fault(
        "(loop $l (drop (call $elapsed_us)) (br $l))",
        "out-of-fuel",
        expect!["used its 10000000 units of fuel and was not done"],
    );
    check_fault(
        "(loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $l))",
        "out-of-fuel",
        expect!["used its 10000000 units of fuel and was not done"],
    );
}

#[test]
fn what_traps_says_why() {
    let trap = |code, expect| check_fault(code, "trap", expect);
    trap("unreachable", expect!["trapped: wasm `unreachable` instruction executed"]);
    trap(
        "(drop (i32.div_s (i32.const 1) (i32.const 0)))",
        expect!["trapped: integer divide by zero"],
    );
    trap("(drop (i32.load (i32.const 65536)))", expect!["trapped: out of bounds memory access"]);
    let deep = module(
        r#"(module (memory (export "memory") 1) (func $f (export "hotpair_v1_scan") (call $f)))"#,
    );
    let fault = Instance::new(&deep, Budget::default()).unwrap().scan(&NOTHING).unwrap_err();
    assert_eq!(fault.to_string(), "trapped: call stack exhausted");
}

#[test]
fn memory_grows_up_to_the_budget() {
    let code = "(drop (memory.grow (i32.const 64)))";
    check_fault(
        code,
        "memory-limit",
        expect!["wanted 4259840 bytes of memory; 4194304 are allowed"],
    );
    let mut more = Instance::new(&crate::wat::scanning(code), Budget::new(1_000_000, 5 << 20));
    assert_eq!(more.as_mut().unwrap().scan(&NOTHING).unwrap().changes.pages, 65);
    // Its own limit is not ours: the module is told, and goes on.
    let own = module(
        r#"(module (memory (export "memory") 1 2) (func (export "hotpair_v1_scan")
            (if (i32.ne (memory.grow (i32.const 2)) (i32.const -1)) (then unreachable))))"#,
    );
    let mut own = Instance::new(&own, Budget::default()).unwrap();
    assert_eq!(own.scan(&NOTHING).unwrap().changes.pages, 1);
    let large =
        module(r#"(module (memory (export "memory") 2) (func (export "hotpair_v1_scan")))"#);
    let fault = Instance::new(&large, Budget::new(1_000, 65_536)).unwrap_err();
    assert_eq!(fault.to_string(), "wanted 131072 bytes of memory; 65536 are allowed");
}

#[test]
fn a_port_is_used_as_it_is_declared() {
    let port = |code, expect| check_fault(code, "bad-port", expect);
    port(
        "(drop (call $read_int (i32.const 6)))",
        expect!["called `read_int` with port 6: it has 6 ports"],
    );
    port(
        "(drop (call $quality (i32.const -1)))",
        expect!["called `quality` with port -1: it has 6 ports"],
    );
    port(
        "(drop (call $read_int (i32.const 2)))",
        expect!["called `read_int` with port 2: `level` is `in float`"],
    );
    port(
        "(call $write_float (i32.const 2) (f64.const 1))",
        expect!["called `write_float` with port 2: `level` is `in float`"],
    );
    port(
        "(call $write_quality (i32.const 3) (i32.const 1))",
        expect!["called `write_quality` with port 3: no value was written to it in this scan"],
    );
    check_fault(
        "(call $write_float (i32.const 5) (f64.div (f64.const 1) (f64.const 0)))",
        "not-finite",
        expect!["wrote inf to port `valve`: not a finite number"],
    );
    check_fault(
        "(call $write_int (i32.const 4) (i64.const 1))
         (call $write_quality (i32.const 4) (i32.const 3))",
        "bad-quality",
        expect!["called `write_quality` with 3; 0 is good, 1 uncertain, 2 bad"],
    );
}

#[test]
fn a_module_says_something_and_gives_up() {
    check_fault("(call $fail (i32.const 2048) (i32.const 4))", "failed", expect!["failed: soup"]);
    check_fault(
        "(call $log (i32.const 65535) (i32.const 2))",
        "bad-text",
        expect!["called `log` with 2 bytes at 65535, outside of its memory"],
    );
    check_fault(
        "(call $fail (i32.const -1) (i32.const -1))",
        "bad-text",
        expect!["called `fail` with 4294967295 bytes at 4294967295, outside of its memory"],
    );
    let mut talking = instance(
        "(local $i i32) (i32.store8 (i32.const 2050) (i32.const 27))
         (loop $l (call $log (i32.const 2048) (i32.const 60000))
            (br_if $l (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20))))",
    );
    let scan = talking.scan(&NOTHING).unwrap();
    assert_eq!((scan.said.lines.len(), scan.said.left_out), (16, 4));
    assert!(scan.said.lines[0].starts_with(r"so\u{1b}p\u{0}"), "{}", scan.said.lines[0]);
}

#[test]
fn a_scan_that_faults_changes_nothing() {
    // Counts in memory and in a global, grows memory, and faults in its third scan.
    let code = "
        (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
        (global.set $count (i64.add (global.get $count) (i64.const 1)))
        (call $write_int (i32.const 4) (i64.add (global.get $count)
            (i64.extend_i32_u (i32.load (i32.const 64)))))
        (if (call $read_bool (i32.const 0)) (then (drop (memory.grow (i32.const 3))) unreachable))";
    let (mut one, mut other) = (instance(code), instance(code));
    let faulting = Inputs { ports: &[input(true)], ..NOTHING };
    for _ in 0..2 {
        one.scan(&NOTHING).unwrap();
        other.scan(&NOTHING).unwrap();
    }
    assert!(matches!(one.scan(&faulting), Err(Fault::Trap { .. })));
    assert_eq!(one.state(), other.state());
    let scan = one.scan(&NOTHING).unwrap();
    assert_eq!(shown(&scan), "4=6 good");
    assert_eq!(scan, other.scan(&NOTHING).unwrap());
}

#[test]
fn the_same_fuel_is_used_for_the_same_work() {
    let mut instance = instance(COPY);
    let fuel: Vec<_> = (0..3).map(|_| instance.scan(&NOTHING).unwrap().fuel).collect();
    assert_eq!(fuel, [fuel[0]; 3]);
    assert!((150..400).contains(&fuel[0]), "{fuel:?}");
}

#[test]
fn what_is_no_number_has_the_same_bits_everywhere() {
    // 0 / 0 is negative on x86 and positive on ARM, where nobody cares.
    let mut instance = instance(
        "(call $write_int (i32.const 4)
            (i64.reinterpret_f64 (f64.div (f64.const 0) (call $read_float (i32.const 2)))))",
    );
    assert_eq!(shown(&instance.scan(&NOTHING).unwrap()), format!("4={} good", 0x7ff8_i64 << 48));
}
