//! How keys and records look on disk. Own types, a version byte in each record; changing one
//! layout means another version here, never another meaning of the same bytes.

pub(crate) mod key;
mod divergence;
mod entry;
mod role_change;

pub(crate) use entry::{StoredHead, read_entries, read_item, write_entries, write_item};

use bytes::Bytes;
use hotpair_types::{Epoch, NodeTime, Position};
use serde::{Deserialize, Serialize};

/// The version in the first byte of each record.
const RECORD_VERSION: u8 = 1;

/// A body that our checksum vouches for, and that still cannot be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unreadable;

/// A record type: the one place that knows how it is written and read.
pub(crate) trait Record: Sized {
    fn write(&self, to: &mut Vec<u8>);
    fn read(body: &[u8]) -> Result<Self, Unreadable>;
}

fn write_postcard<T: Serialize>(value: &T, to: &mut Vec<u8>) {
    to.push(RECORD_VERSION);
    let taken = std::mem::take(to);
    *to = postcard::to_extend(value, taken).expect("postcard writes any of our records to memory");
}

fn read_postcard<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Unreadable> {
    match body.split_first() {
        Some((&RECORD_VERSION, rest)) => {
            let (value, left) = postcard::take_from_bytes(rest).map_err(|_| Unreadable)?;
            if left.is_empty() { Ok(value) } else { Err(Unreadable) }
        }
        _ => Err(Unreadable),
    }
}

/// Bytes of the caller as they are.
pub(crate) fn write_bytes(bytes: &[u8], to: &mut Vec<u8>) {
    to.push(RECORD_VERSION);
    to.extend_from_slice(bytes);
}

pub(crate) fn read_bytes(body: &[u8]) -> Result<Bytes, Unreadable> {
    match body.split_first() {
        Some((&RECORD_VERSION, rest)) => Ok(Bytes::copy_from_slice(rest)),
        _ => Err(Unreadable),
    }
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) schema: u32,
    /// For example `engine main, replicated.redb`.
    pub(crate) of: String,
    /// Made new because the one before was set aside.
    pub(crate) replaced: bool,
}

impl Record for Identity {
    fn write(&self, to: &mut Vec<u8>) {
        write_postcard(&(self.schema, &self.of, self.replaced), to);
    }

    fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let (schema, of, replaced) = read_postcard(body)?;
        Ok(Self { schema, of, replaced })
    }
}

/// Bytes that postcard copies as they are instead of one by one.
#[derive(Clone, Copy)]
struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'a [u8]>::deserialize(deserializer).map(Self)
    }
}

impl Raw<'_> {
    fn to_bytes(self) -> Bytes {
        Bytes::copy_from_slice(self.0)
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct EpochDisk(u64, u64);

impl From<Epoch> for EpochDisk {
    fn from(it: Epoch) -> Self {
        Self(it.number, it.tag)
    }
}

impl From<EpochDisk> for Epoch {
    fn from(it: EpochDisk) -> Self {
        Self { number: it.0, tag: it.1 }
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct PositionDisk(EpochDisk, u64);

impl From<Position> for PositionDisk {
    fn from(it: Position) -> Self {
        Self(it.epoch.into(), it.sequence)
    }
}

impl From<PositionDisk> for Position {
    fn from(it: PositionDisk) -> Self {
        Self { epoch: it.0.into(), sequence: it.1 }
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct TimeDisk(u64);

impl From<NodeTime> for TimeDisk {
    fn from(it: NodeTime) -> Self {
        Self(it.0)
    }
}

impl From<TimeDisk> for NodeTime {
    fn from(it: TimeDisk) -> Self {
        Self(it.0)
    }
}
