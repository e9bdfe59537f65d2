//! A sealed block: scans that go to the sink together, under a name that does not change any more.
use super::sample::Recorded;
use crate::tags::DecodeError;
use bytes::Bytes;
use hotpair_types::NodeTime;
use serde::{Deserialize, Serialize};

/// The first byte. A change of the rest is another version; old ones stay readable.
const VERSION: u8 = 1;

/// What a block is called, in the sink as well. What it holds was decided when it was sealed: whoever forwards
/// it forwards the same samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockId {
    /// The number of the epoch in which it was sealed.
    pub epoch: u64,
    /// The sequence of its first sample.
    pub first: u64,
    /// The sequence of its last one.
    pub last: u64,
}

impl BlockId {
    /// How many samples it has.
    #[must_use]
    pub const fn count(&self) -> u64 {
        (self.last + 1).saturating_sub(self.first)
    }
}

#[derive(Serialize, Deserialize)]
struct BlockV1<'a> {
    epoch: u64,
    first: u64,
    last: u64,
    /// When the first of its samples was taken.
    at_millis: u64,
    #[serde(borrow)]
    scans: Vec<ScanV1<'a>>,
}

/// The bytes of a scan, as they stood in the item of their own before.
#[derive(Serialize, Deserialize)]
struct ScanV1<'a>(#[serde(borrow, serialize_with = "at_once")] &'a [u8]);

fn at_once<S: serde::Serializer>(bytes: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// Puts scans together. They follow each other.
pub(super) fn encode<'a>(
    id: BlockId,
    at: NodeTime,
    scans: impl Iterator<Item = &'a Bytes>,
) -> Bytes {
    let BlockId { epoch, first, last } = id;
    let scans = scans.map(|it| ScanV1(it)).collect();
    let block = BlockV1 { epoch, first, last, at_millis: at.0, scans };
    let bytes = postcard::to_extend(&block, vec![VERSION]);
    bytes.expect("a vector takes any number of bytes").into()
}

/// The name of a block, and when its first sample was taken.
pub(super) fn place(bytes: &[u8]) -> Result<(BlockId, NodeTime), DecodeError> {
    let it = read(bytes)?;
    Ok((BlockId { epoch: it.epoch, first: it.first, last: it.last }, NodeTime(it.at_millis)))
}

/// All scans of a block, in order.
///
/// # Errors
/// `DecodeError` for whatever was not sealed by a release of ours.
pub fn scans(bytes: &Bytes) -> Result<Vec<Recorded>, DecodeError> {
    let malformed = |reason| DecodeError::Malformed { reason };
    let block = read(bytes)?;
    let mut next = block.first;
    let mut scans = Vec::with_capacity(block.scans.len());
    for it in block.scans {
        let scan = Recorded::decode(&bytes.slice_ref(it.0))?;
        if scan.first != next {
            return Err(malformed("its scans do not follow each other"));
        }
        next = scan.end();
        scans.push(scan);
    }
    if next != block.last + 1 {
        return Err(malformed("it does not have what its name says"));
    }
    Ok(scans)
}

fn read(bytes: &[u8]) -> Result<BlockV1<'_>, DecodeError> {
    let (&version, rest) = bytes.split_first().ok_or(DecodeError::Empty)?;
    if version != VERSION {
        return Err(DecodeError::Version { version });
    }
    let malformed = |reason| DecodeError::Malformed { reason };
    match postcard::take_from_bytes::<BlockV1<'_>>(rest) {
        Ok((it, [])) if it.first == 0 || it.last < it.first || it.last == u64::MAX => {
            Err(malformed("no place of a block"))
        }
        Ok((it, [])) => Ok(it),
        Ok(_) => Err(malformed("bytes after the block")),
        Err(_) => Err(malformed("not a block of history")),
    }
}
