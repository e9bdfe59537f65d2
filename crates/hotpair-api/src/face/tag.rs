//! Tags: live values with quality and time.
use super::PositionStatus;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How far a value can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagQuality {
    /// As written.
    #[default]
    Good,
    /// Perhaps old.
    Uncertain,
    /// Not to be used.
    Bad,
}

/// One tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tag {
    /// Its path.
    pub path: String,
    /// Its value; `null` before the first write when no initial value is declared.
    pub value: Value,
    /// How far it can be trusted.
    pub quality: TagQuality,
    /// Milliseconds since 1970, as the writer gave it or the node took it.
    pub timestamp: u64,
    /// The sequence of the entry that wrote it; 0 when it still has its initial value.
    pub sequence: u64,
    /// The number of the epoch that wrote it.
    pub epoch: u64,
    /// The declared type.
    #[serde(rename = "type")]
    pub value_type: String,
    /// The declared unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// Some tags in the order of their paths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TagPage {
    /// The tags.
    pub tags: Vec<Tag>,
    /// Where to go on with `?after=`; absent at the end.
    pub next: Option<String>,
    /// The journal's end when this was read.
    pub position: PositionStatus,
}

/// One write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagWrite {
    /// Which tag.
    pub path: String,
    /// The new value.
    pub value: Value,
    /// How far it can be trusted.
    #[serde(default)]
    pub quality: TagQuality,
    /// Milliseconds since 1970; absent: now.
    #[serde(default)]
    pub timestamp: Option<u64>,
}
