//! Entries that the winner's history lacks, at the loser: gathered, kept, offered to the winner.
use crate::serving::send;
use crate::shadow::Difference;
use crate::storing::Stored;
use crate::syncing::Stage;
use crate::{
    Conflict, DivergenceId, DivergenceRecord, Entry, Fact, Fate, JournalHead, KeyRange, Message,
    Op, Output, PerJournal, Record, Replica, SharedEntry, StoreTicket, Winning,
};
use hotpair_types::{Epoch, History, ItemKey, JournalKind, Position, Relation};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Losing entries of one attempt.
#[derive(Debug)]
pub(crate) struct Losing {
    purpose: Purpose,
    tails: PerJournal<Option<Tail>>,
    /// Kept, and to be offered to the winner.
    offer: VecDeque<DivergenceId>,
    /// They are durable here.
    durable: bool,
}

/// What they are gathered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// This node lost an election as an active.
    ElectionLost,
    /// An attempt to become level, its number.
    Sync(u64),
}

/// The end of a journal that the winner lacks.
#[derive(Debug)]
struct Tail {
    after: u64,
    conflict: Conflict,
    /// Older entries are being read back, up to where the ring begins.
    reading: Option<StoreTicket>,
    read: Vec<SharedEntry>,
}

impl Replica {
    /// This node was active and lost: what the winner lacks becomes durable.
    pub(crate) fn store_losing_entries(
        &mut self,
        winner: &History,
        winner_epoch: Epoch,
        rule: Box<str>,
        out: &mut Vec<Output>,
    ) {
        self.gather(Purpose::ElectionLost, winner, winner_epoch, &rule, out);
    }

    /// They are.
    pub(crate) fn losing_entries_stored(&mut self, out: &mut Vec<Output>) {
        if self.losing.as_ref().is_some_and(|it| it.purpose == Purpose::ElectionLost) {
            self.losing = None;
        }
        out.push(Output::Fact(Fact::LosingEntriesStored));
    }

    /// This standby has entries that the active lacks.
    pub(crate) fn begin_losing(
        &mut self,
        winner: &History,
        winner_epoch: Epoch,
        out: &mut Vec<Output>,
    ) {
        let purpose = Purpose::Sync(self.sessions);
        self.gather(purpose, winner, winner_epoch, "the partner is active", out);
    }

    fn gather(
        &mut self,
        purpose: Purpose,
        winner: &History,
        winner_epoch: Epoch,
        rule: &str,
        out: &mut Vec<Output>,
    ) {
        let mut tails = PerJournal::default();
        for kind in JournalKind::ALL {
            let journal = &self.journals[kind];
            let (fork, diverged) = match journal.history.relation_to(winner.of(kind)) {
                Relation::Equal | Relation::Behind { .. } => continue,
                Relation::Ahead { shared } => (Some(shared), false),
                Relation::Diverged { shared } => (shared, true),
            };
            let conflict = Conflict {
                fork,
                winner: winner_epoch,
                loser: journal.position().epoch,
                rule: rule.into(),
                both_active: diverged && purpose == Purpose::ElectionLost,
            };
            // With an unknown fork only what really differs is kept, at the swap.
            let after = fork.unwrap_or_else(|| journal.ring.after(journal.last()));
            tails[kind] = Some(Tail { after, conflict, reading: None, read: Vec::new() });
        }
        self.losing = Some(Losing { tails, ..Losing::new(purpose) });
        for kind in JournalKind::ALL {
            self.read_tail(kind, out);
        }
        self.gathered(out);
    }

    /// Reads back what is older than the ring, as far as storage has it.
    fn read_tail(&mut self, kind: JournalKind, out: &mut Vec<Output>) {
        let journal = &self.journals[kind];
        let Some(losing) = &mut self.losing else { return };
        let Some(tail) = &mut losing.tails[kind] else { return };
        let until = journal.ring.after(journal.last());
        let after = tail.read.last().map_or(tail.after, |it| it.position.sequence);
        let after = after.max(journal.stored_after);
        if kind == JournalKind::Runtime || after >= until {
            return;
        }
        let ticket = self.storing.ticket();
        tail.reading = Some(ticket);
        let bytes_max = self.settings.limits.window_bytes_max;
        out.push(Output::ReadJournal { ticket, kind, after, until, bytes_max });
    }

    /// Entries came back from storage; `false`: they are for somebody else.
    pub(crate) fn losing_read(
        &mut self,
        ticket: StoreTicket,
        entries: &[SharedEntry],
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(losing) = &mut self.losing else { return false };
        let reads = |it: &Option<Tail>| it.as_ref().is_some_and(|it| it.reading == Some(ticket));
        let Some(kind) = JournalKind::ALL.into_iter().find(|kind| reads(&losing.tails[*kind]))
        else {
            return false;
        };
        if let Some(tail) = &mut losing.tails[kind] {
            tail.reading = None;
            tail.read.extend(entries.iter().cloned());
        }
        if !entries.is_empty() {
            self.read_tail(kind, out);
        }
        self.gathered(out);
        true
    }

    /// When everything is gathered: keeps it.
    fn gathered(&mut self, out: &mut Vec<Output>) {
        let Some(losing) = &self.losing else { return };
        let reads = |it: &Tail| it.reading.is_some();
        let reads = |kind: JournalKind| losing.tails[kind].as_ref().is_some_and(reads);
        if JournalKind::ALL.into_iter().any(reads) {
            return;
        }
        let mut records = Vec::new();
        let mut offer = BTreeSet::new();
        for kind in JournalKind::ALL {
            let Some(tail) = &losing.tails[kind] else { continue };
            // What was kept at an earlier attempt may be more than what is still at hand.
            let journal = &self.journals[kind];
            let kept = self.divergence.records().filter(|it| {
                let entry = it.id.entry;
                it.id.kind == kind && entry.sequence > tail.after && journal.has(entry)
            });
            for known in kept {
                offer.insert(known.id);
                // It lost before and was in the history for all that.
                if known.fate == Fate::InHistory(known.id.entry) {
                    let entry = known.entry.clone();
                    records.push(self.record(known.id, tail.conflict.clone(), entry, Vec::new()));
                }
            }
            for entry in self.tail_entries(kind, tail) {
                let id = DivergenceId { kind, entry: entry.position };
                offer.insert(id);
                if self.divergence.get(id).is_none() {
                    records.push(self.record(id, tail.conflict.clone(), entry, Vec::new()));
                }
            }
        }
        let Some(losing) = &mut self.losing else { return };
        losing.offer = offer.into_iter().collect();
        let then = match losing.purpose {
            Purpose::ElectionLost => Stored::LosingAtLoser,
            Purpose::Sync(session) => Stored::LosingBeforeSync { session },
        };
        // The entries first: after a crash, what the history here has is offered.
        self.issue_stores(true, out);
        self.keep(records, then, out);
    }

    pub(crate) fn record(
        &self,
        id: DivergenceId,
        conflict: Conflict,
        entry: SharedEntry,
        winning: Vec<Winning>,
    ) -> DivergenceRecord {
        DivergenceRecord { id, conflict, entry, winning, noted_at: self.wall, fate: Fate::Kept }
    }

    /// The entries of a tail, oldest first. Where neither ring nor storage has them any more, the
    /// last value of every item they set stands for them.
    fn tail_entries(&self, kind: JournalKind, tail: &Tail) -> Vec<SharedEntry> {
        let journal = &self.journals[kind];
        let ring_after = journal.ring.after(journal.last());
        let known_after =
            tail.read.first().map_or(ring_after, |it| it.position.sequence - 1).max(tail.after);
        let mut lost: BTreeMap<Position, Vec<(ItemKey, Record)>> = BTreeMap::new();
        for (provider, item, record) in journal.image.range(&KeyRange::default()) {
            let sequence = record.position.sequence;
            if sequence > tail.after && sequence <= known_after {
                let item = (ItemKey::new(provider, item), record.clone());
                lost.entry(record.position).or_default().push(item);
            }
        }
        let mut entries: Vec<SharedEntry> =
            lost.into_iter().map(|(position, items)| stand_in(kind, position, items)).collect();
        entries.extend(tail.read.iter().filter(|it| it.position.sequence <= ring_after).cloned());
        entries.extend(journal.ring.iter_after(tail.after.max(ring_after)).cloned());
        entries
    }

    /// The losing entries of an attempt are durable here: the winner is offered them.
    pub(crate) fn losing_stored(&mut self, session: u64, out: &mut Vec<Output>) {
        let Some(losing) = &mut self.losing else { return };
        if losing.purpose == Purpose::Sync(session) && session == self.sessions {
            losing.durable = true;
            self.send_losing(out);
        }
    }

    /// Offers the next ones, or goes on when all are with the winner.
    pub(crate) fn send_losing(&mut self, out: &mut Vec<Output>) {
        let Some(syncing) = &mut self.syncing else { return };
        if syncing.stage != Stage::Losing && syncing.stage != Stage::Level {
            return;
        }
        let Some(losing) = self.losing.as_ref().filter(|it| it.durable) else { return };
        let mut bytes = 0;
        let mut records = Vec::new();
        for id in &losing.offer {
            let Some(record) = self.divergence.get(*id) else { continue };
            bytes += record.bytes();
            if bytes > self.settings.limits.message_bytes_max && !records.is_empty() {
                break;
            }
            records.push(record.clone());
        }
        if records.is_empty() {
            self.losing = None;
            if syncing.stage == Stage::Losing {
                self.way_settled(out);
            }
            return;
        }
        syncing.asked_at = self.now;
        out.push(send(Message::Losing { session: syncing.session, records }));
    }

    /// They are durable at the winner.
    pub(crate) fn losing_answered(
        &mut self,
        fates: Vec<(DivergenceId, Fate)>,
        out: &mut Vec<Output>,
    ) {
        let Some(losing) = &mut self.losing else { return };
        let before = losing.offer.len();
        losing.offer.retain(|id| !fates.iter().any(|(it, _)| it == id));
        let news = losing.offer.len() < before;
        self.mark_divergence(&fates, out);
        if news {
            self.send_losing(out);
        }
    }

    /// Keeps what a swap overwrites or takes away and what is in no entry that was kept before:
    /// the fork is not known, or the images differed without reason.
    pub(crate) fn keep_overwritten(
        &mut self,
        kind: JournalKind,
        head: &JournalHead,
        difference: &Difference,
        out: &mut Vec<Output>,
    ) {
        let Some(syncing) = &self.syncing else { return };
        let journal = &self.journals[kind];
        let plan = &syncing.plans[kind];
        let fork_unknown = plan.losing_after.is_some() && plan.fork.is_none();
        if self.reinit || !(fork_unknown || journal.suspect) {
            return;
        }
        let mut lost: BTreeMap<Position, Vec<(ItemKey, Record, Winning)>> = BTreeMap::new();
        let sets = difference.sets.iter().map(|(item, record)| (item, Some(record)));
        let removes = difference.removes.iter().map(|item| (item, None));
        for (item, new) in sets.chain(removes) {
            let Some(old) = journal.image.get(item) else { continue };
            let position = old.position;
            let shared = position.sequence <= head.history.last
                && head.history.lineage.epoch_of(position.sequence) == Some(position.epoch);
            let overtaken =
                shared && new.is_some_and(|it| it.position.sequence > position.sequence);
            if overtaken || new.is_some_and(|it| it.value == old.value) {
                continue;
            }
            let winning = winning(item, new, None);
            lost.entry(position).or_default().push((item.clone(), old.clone(), winning));
        }
        let rule = if journal.suspect { Conflict::SAME_HISTORY } else { "the partner is active" };
        let conflict = Conflict {
            // Images that differ without reason have no fork that would make them free to take.
            fork: plan.fork.filter(|_| !journal.suspect),
            winner: head.history.position().epoch,
            loser: journal.position().epoch,
            rule: rule.into(),
            both_active: false,
        };
        let mut records = Vec::new();
        for (position, items) in lost {
            let id = DivergenceId { kind, entry: position };
            let known = self.divergence.get(id);
            // It lost before and was in the history for all that, until now.
            let again = known.is_some_and(|it| it.fate == Fate::InHistory(position));
            let lost = |(item, record, _): &(ItemKey, Record, Winning)| {
                let op = Op::Set { item: item.clone(), value: record.value.clone() };
                let found = |it: &DivergenceRecord| {
                    !it.conflict.is_without_fork() || it.entry.ops.contains(&op)
                };
                again || known.is_none_or(|it| journal.suspect && !found(it))
            };
            let items: Vec<_> = items.into_iter().filter(lost).collect();
            if items.is_empty() {
                continue;
            }
            let mut winning: Vec<_> = items.iter().map(|(_, _, it)| it.clone()).collect();
            let items = items.into_iter().map(|(item, record, _)| (item, record)).collect();
            let mut entry = stand_in(kind, position, items);
            if let Some(known) = known {
                // Found before, at another item of the same entry.
                let new = entry.ops.iter().filter(|it| !known.entry.ops.contains(it));
                let ops = known.entry.ops.iter().chain(new).cloned().collect();
                // Where both have the entry, its key would say that nothing needs to be written again.
                let rest = if journal.suspect { &entry } else { &known.entry };
                entry = Arc::new(Entry { ops, ..(**rest).clone() });
                if !again {
                    winning.splice(0..0, known.winning.iter().cloned());
                }
            }
            records.push(self.record(id, conflict.clone(), entry, winning));
        }
        if records.is_empty() {
            return;
        }
        // The winner is to have them too, once this node is level.
        let purpose = Purpose::Sync(self.sessions);
        let losing = self.losing.get_or_insert_with(|| Losing::new(purpose));
        losing.durable = true;
        losing.offer.extend(records.iter().map(|it| it.id));
        self.keep(records, Stored::Nothing, out);
    }
}

impl Losing {
    fn new(purpose: Purpose) -> Self {
        Self { purpose, tails: PerJournal::default(), offer: VecDeque::new(), durable: false }
    }
}

/// An entry made of the values that are left of it.
fn stand_in(kind: JournalKind, position: Position, items: Vec<(ItemKey, Record)>) -> SharedEntry {
    let written_at = items.iter().map(|(_, it)| it.written_at).max().unwrap_or_default();
    let set = |(item, record): (ItemKey, Record)| Op::Set { item, value: record.value };
    Arc::new(Entry {
        kind,
        position,
        ops: items.into_iter().map(set).collect(),
        key: None,
        written_at,
        origin: None,
        chain: [0; 32],
    })
}

/// What the winning history has for an item.
pub(crate) fn winning(
    item: &ItemKey,
    record: Option<&Record>,
    removed_at: Option<Position>,
) -> Winning {
    Winning {
        item: item.clone(),
        value: record.map(|it| it.value.clone()),
        position: record.map(|it| it.position).or(removed_at),
        written_at: record.map(|it| it.written_at),
    }
}
