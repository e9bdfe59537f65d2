//! What one scan of one object leaves in history: one item, with all its samples.
use crate::objects::Name;
use crate::tags::{DecodeError, Quality, QualityV1, TEXT_BYTES_MAX, TagRecord, Value, ValueV1};
use bytes::Bytes;
use hotpair_types::NodeTime;
use serde::{Deserialize, Serialize};

/// A longer text is cut, and uncertain: so what one scan records has its place in the entry of its unit.
pub const SAMPLE_TEXT_BYTES_MAX: usize = 1_024;
const _: () = assert!(SAMPLE_TEXT_BYTES_MAX <= TEXT_BYTES_MAX, "a cut text can be read again");

/// The first byte. A change of the rest is another version; old ones stay readable.
const VERSION: u8 = 1;

/// One attribute as a scan left it, because it was not so before.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Which attribute.
    pub attribute: Name,
    /// Its unit, where it is declared with one.
    pub unit: Option<Box<str>>,
    /// The value.
    pub value: Value,
    /// How far it can be trusted.
    pub quality: Quality,
}

/// The samples of one scan, and their place in history.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The sequence of the first sample; the others follow it without a gap.
    pub first: u64,
    /// The number of the epoch in which they were recorded. With the sequence it names a sample for ever: where
    /// two nodes were active at once, they counted under different epochs.
    pub epoch: u64,
    /// Of which object.
    pub object: Name,
    /// The number of the object's step.
    pub step: u64,
    /// When the scan was, by the clock of the node that did it.
    pub at: NodeTime,
    /// At least one.
    pub samples: Vec<Sample>,
}

#[derive(Serialize, Deserialize)]
struct SampleV1<'a> {
    attribute: &'a str,
    unit: Option<&'a str>,
    quality: QualityV1,
    #[serde(borrow)]
    value: ValueV1<'a>,
}

#[derive(Serialize, Deserialize)]
struct RecordedV1<'a> {
    first: u64,
    epoch: u64,
    object: &'a str,
    step: u64,
    at_millis: u64,
    #[serde(borrow)]
    samples: Vec<SampleV1<'a>>,
}

impl Sample {
    /// Of an attribute with this unit and this record.
    #[must_use]
    pub fn new(attribute: Name, unit: Option<Box<str>>, record: &TagRecord) -> Self {
        let TagRecord { value, quality, .. } = record;
        let (value, quality) = match value {
            Value::Text(it) if it.len() > SAMPLE_TEXT_BYTES_MAX => {
                let end = it.floor_char_boundary(SAMPLE_TEXT_BYTES_MAX);
                let quality = if *quality == Quality::Bad { *quality } else { Quality::Uncertain };
                (Value::from(&it[..end]), quality)
            }
            Value::Text(_) | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
                (value.clone(), *quality)
            }
        };
        Self { attribute, unit, value, quality }
    }
}

impl<'a> SampleV1<'a> {
    fn of(sample: &'a Sample) -> Self {
        let Sample { attribute, unit, value, quality } = sample;
        Self {
            attribute: attribute.as_str(),
            unit: unit.as_deref(),
            quality: QualityV1::of(*quality),
            value: ValueV1::of(value),
        }
    }
}

impl Recorded {
    /// The sequence after the last sample.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first.saturating_add(self.samples.len() as u64)
    }

    /// The bytes of the newest version.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let record = RecordedV1 {
            first: self.first,
            epoch: self.epoch,
            object: self.object.as_str(),
            step: self.step,
            at_millis: self.at.0,
            samples: self.samples.iter().map(SampleV1::of).collect(),
        };
        let bytes = postcard::to_extend(&record, vec![VERSION]);
        bytes.expect("a vector takes any number of bytes").into()
    }

    /// Reads the bytes of any version. A text is not copied: it is a part of these bytes, and keeps them.
    ///
    /// # Errors
    /// `DecodeError` for whatever `encode` could not have written.
    pub fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let malformed = |reason| DecodeError::Malformed { reason };
        let record = read(bytes)?;
        let name = |it: &str| Name::new(it).ok_or_else(|| malformed("no name"));
        let sample = |it: SampleV1<'_>| {
            Ok(Sample {
                attribute: name(it.attribute)?,
                unit: it.unit.map(Into::into),
                quality: it.quality.read(),
                value: it.value.read(bytes).map_err(malformed)?,
            })
        };
        Ok(Self {
            first: record.first,
            epoch: record.epoch,
            object: name(record.object)?,
            step: record.step,
            at: NodeTime(record.at_millis),
            samples: record.samples.into_iter().map(sample).collect::<Result<_, _>>()?,
        })
    }

    /// Where the samples of these bytes begin, how many they are, and when they were taken.
    pub(super) fn place(bytes: &[u8]) -> Result<(u64, u64, NodeTime), DecodeError> {
        let it = read(bytes)?;
        Ok((it.first, it.samples.len() as u64, NodeTime(it.at_millis)))
    }
}

fn read(bytes: &[u8]) -> Result<RecordedV1<'_>, DecodeError> {
    let (&version, rest) = bytes.split_first().ok_or(DecodeError::Empty)?;
    if version != VERSION {
        return Err(DecodeError::Version { version });
    }
    let malformed = |reason| DecodeError::Malformed { reason };
    match postcard::take_from_bytes::<RecordedV1<'_>>(rest) {
        Ok((it, [])) if it.samples.is_empty() => Err(malformed("a scan without samples")),
        Ok((it, [])) => Ok(it),
        Ok(_) => Err(malformed("bytes after the samples")),
        Err(_) => Err(malformed("not the samples of a scan")),
    }
}
