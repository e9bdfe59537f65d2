//! Alarms of objects where they are not part of a scan: the time of shelves, and what people want of
//! them. What is posted is shown when it has its place in the journal, like a tag.
use super::Driver;
use super::objects::ops;
use super::writes::{PostedWrite, WriteEnd};
use hotpair_core::EngineIndex;
use hotpair_engine::Post;
use hotpair_engine::alarms::{AlarmError, Command, PROVIDER, Word};
use hotpair_replication::{IdempotencyKey, WriteBody};
use hotpair_types::{Ack, JournalKind};
use std::time::Duration;

/// The time of shelves is counted so often.
const SHELVES_EVERY: Duration = Duration::from_secs(1);
/// Records in one entry, which is less than its limit with them: each has at most 1.5 KiB.
const ENTRY_RECORDS_MAX: usize = 1_024;

/// What a person wants of an alarm.
#[derive(Clone, Debug)]
pub(crate) struct AlarmWanted {
    pub(crate) object: String,
    pub(crate) alarm: String,
    pub(crate) command: Command,
    pub(crate) by: Word,
    pub(crate) ack: Option<Ack>,
    pub(crate) key: Option<IdempotencyKey>,
}

impl Driver {
    /// Counts the time of shelves, when some of it went by.
    pub(super) fn pass_shelves(&mut self, engine: EngineIndex) {
        if self.clock.now().since(self.runtime(engine).objects.shelves_at) >= SHELVES_EVERY {
            self.count_shelves(engine);
        }
    }

    fn count_shelves(&mut self, engine: EngineIndex) {
        let (now, at) = (self.clock.now(), self.clock.wall());
        let objects = &self.runtime(engine).objects;
        let posts = objects.alarms.passed(now.since(objects.shelves_at), at);
        for part in posts.chunks(ENTRY_RECORDS_MAX) {
            let body = WriteBody::Runtime { ops: ops(PROVIDER, part) };
            if self.post(engine, body).is_err() {
                // All of it is counted again; what was taken now is a second shorter on its shelf at
                // most.
                return;
            }
        }
        self.runtime(engine).objects.shelves_at = now;
    }

    /// Writes what is wanted of an alarm. What was written with the same key is answered as it was.
    ///
    /// # Errors
    /// `AlarmError`: nothing is written, and `reply` is not used.
    pub(crate) fn command_alarm(
        &mut self,
        engine: EngineIndex,
        wanted: AlarmWanted,
        reply: WriteEnd,
    ) -> Result<(), AlarmError> {
        let AlarmWanted { object, alarm, command, by, ack, key } = wanted;
        let repeats = |it| self.replica(engine).remembers(JournalKind::Runtime, it);
        let alarms = if key.as_ref().is_some_and(repeats) {
            // The replica does not look at it.
            vec![Post { item: format!("{object}/{alarm}").into(), value: None }]
        } else {
            if matches!(command, Command::Shelve { .. }) {
                // Its time begins now, not when that of others was counted last.
                self.count_shelves(engine);
            }
            let at = self.clock.wall();
            let alarms = &self.runtime(engine).objects.alarms;
            vec![alarms.commanded(&object, &alarm, &command, by, at)?]
        };
        let write = PostedWrite { ack, key, ..PostedWrite::runtime(PROVIDER, &alarms) };
        self.write(engine, write, reply);
        Ok(())
    }
}
