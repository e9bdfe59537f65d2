//! The standby's side of a snapshot: what is still to be asked for, and the swap at the end.
use crate::journal::{Misfit, is_sound};
use crate::ranges::{FINE_ITEMS, RANGES_MAX, changed_after, coarse_ranges, digests, split};
use crate::ring::Ring;
use crate::serving::send;
use crate::shadow::Shadow;
use crate::syncing::Follow;
use crate::way::Route;
use crate::{
    Entry, JournalHead, KeptKey, KeyRange, Message, Output, Progress, Record, Replica, Scope,
    SharedEntry,
};
use hotpair_types::{Instance, ItemKey, JournalKind, Position};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// A journal's transfer.
#[derive(Debug)]
pub(crate) struct Transfer {
    pub(crate) partner: Instance,
    /// History, chain and keys, entries included; none before the active has begun.
    pub(crate) head: Option<JournalHead>,
    pub(crate) shadow: Shadow,
    jobs: VecDeque<Job>,
    request: u64,
    /// The last sequence of the active that a part was read at: entries must come up to it.
    at: u64,
    /// The newest entries, for the ring.
    pub(crate) ring: Ring,
    progress: Progress,
}

/// What is to be asked for.
#[derive(Clone, Debug)]
enum Job {
    /// Part of the image.
    Fetch(Scope),
    /// All ranges from here on, one batch after the other.
    CompareFrom(Option<ItemKey>),
    /// Just these ranges, finer.
    Compare(Vec<KeyRange>),
}

/// Each part is asked for by a number of its own, none ahead: when data takes another channel, a later
/// part may overtake the one before it, and nothing in it says what lies between.
const CREDIT: u32 = 1;

impl Transfer {
    /// Where the entries that came end.
    pub(crate) fn last(&self) -> u64 {
        self.head.as_ref().map_or(0, |it| it.history.last)
    }

    fn position(&self) -> Position {
        self.head.as_ref().map_or(Position::START, |it| it.history.position())
    }

    pub(crate) fn is_complete(&self, target: u64) -> bool {
        self.head.is_some() && self.jobs.is_empty() && self.last() >= target.max(self.at)
    }
}

impl Replica {
    /// Keeps transfers for the next attempt with the same active.
    pub(crate) fn park_transfers(&mut self) {
        let Some(syncing) = &mut self.syncing else { return };
        for kind in JournalKind::ALL {
            if let Follow::Snapshot(transfer) = std::mem::take(&mut syncing.follows[kind])
                && transfer.head.is_some()
            {
                self.parked[kind] = Some(transfer);
            }
        }
    }

    /// Starts what the plan of a journal says.
    pub(crate) fn begin_transfer(&mut self, kind: JournalKind, out: &mut Vec<Output>) {
        let parked = self.parked[kind].take();
        let Some(syncing) = &mut self.syncing else { return };
        let plan = &syncing.plans[kind];
        let session = syncing.session;
        if plan.route == Route::Entries {
            syncing.follows[kind] = Follow::Entries;
            let after = self.journals[kind].position();
            out.push(send(Message::EntriesWanted { session, kind, after }));
            return;
        }
        let whole = plan.route == Route::All || self.journals[kind].image.items() == 0;
        let usable = |it: &Transfer| {
            it.partner == syncing.partner
                && it.shadow.is_whole() == whole
                && it.last() >= plan.resumable_after
                && plan.active_has(it.position())
        };
        if let Some(transfer) = parked.filter(|it| usable(it)) {
            let after = transfer.position();
            syncing.follows[kind] = Follow::Snapshot(transfer);
            out.push(send(Message::EntriesWanted { session, kind, after }));
            self.ask_job(kind, out);
            return;
        }
        let journal = &self.journals[kind];
        let everything = Job::Fetch(Scope::Range(KeyRange::default()));
        let jobs: Vec<Job> = match plan.route {
            Route::Entries => Vec::new(),
            Route::All => vec![everything],
            Route::Digests if journal.image.items() == 0 => vec![everything],
            Route::Digests => vec![Job::CompareFrom(None)],
            Route::Changed(sequence) => {
                let touched = changed_after(journal, sequence);
                let changed = Job::Fetch(Scope::ChangedAfter { sequence, from: None });
                match touched {
                    Some(items) if items.is_empty() => vec![changed],
                    Some(items) => vec![changed, Job::Fetch(Scope::Items(items))],
                    None => vec![Job::CompareFrom(None)],
                }
            }
        };
        syncing.follows[kind] = Follow::Snapshot(Box::new(Transfer {
            partner: syncing.partner,
            head: None,
            shadow: Shadow::new(whole),
            jobs: jobs.into(),
            request: 0,
            at: 0,
            ring: Ring::new(self.settings.limits.runtime_ring_bytes_max),
            progress: Progress::default(),
        }));
        out.push(send(Message::SnapshotWanted { session, kind }));
    }

    /// The active says what follows.
    pub(crate) fn snapshot_begins(
        &mut self,
        head: JournalHead,
        items: u64,
        bytes: u64,
        out: &mut Vec<Output>,
    ) {
        let kind = head.kind;
        let now = self.now;
        let Some(transfer) = self.transfer(kind) else { return };
        if transfer.head.is_some() || !is_sound(&head.history) {
            return;
        }
        transfer.at = head.history.last;
        transfer.head = Some(head);
        transfer.progress.total = items;
        transfer.progress.bytes_total = bytes;
        if let Some(syncing) = &mut self.syncing {
            syncing.asked_at = now;
        }
        self.ask_job(kind, out);
        self.try_swap(out);
    }

    fn transfer(&mut self, kind: JournalKind) -> Option<&mut Transfer> {
        match &mut self.syncing.as_mut()?.follows[kind] {
            Follow::Snapshot(transfer) => Some(transfer),
            Follow::Not | Follow::Entries => None,
        }
    }

    /// Asks for the first job.
    fn ask_job(&mut self, kind: JournalKind, out: &mut Vec<Output>) {
        let image = &self.journals[kind].image;
        let Some(syncing) = &mut self.syncing else { return };
        let session = syncing.session;
        let Follow::Snapshot(transfer) = &mut syncing.follows[kind] else { return };
        transfer.request += 1;
        let request = transfer.request;
        let shadow = &transfer.shadow;
        let question = match transfer.jobs.front() {
            None => return,
            Some(Job::Fetch(scope)) => {
                let scope = scope.clone();
                Message::ChunkWanted { session, kind, request, scope, credit: CREDIT }
            }
            Some(Job::CompareFrom(from)) => {
                let from = from.clone();
                let (ranges, next) = coarse_ranges(image, from);
                let ranges = digests(image, shadow, ranges);
                if let Some(next) = next {
                    transfer.jobs.insert(1, Job::CompareFrom(Some(next)));
                }
                let asked = ranges.iter().map(|it| it.range.clone()).collect();
                transfer.jobs[0] = Job::Compare(asked);
                Message::DigestsWanted { session, kind, request, ranges }
            }
            Some(Job::Compare(ranges)) => {
                let ranges = digests(image, shadow, ranges.clone());
                Message::DigestsWanted { session, kind, request, ranges }
            }
        };
        out.push(send(question));
    }

    /// Ranges that are not the same at the active.
    pub(crate) fn digests(
        &mut self,
        kind: JournalKind,
        request: u64,
        differing: &[u32],
        out: &mut Vec<Output>,
    ) {
        let now = self.now;
        let image = &self.journals[kind].image;
        let Some(syncing) = &mut self.syncing else { return };
        syncing.asked_at = now;
        let Follow::Snapshot(transfer) = &mut syncing.follows[kind] else { return };
        if transfer.request != request {
            return;
        }
        let Some(Job::Compare(ranges)) = transfer.jobs.front().cloned() else { return };
        transfer.jobs.pop_front();
        let differing: BTreeSet<u32> = differing.iter().copied().collect();
        let mut finer = Vec::new();
        let mut fetch: Vec<KeyRange> = Vec::new();
        for (index, range) in (0..).zip(ranges) {
            let items = transfer.shadow.names(image, &range);
            if !differing.contains(&index) {
                transfer.progress.done += items.len() as u64;
            } else if items.len() > FINE_ITEMS {
                finer.extend(split(&range, &items));
            } else if let Some(last) = fetch.last_mut().filter(|it| it.until == range.from) {
                last.until = range.until;
            } else {
                fetch.push(range);
            }
        }
        for range in fetch.into_iter().rev() {
            transfer.jobs.push_front(Job::Fetch(Scope::Range(range)));
        }
        for batch in finer.chunks(RANGES_MAX).rev() {
            transfer.jobs.push_front(Job::Compare(batch.to_vec()));
        }
        out.push(Output::Progress(transfer.progress));
        self.ask_job(kind, out);
        self.try_swap(out);
    }

    /// Part of the active's image.
    #[expect(clippy::too_many_arguments, reason = "these are the parts of the message")]
    pub(crate) fn chunk(
        &mut self,
        kind: JournalKind,
        request: u64,
        at: u64,
        sets: Vec<(ItemKey, Record)>,
        removes: Vec<(ItemKey, Position)>,
        next: Option<ItemKey>,
        out: &mut Vec<Output>,
    ) {
        let now = self.now;
        let image = &self.journals[kind].image;
        let Some(syncing) = &mut self.syncing else { return };
        syncing.asked_at = now;
        let Follow::Snapshot(transfer) = &mut syncing.follows[kind] else { return };
        let Some(Job::Fetch(scope)) = transfer.jobs.front_mut() else { return };
        if transfer.request != request {
            return;
        }
        let stray = |it: &ItemKey| it.provider.is_empty() != (kind == JournalKind::Config);
        let named = sets.iter().map(|(it, _)| it).chain(removes.iter().map(|(it, _)| it));
        if named.chain(next.iter()).any(stray) {
            self.misfit(kind, None, Misfit::OtherHistory, out);
            return;
        }
        transfer.at = transfer.at.max(at);
        let shadow = &mut transfer.shadow;
        let there: BTreeSet<&ItemKey> = sets.iter().map(|(item, _)| item).collect();
        let covered = match &*scope {
            Scope::ChangedAfter { .. } => Vec::new(),
            Scope::Range(range) => {
                let until = next.clone().or_else(|| range.until.clone());
                shadow.names(image, &KeyRange { from: range.from.clone(), until })
            }
            Scope::Items(items) => {
                let covered = items.iter().filter(|it| next.as_ref().is_none_or(|end| *it < end));
                covered.cloned().collect()
            }
        };
        for item in covered.into_iter().filter(|it| !there.contains(it)) {
            shadow.offer_absent(item, at);
        }
        drop(there);
        for (item, record) in sets {
            transfer.progress.done += 1;
            transfer.progress.bytes +=
                crate::image::item_bytes(&item.provider, &item.item, &record.value) as u64;
            shadow.offer(item, record, at);
        }
        for (item, _) in removes {
            shadow.offer_absent(item, at);
        }
        transfer.progress.total = transfer.progress.total.max(transfer.progress.done);
        out.push(Output::Progress(transfer.progress));
        match next {
            Some(next) => {
                scope.go_on_from(&next);
                self.ask_job(kind, out);
            }
            None => {
                transfer.jobs.pop_front();
                self.ask_job(kind, out);
                self.try_swap(out);
            }
        }
    }

    /// Entries that came while parts of the image are under way.
    pub(crate) fn shadow_entries(
        &mut self,
        kind: JournalKind,
        previous: Position,
        entries: &[SharedEntry],
        out: &mut Vec<Output>,
    ) {
        let image = &self.journals[kind].image;
        let Some(syncing) = &mut self.syncing else { return };
        let session = syncing.session;
        let Follow::Snapshot(transfer) = &mut syncing.follows[kind] else { return };
        let Some(head) = &mut transfer.head else { return };
        if previous.sequence > head.history.last {
            let after = head.history.last;
            out.push(send(Message::ResendWanted { session, kind, after }));
            return;
        }
        for entry in entries {
            if entry.position.sequence <= head.history.last {
                syncing.ack_again = true;
                continue;
            }
            if !fits(head, entry) {
                self.misfit(kind, Some(entry), Misfit::OtherHistory, out);
                return;
            }
            head.history.note(entry.position);
            head.chain = entry.chain;
            if let Some(key) = &entry.key {
                head.keys.push(KeptKey {
                    key: key.clone(),
                    answer: entry.answer(),
                    sequence: entry.position.sequence,
                    written_at: entry.written_at,
                });
            }
            transfer.shadow.apply(image, entry);
            transfer.ring.push(Arc::clone(entry));
        }
        self.try_swap(out);
    }

    /// Asks again for what did not come.
    pub(crate) fn resume_transfers(&mut self, out: &mut Vec<Output>) {
        for kind in JournalKind::ALL {
            let after = self.journals[kind].position();
            let Some(syncing) = &self.syncing else { return };
            let session = syncing.session;
            match &syncing.follows[kind] {
                Follow::Not => {}
                // The first one may be lost, and without it the active sends nothing and waits for nothing.
                Follow::Entries => {
                    out.push(send(Message::EntriesWanted { session, kind, after }));
                }
                Follow::Snapshot(transfer) if transfer.head.is_none() => {
                    out.push(send(Message::SnapshotWanted { session, kind }));
                }
                Follow::Snapshot(transfer) => {
                    let after = transfer.last();
                    out.push(send(Message::ResendWanted { session, kind, after }));
                    self.ask_job(kind, out);
                }
            }
        }
    }
}

/// Whether an entry is the next one.
fn fits(head: &JournalHead, entry: &Entry) -> bool {
    let last = head.history.position();
    entry.kind == head.kind
        && entry.position.sequence == last.sequence + 1
        && entry.position.epoch >= last.epoch
        && !entry.position.epoch.is_none()
        && entry.belongs()
        && (head.kind == JournalKind::Runtime || entry.chain == entry.chain_after(&head.chain))
}
