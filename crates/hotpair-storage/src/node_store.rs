//! What the node as a whole remembers: how many times it was started, and local values.
use crate::Options;
use crate::directory::{CleanMark, DataDirectory, sync_directory};
use crate::engine_store::manner;
use crate::format::{key, read_bytes, write_bytes};
use crate::table::Table;
use crate::vault::{Ground, Vault};
use crate::{FileOrigin, OpenError, StorageFault, StoreFile};
use bytes::Bytes;
use hotpair_types::Instance;
use std::fmt;

const INSTANCES_KEY: &[u8] = b"instances";

/// `node.redb`. Small and seldom written, so it needs no thread.
pub struct NodeStore {
    vault: Vault,
    mark: CleanMark,
    failed: bool,
}

impl fmt::Debug for NodeStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NodeStore").field(&self.vault.path).finish()
    }
}

impl NodeStore {
    /// Opens the store, or makes it in a new directory.
    ///
    /// # Errors
    /// `OpenError` with the file's name.
    pub fn open(data: &DataDirectory) -> Result<(Self, FileOrigin), OpenError> {
        let path = data.path().join(StoreFile::Node.file_name());
        let exists = path.try_exists().map_err(|it| StorageFault::io(&path, &it))?;
        let (mark, clean) = CleanMark::take(data.path(), "closed")?;
        let manner = manner(StoreFile::Node, Options::default(), clean || !exists);
        if !exists {
            let unfinished = path.with_extension("new");
            let fault = |it: std::io::Error| StorageFault::io(&unfinished, &it);
            match std::fs::remove_file(&unfinished) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(fault(error).into());
                }
                Ok(()) | Err(_) => {}
            }
            Vault::create(&unfinished, Ground::File, StoreFile::Node, "node", false, manner)?
                .close()?;
            std::fs::rename(&unfinished, &path).map_err(fault)?;
            sync_directory(data.path())?;
        }
        let found = Vault::open(&path, Ground::File, StoreFile::Node, "node", manner)?;
        let store = Self { vault: found.vault, mark, failed: false };
        let untouched = store.started()? == 0;
        let origin = match (exists, found.replaced && untouched) {
            (false, _) => FileOrigin::Created,
            (true, true) => FileOrigin::Replaced,
            (true, false) => FileOrigin::Opened,
        };
        Ok((store, origin))
    }

    /// How many times this store was started; 0 for a new one.
    ///
    /// # Errors
    /// `StorageFault`.
    pub fn started(&self) -> Result<u64, StorageFault> {
        let read = |body: &[u8]| {
            let body = read_bytes(body)?;
            let count = body.as_ref().try_into().map_err(|_| crate::format::Unreadable)?;
            Ok(u64::from_le_bytes(count))
        };
        let count =
            self.vault.read(|reader| reader.get_with(Table::Documents, INSTANCES_KEY, read))?;
        Ok(count.unwrap_or(0))
    }

    /// Counts this start durably. To be called once, before anything is said to the partner.
    ///
    /// # Errors
    /// `StorageFault`; then the node must not start.
    pub fn next_instance(&mut self, tag: u64) -> Result<Instance, StorageFault> {
        let count = self.started()? + 1;
        self.write(|writer| {
            let encode = |to: &mut Vec<u8>| write_bytes(&count.to_le_bytes(), to);
            writer.put_with(Table::Documents, INSTANCES_KEY, encode).map(drop)
        })?;
        Ok(Instance { count, tag })
    }

    /// Keeps a value of the node's own.
    ///
    /// # Errors
    /// `StorageFault`; then nothing more is written until it is opened again.
    pub fn put(&mut self, table: &str, name: &str, value: &[u8]) -> Result<(), StorageFault> {
        let key = key::pair(table, name);
        self.write(|writer| {
            writer.put_with(Table::LocalValues, &key, |to| write_bytes(value, to)).map(drop)
        })
    }

    /// Forgets a value.
    ///
    /// # Errors
    /// As `put`.
    pub fn remove(&mut self, table: &str, name: &str) -> Result<(), StorageFault> {
        let key = key::pair(table, name);
        self.write(|writer| writer.remove(Table::LocalValues, &key).map(drop))
    }

    /// A value of the node's own.
    ///
    /// # Errors
    /// `StorageFault`.
    pub fn get(&self, table: &str, name: &str) -> Result<Option<Bytes>, StorageFault> {
        let key = key::pair(table, name);
        self.vault.read(|reader| reader.get_with(Table::LocalValues, &key, read_bytes))
    }

    fn write(
        &mut self,
        work: impl FnOnce(&mut crate::vault::Writer<'_>) -> Result<(), StorageFault>,
    ) -> Result<(), StorageFault> {
        if self.failed {
            return Err(StorageFault::Closed { file: self.vault.path.clone() });
        }
        self.vault.write(work).inspect_err(|_| self.failed = true)
    }

    /// Closes the file and notes it.
    ///
    /// # Errors
    /// `StorageFault` when it could not be closed whole.
    pub fn close(self) -> Result<(), StorageFault> {
        self.vault.close()?;
        if self.failed { Ok(()) } else { self.mark.put() }
    }
}
