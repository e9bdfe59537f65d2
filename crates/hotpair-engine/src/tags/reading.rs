//! What a tag says at one moment: value, quality, timestamp, and the entry that wrote it.
use super::declaration::Declaration;
use super::encoding::TagRecord;
use super::value::{Quality, Value};
use hotpair_types::{NodeTime, Position};
use std::sync::Arc;

/// What a tag says at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Which tag.
    pub path: Arc<str>,
    /// Type, unit and limits. `None` only in changes: the tag is gone, or its declaration is still
    /// on its way to this node.
    pub declaration: Option<Arc<Declaration>>,
    /// `None`: never written, and declared without an initial value; or gone.
    pub value: Option<Value>,
    /// How far it can be trusted. An initial value is uncertain, none is bad.
    pub quality: Quality,
    /// When it was written; 0 when nobody wrote.
    pub timestamp: NodeTime,
    /// The entry of the runtime journal that wrote it; the start when nobody wrote. Goes on
    /// across nodes.
    pub position: Position,
}

impl Reading {
    pub(super) fn written(
        path: &Arc<str>,
        declaration: Option<&Arc<Declaration>>,
        position: Position,
        record: &TagRecord,
    ) -> Self {
        Self {
            path: Arc::clone(path),
            declaration: declaration.cloned(),
            value: Some(record.value.clone()),
            quality: record.quality,
            timestamp: record.timestamp,
            position,
        }
    }

    pub(super) fn unwritten(
        path: &Arc<str>,
        declaration: Option<&Arc<Declaration>>,
        position: Position,
    ) -> Self {
        let value = declaration.and_then(|it| it.initial.clone());
        Self {
            path: Arc::clone(path),
            declaration: declaration.cloned(),
            quality: if value.is_some() { Quality::Uncertain } else { Quality::Bad },
            value,
            timestamp: NodeTime(0),
            position,
        }
    }

    /// Whether this change says that the tag is gone.
    #[must_use]
    pub fn is_removal(&self) -> bool {
        self.declaration.is_none() && self.value.is_none()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.value.as_ref().map_or(0, Value::heap_bytes)
    }
}
