//! What the standby should have acknowledged by now: sent again, reported, no longer waited for.
use crate::replica::sooner;
use crate::serving::{Line, send};
use crate::{AckRule, Fact, Message, Output, Replica, Session};
use hotpair_types::{JournalKind, Time};

impl Replica {
    /// The oldest entry on its way that is not acknowledged, since when: in memory, or on the
    /// standby's disk when a write waits for that.
    fn unacknowledged_since(&self, kind: JournalKind) -> Option<Time> {
        let line = &self.serving.as_ref()?.lines[kind];
        let wanted = self.waiting[kind].wanted_on_disk();
        let memory = line.received < self.journals[kind].last();
        let disk = wanted.is_some_and(|it| line.durable < it);
        let since = sooner(memory.then_some(line.progress_at), disk.then_some(line.durable_at));
        since.filter(|_| line.live || line.gone)
    }

    pub(crate) fn check_acknowledged(&mut self, out: &mut Vec<Output>) {
        let late = JournalKind::ALL.into_iter().any(|kind| {
            self.unacknowledged_since(kind)
                .is_some_and(|it| self.now.since(it) >= self.settings.drop_after)
        });
        let with_partner = self.rule == AckRule::WithPartner;
        let Some(serving) = &mut self.serving else { return };
        if late && with_partner && !serving.unacknowledged_said {
            serving.unacknowledged_said = true;
            out.push(Output::Fact(Fact::DataUnacknowledged(true)));
        } else if !late && serving.unacknowledged_said {
            serving.unacknowledged_said = false;
            out.push(Output::Fact(Fact::DataUnacknowledged(false)));
        }
    }

    pub(crate) fn tick_serving(&mut self, out: &mut Vec<Output>) {
        self.check_acknowledged(out);
        let (resend_after, drop_after) = (self.settings.resend_after, self.settings.drop_after);
        let now = self.now;
        let mut lapsed = false;
        if let Some(serving) = &mut self.serving {
            for kind in JournalKind::ALL {
                let line = &mut serving.lines[kind];
                let due = now.since(line.resent_at()) >= resend_after;
                if line.live && line.sent > line.received && due {
                    line.sent = line.received;
                    line.resent = now;
                }
            }
            if serving.closing.is_some_and(|it| !it.said && now.since(it.since) >= drop_after) {
                serving.give_up_closing();
                lapsed = true;
            }
        }
        if lapsed {
            self.settle(out);
        }
        self.say_gone_again(false, out);
    }

    /// The standby has not begun anew: it may not have heard that it must. `at_once`: a connection is there again.
    pub(crate) fn say_gone_again(&mut self, at_once: bool, out: &mut Vec<Output>) {
        let (now, resend_after) = (self.now, self.settings.resend_after);
        let Some(serving) = self.serving.as_mut().filter(|it| !it.paused) else { return };
        let Some(session) = serving.session else { return };
        for kind in JournalKind::ALL {
            let line = &mut serving.lines[kind];
            if line.gone && (at_once || now.since(line.resent) >= resend_after) {
                line.say_gone(now, session, kind, out);
            }
        }
    }

    pub(crate) fn serving_deadline(&self) -> Option<Time> {
        let serving = self.serving.as_ref()?;
        let closing = serving.closing.filter(|it| !it.said);
        let closing = closing.map(|it| it.since + self.settings.drop_after);
        let of_line = |kind| {
            let since = self.unacknowledged_since(kind)?;
            let line = &serving.lines[kind];
            let drop = (self.rule == AckRule::WithPartner && !serving.unacknowledged_said)
                .then(|| since + self.settings.drop_after);
            let resend = (line.live && line.sent > line.received && !serving.paused)
                .then(|| line.resent_at() + self.settings.resend_after);
            let again =
                (line.gone && !serving.paused).then(|| line.resent + self.settings.resend_after);
            sooner(drop, sooner(resend, again))
        };
        let lines = sooner(of_line(JournalKind::Config), of_line(JournalKind::Runtime));
        sooner(lines, closing)
    }
}

impl Line {
    /// Nothing more comes on this line. The word may be lost with a connection.
    pub(crate) fn say_gone(
        &mut self,
        now: Time,
        session: Session,
        kind: JournalKind,
        out: &mut Vec<Output>,
    ) {
        (self.live, self.gone, self.resent) = (false, true, now);
        out.push(send(Message::EntriesGone { session, kind }));
    }
}
