//! What a node answers, and what it is sent.
use hotpair_types::Ack;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A write that happened.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Written {
    /// The sequence of its entry.
    pub sequence: u64,
    /// The number of the epoch that wrote it.
    pub epoch: u64,
    /// What the acknowledgement means.
    pub acknowledged: Ack,
    /// Weaker than asked for, because there is no standby to have it.
    pub degraded: bool,
}

/// How far a value can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quality {
    /// As written.
    #[default]
    Good,
    /// Perhaps old.
    Uncertain,
    /// Not to be used.
    Bad,
}

/// One tag.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Tag {
    /// Its path.
    pub path: String,
    /// Its value; null before the first write when no initial value is declared.
    pub value: Value,
    /// How far it can be trusted.
    pub quality: Quality,
    /// Milliseconds since 1970.
    pub timestamp: u64,
    /// The sequence of the entry that wrote it; 0 when nobody wrote.
    pub sequence: u64,
    /// The number of the epoch that wrote it.
    pub epoch: u64,
    /// The declared type.
    #[serde(rename = "type", default)]
    pub value_type: String,
    /// The declared unit.
    #[serde(default)]
    pub unit: Option<String>,
}

/// Some tags in the order of their paths.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct TagPage {
    /// The tags.
    pub tags: Vec<Tag>,
    /// Where to go on; absent at the end.
    #[serde(default)]
    pub next: Option<String>,
}

/// One tag to write.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TagWrite {
    /// Which.
    pub path: String,
    /// The new value.
    pub value: Value,
    /// How far it can be trusted.
    pub quality: Quality,
    /// Milliseconds since 1970; absent: now, by the clock of the node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<u64>,
}

impl TagWrite {
    /// A good value, now.
    pub fn new(path: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { path: path.into(), value: value.into(), quality: Quality::Good, timestamp: None }
    }
}

/// One config record.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Record {
    /// Its key.
    pub key: String,
    /// The document.
    pub value: Value,
    /// The sequence of the entry that wrote it.
    pub version: u64,
}

/// Some records in the order of their keys.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RecordPage {
    /// The records.
    pub records: Vec<Record>,
    /// Where to go on; absent at the end.
    #[serde(default)]
    pub next: Option<String>,
}

/// One change of a config transaction.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum Operation {
    /// Writes a record.
    Set {
        /// Its key.
        key: String,
        /// The document.
        value: Value,
    },
    /// Deletes a record, which must be there.
    Delete {
        /// Its key.
        key: String,
    },
}

/// What must hold for a transaction to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expectation {
    /// The record.
    pub key: String,
    /// Its version; `None`: it is not there.
    pub version: Option<u64>,
}
