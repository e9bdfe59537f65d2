//! The complete state of an instance, and what one scan changed of it.
use super::module::{Module, ModuleHash};
use bytes::Bytes;
use std::collections::BTreeMap;

/// State is carried in pieces of so many bytes of memory.
pub const CHUNK_BYTES: usize = 1024;

/// A piece of memory: which one, and its bytes without the zeros at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// It begins at so many times `CHUNK_BYTES`.
    pub index: u32,
    /// At most `CHUNK_BYTES`.
    pub bytes: Bytes,
}

impl Chunk {
    /// Of all its bytes.
    pub(super) fn of(index: u32, bytes: &[u8]) -> Self {
        let end = bytes.iter().rposition(|it| *it != 0).map_or(0, |it| it + 1);
        Self { index, bytes: Bytes::copy_from_slice(&bytes[..end]) }
    }
}

/// What one scan changed: complete new values, so that the newest one of each is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// Whose scan it was.
    pub module: ModuleHash,
    /// How many scans there were, this one included.
    pub scans: u64,
    /// The size of memory in pages of 64 KiB.
    pub pages: u32,
    /// The globals that can change, all of them, as bits.
    pub globals: Box<[u64]>,
    /// The pieces of memory that are not as before, in order.
    pub chunks: Vec<Chunk>,
}

/// Changes that do not follow: the state is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Gap {
    /// A scan in between is missing, or it was taken already.
    #[error("the changes are those of scan {came}, after scan {held} was taken")]
    Scans {
        /// The newest scan in the state.
        held: u64,
        /// That of the changes.
        came: u64,
    },
    /// Of another module.
    #[error("the changes are those of module {came}, the state is that of {held}")]
    Module {
        /// Whose state it is.
        held: ModuleHash,
        /// Whose changes came.
        came: ModuleHash,
    },
}

/// The complete state of an instance: memory where it is not as the module begins, and globals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub(super) module: ModuleHash,
    pub(super) scans: u64,
    pub(super) pages: u32,
    pub(super) globals: Box<[u64]>,
    pub(super) chunks: BTreeMap<u32, Bytes>,
}

impl State {
    /// Begins with the changes of a first scan.
    ///
    /// # Errors
    /// `Gap` when it is not the first one.
    pub fn begin(first: Changes) -> Result<Self, Gap> {
        let mut state = Self {
            module: first.module,
            scans: 0,
            pages: 0,
            globals: Box::default(),
            chunks: BTreeMap::new(),
        };
        state.apply(first)?;
        Ok(state)
    }

    /// Takes the changes of the next scan, whole or not at all.
    ///
    /// # Errors
    /// `Gap` when they do not follow.
    pub fn apply(&mut self, changes: Changes) -> Result<(), Gap> {
        let Changes { module, scans, pages, globals, chunks } = changes;
        if module != self.module {
            return Err(Gap::Module { held: self.module, came: module });
        }
        if self.scans.checked_add(1) != Some(scans) {
            return Err(Gap::Scans { held: self.scans, came: scans });
        }
        (self.scans, self.pages, self.globals) = (scans, pages, globals);
        self.chunks.extend(chunks.into_iter().map(|it| (it.index, it.bytes)));
        Ok(())
    }

    /// Whose state it is.
    #[must_use]
    pub fn module(&self) -> ModuleHash {
        self.module
    }

    /// How many scans made it.
    #[must_use]
    pub fn scans(&self) -> u64 {
        self.scans
    }

    /// Whether it could be that of this module.
    pub(super) fn fits(&self, module: &Module) -> bool {
        self.module == module.hash() && self.globals.len() == module.globals().len()
    }
}
