//! Losing entries that are kept for a person (docs/design/replication.md, "Divergence store").
use super::PositionStatus;
use hotpair_types::JournalKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One conflict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DivergenceSummary {
    /// Stable on both nodes.
    pub id: String,
    /// Wall clock of the node that settled it, milliseconds since 1970.
    pub at_ms: u64,
    /// The last position both histories share.
    pub fork: PositionStatus,
    /// Which journal.
    pub journal: JournalKind,
    /// The epoch that won.
    pub winning_epoch: u64,
    /// The epoch that lost.
    pub losing_epoch: u64,
    /// The node whose entries lost.
    pub losing_node: String,
    /// The rule that decided.
    pub rule: String,
    /// How many entries are kept.
    pub entries: u64,
    /// How many of them were replayed or are in the winning history by now.
    pub settled: u64,
}

/// One conflict with its entries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Divergence {
    /// What it is about.
    #[serde(flatten)]
    pub summary: DivergenceSummary,
    /// The losing entries, oldest first.
    pub kept: Vec<DivergedEntry>,
}

/// One losing change of one item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DivergedEntry {
    /// Its number within the conflict.
    pub number: u64,
    /// Its position in the losing history.
    pub position: PositionStatus,
    /// The item, `provider/item` or a config key.
    pub item: String,
    /// What lost; absent: a removal. Not JSON inside: a string in base64.
    pub losing_value: Option<Value>,
    /// When it was written.
    pub losing_at_ms: u64,
    /// What the item is now.
    pub winning_value: Option<Value>,
    /// When that was written.
    pub winning_at_ms: Option<u64>,
    /// Replayed, or in the winning history by now.
    pub settled: bool,
}

/// What a replay did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayReport {
    /// Entry by entry.
    pub entries: Vec<ReplayedEntry>,
}

/// One replayed entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayedEntry {
    /// Its number within the conflict.
    pub number: u64,
    /// The new sequence; absent: not written.
    pub sequence: Option<u64>,
    /// Why not, if not.
    pub refused: Option<String>,
}
