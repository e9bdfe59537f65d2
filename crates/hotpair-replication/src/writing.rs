//! The way of a write on the active: checked, applied, answered as it asked.
use crate::keys::Known;
use crate::replica::Writes;
use crate::waiting::{Reached, Waiter};
use crate::{
    AckRule, Acknowledged, Entry, Expectation, Fact, IdempotencyKey, Op, Outcome, Output, Refusal,
    Replica, Taker, Write, WriteBody, WriteTicket,
};
use hotpair_types::{
    Ack, Designation, Epoch, ItemKey, JournalKind, NodeTime, Position, WritableOn,
};
use std::collections::BTreeMap;

impl Replica {
    pub(crate) fn write(&mut self, write: Write, out: &mut Vec<Output>) {
        if let Some(write) = self.hold_for_modules(write, out) {
            self.write_now(write, out);
        }
    }

    pub(crate) fn write_now(&mut self, write: Write, out: &mut Vec<Output>) {
        let ticket = write.ticket;
        if let Err(refusal) = self.try_write(write, None, out) {
            let outcome = Outcome::Refused(Box::new(refusal));
            out.push(Output::Reply { ticket, outcome });
        }
    }

    /// `origin`: where it stood in a history that lost.
    fn try_write(
        &mut self,
        write: Write,
        origin: Option<Position>,
        out: &mut Vec<Output>,
    ) -> Result<(), Refusal> {
        let Write { ticket, ack, key, written_at, body } = write;
        let (kind, ops, expect) = match body {
            WriteBody::Config { expect, ops } => (JournalKind::Config, ops, expect),
            WriteBody::Runtime { ops } => (JournalKind::Runtime, ops, Vec::new()),
        };
        let epoch = self.may_write(kind)?;
        let ack = ack.unwrap_or(match kind {
            JournalKind::Config => self.settings.config_ack,
            JournalKind::Runtime => self.settings.runtime_ack,
        });
        self.check_size(kind, &ops, key.as_ref())?;
        self.wall = self.wall.max(written_at);
        let journal = &self.journals[kind];
        if let Some(key) = &key {
            match journal.keys.look_up(key) {
                Known::New => {}
                Known::Kept(kept) => {
                    let (answer, sequence) = (kept.answer, kept.sequence);
                    self.answer(
                        kind,
                        ack,
                        Waiter { ticket, sequence, answer, repeated: true },
                        out,
                    );
                    return Ok(());
                }
                Known::TooOld { issued, remembered } => {
                    return Err(Refusal::KeyTooOld { issued, remembered });
                }
            }
        }
        self.check_room(kind)?;
        for Expectation { item, version } in expect {
            let current = self.journals[kind].image.get(&item).map(|it| it.position);
            if current != version {
                return Err(Refusal::Expectation { item, current });
            }
        }
        self.check_removes(kind, &ops)?;
        let position = self.append(kind, epoch, ops, key, written_at, origin, out);
        let sequence = position.sequence;
        self.answer(kind, ack, Waiter { ticket, sequence, answer: position, repeated: false }, out);
        Ok(())
    }

    /// The epoch to write under.
    fn may_write(&self, kind: JournalKind) -> Result<Epoch, Refusal> {
        let epoch = match self.writes {
            Writes::Open(epoch) => epoch,
            Writes::Stopped { .. } => return Err(Refusal::SwitchingOver),
            Writes::No if self.syncing.is_some() => return Err(Refusal::NotHere(Taker::Partner)),
            Writes::No => return Err(Refusal::NotHere(Taker::Undecided)),
        };
        if self.storing.has_failed() {
            return Err(Refusal::StorageFailed);
        }
        let config_here = self.designation == Designation::Master
            || self.settings.config_writable_on == WritableOn::Active;
        if kind == JournalKind::Config && !config_here {
            return Err(Refusal::ConfigOnMasterOnly);
        }
        Ok(epoch)
    }

    fn check_size(
        &self,
        kind: JournalKind,
        ops: &[Op],
        key: Option<&IdempotencyKey>,
    ) -> Result<(), Refusal> {
        if ops.is_empty() {
            return Err(Refusal::Malformed { reason: "nothing to change" });
        }
        if key.is_some_and(|it| it.key.is_empty() || it.key.len() > KEY_BYTES_MAX) {
            return Err(Refusal::Malformed { reason: "an idempotency key has 1 to 256 bytes" });
        }
        let limit = self.settings.limits.entry_changes_max;
        let count = ops.iter().map(Op::changes).sum();
        if count > limit {
            return Err(Refusal::TooManyChanges { count, limit });
        }
        let mut bytes = 0;
        for op in ops {
            bytes += op.bytes();
            let provider = match op {
                Op::Set { item, .. } | Op::Remove { item } => &item.provider,
                Op::ReplaceAll { provider, .. } => provider,
            };
            match kind {
                JournalKind::Config if !provider.is_empty() => {
                    return Err(Refusal::Malformed { reason: "config data has no provider" });
                }
                JournalKind::Runtime if provider.is_empty() => {
                    return Err(Refusal::Malformed { reason: "runtime data has a provider" });
                }
                JournalKind::Config | JournalKind::Runtime => {}
            }
        }
        let limit = self.settings.limits.entry_bytes_max;
        if bytes > limit {
            return Err(Refusal::TooLarge { bytes, limit });
        }
        Ok(())
    }

    fn check_room(&self, kind: JournalKind) -> Result<(), Refusal> {
        let limits = &self.settings.limits;
        if self.settings.require_standby && self.rule != AckRule::WithPartner {
            return Err(Refusal::NoStandby);
        }
        let waiting = self.waiting_writes();
        if waiting >= limits.waiting_writes_max {
            return Err(Refusal::Overloaded { waiting, limit: limits.waiting_writes_max });
        }
        let journal = &self.journals[kind];
        let limit = limits.unacknowledged_bytes_max;
        let unacknowledged = match (&self.serving, self.rule) {
            (Some(serving), AckRule::WithPartner) => {
                journal.ring.bytes_between(serving.received(kind), journal.last())
            }
            (Some(_) | None, AckRule::WithPartner | AckRule::Alone | AckRule::Wait) => 0,
        };
        let waiting = unacknowledged.max(journal.unissued_bytes);
        if waiting > limit {
            return Err(Refusal::Overloaded { waiting, limit });
        }
        Ok(())
    }

    fn check_removes(&self, kind: JournalKind, ops: &[Op]) -> Result<(), Refusal> {
        let image = &self.journals[kind].image;
        if let [op] = ops {
            return match op {
                Op::Remove { item } if !image.contains(item) => {
                    Err(Refusal::NotThere { item: item.clone() })
                }
                Op::Remove { .. } | Op::Set { .. } | Op::ReplaceAll { .. } => Ok(()),
            };
        }
        if !ops.iter().any(|it| matches!(it, Op::Remove { .. })) {
            return Ok(());
        }
        let mut changed: BTreeMap<&ItemKey, bool> = BTreeMap::new();
        for op in ops {
            match op {
                Op::Set { item, .. } => {
                    changed.insert(item, true);
                }
                Op::Remove { item } => {
                    if !changed.get(item).copied().unwrap_or_else(|| image.contains(item)) {
                        return Err(Refusal::NotThere { item: item.clone() });
                    }
                    changed.insert(item, false);
                }
                Op::ReplaceAll { .. } => {
                    let reason = "a full replacement and a removal do not go into one write";
                    return Err(Refusal::Malformed { reason });
                }
            }
        }
        Ok(())
    }

    /// Makes the entry. It is applied here now; `flush` sends and stores it.
    #[expect(clippy::too_many_arguments, reason = "these are the parts of an entry")]
    pub(crate) fn append(
        &mut self,
        kind: JournalKind,
        epoch: Epoch,
        ops: Vec<Op>,
        key: Option<IdempotencyKey>,
        written_at: NodeTime,
        origin: Option<Position>,
        out: &mut Vec<Output>,
    ) -> Position {
        let journal = &mut self.journals[kind];
        let position = Position { epoch, sequence: journal.last() + 1 };
        let chain = [0; 32];
        let entry = Entry { kind, position, ops, key, written_at, origin, chain };
        let entry = journal.append(self.now, entry);
        if let Some(serving) = &mut self.serving {
            serving.appended(self.now, kind, position.sequence);
        }
        if kind == JournalKind::Config || origin.is_some() {
            out.push(Output::Apply { entry });
        }
        position
    }

    /// Answers now, or queues the answer.
    fn answer(&mut self, kind: JournalKind, ack: Ack, waiter: Waiter, out: &mut Vec<Output>) {
        if ack == Ack::Local {
            let Waiter { ticket, answer: position, repeated, .. } = waiter;
            let degraded = self.rule != AckRule::WithPartner;
            let outcome = Acknowledged { position, reached: ack, degraded, repeated };
            out.push(Output::Reply { ticket, outcome: Outcome::Acknowledged(outcome) });
            return;
        }
        if ack == Ack::Durable
            && !self.waiting[kind].wants_disk()
            && let Some(serving) = &mut self.serving
        {
            serving.wanted_on_disk(self.now, kind);
        }
        self.waiting[kind].push(ack, waiter);
        if self.rule == AckRule::Wait && !self.degraded_wanted {
            self.degraded_wanted = true;
            out.push(Output::Fact(Fact::DegradedWanted));
        }
    }

    /// How the writes of a journal are answered now.
    fn reached(&self, kind: JournalKind) -> Reached {
        let journal = &self.journals[kind];
        let (received, durable, holds) = match &self.serving {
            Some(it) => (it.received(kind), it.durable(kind), it.holds_degraded()),
            None => (0, 0, false),
        };
        let rule = match self.rule {
            AckRule::Alone if holds => AckRule::Wait,
            AckRule::Alone | AckRule::WithPartner | AckRule::Wait => self.rule,
        };
        Reached { rule, stored: journal.stored, received, durable }
    }

    /// Answers every write that has reached what it asked for.
    pub(crate) fn settle(&mut self, out: &mut Vec<Output>) {
        if self.storing.has_failed() {
            return;
        }
        for kind in JournalKind::ALL {
            if self.waiting[kind].len() > 0 {
                let reached = self.reached(kind);
                self.waiting[kind].settle(reached, out);
            }
        }
    }

    /// Writes the entry of a kept record again.
    pub(crate) fn replay_divergence(
        &mut self,
        ticket: WriteTicket,
        id: crate::DivergenceId,
        written_at: NodeTime,
        out: &mut Vec<Output>,
    ) {
        let refuse =
            |refusal| Output::Reply { ticket, outcome: Outcome::Refused(Box::new(refusal)) };
        let Some(record) = self.divergence.get(id) else {
            out.push(refuse(Refusal::NoSuchRecord));
            return;
        };
        let entry = std::sync::Arc::clone(&record.entry);
        let body = match id.kind {
            JournalKind::Config => WriteBody::Config { expect: Vec::new(), ops: entry.ops.clone() },
            JournalKind::Runtime => WriteBody::Runtime { ops: entry.ops.clone() },
        };
        let key = entry.key.clone().map(|it| IdempotencyKey { issued: None, ..it });
        let before = self.journals[id.kind].last();
        let write = Write { ticket, ack: None, key, written_at, body };
        // By it the standby settles its record as well.
        if let Err(refusal) = self.try_write(write, Some(id.entry), out) {
            out.push(refuse(refusal));
            return;
        }
        let position = self.journals[id.kind].position();
        let fate = if position.sequence > before {
            crate::Fate::Replayed(position)
        } else {
            crate::Fate::Repeated(position)
        };
        self.mark_divergence(&[(id, fate)], out);
    }
}

/// Bytes of an idempotency key.
const KEY_BYTES_MAX: usize = 256;
