//! A typed view of config records. It makes changes for the replica to write, so it is the one
//! that can cause a config change; a `LocalTable` cannot.
use crate::Change;
use bytes::Bytes;
use hotpair_types::ItemKey;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

/// Records of one type whose keys begin with the table's name and a slash. Values are JSON.
#[derive(Clone, Debug)]
pub struct ConfigTable<T> {
    name: Box<str>,
    of: PhantomData<fn() -> T>,
}

/// A value that is not of the table's type.
#[derive(Debug, thiserror::Error)]
#[error("config record {key:?}: {error}")]
pub struct TableError {
    key: String,
    error: serde_json::Error,
}

impl<T: Serialize + DeserializeOwned> ConfigTable<T> {
    /// The table with this name, for example `tags`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), of: PhantomData }
    }

    /// The item of a record.
    #[must_use]
    pub fn item(&self, key: &str) -> ItemKey {
        ItemKey::config(&format!("{}/{key}", self.name))
    }

    /// The key of a record, if the item is of this table.
    #[must_use]
    pub fn key<'a>(&self, item: &'a ItemKey) -> Option<&'a str> {
        if !item.provider.is_empty() {
            return None;
        }
        item.item.strip_prefix(&*self.name)?.strip_prefix('/')
    }

    /// The change that sets a record.
    ///
    /// # Errors
    /// `TableError` when the value cannot be JSON.
    pub fn set(&self, key: &str, value: &T) -> Result<Change, TableError> {
        let item = self.item(key);
        let value = serde_json::to_vec(value).map_err(|error| self.error(key, error))?;
        Ok(Change::Set { item, value: Bytes::from(value) })
    }

    /// The change that removes a record.
    #[must_use]
    pub fn remove(&self, key: &str) -> Change {
        Change::Remove { item: self.item(key) }
    }

    /// Reads a record.
    ///
    /// # Errors
    /// `TableError` when it is not of the table's type.
    pub fn read(&self, key: &str, value: &[u8]) -> Result<T, TableError> {
        serde_json::from_slice(value).map_err(|error| self.error(key, error))
    }

    fn error(&self, key: &str, error: serde_json::Error) -> TableError {
        TableError { key: format!("{}/{key}", self.name), error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_reads_what_it_writes_and_knows_its_records() {
        let table = ConfigTable::<u32>::new("limits");
        let Change::Set { item, value } = table.set("speed", &7).unwrap() else { panic!() };
        assert_eq!(item, ItemKey::config("limits/speed"));
        assert_eq!(table.key(&item), Some("speed"));
        assert_eq!(table.key(&ItemKey::config("limitsspeed")), None);
        assert_eq!(table.key(&ItemKey::new("tags", "limits/speed")), None);
        assert_eq!(table.read("speed", &value).unwrap(), 7);
        assert!(table.read("speed", b"\"x\"").is_err());
    }
}
