//! The winner of an election fetches what the loser has ahead, where this history is the shorter
//! one of the same line. What has diverged is settled when the loser syncs.
use crate::serving::send;
use crate::{Fact, Message, Output, Replica, Session, SharedEntry};
use hotpair_types::{History, Instance, JournalKind, Position, Relation, Time};
use std::sync::Arc;

/// A fetch under way.
#[derive(Debug)]
pub(crate) struct Fetching {
    partner: Instance,
    session: Session,
    asked_at: Time,
    /// Something came since it was asked.
    news: bool,
    /// Nothing more comes.
    over: bool,
}

impl Replica {
    pub(crate) fn fetch_ahead(&mut self, partner: Instance, out: &mut Vec<Output>) {
        if self.is_active() {
            out.push(Output::Fact(Fact::AheadFetched));
            return;
        }
        if self.fetching.as_ref().is_some_and(|it| it.partner == partner) {
            return;
        }
        self.park_transfers();
        self.syncing = None;
        self.sessions += 1;
        let session = Session { instance: self.instance, count: self.sessions };
        let asked_at = self.now;
        self.fetching = Some(Fetching { partner, session, asked_at, news: false, over: false });
        self.ask_ahead(out);
    }

    fn ask_ahead(&mut self, out: &mut Vec<Output>) {
        let history = Box::new(self.history());
        let Some(fetching) = &mut self.fetching else { return };
        fetching.asked_at = self.now;
        fetching.news = false;
        out.push(send(Message::AheadWanted { session: fetching.session, history }));
    }

    /// Loser: sends what the winner lacks, as far as it is at hand. The rest it offers when it
    /// syncs.
    pub(crate) fn ahead_wanted(
        &mut self,
        session: Session,
        winner: &History,
        out: &mut Vec<Output>,
    ) {
        if self.is_active() {
            return;
        }
        for kind in JournalKind::ALL {
            let journal = &self.journals[kind];
            let mine = journal.history.relation_to(winner.of(kind));
            let Relation::Ahead { shared } = mine else { continue };
            let (mut bytes, mut batch, mut total) = (0, Vec::new(), 0);
            let mut previous = journal.position_of(shared);
            for entry in journal.ring.iter_after(shared) {
                if total >= self.settings.limits.window_bytes_max {
                    break;
                }
                bytes += entry.bytes();
                total += entry.bytes();
                batch.push(Arc::clone(entry));
                if bytes >= self.settings.limits.message_bytes_max {
                    let entries = std::mem::take(&mut batch);
                    out.push(send(Message::Ahead { session, kind, previous, entries }));
                    (bytes, previous) = (0, entry.position);
                }
            }
            if !batch.is_empty() {
                out.push(send(Message::Ahead { session, kind, previous, entries: batch }));
            }
        }
        let history = Box::new(self.history());
        out.push(send(Message::AheadEnd { session, history }));
    }

    /// Winner: entries came.
    pub(crate) fn ahead(
        &mut self,
        from: Instance,
        session: Session,
        kind: JournalKind,
        previous: Position,
        entries: &[SharedEntry],
        out: &mut Vec<Output>,
    ) {
        if !self.fetches(from, session) || self.is_active() {
            return;
        }
        let journal = &mut self.journals[kind];
        if previous.sequence > journal.last() {
            return;
        }
        for entry in entries {
            if entry.position.sequence <= journal.last() {
                continue;
            }
            if journal.check(entry).is_err() {
                return;
            }
            // What is to be removed and is not there is found by the next comparison of digests.
            let _ = journal.follow(self.now, entry);
            out.push(Output::Apply { entry: Arc::clone(entry) });
            if let Some(fetching) = &mut self.fetching {
                fetching.news = true;
                fetching.asked_at = self.now;
            }
        }
    }

    /// Winner: that was all of one answer.
    pub(crate) fn ahead_end(
        &mut self,
        from: Instance,
        session: Session,
        loser: &History,
        out: &mut Vec<Output>,
    ) {
        if !self.fetches(from, session) {
            return;
        }
        let history = self.history();
        let behind = JournalKind::ALL.into_iter().any(|kind| {
            let relation = history.of(kind).relation_to(loser.of(kind));
            matches!(relation, Relation::Behind { .. })
        });
        let Some(fetching) = &mut self.fetching else { return };
        if behind && fetching.news {
            self.ask_ahead(out);
            return;
        }
        fetching.over = true;
        self.issue_stores(true, out);
        self.check_fetched(out);
    }

    fn fetches(&self, from: Instance, session: Session) -> bool {
        let fetching = self.fetching.as_ref();
        fetching.is_some_and(|it| it.partner == from && it.session == session && !it.over)
    }

    /// Says so when what was fetched is on disk.
    pub(crate) fn check_fetched(&mut self, out: &mut Vec<Output>) {
        let stored = |kind: JournalKind| self.journals[kind].stored == self.journals[kind].last();
        if self.fetching.as_ref().is_some_and(|it| it.over)
            && JournalKind::ALL.into_iter().all(stored)
        {
            self.fetching = None;
            out.push(Output::Fact(Fact::AheadFetched));
        }
    }

    pub(crate) fn fetching_deadline(&self) -> Option<Time> {
        let fetching = self.fetching.as_ref().filter(|it| !it.over)?;
        Some(fetching.asked_at + self.settings.resend_after)
    }

    pub(crate) fn tick_fetching(&mut self, out: &mut Vec<Output>) {
        if self.fetching_deadline().is_some_and(|it| self.now >= it) {
            self.ask_ahead(out);
        }
    }

    pub(crate) fn resume_fetching(&mut self, out: &mut Vec<Output>) {
        if self.fetching.as_ref().is_some_and(|it| !it.over) {
            self.ask_ahead(out);
        }
    }
}
