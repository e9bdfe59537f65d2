//! Attributes of objects that a person sets: a step of its own, posted as a write.
use super::Driver;
use super::objects::all_ops;
use super::writes::{PostedWrite, WriteEnd};
use hotpair_core::EngineIndex;
use hotpair_engine::Post;
use hotpair_engine::objects::{AttributeError, PROVIDER};
use hotpair_engine::tags::{Quality, Value};
use hotpair_replication::{IdempotencyKey, WriteBody};
use hotpair_types::{Ack, JournalKind};

/// What a person wants of an attribute.
#[derive(Clone, Debug)]
pub(crate) struct AttributeWanted {
    pub(crate) object: String,
    pub(crate) attribute: String,
    pub(crate) value: Value,
    pub(crate) quality: Quality,
    pub(crate) ack: Option<Ack>,
    pub(crate) key: Option<IdempotencyKey>,
}

impl Driver {
    /// Sets an attribute. What was written with the same key is answered as it was.
    ///
    /// # Errors
    /// `AttributeError`: nothing is written, and `reply` is not used.
    pub(crate) fn set_attribute(
        &mut self,
        engine: EngineIndex,
        wanted: AttributeWanted,
        reply: WriteEnd,
    ) -> Result<(), AttributeError> {
        let AttributeWanted { object, attribute, value, quality, ack, key } = wanted;
        let repeats = |it| self.replica(engine).remembers(JournalKind::Runtime, it);
        if key.as_ref().is_some_and(repeats) {
            // The replica does not look at it.
            let nothing = [Post { item: object.into(), value: None }];
            let write = PostedWrite { ack, key, ..PostedWrite::runtime(PROVIDER, &nothing) };
            self.write(engine, write, reply);
            return Ok(());
        }
        let (now, at) = (self.clock.now(), self.clock.wall());
        let tags = self.runtime(engine).tags.clone();
        let Some(runner) = &mut self.runtime(engine).objects.runner else {
            return Err(AttributeError::NoObject { object: object.into() });
        };
        let unit = runner.set(&object, &attribute, value, quality, at)?;
        let Some(posts) = runner.posts(now, at, unit, &tags) else {
            // Its checkpoint was replaced: it is made anew, and can be asked then.
            return Err(AttributeError::Scanning { object: object.into() });
        };
        let before = self.runtime_position(engine);
        let body = WriteBody::Runtime { ops: all_ops(&posts) };
        self.write(engine, PostedWrite { ack, key, body }, reply);
        let position = self.runtime_position(engine);
        let position = (position.sequence == before.sequence + 1).then_some(position);
        // It may have been dropped meanwhile: with the role.
        let runner = self.runtime(engine).objects.runner.as_mut();
        if let Some(Err(error)) = runner.map(|it| it.posted(now, posts, position)) {
            tracing::error!(%error, "an attribute that was checked cannot be set");
        }
        Ok(())
    }
}
