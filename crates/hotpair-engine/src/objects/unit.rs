//! What one step of an object changed, to be taken whole or not at all.
use super::fault::{Fault, FaultKind};
use super::name::Name;
use super::program::Chunk;
use crate::alarms::Observed;
use crate::history::Sample;
use crate::tags::{DecodeError, TagRecord, TagWrite};
use serde::{Deserialize, Serialize};

/// The first byte of a head. A change of the rest is another version; old ones stay readable.
const VERSION: u8 = 1;
/// The longest identity of a program, in bytes.
pub const IDENTITY_BYTES_MAX: usize = 128;
/// The highest number of a step: at the shortest period it takes two million years.
const SCAN_MAX: u64 = 1 << 53;
/// How much one unit may carry: names and values. What the node posts as one entry is less than
/// its limit with this.
pub const UNIT_BYTES_MAX: usize = 3 * 1024 * 1024;

/// One step of one object: a scan, a fault, or a restart. The position of the entry that carries it
/// says under which epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// Of which object.
    pub object: Name,
    /// The number of this step, one more than that of the last unit.
    pub scan: u64,
    /// Whether it says everything: what it does not name is gone. The first one of an object does, and
    /// the first one after a change of the declaration or the program.
    pub whole: bool,
    /// What the chunks are state of; `None`: as before.
    pub program: Option<Box<str>>,
    /// Why the object does not run from here on.
    pub fault: Option<Fault>,
    /// Attributes that changed, but for inputs: these are in their tags.
    pub attributes: Vec<(Name, TagRecord)>,
    /// Private state that changed.
    pub chunks: Vec<Chunk>,
    /// Tags to write in the same entry.
    pub outputs: Vec<TagWrite>,
    /// What the object's alarms are held against; none where they are not looked at.
    pub observed: Option<Observed>,
    /// What goes into history: marked attributes that are not as they were recorded last.
    pub samples: Vec<Sample>,
}

impl Unit {
    /// A step that changes nothing but whether, and why, the object rests.
    #[must_use]
    pub fn of_fault(object: Name, scan: u64, fault: Option<Fault>) -> Self {
        // What is not scanned shows nothing.
        let observed = fault.is_some().then(Observed::nothing);
        Self {
            object,
            scan,
            whole: false,
            program: None,
            fault,
            observed,
            attributes: Vec::new(),
            chunks: Vec::new(),
            outputs: Vec::new(),
            samples: Vec::new(),
        }
    }
}

/// What stands in the item of an object itself; the other items of the unit are counted in it, so
/// that a part of a unit is never taken for the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) scan: u64,
    /// Items of this unit besides the head, set or removed.
    pub(super) parts: u32,
    /// Items of the object after it.
    pub(super) attributes: u32,
    pub(super) chunks: u32,
    pub(super) program: Box<str>,
    pub(super) fault: Option<Fault>,
}

#[derive(Serialize, Deserialize)]
enum FaultKindV1 {
    Trapped,
    OutOfBudget,
    Overran,
    OutOfMemory,
    BadOutput,
    BadState,
    NotLoaded,
}

#[derive(Serialize, Deserialize)]
struct HeadV1<'a> {
    scan: u64,
    parts: u32,
    attributes: u32,
    chunks: u32,
    program: &'a str,
    #[serde(borrow)]
    fault: Option<(FaultKindV1, &'a str)>,
}

impl Head {
    /// Of an object that has nothing yet.
    pub(super) fn first() -> Self {
        Self { scan: 0, parts: 0, attributes: 0, chunks: 0, program: "".into(), fault: None }
    }

    pub(super) fn encode(&self) -> bytes::Bytes {
        let head = HeadV1 {
            scan: self.scan,
            parts: self.parts,
            attributes: self.attributes,
            chunks: self.chunks,
            program: &self.program,
            fault: self.fault.as_ref().map(|it| {
                let kind = match it.kind {
                    FaultKind::Trapped => FaultKindV1::Trapped,
                    FaultKind::OutOfBudget => FaultKindV1::OutOfBudget,
                    FaultKind::Overran => FaultKindV1::Overran,
                    FaultKind::OutOfMemory => FaultKindV1::OutOfMemory,
                    FaultKind::BadOutput => FaultKindV1::BadOutput,
                    FaultKind::BadState => FaultKindV1::BadState,
                    FaultKind::NotLoaded => FaultKindV1::NotLoaded,
                };
                (kind, &*it.reason)
            }),
        };
        postcard::to_extend(&head, vec![VERSION])
            .expect("a vector takes any number of bytes")
            .into()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (&version, rest) = bytes.split_first().ok_or(DecodeError::Empty)?;
        if version != VERSION {
            return Err(DecodeError::Version { version });
        }
        let malformed = |reason| DecodeError::Malformed { reason };
        let (head, rest) = postcard::take_from_bytes::<HeadV1<'_>>(rest)
            .map_err(|_| malformed("not the head of a checkpoint"))?;
        if !rest.is_empty() {
            return Err(malformed("bytes after the head"));
        }
        if !(1..=SCAN_MAX).contains(&head.scan) {
            return Err(malformed("no number of a step"));
        }
        if head.program.len() > IDENTITY_BYTES_MAX {
            return Err(malformed("the program's identity is too long"));
        }
        let fault = head.fault.map(|(kind, reason)| {
            let kind = match kind {
                FaultKindV1::Trapped => FaultKind::Trapped,
                FaultKindV1::OutOfBudget => FaultKind::OutOfBudget,
                FaultKindV1::Overran => FaultKind::Overran,
                FaultKindV1::OutOfMemory => FaultKind::OutOfMemory,
                FaultKindV1::BadOutput => FaultKind::BadOutput,
                FaultKindV1::BadState => FaultKind::BadState,
                FaultKindV1::NotLoaded => FaultKind::NotLoaded,
            };
            Fault::new(kind, reason)
        });
        Ok(Self {
            scan: head.scan,
            parts: head.parts,
            attributes: head.attributes,
            chunks: head.chunks,
            program: head.program.into(),
            fault,
        })
    }
}

/// What an item of the provider is: `OBJECT`, `OBJECT/a/ATTRIBUTE`, `OBJECT/m/CHUNK`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Head,
    Attribute(Name),
    Chunk(u32),
}

/// Whose item it is, and which; `None`: no release of ours wrote it.
pub(super) fn part(item: &str) -> Option<(Name, Part)> {
    let Some((object, rest)) = item.split_once('/') else {
        return Some((Name::new(item)?, Part::Head));
    };
    let object = Name::new(object)?;
    let (kind, which) = rest.split_once('/')?;
    let part = match kind {
        "a" => Part::Attribute(Name::new(which)?),
        "m" => {
            let at: u32 = which.parse().ok()?;
            // One name a chunk: no sign, no zeros before it.
            (at.to_string() == which).then_some(Part::Chunk(at))?
        }
        _ => return None,
    };
    Some((object, part))
}

pub(super) fn item(object: &Name, part: &Part) -> Box<str> {
    match part {
        Part::Head => object.as_str().into(),
        Part::Attribute(name) => format!("{object}/a/{name}").into(),
        Part::Chunk(at) => format!("{object}/m/{at}").into(),
    }
}
