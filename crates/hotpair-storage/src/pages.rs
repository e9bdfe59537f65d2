//! What this process knows of each page of an open file, so that a bit that flips under it is found
//! by whatever reads it next: leaf, inner page or root.
//!
//! redb verifies its own checksums when it opens a file and not when it reads, and a seal on each
//! record says nothing of records that a flipped inner page or root of a table hides. So every block
//! is remembered by a hash from the moment it is written, or read for the first time: that is while
//! opening, when redb verifies what it reads (docs/decisions/0011-a-checksum-of-ours-on-every-record.md).
use redb::{BackendError, StorageBackend};
use std::io;
use std::ops::Bound;
use std::sync::{OnceLock, PoisonError, RwLock};

/// What is hashed at once. Pages of redb are whole multiples of it; its header alone is smaller, is
/// read while opening only, and has checksums of its own.
const BLOCK_BYTES: usize = 4096;

/// A block of which nothing is known.
const UNKNOWN: u64 = 0;

/// A file or disk that gives back what was written to it, or an error.
#[derive(Debug)]
pub(crate) struct CheckedPages<B> {
    inner: B,
    /// Of each block, as many as were touched so far.
    sums: RwLock<Vec<u64>>,
    damage: std::sync::Arc<FirstDamage>,
}

/// The first block that was not as it was written. redb calls all that comes after it an earlier
/// error; what was wrong is kept here.
#[derive(Debug, Default)]
pub(crate) struct FirstDamage(OnceLock<u64>);

impl FirstDamage {
    /// What was found, if anything was.
    pub(crate) fn found(&self) -> Option<String> {
        self.0.get().map(|block| words(*block))
    }
}

fn words(block: u64) -> String {
    let at = block * BLOCK_BYTES as u64;
    format!("the {BLOCK_BYTES} bytes at {at} changed since this process wrote or first read them")
}

fn sum(block: &[u8]) -> u64 {
    let mut short = [0; 8];
    short.copy_from_slice(&blake3::hash(block).as_bytes()[..8]);
    u64::from_le_bytes(short).max(UNKNOWN + 1)
}

/// The blocks that bytes at `offset` cover whole: the number of the first, and where it begins
/// in them.
const fn first_whole(offset: u64) -> (u64, usize) {
    let block = offset.div_ceil(BLOCK_BYTES as u64);
    #[expect(clippy::cast_possible_truncation, reason = "less than one block")]
    let skipped = (block * BLOCK_BYTES as u64 - offset) as usize;
    (block, skipped)
}

fn index(block: u64) -> usize {
    usize::try_from(block).expect("a file of this machine")
}

impl<B> CheckedPages<B> {
    /// The pages of a file of which nothing is known yet.
    pub(crate) fn new(inner: B) -> (Self, std::sync::Arc<FirstDamage>) {
        let damage = std::sync::Arc::<FirstDamage>::default();
        let pages = Self { inner, sums: RwLock::default(), damage: std::sync::Arc::clone(&damage) };
        (pages, damage)
    }

    /// Compares what was read with what is known, and learns the rest.
    fn read_so(&self, offset: u64, read: &[u8]) -> io::Result<()> {
        let (first, skipped) = first_whole(offset);
        let whole = read.get(skipped..).unwrap_or(&[]).chunks_exact(BLOCK_BYTES);
        let mut unknown = Vec::new();
        {
            let sums = self.sums.read().unwrap_or_else(PoisonError::into_inner);
            for (block, bytes) in (first..).zip(whole) {
                let found = sum(bytes);
                match sums.get(index(block)).copied().unwrap_or(UNKNOWN) {
                    UNKNOWN => unknown.push((block, found)),
                    known if known == found => {}
                    _ => {
                        let block = *self.damage.0.get_or_init(|| block);
                        return Err(io::Error::new(io::ErrorKind::InvalidData, words(block)));
                    }
                }
            }
        }
        if !unknown.is_empty() {
            let mut sums = self.sums.write().unwrap_or_else(PoisonError::into_inner);
            for (block, found) in unknown {
                *at(&mut sums, block) = found;
            }
        }
        Ok(())
    }
}

fn at(sums: &mut Vec<u64>, block: u64) -> &mut u64 {
    let index = index(block);
    if index >= sums.len() {
        sums.resize(index + 1, UNKNOWN);
    }
    &mut sums[index]
}

/// Marks all blocks that bytes from `offset` to `end` touch as unknown.
fn forget(sums: &mut [u64], offset: u64, end: u64) {
    let touched = offset / BLOCK_BYTES as u64..end.div_ceil(BLOCK_BYTES as u64);
    let clamp = |it| index(it).min(sums.len());
    let touched = clamp(touched.start)..clamp(touched.end);
    sums[touched].fill(UNKNOWN);
}

impl<B: StorageBackend> StorageBackend for CheckedPages<B> {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        // redb never reads a page while it is written: it is not reachable yet, or not any more.
        self.inner.read(offset, out)?;
        self.read_so(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut sums = self.sums.write().unwrap_or_else(PoisonError::into_inner);
        sums.truncate(index(len.div_ceil(BLOCK_BYTES as u64)));
        forget(&mut sums, len, len + 1);
        self.inner.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.inner.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let (first, skipped) = first_whole(offset);
        let mut sums = self.sums.write().unwrap_or_else(PoisonError::into_inner);
        forget(&mut sums, offset, offset + data.len() as u64);
        self.inner.write(offset, data)?;
        let whole = data.get(skipped..).unwrap_or(&[]).chunks_exact(BLOCK_BYTES);
        for (block, bytes) in (first..).zip(whole) {
            *at(&mut sums, block) = sum(bytes);
        }
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redb::backends::InMemoryBackend;

    const BLOCK: u64 = BLOCK_BYTES as u64;

    fn written(blocks: usize) -> CheckedPages<InMemoryBackend> {
        let (pages, _) = CheckedPages::new(InMemoryBackend::new());
        pages.set_len((blocks * BLOCK_BYTES) as u64).unwrap();
        pages.write(0, &vec![7; blocks * BLOCK_BYTES]).unwrap();
        pages
    }

    #[test]
    fn a_block_that_changes_behind_its_back_is_never_given() {
        let pages = written(4);
        let mut out = vec![0; 2 * BLOCK_BYTES];
        pages.read(BLOCK, &mut out).unwrap();
        pages.inner.write(2 * BLOCK + 17, &[6]).unwrap();
        let error = pages.read(BLOCK, &mut out).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(pages.damage.found().unwrap().contains("at 8192 "), "{error}");
        pages.read(0, &mut out).unwrap();
    }

    #[test]
    fn what_was_read_once_is_known_as_well_as_what_was_written() {
        let inner = InMemoryBackend::new();
        inner.set_len(BLOCK).unwrap();
        let (pages, damage) = CheckedPages::new(inner);
        let mut out = vec![0; BLOCK_BYTES];
        pages.read(0, &mut out).unwrap();
        pages.inner.write(4095, &[1]).unwrap();
        assert!(pages.read(0, &mut out).is_err() && damage.found().is_some());
    }

    #[test]
    fn a_part_of_a_block_that_is_written_or_cut_off_is_learned_anew() {
        let pages = written(2);
        let mut out = vec![0; BLOCK_BYTES];
        pages.write(100, &[1, 2, 3]).unwrap();
        pages.read(0, &mut out).unwrap();
        assert_eq!(out[100..103], [1, 2, 3]);
        pages.set_len(BLOCK + 5).unwrap();
        pages.set_len(2 * BLOCK).unwrap();
        pages.read(BLOCK, &mut out).unwrap();
        assert!(out[..5] == [7; 5] && out[5..] == [0; BLOCK_BYTES - 5]);
    }
}
