//! The last checkpoint of one object: what its next scan goes on from.
use super::fault::Fault;
use super::name::Name;
use super::program::{CHUNK_BYTES_MAX, Chunk};
use super::unit::{Head, Part};
use crate::tags::TagRecord;
use bytes::Bytes;
use hotpair_types::Position;
use std::collections::BTreeMap;

/// The state of one object after its last unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The entry that carried the last unit.
    pub position: Position,
    /// The number of the last step. The next one is one more.
    pub scan: u64,
    /// What the chunks are state of; empty before the first scan that went well.
    pub program: Box<str>,
    /// Why the object does not run, if it does not.
    pub fault: Option<Fault>,
    /// The attributes, but for inputs.
    pub attributes: BTreeMap<Name, TagRecord>,
    /// The program's private state.
    pub chunks: BTreeMap<u32, Bytes>,
}

impl Checkpoint {
    /// The private state as a program takes it.
    #[must_use]
    pub fn state(&self) -> Vec<Chunk> {
        let chunk = |(at, bytes): (&u32, &Bytes)| Chunk { at: *at, bytes: Some(bytes.clone()) };
        self.chunks.iter().map(chunk).collect()
    }

    /// From the items of a snapshot.
    pub(super) fn from_parts(
        position: Position,
        parts: Vec<(Part, Bytes)>,
    ) -> Result<Self, String> {
        let mut head = None;
        let (mut attributes, mut chunks) = (BTreeMap::new(), BTreeMap::new());
        for (part, value) in parts {
            match Change::decode(part, Some(value))? {
                Change::Head(it) => head = Some(it),
                Change::Attribute(name, Some(record)) => drop(attributes.insert(name, record)),
                Change::Chunk(at, Some(bytes)) => drop(chunks.insert(at, bytes)),
                Change::Attribute(_, None) | Change::Chunk(_, None) | Change::Gone => {}
            }
        }
        let head = head.ok_or("it has no head")?;
        let Head { scan, program, fault, .. } = head.clone();
        let it = Self { position, scan, program, fault, attributes, chunks };
        it.counted(&head)?;
        Ok(it)
    }

    /// Whether there is as much as the head says.
    pub(super) fn counted(&self, head: &Head) -> Result<(), String> {
        let there = (self.attributes.len(), self.chunks.len());
        let said = (head.attributes as usize, head.chunks as usize);
        if there == said {
            return Ok(());
        }
        Err(format!(
            "{} attributes and {} pieces of state, where its head counts {} and {}",
            there.0, there.1, said.0, said.1
        ))
    }
}

/// A decoded item of an update.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Head(Head),
    Attribute(Name, Option<TagRecord>),
    Chunk(u32, Option<Bytes>),
    /// The head is gone: the object is undeployed.
    Gone,
}

impl Change {
    pub(super) fn decode(part: Part, value: Option<Bytes>) -> Result<Self, String> {
        match (part, value) {
            (Part::Head, None) => Ok(Self::Gone),
            (Part::Head, Some(value)) => {
                Head::decode(&value).map(Self::Head).map_err(|error| error.to_string())
            }
            (Part::Attribute(name), None) => Ok(Self::Attribute(name, None)),
            (Part::Attribute(name), Some(value)) => match TagRecord::decode(&value) {
                Ok(record) => Ok(Self::Attribute(name, Some(record))),
                Err(error) => Err(format!("attribute `{name}`: {error}")),
            },
            (Part::Chunk(at), value) => match &value {
                Some(bytes) if bytes.len() > CHUNK_BYTES_MAX => Err(format!(
                    "piece {at} of its state has {} bytes, at most {CHUNK_BYTES_MAX} are possible",
                    bytes.len()
                )),
                Some(_) | None => Ok(Self::Chunk(at, value)),
            },
        }
    }
}
