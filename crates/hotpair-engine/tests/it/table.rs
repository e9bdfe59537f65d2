//! A table of tags with a journal that counts.
use hotpair_engine::tags::{ConfigEffect, Quality, TagError, TagWrite, Tags, Value};
use hotpair_types::{Epoch, NodeTime, Position};

pub(crate) fn at(epoch: u64, sequence: u64) -> Position {
    Position { epoch: Epoch { number: epoch, tag: epoch }, sequence }
}

pub(crate) struct Journal {
    pub(crate) tags: Tags,
    pub(crate) end: Position,
}

impl Journal {
    pub(crate) fn with(declarations: &[(&str, &str)]) -> Self {
        let it = Self { tags: Tags::new(), end: at(1, 0) };
        for (path, json) in declarations {
            it.declare(path, json);
        }
        it
    }

    pub(crate) fn declare(&self, path: &str, json: &str) -> ConfigEffect {
        self.tags.config_changed(&format!("tags/{path}"), Some(json.as_bytes())).unwrap()
    }

    pub(crate) fn write(&mut self, path: &str, value: impl Into<Value>) -> Result<(), TagError> {
        self.batch(&[(path, value.into())])
    }

    pub(crate) fn batch(&mut self, writes: &[(&str, Value)]) -> Result<(), TagError> {
        let write = |(path, value): &(&str, Value)| TagWrite {
            path: (*path).into(),
            value: value.clone(),
            quality: Quality::Good,
            timestamp: NodeTime(1_000 + self.end.sequence),
        };
        let posts = self.tags.prepare_batch(writes.iter().map(write).collect())?;
        self.end.sequence += 1;
        self.tags.commit(self.end, posts).unwrap();
        Ok(())
    }

    pub(crate) fn show(&self, path: &str) -> String {
        self.tags.read(path).map_or_else(|| "undeclared".into(), |it| shown(&it))
    }
}

pub(crate) fn shown(reading: &hotpair_engine::tags::Reading) -> String {
    let value = reading.value.as_ref().map_or_else(|| "none".into(), ToString::to_string);
    let gone = if reading.is_removal() { " gone" } else { "" };
    format!("{}={value} {} @{}{gone}", reading.path, reading.quality.id(), reading.position)
}
