//! Writes on their way: to the replica, held during a switchover, answered through the gate.
use super::Driver;
use hotpair_core::{EngineIndex, EngineInput};
use hotpair_engine::{Post, alarms, objects, tags};
use hotpair_replication::{
    self as replication, Op, Outcome, Refusal, Write, WriteBody, WriteTicket,
};
use hotpair_types::{Ack, ItemKey, Position, Time};
use tokio::sync::oneshot;

/// Writes that wait for the end of a switchover, per engine.
const HELD_WRITES_MAX: usize = 16_384;

/// What a writer gets in the end.
pub(crate) type WriteEnd = oneshot::Sender<Outcome>;

/// A write as it came.
#[derive(Clone, Debug)]
pub(crate) struct PostedWrite {
    /// What the answer shall promise.
    pub(crate) ack: Option<Ack>,
    /// Lets the writer repeat it.
    pub(crate) key: Option<replication::IdempotencyKey>,
    /// What.
    pub(crate) body: WriteBody,
}

/// A write that waits for its answer.
pub(super) struct WaitingWrite {
    engine: EngineIndex,
    write: PostedWrite,
    since: Time,
    reply: WriteEnd,
}

/// A write that waits for the end of a switchover.
pub(crate) struct HeldWrite {
    write: PostedWrite,
    since: Time,
    reply: WriteEnd,
}

impl PostedWrite {
    /// Stands for an input that is answered like a write, and cannot be tried again as one.
    fn is_placeholder(&self) -> bool {
        matches!(&self.body, WriteBody::Runtime { ops } if ops.is_empty())
    }

    /// Whether it may be tried again as it is when a switchover is over. The record of an alarm is the
    /// newest one, and the step of an object the next one, or none at all: it would undo what happened
    /// meanwhile.
    fn may_be_held(&self) -> bool {
        let of_object = |it: &Op| match it {
            Op::Set { item, .. } | Op::Remove { item } => is_of_object(&item.provider),
            Op::ReplaceAll { provider, .. } => is_of_object(provider),
        };
        match &self.body {
            WriteBody::Runtime { ops } => !self.is_placeholder() && !ops.iter().any(of_object),
            WriteBody::Config { .. } => true,
        }
    }

    /// Changes of a provider's items.
    pub(crate) fn runtime(provider: &str, posts: &[Post]) -> Self {
        let ops = posts.iter().map(|it| op_of(provider, it)).collect();
        Self { ack: None, key: None, body: WriteBody::Runtime { ops } }
    }
}

/// The change of one item.
pub(super) fn op_of(provider: &str, post: &Post) -> Op {
    let item = ItemKey { provider: provider.into(), item: post.item.clone() };
    match &post.value {
        Some(value) => Op::Set { item, value: value.clone() },
        None => Op::Remove { item },
    }
}

fn is_of_object(provider: &str) -> bool {
    provider == alarms::PROVIDER || provider == objects::PROVIDER
}

/// What of an entry is of one provider.
fn posts_of(provider: &str, ops: &[Op]) -> Vec<Post> {
    let post = |op: &Op| match op {
        Op::Set { item, value } if *item.provider == *provider => {
            Some(Post { item: item.item.clone(), value: Some(value.clone()) })
        }
        Op::Remove { item } if *item.provider == *provider => {
            Some(Post { item: item.item.clone(), value: None })
        }
        Op::Set { .. } | Op::Remove { .. } | Op::ReplaceAll { .. } => None,
    };
    ops.iter().filter_map(post).collect()
}

impl Driver {
    /// Gives a write to the replica. What tags and alarms it changes is visible here as soon as it has
    /// its place in the journal.
    pub(crate) fn write(&mut self, engine: EngineIndex, write: PostedWrite, reply: WriteEnd) {
        let since = self.clock.now();
        self.write_since(engine, write, since, reply);
    }

    fn write_since(
        &mut self,
        engine: EngineIndex,
        write: PostedWrite,
        since: Time,
        reply: WriteEnd,
    ) {
        let ticket = self.ticket();
        let before = self.runtime_sequence(engine);
        let body = write.body.clone();
        let input = Write {
            ticket: WriteTicket(ticket),
            ack: write.ack,
            key: write.key.clone(),
            written_at: self.clock.wall(),
            body: body.clone(),
        };
        self.writes.insert(ticket, WaitingWrite { engine, write, since, reply });
        self.engine_input(engine, EngineInput::Data(replication::Input::Write(input)));
        if let WriteBody::Runtime { ops } = body
            && self.runtime_sequence(engine) == before + 1
        {
            self.show(engine, &ops);
        }
    }

    /// Gives a runtime write to the replica that is taken now or never: nobody waits for its answer, and
    /// it is not held during a switchover. Its place in the journal; its tags are shown.
    ///
    /// # Errors
    /// Why it has no place, where that is said at once.
    pub(super) fn post(
        &mut self,
        engine: EngineIndex,
        body: WriteBody,
    ) -> Result<Position, Option<Refusal>> {
        self.post_refused = None;
        let ticket = WriteTicket(self.ticket());
        let before = self.runtime_sequence(engine);
        let written_at = self.clock.wall();
        let input = Write { ticket, ack: None, key: None, written_at, body: body.clone() };
        self.engine_input(engine, EngineInput::Data(replication::Input::Write(input)));
        let WriteBody::Runtime { ops } = body else { return Err(None) };
        if self.runtime_sequence(engine) != before + 1 {
            return Err(self.post_refused.take().filter(|it| it.0 == ticket).map(|it| it.1));
        }
        self.show(engine, &ops);
        Ok(self.replica(engine).positions().runtime)
    }

    /// Gives the replica an input that is answered like a write, for example a replay.
    pub(crate) fn write_input(
        &mut self,
        engine: EngineIndex,
        reply: WriteEnd,
        input: impl FnOnce(WriteTicket) -> replication::Input,
    ) {
        let ticket = self.ticket();
        let since = self.clock.now();
        let body = WriteBody::Runtime { ops: Vec::new() };
        let write = PostedWrite { ack: None, key: None, body };
        self.writes.insert(ticket, WaitingWrite { engine, write, since, reply });
        self.engine_input(engine, EngineInput::Data(input(WriteTicket(ticket))));
    }

    fn runtime_sequence(&self, engine: EngineIndex) -> u64 {
        self.runtime_position(engine).sequence
    }

    /// Where the runtime journal ends.
    pub(super) fn runtime_position(&self, engine: EngineIndex) -> Position {
        let engine = self.core.engine(engine).expect("an index of this node");
        engine.replica().positions().runtime
    }

    /// Tags and alarms are shown when they have their place; other providers have applied already.
    fn show(&mut self, engine: EngineIndex, ops: &[Op]) {
        let position = self.runtime_position(engine);
        let tags = posts_of(tags::PROVIDER, ops);
        if !tags.is_empty()
            && let Err(error) = self.runtime(engine).tags.commit(position, tags)
        {
            tracing::error!(%error, "a tag that was checked cannot be shown");
        }
        let alarms = posts_of(alarms::PROVIDER, ops);
        if !alarms.is_empty()
            && let Err(error) = self.runtime(engine).objects.alarms.commit(position, alarms)
        {
            tracing::error!(%error, "an alarm's record that was prepared cannot be shown");
        }
        self.runtime(engine).tags.journal_at(position);
    }

    pub(super) fn answer_write(
        &mut self,
        engine: EngineIndex,
        ticket: WriteTicket,
        outcome: Outcome,
    ) {
        let Some(waiting) = self.writes.remove(&ticket.0) else {
            if let Outcome::Refused(refusal) = outcome {
                self.post_refused = Some((ticket, *refusal));
            }
            return;
        };
        let outcome = match outcome {
            // The gate: what is not active any more acknowledges nothing.
            Outcome::Acknowledged(it) if self.runtime(engine).gate.passes().is_none() => {
                Outcome::Unknown { position: it.position }
            }
            Outcome::Refused(refusal)
                if *refusal == Refusal::SwitchingOver && waiting.write.may_be_held() =>
            {
                return self.hold(engine, waiting);
            }
            outcome
            @ (Outcome::Acknowledged(_) | Outcome::Refused(_) | Outcome::Unknown { .. }) => outcome,
        };
        // A writer that went away is not an error.
        waiting.reply.send(outcome).ok();
    }

    fn hold(&mut self, engine: EngineIndex, waiting: WaitingWrite) {
        let WaitingWrite { write, since, reply, engine: _ } = waiting;
        let held = &mut self.runtime(engine).held;
        if held.len() >= HELD_WRITES_MAX {
            let waiting = held.len();
            let refusal = Refusal::Overloaded { waiting, limit: HELD_WRITES_MAX };
            reply.send(Outcome::Refused(Box::new(refusal))).ok();
            return;
        }
        held.push_back(HeldWrite { write, since, reply });
    }

    /// Held writes are tried again when the switchover is over one way or the other.
    pub(super) fn retry_held_writes(&mut self) {
        for engine in self.indexes() {
            if self.runtime(engine).held.is_empty() {
                continue;
            }
            let state = self.core.engine(engine).expect("an index of this node").machine().state();
            let now = self.clock.now();
            let patience = self.settings.pair.handover_timeout * 2;
            let over = state != hotpair_types::StateId::SwitchingToStandby;
            let late =
                self.runtime(engine).held.front().is_some_and(|it| now.since(it.since) > patience);
            if !over && !late {
                continue;
            }
            for held in std::mem::take(&mut self.runtime(engine).held) {
                if over {
                    self.write_since(engine, held.write, held.since, held.reply);
                } else {
                    held.reply.send(Outcome::Refused(Box::new(Refusal::SwitchingOver))).ok();
                }
            }
        }
    }

    /// Outputs are shut: whatever waits is not known to be in the history of whoever acts next.
    pub(super) fn fail_waiting_writes(&mut self, engine: EngineIndex) {
        let position =
            self.core.engine(engine).expect("an index of this node").replica().positions().runtime;
        let tickets: Vec<_> =
            self.writes.iter().filter(|(_, it)| it.engine == engine).map(|(id, _)| *id).collect();
        for ticket in tickets {
            if let Some(waiting) = self.writes.remove(&ticket) {
                waiting.reply.send(Outcome::Unknown { position }).ok();
            }
        }
    }
}
