//! History that is held until a sink has it.
use serde::{Deserialize, Serialize};

/// The history of one engine, as this node holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryStatus {
    /// Where it goes to, as settings name it; absent: nowhere, and nothing is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<HistorySinkStatus>,
    /// Whether this node forwards it: it acts.
    pub forwards: bool,
    /// Samples held: recorded, and not known to be in the sink.
    pub held_records: u64,
    /// Of these, samples that are in no sealed block yet.
    pub open_records: u64,
    /// Sealed blocks held.
    pub held_blocks: u64,
    /// Bytes held.
    pub held_bytes: u64,
    /// When the oldest of them was taken, milliseconds since 1970 by the clock of the node that did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_ms: Option<u64>,
    /// The sequence of the newest sample; 0 before the first.
    pub newest: u64,
    /// Up to this sequence every sample is in the sink, or was lost.
    pub done: u64,
    /// Samples that the sink has committed.
    pub committed: u64,
    /// When it did so last, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_at_ms: Option<u64>,
    /// Samples that were dropped because no more could be held.
    pub lost: u64,
    /// When that was last, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_at_ms: Option<u64>,
    /// Why the sink does not take the oldest block, as long as it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<HistoryFailing>,
}

/// Where history goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistorySinkStatus {
    /// `parquet` or `postgres`.
    pub kind: String,
    /// The directory, or the table.
    pub target: String,
    /// More bytes than these are not held.
    pub held_bytes_max: u64,
}

/// A sink that does not take a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryFailing {
    /// What it said last.
    pub why: String,
    /// It may pass by itself.
    pub temporary: bool,
    /// How often it failed.
    pub times: u32,
    /// For how long it fails.
    pub for_ms: u64,
}
