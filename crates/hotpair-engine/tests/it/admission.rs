//! What is refused as a module, with every reason.
use crate::wat::{bytes, module};
use expect_test::{Expect, expect};
use hotpair_engine::modules::{Direction, Module, PortType, REFUSALS_MAX};
use hotpair_types::MODULE_BYTES_MAX;

const SOUND: &str = r#"(memory (export "memory") 1) (func (export "hotpair_v1_scan"))"#;

fn check(text: &str, expect: Expect) {
    check_bytes(&bytes(&format!("(module {text})")), expect);
}

fn check_bytes(bytes: &[u8], expect: Expect) {
    let said = match Module::admit(bytes) {
        Ok(_) => "admitted".to_owned(),
        Err(refused) => {
            let reasons: Vec<_> = refused.reasons().iter().map(ToString::to_string).collect();
            reasons.join("\n")
        }
    };
    expect.assert_eq(&said);
}

/// Beside what every module needs.
fn check_more(text: &str, expect: Expect) {
    check(&format!("{text} {SOUND}"), expect);
}

#[test]
fn a_module_that_does_nothing_is_admitted() {
    check(SOUND, expect!["admitted"]);
}

#[test]
fn what_is_not_a_module_is_refused() {
    check_bytes(b"", expect!["not a module that can be run: unexpected end-of-file, at byte 0"]);
    check_bytes(
        b"#!/bin/sh\n",
        expect![
            "not a module that can be run: magic header not detected: bad magic number - expected=[, at byte 0"
        ],
    );
    check_bytes(
        b"\0asm\x0d\0\x01\0",
        expect![
            "not a module that can be run: unknown binary version and encoding combination: 0xd and 0x1, note: encoded as a component but the WebAssembly component model feature is not enabled - enable the feature to allow component validation, at byte 0"
        ],
    );
    let mut cut = bytes(&format!("(module {SOUND})"));
    cut.truncate(cut.len() - 1);
    check_bytes(&cut, expect!["not a module that can be run: unexpected end-of-file, at byte 57"]);
    check_bytes(
        &vec![0; MODULE_BYTES_MAX + 1],
        expect!["16777217 bytes; a module has at most 16777216"],
    );
}

#[test]
fn features_that_are_not_run_are_refused() {
    let shared = r#"(memory (export "memory") 1 1 shared) (func (export "hotpair_v1_scan"))"#;
    check(
        shared,
        expect![
            "not a module that can be run: threads must be enabled for shared memories, at byte 21"
        ],
    );
    check_more(
        "(func (drop (v128.const i32x4 0 0 0 0)))",
        expect!["not a module that can be run: unexpected SIMD opcode: 0xfd, at byte 59"],
    );
    check_more(
        r#"(memory 1)"#,
        expect!["not a module that can be run: multiple memories, at byte 20"],
    );
    check_more(
        "(func $f return_call $f)",
        expect!["not a module that can be run: tail calls support is not enabled, at byte 59"],
    );
}

#[test]
fn what_cannot_be_imported_is_named() {
    check_more(
        r#"(import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))
           (import "hotpair_v1" "open" (func))
           (import "hotpair_v1" "read_int" (func (param i32) (result f64)))
           (import "env" "memory" (global i32))"#,
        expect![[r#"
            imports function `random_get` from `wasi_snapshot_preview1`; only functions of `hotpair_v1` can be had: read_bool, read_int, read_float, quality, write_bool, write_int, write_float, write_quality, scan_number, elapsed_us, time_ms, log, fail
            imports function `open` from `hotpair_v1`; only functions of `hotpair_v1` can be had: read_bool, read_int, read_float, quality, write_bool, write_int, write_float, write_quality, scan_number, elapsed_us, time_ms, log, fail
            imports `read_int` as (i32) -> (f64); it is (i32) -> (i64)
            imports global `memory` from `env`; only functions of `hotpair_v1` can be had: read_bool, read_int, read_float, quality, write_bool, write_int, write_float, write_quality, scan_number, elapsed_us, time_ms, log, fail"#]],
    );
}

#[test]
fn what_must_be_exported_is_named() {
    check(
        "",
        expect![[r#"
        exports no function `hotpair_v1_scan`
        exports no memory `memory`"#]],
    );
    check(
        r#"(memory (export "memory") 1) (func (export "hotpair_v1_scan") (param i32))"#,
        expect!["exports `hotpair_v1_scan` as (i32) -> (); it is () -> ()"],
    );
    check(
        r#"(memory (export "memory") 1) (func (export "hotpair_v2_scan"))"#,
        expect!["made for version 2 of the interface; this release runs 1"],
    );
}

#[test]
fn no_code_runs_outside_of_scans() {
    check_more("(func $f) (start $f)", expect!["has a start function; code runs in scans alone"]);
}

#[test]
fn state_that_could_not_be_replicated_is_refused() {
    check_more(
        r#"(import "hotpair_v1" "elapsed_us" (func (result i64)))
           (table 4 funcref) (elem $e func 0) (data $d "soup")
           (global (mut funcref) (ref.null func))
           (func (table.set (i32.const 0) (ref.null func)))
           (func (drop (table.grow (ref.null func) (i32.const 1))))
           (func (table.fill (i32.const 0) (ref.null func) (i32.const 1)))
           (func (table.copy (i32.const 0) (i32.const 1) (i32.const 1)))
           (func (table.init $e (i32.const 0) (i32.const 0) (i32.const 1)))
           (func (elem.drop $e) (data.drop $d))
           (func (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)))"#,
        expect![[r#"
            global 0 is a reference that can change: it could not be replicated
            function 1 has `table.set`: what it changes could not be replicated
            function 2 has `table.grow`: what it changes could not be replicated
            function 3 has `table.fill`: what it changes could not be replicated
            function 4 has `table.copy`: what it changes could not be replicated
            function 5 has `table.init`: what it changes could not be replicated
            function 6 has `elem.drop`: what it changes could not be replicated
            function 6 has `data.drop`: what it changes could not be replicated
            function 7 has `memory.init`: what it changes could not be replicated"#]],
    );
    check_more(
        r#"(global (export "__hp_g0") i32 (i32.const 1))"#,
        expect!["exports `__hp_g0`; names that begin with `__hp_` are reserved"],
    );
}

#[test]
fn too_much_of_anything_is_refused() {
    check(
        r#"(memory (export "memory") 129) (func (export "hotpair_v1_scan"))"#,
        expect!["begins with 8454144 bytes of memory; 8388608 are possible"],
    );
    check_more(
        "(table 5001 funcref) (table 5000 funcref)",
        expect!["has tables of 10001 elements; 10000 are possible"],
    );
    let globals = "(global (mut i32) (i32.const 0))".repeat(257);
    check_more(&globals, expect!["has 257 globals that can change; 256 are possible"]);
    check_more(
        &"(func)".repeat(10_001),
        expect!["cannot be compiled: the Wasm modules exceeds the limit of 10000 functions"],
    );
}

#[test]
fn as_many_reasons_are_given_as_a_person_reads() {
    let text = format!("(module {} {SOUND})", r#"(import "env" "f" (func))"#.repeat(25));
    let refused = Module::admit(&bytes(&text)).unwrap_err();
    assert_eq!(refused.reasons().len(), REFUSALS_MAX);
    assert!(refused.to_string().ends_with("; and 5 more"), "{refused}");
}

#[test]
fn names_of_a_module_do_not_control_a_terminal() {
    let name = r"\1b[2J".to_owned() + &"x".repeat(200);
    let text = format!(r#"(module (import "{name}" "f" (func)) {SOUND})"#);
    let said = Module::admit(&bytes(&text)).unwrap_err().to_string();
    assert!(said.contains(r"\u{1b}[2J") && !said.contains('\u{1b}'), "{said}");
    assert!(said.len() < 400, "{said}");
}

fn with_ports(declaration: &str) -> String {
    format!(r#"(@custom "hotpair_v1_ports" "{declaration}")"#)
}

#[test]
fn ports_are_read_as_they_are_declared() {
    let ports = with_ports(r"in level float\0a\0aout  high.alarm bool\0ain\09count int");
    let module = module(&format!("(module {ports} {SOUND})"));
    let ports: Vec<_> =
        module.ports().iter().map(|it| (it.direction, &*it.name, it.of_type)).collect();
    assert_eq!(
        ports,
        [
            (Direction::In, "level", PortType::Float),
            (Direction::Out, "high.alarm", PortType::Bool),
            (Direction::In, "count", PortType::Int),
        ]
    );
}

#[test]
fn ports_that_cannot_be_read_are_refused_with_their_line() {
    let check = |declaration: &str, expect| check_more(&with_ports(declaration), expect);
    check(
        r"in a bool\0ain b text",
        expect![
            "declares its ports wrongly: line 2 is `in b text`; a line is `in` or `out`, a name and one of bool, int, float"
        ],
    );
    check(
        r"inout a bool",
        expect![
            "declares its ports wrongly: line 1 is `inout a bool`; a line is `in` or `out`, a name and one of bool, int, float"
        ],
    );
    check(
        r"in \1b bool",
        expect![[
            r#"declares its ports wrongly: line 1: `\u{1b}` is no name; 1 to 64 of a-z, A-Z, 0-9, `_`, `-`, `.` are needed"#
        ]],
    );
    check(
        r"in a bool\0aout a int",
        expect!["declares its ports wrongly: line 2: there is a port `a` already"],
    );
    check(r"in a\ff", expect!["declares its ports wrongly: not UTF-8 after byte 4"]);
    let many: String = (0..257).map(|it| format!(r"in p{it} int\0a")).collect();
    check(&many, expect!["declares its ports wrongly: more than 256 ports"]);
    let long = "x".repeat(64 * 1024 + 1);
    check(&long, expect!["declares its ports wrongly: 65537 bytes; 65536 are possible"]);
    let twice = [with_ports("in a int"), with_ports("in b int")].concat();
    check_more(&twice, expect!["declares its ports more than once"]);
}

#[test]
fn the_hash_is_that_of_the_bytes() {
    let bytes = bytes(&format!("(module {SOUND})"));
    let module = Module::admit(&bytes).unwrap();
    assert_eq!(module.hash().to_string(), blake3::hash(&bytes).to_hex().as_str());
}
