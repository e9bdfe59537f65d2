//! The active's side: what a standby has, and what it is sent.
use crate::merging::Merging;
use crate::replica::Writes;
use crate::streaming::Stream;
use crate::{
    AckRule, Fact, Message, Output, PerJournal, Replica, Session, SharedEntry, StoreTicket,
};
use hotpair_types::{Instance, JournalKind, Position, Positions, Time};
use std::sync::Arc;

/// The standby of an active.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) partner: Instance,
    /// Its attempt; none yet.
    pub(crate) session: Option<Session>,
    /// The attempt is new, and the state machine does not know of it.
    pub(crate) begins: bool,
    pub(crate) lines: PerJournal<Line>,
    /// Parts of the image on their way.
    pub(crate) streams: PerJournal<Option<Stream>>,
    /// No connection: nothing is sent.
    pub(crate) paused: bool,
    /// It said that it has everything: no degraded answer until it has what was answered so.
    pub(crate) closing: Option<Closing>,
    pub(crate) unacknowledged_said: bool,
    /// What was decided about entries that only the standby had.
    pub(crate) merging: Merging,
}

/// The entries of one journal on their way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Line {
    /// It wants entries as they come.
    pub(crate) live: bool,
    /// It has to begin anew, what it lacks is not kept any more: said until it does.
    pub(crate) gone: bool,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) durable: u64,
    /// Since when `received` has stood, or something is missing after it.
    pub(crate) progress_at: Time,
    /// Since when `durable` has stood, or somebody has waited for it.
    pub(crate) durable_at: Time,
    /// When it was last sent again.
    pub(crate) resent: Time,
    /// Entries are being read back from storage.
    pub(crate) reading: Option<StoreTicket>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Closing {
    pub(crate) until: PerJournal<u64>,
    pub(crate) since: Time,
    pub(crate) said: bool,
}

impl Line {
    /// Since when nothing moved.
    pub(crate) fn resent_at(&self) -> Time {
        self.resent.max(self.progress_at)
    }
}

impl Serving {
    fn new(partner: Instance) -> Self {
        Self {
            partner,
            session: None,
            begins: false,
            lines: PerJournal::default(),
            streams: PerJournal::default(),
            paused: false,
            closing: None,
            unacknowledged_said: false,
            merging: Merging::default(),
        }
    }

    pub(crate) fn received(&self, kind: JournalKind) -> u64 {
        self.lines[kind].received
    }

    pub(crate) fn durable(&self, kind: JournalKind) -> u64 {
        self.lines[kind].durable
    }

    /// Whether degraded answers are held back because the standby is about to be level.
    pub(crate) const fn holds_degraded(&self) -> bool {
        self.closing.is_some()
    }

    /// No connection is left.
    pub(crate) fn pause(&mut self) {
        self.paused = true;
        self.give_up_closing();
    }

    /// Degraded answers are given again, unless the state machine was told that the standby has everything:
    /// it may count on that at any moment, until it serves another one or none.
    pub(crate) fn give_up_closing(&mut self) {
        self.closing = self.closing.filter(|it| it.said);
    }

    /// A connection is there: what was not acknowledged goes again.
    pub(crate) fn resume(&mut self, now: Time) {
        self.paused = false;
        for kind in JournalKind::ALL {
            let line = &mut self.lines[kind];
            line.sent = line.received;
            (line.progress_at, line.durable_at) = (now, now);
        }
    }

    /// An entry was written: the clock of its acknowledgement starts when none was running. It runs too
    /// where nothing is sent, because no connection is there or the entries are gone.
    pub(crate) fn appended(&mut self, now: Time, kind: JournalKind, sequence: u64) {
        let line = &mut self.lines[kind];
        if line.received + 1 >= sequence {
            line.progress_at = now;
        }
    }

    /// Somebody waits for the standby's disk, and nobody did before.
    pub(crate) fn wanted_on_disk(&mut self, now: Time, kind: JournalKind) {
        self.lines[kind].durable_at = now;
    }

    pub(crate) fn rule_changed(&mut self, now: Time, rule: AckRule) {
        match rule {
            AckRule::WithPartner => {
                self.closing = None;
                self.unacknowledged_said = false;
                for kind in JournalKind::ALL {
                    (self.lines[kind].progress_at, self.lines[kind].durable_at) = (now, now);
                }
            }
            AckRule::Alone | AckRule::Wait => {}
        }
    }

    /// A new attempt of the standby: what the last one was sent does not count.
    fn begin(&mut self, session: Session) {
        let (session, paused, begins) = (Some(session), self.paused, true);
        *self = Self { session, paused, begins, ..Self::new(self.partner) };
    }
}

impl Replica {
    pub(crate) fn serve(&mut self, partner: Instance, out: &mut Vec<Output>) {
        if self.serving.as_ref().is_some_and(|it| it.partner == partner) {
            return;
        }
        self.serving = Some(Serving::new(partner));
        if let Some(session) = self.early.take()
            && self.serves(partner, session, true)
        {
            self.begun(session, out);
        }
    }

    pub(crate) fn stop_serving(&mut self) {
        self.serving = None;
    }

    /// Whether the message belongs to the standby that is served, and to its newest attempt.
    pub(crate) fn serves(&mut self, from: Instance, session: Session, begins: bool) -> bool {
        let Some(serving) = &mut self.serving else { return false };
        if serving.partner != from || session.instance != from {
            return false;
        }
        match serving.session {
            Some(current) if current == session => true,
            Some(current) if session < current => false,
            Some(_) | None => {
                if begins {
                    serving.begin(session);
                }
                begins
            }
        }
    }

    /// The standby wants a journal's entries after a position that is in its history here.
    pub(crate) fn entries_wanted(
        &mut self,
        session: Session,
        kind: JournalKind,
        after: Position,
        out: &mut Vec<Output>,
    ) {
        let journal = &self.journals[kind];
        let fits = after.sequence <= journal.last()
            && journal.position_of(after.sequence).epoch == after.epoch
            && after.sequence >= journal.entries_after();
        if !fits {
            out.push(send(Message::EntriesGone { session, kind }));
            return;
        }
        self.send_after(kind, after.sequence);
        self.pump_journal(kind, out);
    }

    /// From now on the standby is sent what comes after this sequence.
    pub(crate) fn send_after(&mut self, kind: JournalKind, sequence: u64) {
        let Some(serving) = &mut self.serving else { return };
        serving.lines[kind] = Line {
            live: true,
            gone: false,
            sent: sequence,
            received: sequence,
            durable: 0,
            progress_at: self.now,
            durable_at: self.now,
            resent: self.now,
            reading: None,
        };
    }

    /// Sends what the window allows.
    pub(crate) fn pump(&mut self, out: &mut Vec<Output>) {
        if self.serving.is_some() {
            for kind in JournalKind::ALL {
                self.pump_journal(kind, out);
            }
        }
    }

    fn pump_journal(&mut self, kind: JournalKind, out: &mut Vec<Output>) {
        let journal = &self.journals[kind];
        let limits = &self.settings.limits;
        let Some(serving) = &mut self.serving else { return };
        let (Some(session), false) = (serving.session, serving.paused) else { return };
        let line = &mut serving.lines[kind];
        if !line.live {
            return;
        }
        while line.sent < journal.last() && line.reading.is_none() {
            let ring_after = journal.ring.after(journal.last());
            let in_flight = journal.ring.bytes_between(line.received, line.sent);
            if in_flight >= limits.window_bytes_max {
                return;
            }
            if line.sent < ring_after {
                if kind == JournalKind::Runtime || line.sent < journal.stored_after {
                    line.say_gone(self.now, session, kind, out);
                    return;
                }
                let ticket = self.storing.ticket();
                line.reading = Some(ticket);
                out.push(Output::ReadJournal {
                    ticket,
                    kind,
                    after: line.sent,
                    until: ring_after,
                    bytes_max: limits.message_bytes_max,
                });
                return;
            }
            let mut bytes = 0;
            let mut entries = Vec::new();
            for entry in journal.ring.iter_after(line.sent) {
                bytes += entry.bytes();
                if bytes > limits.message_bytes_max && !entries.is_empty() {
                    break;
                }
                entries.push(Arc::clone(entry));
            }
            let previous = journal.position_of(line.sent);
            line.sent += entries.len() as u64;
            let urgent = self.waiting[kind].wants_disk()
                || kind == JournalKind::Config
                || self.writes == Writes::Stopped { said: false };
            out.push(send(Message::Entries { session, kind, previous, entries, urgent }));
        }
    }

    /// Entries came back from storage, for the standby.
    pub(crate) fn journal_read(
        &mut self,
        ticket: StoreTicket,
        entries: Vec<SharedEntry>,
        out: &mut Vec<Output>,
    ) {
        if self.losing_read(ticket, &entries, out) {
            return;
        }
        for kind in JournalKind::ALL {
            let Some(serving) = &mut self.serving else { return };
            let Some(session) = serving.session else { return };
            let line = &mut serving.lines[kind];
            if line.reading != Some(ticket) {
                continue;
            }
            line.reading = None;
            let last = self.journals[kind].last();
            let whole =
                entries.iter().zip(line.sent + 1..).all(|(it, n)| it.position.sequence == n);
            let Some(end) =
                entries.last().map(|it| it.position.sequence).filter(|it| whole && *it <= last)
            else {
                line.say_gone(self.now, session, kind, out);
                // Storage keeps only so much: what it does not give is not promised again, or the
                // next attempt would ask for the same.
                let journal = &mut self.journals[kind];
                journal.stored_after = journal.stored_after.max(journal.ring.after(last));
                return;
            };
            let previous = self.journals[kind].position_of(line.sent);
            line.sent = end;
            out.push(send(Message::Entries { session, kind, previous, entries, urgent: true }));
            self.pump_journal(kind, out);
            return;
        }
    }

    /// The standby says what it has.
    pub(crate) fn acked(
        &mut self,
        received: PerJournal<u64>,
        durable: PerJournal<u64>,
        out: &mut Vec<Output>,
    ) {
        let Some(serving) = &mut self.serving else { return };
        for kind in JournalKind::ALL {
            let last = self.journals[kind].last();
            let line = &mut serving.lines[kind];
            // A partner that claims what was never written here is not believed.
            if !line.live || received[kind] > last {
                continue;
            }
            if received[kind] > line.received {
                line.received = received[kind];
                line.sent = line.sent.max(line.received);
                line.progress_at = self.now;
            }
            let durable = durable[kind].min(line.received);
            if durable > line.durable {
                (line.durable, line.durable_at) = (durable, self.now);
            }
        }
        self.check_closing(out);
        self.pump(out);
        self.settle(out);
        self.report_drained(out);
        self.check_acknowledged(out);
    }

    /// The standby misses entries after this sequence.
    pub(crate) fn resend_wanted(&mut self, kind: JournalKind, after: u64, out: &mut Vec<Output>) {
        if let Some(serving) = &mut self.serving {
            let line = &mut serving.lines[kind];
            if line.live && after <= line.sent {
                // It may have less than it was thought to have: a snapshot was begun twice.
                line.received = line.received.min(after);
                line.sent = after;
                line.reading = None;
            }
        }
        self.pump_journal(kind, out);
    }

    /// The standby has caught up with where the active was. No degraded answer is given from here
    /// on; when it has what was answered so, the state machine may call it level.
    pub(crate) fn caught_up(&mut self, positions: Positions, out: &mut Vec<Output>) {
        let fits = JournalKind::ALL.into_iter().all(|kind| {
            let journal = &self.journals[kind];
            let end = positions.of(kind);
            end.sequence <= journal.last() && journal.position_of(end.sequence) == end
        });
        let until = PerJournal::from_fn(|kind| self.journals[kind].last());
        let Some(serving) = &mut self.serving else { return };
        let live = JournalKind::ALL.into_iter().all(|kind| serving.lines[kind].live);
        if fits && live {
            let since = self.now;
            serving.closing.get_or_insert(Closing { until, since, said: false });
            self.check_closing(out);
        }
    }

    fn check_closing(&mut self, out: &mut Vec<Output>) {
        let positions = self.positions();
        let Some(serving) = &mut self.serving else { return };
        let lines = serving.lines;
        let Some(closing) = &mut serving.closing else { return };
        let there = JournalKind::ALL.into_iter().all(|it| lines[it].received >= closing.until[it]);
        if there && !closing.said {
            closing.said = true;
            out.push(Output::Fact(Fact::PartnerCaughtUp { positions }));
        }
    }
}

/// A message on its lane.
pub(crate) const fn send(message: Message) -> Output {
    Output::Send { lane: message.lane(), message }
}
