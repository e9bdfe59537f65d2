//! A tag's value as bytes: what stands in the journal, on disk and on the wire.
use super::value::{Quality, TEXT_BYTES_MAX, Value};
use bytes::Bytes;
use bytestring::ByteString;
use hotpair_types::NodeTime;
use serde::{Deserialize, Serialize};

/// The first byte. A change of the rest is another version; old ones stay readable.
const VERSION: u8 = 1;

/// What is written with one write of a tag. Where it stands in the journal is known by the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct TagRecord {
    /// The value.
    pub value: Value,
    /// How far it can be trusted.
    pub quality: Quality,
    /// When it was written, for people.
    pub timestamp: NodeTime,
}

/// Why bytes are no value of a tag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Nothing there.
    #[error("no bytes")]
    Empty,
    /// Written by a newer release, or not by us.
    #[error("encoding version {version} is not known")]
    Version {
        /// The first byte.
        version: u8,
    },
    /// Not what the version promises.
    #[error("{reason}")]
    Malformed {
        /// What is wrong.
        reason: &'static str,
    },
}

#[derive(Serialize, Deserialize)]
pub(crate) enum QualityV1 {
    Good,
    Uncertain,
    Bad,
}

#[derive(Serialize, Deserialize)]
pub(crate) enum ValueV1<'a> {
    Bool(bool),
    Int(i64),
    Float(f64),
    /// As UTF-8; on the wire as text is.
    Text(#[serde(borrow, serialize_with = "at_once")] &'a [u8]),
}

fn at_once<S: serde::Serializer>(bytes: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

#[derive(Serialize, Deserialize)]
struct RecordV1<'a> {
    quality: QualityV1,
    timestamp_millis: u64,
    #[serde(borrow)]
    value: ValueV1<'a>,
}

impl TagRecord {
    /// The bytes of the newest version.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let record = RecordV1 {
            quality: QualityV1::of(self.quality),
            timestamp_millis: self.timestamp.0,
            value: ValueV1::of(&self.value),
        };
        let mut bytes = Vec::with_capacity(24 + self.value.heap_bytes());
        bytes.push(VERSION);
        postcard::to_extend(&record, bytes).expect("a vector takes any number of bytes").into()
    }

    /// Reads the bytes of any version. A text is not copied: it is a part of these bytes, and keeps them.
    ///
    /// # Errors
    /// `DecodeError` for whatever `encode` could not have written.
    pub fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let (&version, rest) = bytes.split_first().ok_or(DecodeError::Empty)?;
        if version != VERSION {
            return Err(DecodeError::Version { version });
        }
        let malformed = |reason| DecodeError::Malformed { reason };
        let (record, rest) = postcard::take_from_bytes::<RecordV1<'_>>(rest)
            .map_err(|_| malformed("not a tag's value"))?;
        if !rest.is_empty() {
            return Err(malformed("bytes after the value"));
        }
        let value = record.value.read(bytes).map_err(malformed)?;
        let quality = record.quality.read();
        Ok(Self { value, quality, timestamp: NodeTime(record.timestamp_millis) })
    }
}

impl QualityV1 {
    pub(crate) const fn of(quality: Quality) -> Self {
        match quality {
            Quality::Good => Self::Good,
            Quality::Uncertain => Self::Uncertain,
            Quality::Bad => Self::Bad,
        }
    }

    pub(crate) const fn read(&self) -> Quality {
        match self {
            Self::Good => Quality::Good,
            Self::Uncertain => Quality::Uncertain,
            Self::Bad => Quality::Bad,
        }
    }
}

impl<'a> ValueV1<'a> {
    pub(crate) fn of(value: &'a Value) -> Self {
        match value {
            Value::Bool(it) => Self::Bool(*it),
            Value::Int(it) => Self::Int(*it),
            Value::Float(it) => Self::Float(*it),
            Value::Text(it) => Self::Text(it.as_bytes()),
        }
    }

    /// `whole`: the bytes that it was read from; a text is a part of them.
    pub(crate) fn read(self, whole: &Bytes) -> Result<Value, &'static str> {
        Ok(match self {
            Self::Bool(it) => Value::Bool(it),
            Self::Int(it) => Value::Int(it),
            Self::Float(it) if !it.is_finite() => return Err("not a finite number"),
            Self::Float(it) => Value::Float(it),
            Self::Text(it) if it.len() > TEXT_BYTES_MAX => return Err("text too long"),
            Self::Text(it) => {
                let text = ByteString::try_from(whole.slice_ref(it));
                Value::Text(Box::new(text.map_err(|_| "a text that is not UTF-8")?))
            }
        })
    }
}
