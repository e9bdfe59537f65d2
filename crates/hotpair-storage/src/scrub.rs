//! A slow walk over every record, a bounded piece at a time: finds what changed at rest before it
//! is needed.
//!
//! It reads through the page caches of redb and of the operating system, so it finds a changed
//! page when that is read from the disk again; opening reads the whole file in any case.
use crate::table::Table;
use crate::{EngineReader, StorageFault, StoreFile};
use std::ops::{Bound, ControlFlow};

/// How far a walk has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScrubCursor {
    file: usize,
    table: usize,
    after: Option<Vec<u8>>,
}

/// What one step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScrubProgress {
    /// Records that were verified.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether the walk came to its end; the cursor is at the beginning again.
    pub complete: bool,
}

impl EngineReader {
    /// Verifies the next records, at most about `bytes_max` of them, and moves the cursor on.
    ///
    /// # Errors
    /// `StorageFault::Damaged` with the record that is not as it was written. The cursor stays.
    pub fn scrub_step(
        &self,
        cursor: &mut ScrubCursor,
        bytes_max: u64,
    ) -> Result<ScrubProgress, StorageFault> {
        let mut progress = ScrubProgress::default();
        while progress.bytes < bytes_max {
            let Some(&which) = StoreFile::OF_ENGINE.get(cursor.file) else {
                *cursor = ScrubCursor::default();
                progress.complete = true;
                return Ok(progress);
            };
            let Some(&table) = which.tables().get(cursor.table) else {
                *cursor = ScrubCursor { file: cursor.file + 1, table: 0, after: None };
                continue;
            };
            let reached = self.scrub_table(which, table, cursor, bytes_max, &mut progress)?;
            match reached {
                Some(key) => cursor.after = Some(key),
                None => {
                    *cursor =
                        ScrubCursor { file: cursor.file, table: cursor.table + 1, after: None };
                }
            }
        }
        Ok(progress)
    }

    /// The key at which it stopped, or `None` at the end of the table.
    fn scrub_table(
        &self,
        which: StoreFile,
        table: Table,
        cursor: &ScrubCursor,
        bytes_max: u64,
        progress: &mut ScrubProgress,
    ) -> Result<Option<Vec<u8>>, StorageFault> {
        let from = cursor.after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut reached = None;
        self.vault(which).read(|reader| {
            reader.visit(table, (from, Bound::Unbounded), |key, _, bytes| {
                progress.records += 1;
                progress.bytes += bytes;
                if progress.bytes >= bytes_max {
                    reached = Some(key.to_vec());
                    return Ok(ControlFlow::Break(()));
                }
                Ok(ControlFlow::Continue(()))
            })
        })?;
        Ok(reached)
    }
}
