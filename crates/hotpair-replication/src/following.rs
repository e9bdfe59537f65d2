//! The standby's side: entries as they come, checked, applied, acknowledged.
use crate::journal::Misfit;
use crate::modules::is_module;
use crate::serving::send;
use crate::syncing::{Follow, Stage};
use crate::{
    Alarm, Entry, Fact, Gap, Inconsistency, Message, Op, Output, PerJournal, Progress, Replica,
    SharedEntry, SyncFailure,
};
use hotpair_types::{ItemKey, JournalKind, Position};
use std::sync::Arc;

impl Replica {
    pub(crate) fn entries(
        &mut self,
        kind: JournalKind,
        previous: Position,
        entries: &[SharedEntry],
        urgent: bool,
        out: &mut Vec<Output>,
    ) {
        let Some(syncing) = &mut self.syncing else { return };
        syncing.urgent |= urgent;
        syncing.asked_at = self.now;
        match syncing.follows[kind] {
            Follow::Not => return,
            Follow::Entries => {
                self.follow_entries(kind, previous, entries, out);
                self.report_entries(out);
            }
            Follow::Snapshot(_) => self.shadow_entries(kind, previous, entries, out),
        }
        self.check_caught_up(out);
    }

    fn follow_entries(
        &mut self,
        kind: JournalKind,
        previous: Position,
        entries: &[SharedEntry],
        out: &mut Vec<Output>,
    ) {
        let journal = &self.journals[kind];
        if previous.sequence > journal.last() {
            let after = journal.last();
            let Some(syncing) = &self.syncing else { return };
            out.push(send(Message::ResendWanted { session: syncing.session, kind, after }));
            return;
        }
        if journal.position_of(previous.sequence) != previous {
            self.misfit(kind, entries.first(), Misfit::OtherHistory, out);
            return;
        }
        for entry in entries {
            let journal = &mut self.journals[kind];
            let sequence = entry.position.sequence;
            if sequence <= journal.last() {
                if journal.position_of(sequence) != entry.position {
                    self.misfit(kind, Some(entry), Misfit::OtherHistory, out);
                    return;
                }
                if let Some(syncing) = &mut self.syncing {
                    syncing.ack_again = true;
                }
                continue;
            }
            if let Err(misfit) = journal.check(entry) {
                self.misfit(kind, Some(entry), misfit, out);
                return;
            }
            let missing = journal.follow(self.now, entry);
            out.push(Output::Apply { entry: Arc::clone(entry) });
            self.mark_taken(entry, out);
            if let Some(item) = missing {
                self.misfit(kind, Some(entry), Misfit::RemoveOfMissing(item), out);
                return;
            }
            if kind == JournalKind::Config {
                self.check_deployed(entry, out);
            }
        }
    }

    /// How far the missing entries of both journals are.
    fn report_entries(&self, out: &mut Vec<Output>) {
        let Some(syncing) = self.syncing.as_ref().filter(|it| it.stage == Stage::Transfer) else {
            return;
        };
        let mut progress = Progress::default();
        for kind in JournalKind::ALL {
            if matches!(syncing.follows[kind], Follow::Entries) {
                let plan = &syncing.plans[kind];
                let missing = plan.target.saturating_sub(plan.last);
                progress.total += missing;
                progress.done += self.journals[kind].last().saturating_sub(plan.last).min(missing);
            }
        }
        out.push(Output::Progress(progress));
    }

    /// A module that was deployed while this node is level, and is not here.
    fn check_deployed(&mut self, entry: &Entry, out: &mut Vec<Output>) {
        if self.syncing.as_ref().is_none_or(|it| it.stage != Stage::Level) {
            return;
        }
        for op in &entry.ops {
            let Op::Set { item, value } = op else { continue };
            let hash = crate::modules::parse(value).map(|(hash, _)| hash);
            if is_module(JournalKind::Config, &item.item)
                && hash.is_some_and(|it| !self.blobs.contains(&it))
            {
                out.push(Output::Fact(Fact::Gap(Gap::Module { name: item.item.clone() })));
            }
        }
    }

    /// What came does not fit: said with the item's name, healed by the next attempt, which does
    /// not trust what is here.
    pub(crate) fn misfit(
        &mut self,
        kind: JournalKind,
        entry: Option<&SharedEntry>,
        misfit: Misfit,
        out: &mut Vec<Output>,
    ) {
        let first = entry.and_then(|it| it.ops.first()).map(first_item);
        let (item, what) = match misfit {
            Misfit::ChainBroken => (first, Inconsistency::ChainBroken),
            Misfit::OtherHistory => (first, Inconsistency::OtherHistory),
            Misfit::RemoveOfMissing(item) => (Some(item), Inconsistency::RemoveOfMissing),
        };
        let item = item.unwrap_or_else(|| ItemKey::config(""));
        self.inconsistent(kind, item, what, out);
    }

    /// The two do not have the same: as above.
    pub(crate) fn inconsistent(
        &mut self,
        kind: JournalKind,
        item: ItemKey,
        what: Inconsistency,
        out: &mut Vec<Output>,
    ) {
        self.journals[kind].suspect = true;
        out.push(Output::Alarm(Alarm::Inconsistency { kind, item, what }));
        let level = self.syncing.as_ref().is_some_and(|it| it.stage == Stage::Level);
        self.park_transfers();
        self.syncing = None;
        let reason = SyncFailure::Inconsistent;
        out.push(Output::Fact(if level {
            Fact::Gap(Gap::Inconsistent { kind })
        } else {
            Fact::SyncFailed { reason }
        }));
    }

    /// The active does not have the entries any more that are wanted.
    pub(crate) fn entries_gone(&mut self, kind: JournalKind, out: &mut Vec<Output>) {
        let level = self.syncing.as_ref().is_some_and(|it| it.stage == Stage::Level);
        if level {
            self.syncing = None;
            out.push(Output::Fact(Fact::Gap(Gap::Entries(kind))));
        } else {
            if let Some(syncing) = &mut self.syncing {
                syncing.follows[kind] = Follow::Not;
            }
            self.sync_failed(SyncFailure::EntriesGone, out);
        }
    }

    /// Tells the active what is here, when that changed or was asked for.
    pub(crate) fn acknowledge(&mut self, out: &mut Vec<Output>) {
        let limit = self.settings.limits.unacknowledged_bytes_max;
        let Some(syncing) = &mut self.syncing else { return };
        if syncing.stage < Stage::Transfer {
            return;
        }
        let journals = &self.journals;
        let now = PerJournal::from_fn(|kind| match &syncing.follows[kind] {
            Follow::Not => (0, 0),
            // The disk does not keep up: no more comes before it does.
            Follow::Entries if journals[kind].unissued_bytes > limit => syncing.acked[kind],
            Follow::Entries => (journals[kind].last(), journals[kind].stored),
            Follow::Snapshot(transfer) => (transfer.last(), 0),
        });
        if now == syncing.acked && !syncing.ack_again {
            return;
        }
        syncing.acked = now;
        syncing.ack_again = false;
        let durable = JournalKind::ALL.into_iter().all(|kind| now[kind].0 <= now[kind].1);
        syncing.urgent &= !durable;
        let received = PerJournal::from_fn(|kind| now[kind].0);
        let durable = PerJournal::from_fn(|kind| now[kind].1);
        out.push(send(Message::Ack { session: syncing.session, received, durable }));
    }
}

fn first_item(op: &Op) -> ItemKey {
    match op {
        Op::Set { item, .. } | Op::Remove { item } => item.clone(),
        Op::ReplaceAll { provider, .. } => ItemKey::new(provider, ""),
    }
}
