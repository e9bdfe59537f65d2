//! State as items of a runtime state provider: one head, and a piece of memory in each of the
//! others. These bytes travel and lie on disks.
use super::admission::PAGE_BYTES;
use super::budget::MEMORY_BYTES_MAX;
use super::module::ModuleHash;
use super::port::shown;
use super::state::{CHUNK_BYTES, Changes, Chunk, State};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The item that is there in every state, and in the changes of every scan.
pub const HEAD_ITEM: &str = "head";
/// The others begin so; the number of the piece in hex follows.
const CHUNK_PREFIX: &str = "m/";
/// The first byte of every value. A change of the rest is another version; old ones stay readable.
const VERSION: u8 = 1;
const GLOBALS_MAX: usize = 256;
const PAGES_MAX: u64 = MEMORY_BYTES_MAX as u64 / PAGE_BYTES;
const CHUNKS_PER_PAGE: u64 = PAGE_BYTES / CHUNK_BYTES as u64;

/// Why items are no state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItemsError {
    /// Pieces without the item that says whose they are.
    #[error("there is no item `{HEAD_ITEM}`")]
    NoHead,
    /// The head cannot be read.
    #[error("item `{HEAD_ITEM}`: {reason}")]
    Head {
        /// What is wrong.
        reason: &'static str,
    },
    /// Neither the head nor a piece of memory.
    #[error("item `{item}` is not of a module's state")]
    UnknownItem {
        /// Its name, shortened and escaped.
        item: String,
    },
    /// A piece of memory cannot be read.
    #[error("item `{item}`: {error}")]
    Chunk {
        /// Which.
        item: Box<str>,
        /// Why.
        #[source]
        error: ChunkError,
    },
}

/// Why a value is no piece of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// Nothing there.
    #[error("no bytes")]
    Empty,
    /// Written by a newer release, or not by us.
    #[error("encoding version {version} is not known")]
    Version {
        /// The first byte.
        version: u8,
    },
    /// Beyond `CHUNK_BYTES`.
    #[error("{bytes} bytes; a piece has at most {CHUNK_BYTES}")]
    TooLong {
        /// How many there are.
        bytes: usize,
    },
    /// The zeros at its end are not written.
    #[error("ends with a zero")]
    ZeroAtEnd,
    /// Behind the end of memory.
    #[error("behind {pages} pages of memory")]
    Outside {
        /// How many there are.
        pages: u32,
    },
    /// Two items for one piece.
    #[error("is there twice")]
    Twice,
}

#[derive(Serialize, Deserialize)]
struct HeadV1 {
    module: [u8; 32],
    scans: u64,
    pages: u32,
    globals: Vec<u64>,
}

fn head_value(module: ModuleHash, scans: u64, pages: u32, globals: &[u64]) -> Bytes {
    let head = HeadV1 { module: module.0, scans, pages, globals: globals.to_vec() };
    let bytes = vec![VERSION];
    postcard::to_extend(&head, bytes).expect("a vector takes any number of bytes").into()
}

fn chunk_item(index: u32, bytes: &[u8]) -> (Box<str>, Bytes) {
    let mut value = Vec::with_capacity(1 + bytes.len());
    value.push(VERSION);
    value.extend_from_slice(bytes);
    (chunk_name(index), value.into())
}

/// The item of a piece of memory.
pub(super) fn chunk_name(index: u32) -> Box<str> {
    format!("{CHUNK_PREFIX}{index:04x}").into()
}

impl Changes {
    /// Items with their new values, the head first.
    #[must_use]
    pub fn items(&self) -> Vec<(Box<str>, Bytes)> {
        let head = head_value(self.module, self.scans, self.pages, &self.globals);
        let chunks = self.chunks.iter().map(|it| chunk_item(it.index, &it.bytes));
        std::iter::once((HEAD_ITEM.into(), head)).chain(chunks).collect()
    }

    /// Reads items in any order.
    ///
    /// # Errors
    /// `ItemsError` for whatever `items` could not have given.
    pub fn from_items<'a>(
        items: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, ItemsError> {
        let mut head = None;
        let mut chunks = Vec::new();
        for (item, value) in items {
            if item == HEAD_ITEM {
                if head.replace(read_head(value)?).is_some() {
                    return Err(ItemsError::Head { reason: "is there twice" });
                }
                continue;
            }
            let index =
                chunk_index(item).ok_or_else(|| ItemsError::UnknownItem { item: shown(item) })?;
            let bytes = read_chunk(value)
                .map_err(|error| ItemsError::Chunk { item: item.into(), error })?;
            chunks.push(Chunk { index, bytes: Bytes::copy_from_slice(bytes) });
        }
        let HeadV1 { module, scans, pages, globals } = head.ok_or(ItemsError::NoHead)?;
        chunks.sort_by_key(|it| it.index);
        let damaged = |index, error| ItemsError::Chunk { item: chunk_name(index), error };
        if let Some(pair) = chunks.windows(2).find(|it| it[0].index == it[1].index) {
            return Err(damaged(pair[0].index, ChunkError::Twice));
        }
        let end = u64::from(pages) * CHUNKS_PER_PAGE;
        if let Some(last) = chunks.last().filter(|it| u64::from(it.index) >= end) {
            return Err(damaged(last.index, ChunkError::Outside { pages }));
        }
        Ok(Self { module: ModuleHash(module), scans, pages, globals: globals.into(), chunks })
    }
}

impl State {
    /// All items with their values, the head first.
    #[must_use]
    pub fn items(&self) -> Vec<(Box<str>, Bytes)> {
        let head = head_value(self.module, self.scans, self.pages, &self.globals);
        let chunks = self.chunks.iter().map(|it| chunk_item(*it.0, it.1));
        std::iter::once((HEAD_ITEM.into(), head)).chain(chunks).collect()
    }

    /// Reads all items of a state, in any order.
    ///
    /// # Errors
    /// `ItemsError` for whatever `items` could not have given.
    pub fn from_items<'a>(
        items: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, ItemsError> {
        let Changes { module, scans, pages, globals, chunks } = Changes::from_items(items)?;
        let chunks = chunks.into_iter().map(|it| (it.index, it.bytes)).collect();
        Ok(Self { module, scans, pages, globals, chunks })
    }
}

fn read_head(value: &[u8]) -> Result<HeadV1, ItemsError> {
    let bad = |reason| ItemsError::Head { reason };
    let (&version, rest) = value.split_first().ok_or_else(|| bad("no bytes"))?;
    if version != VERSION {
        return Err(bad("its encoding version is not known"));
    }
    let (head, rest) =
        postcard::take_from_bytes::<HeadV1>(rest).map_err(|_| bad("cannot be read"))?;
    if !rest.is_empty() {
        return Err(bad("bytes after its end"));
    }
    if u64::from(head.pages) > PAGES_MAX {
        return Err(bad("more memory than any budget"));
    }
    if head.globals.len() > GLOBALS_MAX {
        return Err(bad("more globals than a module can have"));
    }
    if head.scans == 0 {
        return Err(bad("the state of no scan"));
    }
    Ok(head)
}

/// The piece of memory that an item is, if it is one.
pub(super) fn chunk_index(item: &str) -> Option<u32> {
    let digits = item.strip_prefix(CHUNK_PREFIX)?;
    let plain = digits.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    (digits.len() == 4 && plain).then(|| u32::from_str_radix(digits, 16).ok())?
}

fn read_chunk(value: &[u8]) -> Result<&[u8], ChunkError> {
    let (&version, bytes) = value.split_first().ok_or(ChunkError::Empty)?;
    if version != VERSION {
        return Err(ChunkError::Version { version });
    }
    if bytes.len() > CHUNK_BYTES {
        return Err(ChunkError::TooLong { bytes: bytes.len() });
    }
    if bytes.last() == Some(&0) {
        return Err(ChunkError::ZeroAtEnd);
    }
    Ok(bytes)
}
