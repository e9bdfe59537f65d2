//! One transaction that reads a vault: every record is verified before it is returned.
use super::{Vault, opened};
use crate::StorageFault;
use crate::format::{Record, Unreadable};
use crate::table::Table;
use redb::{ReadableTable, ReadableTableMetadata};
use std::ops::{Bound, ControlFlow};

/// A whole table.
pub(crate) const ALL: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Unbounded);

/// One transaction that reads.
pub(crate) struct Reader<'a> {
    pub(super) vault: &'a Vault,
    pub(super) transaction: &'a redb::ReadTransaction,
}

impl Reader<'_> {
    fn table(
        &self,
        table: Table,
    ) -> Result<redb::ReadOnlyTable<&'static [u8], &'static [u8]>, StorageFault> {
        self.transaction.open_table(table.definition()).map_err(|error| self.vault.fault(error))
    }

    /// Reads a record.
    pub(crate) fn get<R: Record>(
        &self,
        table: Table,
        key: &[u8],
    ) -> Result<Option<R>, StorageFault> {
        self.get_with(table, key, R::read)
    }

    /// Reads a record.
    pub(crate) fn get_with<T>(
        &self,
        table: Table,
        key: &[u8],
        decode: impl FnOnce(&[u8]) -> Result<T, Unreadable>,
    ) -> Result<Option<T>, StorageFault> {
        let opened_table = self.table(table)?;
        let found = opened_table.get(key).map_err(|error| self.vault.fault(error))?;
        found.map(|it| opened(self.vault, table, key, it.value(), decode)).transpose()
    }

    /// Visits the records of a range in order: the key, the body, and the bytes they take on disk.
    pub(crate) fn visit(
        &self,
        table: Table,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        mut each: impl FnMut(&[u8], &[u8], u64) -> Result<ControlFlow<()>, Unreadable>,
    ) -> Result<(), StorageFault> {
        let whole = range == ALL;
        let fault = |error: redb::StorageError| self.vault.fault(error);
        let opened_table = self.table(table)?;
        let mut visited = 0;
        for record in opened_table.range::<&[u8]>(range).map_err(fault)? {
            let (key, value) = record.map_err(fault)?;
            let (key, value) = (key.value(), value.value());
            let bytes = (key.len() + value.len()) as u64;
            visited += 1;
            let flow = opened(self.vault, table, key, value, |body| each(key, body, bytes))?;
            if flow.is_break() {
                return Ok(());
            }
        }
        if whole {
            self.counted(table, &opened_table, visited)?;
        }
        Ok(())
    }

    /// Whether a table has as many records as were counted when it was written: a damaged inner
    /// page may hide records instead of changing them.
    pub(crate) fn verify_count(&self, table: Table) -> Result<(), StorageFault> {
        let opened_table = self.table(table)?;
        let found = self.sum(table, &[], None)?.0;
        self.counted(table, &opened_table, found)
    }

    fn counted(
        &self,
        table: Table,
        opened_table: &impl ReadableTableMetadata,
        found: u64,
    ) -> Result<(), StorageFault> {
        let expected = opened_table.len().map_err(|error| self.vault.fault(error))?;
        if found == expected {
            return Ok(());
        }
        Err(self.damaged(table, format!("{found} records found, {expected} were counted")))
    }

    pub(crate) fn damaged(&self, table: Table, found: impl Into<String>) -> StorageFault {
        self.vault.damaged(Some(table), None, found)
    }

    /// Sums up a range without looking into its records: how many, and their bytes.
    pub(crate) fn sum(
        &self,
        table: Table,
        from: &[u8],
        to: Option<&[u8]>,
    ) -> Result<(u64, u64), StorageFault> {
        let fault = |error: redb::StorageError| self.vault.fault(error);
        let range = (Bound::Included(from), to.map_or(Bound::Unbounded, Bound::Excluded));
        let (mut count, mut bytes) = (0, 0);
        for record in self.table(table)?.range::<&[u8]>(range).map_err(fault)? {
            let (key, value) = record.map_err(fault)?;
            count += 1;
            bytes += (key.value().len() + value.value().len()) as u64;
        }
        Ok((count, bytes))
    }

    /// The last key of a table.
    pub(crate) fn last_key(&self, table: Table) -> Result<Option<Vec<u8>>, StorageFault> {
        let opened_table = self.table(table)?;
        let last = opened_table.last().map_err(|error| self.vault.fault(error))?;
        Ok(last.map(|it| it.0.value().to_vec()))
    }
}
