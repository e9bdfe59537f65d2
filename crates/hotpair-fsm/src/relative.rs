//! Feature `model`: two machines that differ only in when they were started become equal, so that a walk
//! through every state ends. Nobody who runs machines needs it.
use crate::state::State;
use crate::{Machine, Reach, Ticket, Timer};
use hotpair_types::Time;
use std::time::Duration;

impl Machine {
    /// Moves the present to `now`, and every other moment with it. How long it has been active counts up
    /// to `age_max`. A deadline that was not nearer than `far` stays at that distance: it never comes; one
    /// that has passed has passed. So many records as `storing` are on their way to the disk, and have the
    /// tickets from 1 on.
    pub fn rebase(&mut self, now: Time, age_max: Duration, far: Duration, storing: u64) {
        let before = self.cx.now;
        let moved = |at: Time| now + if at.since(now) >= far { far } else { at.since(before) };
        let since = |at: Time| now - before.since(at).min(age_max);
        for timer in Timer::ALL {
            if let Some(at) = self.cx.timers.stop(timer) {
                self.cx.timers.set(timer, moved(at));
            }
        }
        let grant = &mut self.cx.grant;
        grant.held = grant.held.map(|(revision, last)| (revision, moved(last)));
        if let Reach::Away { since } = &mut grant.reach {
            // For people alone.
            *since = now;
        }
        match &mut self.state {
            State::Active(it) | State::ActiveAlone(it) => it.since = since(it.since),
            State::ToStandby(it) => it.since = since(it.since),
            State::Determining(_)
            | State::NotReady(_)
            | State::SyncingModules(_)
            | State::SyncingCode(_)
            | State::SyncingData(_)
            | State::Ready(_)
            | State::Missed(_)
            | State::ToActive(_)
            | State::Stopped(_) => {}
        }
        self.cx.now = now;
        self.cx.issued = Ticket(storing);
    }

    /// Time passes, though nobody gives it an event.
    pub fn pass(&mut self, time: Duration) {
        self.cx.now = self.cx.now + time;
    }

    /// Whether this deadline is set.
    #[must_use]
    pub const fn has_deadline(&self, timer: Timer) -> bool {
        self.cx.timers.is_set(timer)
    }
}
