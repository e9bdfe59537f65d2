//! Modules in WebAssembly's text format, for the tests.
use hotpair_engine::modules::{Budget, Input, Inputs, Instance, Module};
use hotpair_engine::tags::{Quality, Value};
use hotpair_types::NodeTime;

/// The bytes of a module.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    ::wat::parse_str(text).unwrap()
}

/// A module that is admitted.
pub(crate) fn module(text: &str) -> Module {
    Module::admit(&bytes(text)).unwrap()
}

/// A module whose scan is this code, with one input and one output of each type.
pub(crate) fn scanning(code: &str) -> Module {
    module(&format!(
        r#"(module {IMPORTS} {PORTS}
            (memory (export "memory") 1)
            (global $count (mut i64) (i64.const 0))
            (data (i32.const 2048) "soup")
            (func (export "hotpair_v1_scan") {code}))"#
    ))
}

pub(crate) fn instance(code: &str) -> Instance {
    Instance::new(&scanning(code), Budget::default()).unwrap()
}

/// Ports 0 to 5.
const PORTS: &str = r#"(@custom "hotpair_v1_ports"
    "in run bool\nin pulses int\nin level float\nout pump bool\nout total int\nout valve float\n")"#;

const IMPORTS: &str = r#"
    (import "hotpair_v1" "read_bool" (func $read_bool (param i32) (result i32)))
    (import "hotpair_v1" "read_int" (func $read_int (param i32) (result i64)))
    (import "hotpair_v1" "read_float" (func $read_float (param i32) (result f64)))
    (import "hotpair_v1" "quality" (func $quality (param i32) (result i32)))
    (import "hotpair_v1" "write_bool" (func $write_bool (param i32 i32)))
    (import "hotpair_v1" "write_int" (func $write_int (param i32 i64)))
    (import "hotpair_v1" "write_float" (func $write_float (param i32 f64)))
    (import "hotpair_v1" "write_quality" (func $write_quality (param i32 i32)))
    (import "hotpair_v1" "scan_number" (func $scan_number (result i64)))
    (import "hotpair_v1" "elapsed_us" (func $elapsed_us (result i64)))
    (import "hotpair_v1" "time_ms" (func $time_ms (result i64)))
    (import "hotpair_v1" "log" (func $log (param i32 i32)))
    (import "hotpair_v1" "fail" (func $fail (param i32 i32)))"#;

pub(crate) fn input(value: impl Into<Value>) -> Input {
    Input { value: Some(value.into()), quality: Quality::Good }
}

/// Without values.
pub(crate) const NOTHING: Inputs<'static> = Inputs { ports: &[], elapsed_us: 0, time: NodeTime(0) };
