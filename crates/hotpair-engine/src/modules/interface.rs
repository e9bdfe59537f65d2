//! The names and types through which a module and its node meet: version 1, and nothing else.
use wasmparser::ValType;

/// The version of the interface that this release runs.
pub const INTERFACE_VERSION: u32 = 1;

/// Where a module imports from.
pub(super) const IMPORTS_FROM: &str = "hotpair_v1";
/// What it exports: one scan, without parameters and results.
pub(super) const SCAN: &str = "hotpair_v1_scan";
/// What it exports, too: its only memory.
pub(super) const MEMORY: &str = "memory";
/// The custom section that declares its ports.
pub(super) const PORTS_SECTION: &str = "hotpair_v1_ports";
/// Exports that begin so are made by admission.
pub(super) const RESERVED_PREFIX: &str = "__hp_";

use ValType::{F64, I32, I64};

/// A function that a module may import.
pub(super) struct Import {
    pub(super) name: &'static str,
    pub(super) params: &'static [ValType],
    pub(super) results: &'static [ValType],
}

/// All of them. `host.rs` has their bodies; there is no other way out of a module.
pub(super) const IMPORTS: &[Import] = &[
    Import { name: "read_bool", params: &[I32], results: &[I32] },
    Import { name: "read_int", params: &[I32], results: &[I64] },
    Import { name: "read_float", params: &[I32], results: &[F64] },
    Import { name: "quality", params: &[I32], results: &[I32] },
    Import { name: "write_bool", params: &[I32, I32], results: &[] },
    Import { name: "write_int", params: &[I32, I64], results: &[] },
    Import { name: "write_float", params: &[I32, F64], results: &[] },
    Import { name: "write_quality", params: &[I32, I32], results: &[] },
    Import { name: "scan_number", params: &[], results: &[I64] },
    Import { name: "elapsed_us", params: &[], results: &[I64] },
    Import { name: "time_ms", params: &[], results: &[I64] },
    Import { name: "log", params: &[I32, I32], results: &[] },
    Import { name: "fail", params: &[I32, I32], results: &[] },
];

/// The version in the name of a scan, `hotpair_v<version>_scan`.
pub(super) fn scan_version(export: &str) -> Option<u32> {
    export.strip_prefix("hotpair_v")?.strip_suffix("_scan")?.parse().ok()
}
