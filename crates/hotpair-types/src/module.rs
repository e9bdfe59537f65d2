//! How large a code module can be, for whoever takes, keeps, carries or runs it.

/// The largest code module, in bytes: 16 MiB.
pub const MODULE_BYTES_MAX: usize = 16 << 20;
