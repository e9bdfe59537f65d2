//! A table of this node alone, for users of the library.
//!
//! Holding one cannot cause a config change: it has no function that gives a `Change`, no access to
//! the replica, and what it writes goes to the file that never travels (docs/design/states.md, S8).
use crate::{Op, StorageFault, StorageHandle, WaitError};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

/// Values of one type, kept on this node. Every call waits for the disk.
#[derive(Clone, Debug)]
pub struct LocalTable<T> {
    name: Box<str>,
    storage: StorageHandle,
    of: PhantomData<fn() -> T>,
}

/// Why a local table could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The value is not of the table's type.
    #[error("local table {table:?}, key {key:?}: {error}")]
    Value {
        /// The table.
        table: Box<str>,
        /// The key.
        key: Box<str>,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// It is not known to be durable.
    #[error(transparent)]
    Commit(#[from] WaitError),
    /// It could not be read.
    #[error(transparent)]
    Fault(#[from] StorageFault),
}

impl<T: Serialize + DeserializeOwned> LocalTable<T> {
    /// The table with this name. It comes into being with its first value.
    #[must_use]
    pub fn new(name: &str, storage: StorageHandle) -> Self {
        Self { name: name.into(), storage, of: PhantomData }
    }

    /// A value.
    ///
    /// # Errors
    /// `LocalError::Value` or `LocalError::Fault`.
    pub fn get(&self, key: &str) -> Result<Option<T>, LocalError> {
        let value = self.storage.reader().local_value(&self.name, key)?;
        value.map(|it| self.read(key, &it)).transpose()
    }

    /// All values, by key.
    ///
    /// # Errors
    /// As `get`.
    pub fn all(&self) -> Result<Vec<(Box<str>, T)>, LocalError> {
        let values = self.storage.reader().local_values(&self.name)?;
        values.into_iter().map(|(key, it)| self.read(&key, &it).map(|value| (key, value))).collect()
    }

    /// Keeps a value; it is durable when this returns.
    ///
    /// # Errors
    /// `LocalError`.
    pub fn put(&self, key: &str, value: &T) -> Result<(), LocalError> {
        let value = serde_json::to_vec(value).map_err(|error| self.value_error(key, error))?;
        let (table, key) = (self.name.clone(), key.into());
        self.commit(Op::PutLocal { table, key, value: Bytes::from(value) })
    }

    /// Forgets a value; durable when this returns.
    ///
    /// # Errors
    /// `LocalError`.
    pub fn remove(&self, key: &str) -> Result<(), LocalError> {
        self.commit(Op::RemoveLocal { table: self.name.clone(), key: key.into() })
    }

    fn commit(&self, op: Op) -> Result<(), LocalError> {
        Ok(self.storage.commit(vec![op])?)
    }

    fn read(&self, key: &str, value: &[u8]) -> Result<T, LocalError> {
        serde_json::from_slice(value).map_err(|error| self.value_error(key, error))
    }

    fn value_error(&self, key: &str, error: serde_json::Error) -> LocalError {
        LocalError::Value { table: self.name.clone(), key: key.into(), error }
    }
}
