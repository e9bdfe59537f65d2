//! How far history has come: what stands in the item that every change of it carries.
use crate::tags::DecodeError;
use bytes::Bytes;
use hotpair_types::NodeTime;
use serde::{Deserialize, Serialize};

/// The first byte. A change of the rest is another version; old ones stay readable.
const VERSION: u8 = 1;

/// The counts of one engine's history. Samples are numbered from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The next sample's sequence.
    pub next: u64,
    /// Up to this sequence nothing is held any more: it is in the sink, or was lost.
    pub done: u64,
    /// Samples that the sink has committed.
    pub committed: u64,
    /// When it did so last; 0 before the first.
    pub committed_at: NodeTime,
    /// Samples that were dropped because no more could be held.
    pub lost: u64,
    /// When that was last; 0 when nothing was.
    pub lost_at: NodeTime,
}

#[derive(Serialize, Deserialize)]
struct HeadV1 {
    next: u64,
    done: u64,
    committed: u64,
    committed_at_millis: u64,
    lost: u64,
    lost_at_millis: u64,
}

impl Default for Head {
    fn default() -> Self {
        let never = NodeTime(0);
        Self { next: 1, done: 0, committed: 0, committed_at: never, lost: 0, lost_at: never }
    }
}

impl Head {
    /// The bytes of the newest version.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let head = HeadV1 {
            next: self.next,
            done: self.done,
            committed: self.committed,
            committed_at_millis: self.committed_at.0,
            lost: self.lost,
            lost_at_millis: self.lost_at.0,
        };
        let bytes = postcard::to_extend(&head, vec![VERSION]);
        bytes.expect("a vector takes any number of bytes").into()
    }

    /// Reads the bytes of any version.
    ///
    /// # Errors
    /// `DecodeError` for whatever `encode` could not have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (&version, rest) = bytes.split_first().ok_or(DecodeError::Empty)?;
        if version != VERSION {
            return Err(DecodeError::Version { version });
        }
        let malformed = |reason| DecodeError::Malformed { reason };
        let it = match postcard::take_from_bytes::<HeadV1>(rest) {
            Ok((it, [])) => it,
            Ok(_) => return Err(malformed("bytes after the head")),
            Err(_) => return Err(malformed("not the head of history")),
        };
        if it.next == 0 || it.done >= it.next {
            return Err(malformed("more is done than was recorded"));
        }
        Ok(Self {
            next: it.next,
            done: it.done,
            committed: it.committed,
            committed_at: NodeTime(it.committed_at_millis),
            lost: it.lost,
            lost_at: NodeTime(it.lost_at_millis),
        })
    }
}
