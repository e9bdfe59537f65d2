//! What a code module of hotpair sees, for Rust: version 1 of the interface. A file to copy, no crate.
//!
//! docs/writing-a-module.md tells what each function means. Compiled for the host instead of
//! `wasm32`, the node is played by [`host`], so that a scan can be tested with `rustc --test`.
#![allow(dead_code, reason = "a module uses what it needs")]

use core::cell::Cell;

/// How far a value can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    Good = 0,
    Uncertain = 1,
    Bad = 2,
}

impl Quality {
    fn from_number(number: i32) -> Self {
        match number {
            0 => Self::Good,
            1 => Self::Uncertain,
            _ => Self::Bad,
        }
    }
}

#[cfg(target_arch = "wasm32")]
mod host {
    #[link(wasm_import_module = "hotpair_v1")]
    unsafe extern "C" {
        pub safe fn read_bool(port: i32) -> i32;
        pub safe fn read_int(port: i32) -> i64;
        pub safe fn read_float(port: i32) -> f64;
        pub safe fn quality(port: i32) -> i32;
        pub safe fn write_bool(port: i32, value: i32);
        pub safe fn write_int(port: i32, value: i64);
        pub safe fn write_float(port: i32, value: f64);
        pub safe fn write_quality(port: i32, quality: i32);
        pub safe fn scan_number() -> i64;
        pub safe fn elapsed_us() -> i64;
        pub safe fn time_ms() -> i64;
        #[link_name = "log"]
        safe fn log_at(at: *const u8, bytes: usize);
        #[link_name = "fail"]
        safe fn fail_at(at: *const u8, bytes: usize);
    }

    // The node reads the text and keeps nothing of it; outside of memory it stops the scan.
    pub fn log(text: &str) {
        log_at(text.as_ptr(), text.len());
    }

    pub fn fail(text: &str) -> ! {
        fail_at(text.as_ptr(), text.len());
        core::arch::wasm32::unreachable()
    }
}

/// The node's side for tests: set what is read, look at what was written.
#[cfg(not(target_arch = "wasm32"))]
pub mod host {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    #[derive(Clone, Copy, Debug, PartialEq)]
    pub enum Value {
        Bool(bool),
        Int(i64),
        Float(f64),
    }

    #[derive(Clone, Debug, Default)]
    pub struct Node {
        pub inputs: BTreeMap<i32, (Value, i32)>,
        pub outputs: BTreeMap<i32, (Value, i32)>,
        pub scan_number: i64,
        pub elapsed_us: i64,
        pub time_ms: i64,
        pub log: Vec<String>,
    }

    thread_local! { pub static NODE: RefCell<Node> = RefCell::default(); }

    pub fn node<T>(f: impl FnOnce(&mut Node) -> T) -> T {
        NODE.with_borrow_mut(f)
    }

    fn input(port: i32) -> Option<Value> {
        node(|it| it.inputs.get(&port).map(|it| it.0))
    }

    fn output(port: i32, value: Value) {
        node(|it| it.outputs.insert(port, (value, 0)));
    }

    pub fn read_bool(port: i32) -> i32 {
        input(port).map_or(0, |it| {
            let Value::Bool(it) = it else { panic!("port {port} is no bool") };
            it.into()
        })
    }

    pub fn read_int(port: i32) -> i64 {
        input(port).map_or(0, |it| {
            let Value::Int(it) = it else { panic!("port {port} is no int") };
            it
        })
    }

    pub fn read_float(port: i32) -> f64 {
        input(port).map_or(0.0, |it| {
            let Value::Float(it) = it else { panic!("port {port} is no float") };
            it
        })
    }

    pub fn quality(port: i32) -> i32 {
        node(|it| it.inputs.get(&port).map_or(2, |it| it.1))
    }

    pub fn write_bool(port: i32, value: i32) {
        output(port, Value::Bool(value != 0));
    }

    pub fn write_int(port: i32, value: i64) {
        output(port, Value::Int(value));
    }

    pub fn write_float(port: i32, value: f64) {
        assert!(value.is_finite(), "{value} written to port {port}");
        output(port, Value::Float(value));
    }

    pub fn write_quality(port: i32, quality: i32) {
        node(|it| it.outputs.get_mut(&port).expect("a value was written").1 = quality);
    }

    pub fn scan_number() -> i64 {
        node(|it| it.scan_number)
    }

    pub fn elapsed_us() -> i64 {
        node(|it| it.elapsed_us)
    }

    pub fn time_ms() -> i64 {
        node(|it| it.time_ms)
    }

    pub fn log(text: &str) {
        node(|it| it.log.push(text.to_owned()));
    }

    pub fn fail(text: &str) -> ! {
        panic!("failed: {text}")
    }
}

/// An input or output, by its place in the declaration.
#[derive(Clone, Copy, Debug)]
pub struct Port(pub i32);

impl Port {
    pub fn bool(self) -> bool {
        host::read_bool(self.0) != 0
    }

    pub fn int(self) -> i64 {
        host::read_int(self.0)
    }

    pub fn float(self) -> f64 {
        host::read_float(self.0)
    }

    pub fn quality(self) -> Quality {
        Quality::from_number(host::quality(self.0))
    }

    pub fn set_bool(self, value: bool) {
        host::write_bool(self.0, value.into());
    }

    pub fn set_int(self, value: i64) {
        host::write_int(self.0, value);
    }

    pub fn set_float(self, value: f64) {
        host::write_float(self.0, value);
    }

    /// Of a value that was set in this scan.
    pub fn set_quality(self, quality: Quality) {
        host::write_quality(self.0, quality as i32);
    }
}

pub fn scan_number() -> i64 {
    host::scan_number()
}

pub fn elapsed_us() -> i64 {
    host::elapsed_us()
}

pub fn time_ms() -> i64 {
    host::time_ms()
}

pub fn log(text: &str) {
    host::log(text);
}

pub fn fail(text: &str) -> ! {
    host::fail(text)
}

/// A static that is kept from scan to scan, and goes on at the partner.
pub struct Kept<T>(Cell<T>);

// A module has one thread.
unsafe impl<T> Sync for Kept<T> {}

impl<T: Copy> Kept<T> {
    pub const fn new(value: T) -> Self {
        Self(Cell::new(value))
    }

    pub fn get(&self) -> T {
        self.0.get()
    }

    pub fn set(&self, value: T) {
        self.0.set(value);
    }
}

/// Declares the ports: `ports! { in LEVEL "level" float, out VALVE "valve" float }`.
#[macro_export]
macro_rules! ports {
    ($($direction:tt $number:ident $name:literal $of_type:ident),+ $(,)?) => {
        const PORTS_TEXT: &str =
            concat!($(stringify!($direction), " ", $name, " ", stringify!($of_type), "\n"),+);
        #[cfg_attr(target_arch = "wasm32", unsafe(link_section = "hotpair_v1_ports"))]
        #[used]
        static PORTS: [u8; PORTS_TEXT.len()] = {
            let mut bytes = [0; PORTS_TEXT.len()];
            bytes.copy_from_slice(PORTS_TEXT.as_bytes());
            bytes
        };
        $crate::ports!(@ 0; $($number)+);
    };
    (@ $place:expr; $number:ident $($rest:ident)*) => {
        const $number: $crate::hotpair::Port = $crate::hotpair::Port($place);
        $crate::ports!(@ $place + 1; $($rest)*);
    };
    (@ $place:expr;) => {};
}
