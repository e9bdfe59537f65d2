//! Sight of the store of one engine, for any thread.
use crate::commit::ROLE_KEY;
use crate::engine_store::Files;
use crate::format::{Record as _, StoredHead, Unreadable, key, read_bytes, read_entries};
use crate::table::Table;
use crate::vault::{ALL, Vault};
use crate::{DivergenceRecord, Entry, RoleChange, StorageFault, StoreFile};
use bytes::Bytes;
use hotpair_types::JournalKind;
use std::fmt;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

/// Sight of a store. Every record is verified before it is returned. Goes on working after a
/// failed write; as long as one is about, the files stay open.
#[derive(Clone)]
pub struct EngineReader {
    files: Arc<Files>,
}

impl fmt::Debug for EngineReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EngineReader").field(&self.vault(StoreFile::Replicated).path).finish()
    }
}

impl EngineReader {
    pub(crate) const fn new(files: Arc<Files>) -> Self {
        Self { files }
    }

    pub(crate) fn vault(&self, which: StoreFile) -> &Vault {
        self.files.vault(which)
    }

    /// Entries of a journal with sequences from `from` to `to`, as many as fit in `bytes_max`, at
    /// least one if there is one. Nothing when the first is not stored any more.
    ///
    /// # Errors
    /// `StorageFault`.
    pub fn entries(
        &self,
        journal: JournalKind,
        from: u64,
        to: u64,
        bytes_max: u64,
    ) -> Result<Vec<Entry>, StorageFault> {
        let mut entries: Vec<Entry> = Vec::new();
        if from > to {
            return Ok(entries);
        }
        // A record is named by its last entry, so the first of the range holds `from`.
        let (first, end) = (key::entry(journal, from), key::entries_end(journal));
        let range = (Bound::Included(&first[..]), Bound::Excluded(&end[..]));
        let mut left = bytes_max;
        self.vault(StoreFile::Replicated).read(|reader| {
            let mut enough = false;
            reader.visit(Table::Entries, range, |_, body, _| {
                read_entries(body, |entry, bytes| {
                    let sequence = entry.position.sequence;
                    if sequence < from {
                        return Ok(ControlFlow::Continue(()));
                    }
                    enough = sequence > to || (bytes > left && !entries.is_empty());
                    if enough || sequence != from + entries.len() as u64 {
                        return Ok(ControlFlow::Break(()));
                    }
                    left = left.saturating_sub(bytes);
                    entries.push(entry);
                    Ok(ControlFlow::Continue(()))
                })
            })?;
            // The oldest may have been given up; in the middle a damaged inner page hides some.
            let head: Option<StoredHead> = reader.get(Table::Heads, &[key::journal(journal)])?;
            let end = head.map_or(0, |it| it.history.last).min(to);
            let hole = entries.last().is_some_and(|it| it.position.sequence < end) && !enough;
            if hole {
                return Err(reader.damaged(Table::Entries, "there is a gap between its entries"));
            }
            Ok(())
        })?;
        Ok(entries)
    }

    /// The record of the state machine.
    ///
    /// # Errors
    /// `StorageFault`.
    pub fn role(&self) -> Result<Option<Bytes>, StorageFault> {
        self.vault(StoreFile::Local)
            .read(|reader| reader.get_with(Table::Documents, ROLE_KEY, read_bytes))
    }

    /// A value of a local table.
    ///
    /// # Errors
    /// `StorageFault`.
    pub fn local_value(&self, table: &str, item: &str) -> Result<Option<Bytes>, StorageFault> {
        let key = key::pair(table, item);
        self.vault(StoreFile::Local)
            .read(|reader| reader.get_with(Table::LocalValues, &key, read_bytes))
    }

    /// All values of a local table, by key.
    ///
    /// # Errors
    /// `StorageFault`.
    pub fn local_values(&self, table: &str) -> Result<Vec<(Box<str>, Bytes)>, StorageFault> {
        let (from, to) = (key::pair(table, ""), key::pairs_end(table));
        let range = (Bound::Included(&from[..]), Bound::Excluded(&to[..]));
        let mut values = Vec::new();
        self.vault(StoreFile::Local).read(|reader| {
            reader.visit(Table::LocalValues, range, |key, body, _| {
                let (_, item) = key::read_pair(key).ok_or(Unreadable)?;
                values.push((item, read_bytes(body)?));
                Ok(ControlFlow::Continue(()))
            })
        })?;
        Ok(values)
    }

    /// The newest changes of role, oldest first, at most `count`.
    ///
    /// # Errors
    /// `StorageFault`.
    pub fn role_changes(&self, count: u64) -> Result<Vec<RoleChange>, StorageFault> {
        let mut changes = Vec::new();
        self.vault(StoreFile::Local).read(|reader| {
            let last = reader.last_key(Table::RoleChanges)?;
            let Some(last) = last.as_deref().and_then(key::read_sequence) else {
                return Ok(());
            };
            // A damaged inner page may hide some.
            reader.verify_count(Table::RoleChanges)?;
            let from = key::sequence(last.saturating_add(1).saturating_sub(count));
            let range = (Bound::Included(&from[..]), Bound::Unbounded);
            reader.visit(Table::RoleChanges, range, |_, body, _| {
                changes.push(RoleChange::read(body)?);
                Ok(ControlFlow::Continue(()))
            })
        })?;
        Ok(changes)
    }

    /// Everything that lost, by journal and position.
    ///
    /// # Errors
    /// `StorageFault`.
    pub fn divergence(&self) -> Result<Vec<DivergenceRecord>, StorageFault> {
        let mut records = Vec::new();
        self.vault(StoreFile::Local).read(|reader| {
            reader.visit(Table::Divergence, ALL, |_, body, _| {
                records.push(DivergenceRecord::read(body)?);
                Ok(ControlFlow::Continue(()))
            })
        })?;
        Ok(records)
    }
}
