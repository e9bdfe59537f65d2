//! The seam to what an object runs: a native object in Rust, or an instance of a code module.
use super::fault::Fault;
use crate::tags::{Quality, TagRecord, Value};
use bytes::Bytes;
use hotpair_types::NodeTime;
use std::time::Duration;

/// The largest piece of state, in bytes.
pub const CHUNK_BYTES_MAX: usize = 64 * 1024;

/// What one scan is given. Everything a program may depend on is here or in its own state, so
/// that the partner, given the same, does the same.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The number of this scan: one more than the last one of this object, on whichever node that
    /// ran. The first is 1.
    pub scan: u64,
    /// The declared period.
    pub period: Duration,
    /// Slots that were left out before this scan because the one before it, or others, took too
    /// long. The time to calculate with is `period * (1 + missed)`.
    pub missed: u32,
    /// The wall clock, the same that becomes the timestamp of what is written. For people.
    pub at: NodeTime,
    /// The object's attributes in order of their names: inputs as their tags are now, the others as
    /// they were after the last scan or as somebody has set them since.
    pub attributes: &'a [TagRecord],
}

impl Inputs<'_> {
    /// The time since the last scan by the schedule.
    #[must_use]
    pub const fn elapsed(&self) -> Duration {
        self.period.saturating_mul(self.missed.saturating_add(1))
    }
}

/// What one scan writes: attributes by their place in [`Inputs::attributes`]. What is not named
/// stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outputs {
    pub(super) written: Vec<(usize, Value, Quality)>,
}

impl Outputs {
    /// Nothing written.
    #[must_use]
    pub const fn new() -> Self {
        Self { written: Vec::new() }
    }

    /// Writes an attribute. The last one of several counts. An input cannot be written.
    pub fn set(&mut self, attribute: usize, value: impl Into<Value>, quality: Quality) {
        self.written.push((attribute, value.into(), quality));
    }
}

/// What a program said during a scan, for people. Nothing depends on it, and it is not replicated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Lines without control characters.
    pub lines: Vec<Box<str>>,
    /// How many more it said than are kept.
    pub left_out: usize,
}

/// A numbered piece of a program's private state. What is in it is the program's own business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Which piece: of a module, a page of its memory.
    pub at: u32,
    /// Its complete new content, at most [`CHUNK_BYTES_MAX`]; `None`: there is no such piece any more.
    pub bytes: Option<Bytes>,
}

/// What an object runs. It has no clock, no disk and no way out but what it returns.
///
/// Attributes are kept for it. Beyond these it may have private state, which it shows in chunks: all
/// of it, or what changed. A program to which all chunks of another one are applied goes on exactly as
/// that one would.
pub trait Program: Send {
    /// What the state fits to: for a module the hash of its bytes, for a native object its name and
    /// version. State is given only to a program of the same identity. At most 128 bytes.
    fn identity(&self) -> &str;

    /// Does one scan.
    ///
    /// # Errors
    /// `Fault` ends the object. The program is not used again: what it did is thrown away.
    fn scan(&mut self, inputs: &Inputs<'_>) -> Result<Outputs, Fault>;

    /// What it said in the last scan, also in one that ended in a fault. It is taken by this.
    fn said(&mut self) -> Said {
        Said::default()
    }

    /// All private state, in ascending order.
    fn state(&self) -> Vec<Chunk>;

    /// What is different from what the last `changes` or `apply` said, in ascending order. Of a new
    /// program: everything.
    fn changes(&mut self) -> Vec<Chunk>;

    /// Takes pieces of state that another instance gave.
    ///
    /// # Errors
    /// `Fault` when they are no state of this program.
    fn apply(&mut self, chunks: &[Chunk]) -> Result<(), Fault>;
}
