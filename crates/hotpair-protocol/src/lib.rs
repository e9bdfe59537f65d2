//! Messages between the two nodes in postcard: frames, limits, versions, golden bytes.
//!
//! Nothing that decides is a wire type: the node translates. Whatever arrives is bounded before it
//! is decoded, and refused when a byte is left over. Enums only ever grow at their end; what a
//! message means does not change: a new meaning is a new variant, used when both speak it.
//!
//! Banned on the wire, because postcard does not describe itself: `skip_serializing_if`, `default`,
//! `flatten`, `untagged`, maps, recursive types, elements without size.
//!
//! The modules below are in reading order.

#![warn(missing_docs)]

mod version;
mod bounded;
mod beat;
mod hello;
mod summary;
mod entry;
mod replica;
mod message;
mod compression;
mod frame;
mod fenced;

pub use beat::{Beat, Flags, Heard, Step, View};
pub use bounded::{Blob, List, Text, TooLong};
pub use entry::{
    Conflict, DivergenceId, DivergenceRecord, Entry, Fate, ITEMS_MAX, IdempotencyKey, KeptKey,
    OPS_MAX, Op, Record, Winning,
};
pub use fenced::{Fenced, FencedAnswer, SIGNATURE_BYTES};
pub use frame::{DecodeError, FRAME_BYTES_MAX, decode, encode};
pub use hello::{Hello, Refusal, SETTING_BYTES_MAX};
pub use message::Message;
pub use replica::{
    Comparison, Found, JournalHead, KeyRange, ModuleEntry, RangeDigest, ReplicaMessage, Scope,
    Session,
};
pub use summary::{PartnerSeen, Summary};
pub use version::{DATA_SCHEMA_VERSION, NoCommonVersion, VersionRange};

/// How many engines a node may run: their views share one datagram.
pub const ENGINES_MAX: usize = 8;

/// What every beat must fit into, in bytes: a QUIC datagram on a line whose size is not known yet.
pub const BEAT_BYTES_MAX: usize = 1162;
