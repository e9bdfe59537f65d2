//! What is given to storage, and what has come back.
use crate::{Fact, Output, PerJournal, Replica, StoreOp, StoreTicket};
use hotpair_types::{JournalKind, Time};
use std::collections::BTreeMap;

/// The operations under way.
#[derive(Debug, Default)]
pub(crate) struct Storing {
    last: u64,
    under_way: BTreeMap<StoreTicket, Stored>,
    /// Appends under way.
    appends: PerJournal<u32>,
    /// How often each journal was put onto another history.
    swaps: PerJournal<u32>,
    /// Since when runtime entries wait to be written.
    waiting_since: Option<Time>,
    failed: bool,
}

/// What a completed operation means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// `swaps`: how often the journal had been swapped by then.
    Append {
        kind: JournalKind,
        until: u64,
        swaps: u32,
    },
    Swap {
        ends: Vec<(JournalKind, u64)>,
    },
    LosingAtLoser,
    LosingBeforeSync {
        session: u64,
    },
    LosingFromPartner {
        session: crate::Session,
        fates: Vec<(crate::DivergenceId, crate::Fate)>,
    },
    Discarded {
        ids: Vec<crate::DivergenceId>,
    },
    Nothing,
}

/// Runtime bytes that are written before the interval is over.
const EARLY_BYTES: usize = 4 << 20;

impl Storing {
    pub(crate) const fn has_failed(&self) -> bool {
        self.failed
    }

    /// A journal goes on from another history: what was given to storage before says nothing of it.
    pub(crate) fn swapped(&mut self, kind: JournalKind) {
        self.swaps[kind] += 1;
    }

    pub(crate) fn ticket(&mut self) -> StoreTicket {
        self.last += 1;
        StoreTicket(self.last)
    }

    pub(crate) fn issue(&mut self, op: StoreOp, then: Stored, out: &mut Vec<Output>) {
        let ticket = self.ticket();
        self.under_way.insert(ticket, then);
        out.push(Output::Store { ticket, op });
    }
}

impl Replica {
    /// Gives storage what is due: config entries always, runtime entries when somebody waits for
    /// the disk, when there are many, or when the interval is over; `all`: everything.
    pub(crate) fn issue_stores(&mut self, all: bool, out: &mut Vec<Output>) {
        if self.storing.failed {
            return;
        }
        self.issue_store(JournalKind::Config, out);
        let runtime = &self.journals.runtime;
        if runtime.unissued.is_empty() {
            self.storing.waiting_since = None;
            return;
        }
        let since = *self.storing.waiting_since.get_or_insert(self.now);
        let interval_over = self.now.since(since) >= self.settings.persist_interval;
        let urgent = self.waiting.runtime.wants_disk()
            || runtime.unissued_bytes >= EARLY_BYTES
            || self.writes == crate::replica::Writes::Stopped { said: false }
            || self.syncing.as_ref().is_some_and(|it| it.wants_disk());
        let free = self.storing.appends.runtime == 0;
        if all || (free && (interval_over || urgent)) {
            self.issue_store(JournalKind::Runtime, out);
            self.storing.waiting_since = None;
        }
    }

    fn issue_store(&mut self, kind: JournalKind, out: &mut Vec<Output>) {
        let journal = &mut self.journals[kind];
        if journal.unissued.is_empty() {
            return;
        }
        let entries = std::mem::take(&mut journal.unissued);
        journal.unissued_bytes = 0;
        let until = journal.last();
        self.storing.appends[kind] += 1;
        let swaps = self.storing.swaps[kind];
        self.storing.issue(
            StoreOp::Append { kind, entries },
            Stored::Append { kind, until, swaps },
            out,
        );
    }

    pub(crate) fn storing_deadline(&self) -> Option<Time> {
        if self.storing.failed || self.storing.appends.runtime > 0 {
            return None;
        }
        self.storing.waiting_since.map(|it| it + self.settings.persist_interval)
    }

    pub(crate) fn store_done(&mut self, ticket: StoreTicket, out: &mut Vec<Output>) {
        let Some(then) = self.storing.under_way.remove(&ticket) else { return };
        match then {
            Stored::Append { kind, until, swaps } => {
                self.storing.appends[kind] -= 1;
                if swaps == self.storing.swaps[kind] {
                    self.journals[kind].stored = until;
                }
                self.stored_more(out);
            }
            Stored::Swap { ends } => {
                for (kind, end) in ends {
                    self.journals[kind].stored = end;
                }
                self.stored_more(out);
            }
            Stored::LosingAtLoser => self.losing_entries_stored(out),
            Stored::LosingBeforeSync { session } => self.losing_stored(session, out),
            Stored::LosingFromPartner { session, fates } => {
                self.losing_taken(session, fates, out);
            }
            Stored::Discarded { ids } => out.push(Output::DivergenceDiscarded { ids }),
            Stored::Nothing => {}
        }
    }

    fn stored_more(&mut self, out: &mut Vec<Output>) {
        self.settle(out);
        self.check_caught_up(out);
        self.check_fetched(out);
    }

    /// Nothing is acknowledged any more: what was waiting is unknown.
    pub(crate) fn store_failed(&mut self, ticket: StoreTicket, out: &mut Vec<Output>) {
        self.storing.under_way.remove(&ticket);
        if self.storing.failed {
            return;
        }
        self.storing.failed = true;
        for kind in JournalKind::ALL {
            self.waiting[kind].give_up(out);
        }
        out.push(Output::Fact(Fact::StorageFailed));
    }
}
