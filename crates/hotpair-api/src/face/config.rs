//! Config data: JSON documents by key, changed by transactions.
use super::PositionStatus;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfigRecord {
    /// Its key.
    pub key: String,
    /// The document.
    pub value: Value,
    /// The sequence of the entry that wrote it; also the ETag.
    pub version: u64,
    /// The number of the epoch that wrote it.
    pub epoch: u64,
    /// Wall clock of the node that wrote it, milliseconds since 1970.
    pub written_at_ms: u64,
}

/// Some records in the order of their keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfigPage {
    /// The records.
    pub records: Vec<ConfigRecord>,
    /// Where to go on with `?after=`; absent at the end.
    pub next: Option<String>,
    /// The journal's end when this was read.
    pub position: PositionStatus,
}

/// One change of a transaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ConfigOp {
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

/// What must hold for the transaction to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The record.
    pub key: String,
    /// Its version; `null`: it is not there.
    pub version: Option<u64>,
}

/// Changes that happen together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigTransaction {
    /// The changes, in order.
    pub ops: Vec<ConfigOp>,
    /// What must hold.
    #[serde(default)]
    pub expect: Vec<Expectation>,
}

/// One entry of the config journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfigChange {
    /// Its sequence.
    pub sequence: u64,
    /// The number of the epoch that wrote it.
    pub epoch: u64,
    /// Wall clock of the node that wrote it, milliseconds since 1970.
    pub written_at_ms: u64,
    /// The hash of the chain with it, in hex.
    pub hash: String,
    /// What it changed.
    pub ops: Vec<ConfigOp>,
}

/// All records at one position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfigExport {
    /// Always `hotpair-config-1`.
    pub format: String,
    /// Where it was read.
    #[serde(default)]
    pub position: PositionStatus,
    /// The hash of the chain there, in hex.
    #[serde(default)]
    pub hash: String,
    /// Key and document.
    pub records: std::collections::BTreeMap<String, Value>,
}

impl ConfigExport {
    /// The value of `format`.
    pub const FORMAT: &'static str = "hotpair-config-1";
}
