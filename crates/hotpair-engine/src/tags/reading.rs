//! What a tag says: `{value, quality, timestamp, sequence}`.
use super::encoding::TagRecord;
use super::value::{Quality, Value};
use hotpair_types::{NodeTime, Position};
use std::sync::Arc;

/// What a tag says at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Which tag.
    pub path: Arc<str>,
    /// `None`: never written, and declared without an initial value.
    pub value: Option<Value>,
    /// How far it can be trusted.
    pub quality: Quality,
    /// When it was written; 0 when nobody wrote.
    pub timestamp: NodeTime,
    /// The entry of the runtime journal that wrote it. Goes on across nodes.
    pub position: Position,
}

impl Reading {
    pub(super) fn of_record(path: &Arc<str>, position: Position, record: &TagRecord) -> Self {
        Self {
            path: Arc::clone(path),
            value: Some(record.value.clone()),
            quality: record.quality,
            timestamp: record.timestamp,
            position,
        }
    }

    pub(super) fn initial(path: &Arc<str>, position: Position, value: Option<Value>) -> Self {
        let quality = if value.is_some() { Quality::Initial } else { Quality::Bad };
        Self { path: Arc::clone(path), value, quality, timestamp: NodeTime(0), position }
    }

    /// How it looks in JSON, with its path, and its epoch beside the sequence.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "path": &*self.path,
            "value": self.value.as_ref().map(Value::to_json),
            "quality": self.quality.id(),
            "timestamp": timestamp_text(self.timestamp),
            "sequence": self.position.sequence,
            "epoch": self.position.epoch.number,
        })
    }

    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.value.as_ref().map_or(0, Value::heap_bytes)
    }
}

/// RFC 3339 with milliseconds; `None` for 0.
fn timestamp_text(time: NodeTime) -> Option<String> {
    let millis = i64::try_from(time.0).ok().filter(|it| *it > 0)?;
    let timestamp = jiff::Timestamp::from_millisecond(millis).ok()?;
    Some(format!("{timestamp:.3}"))
}
