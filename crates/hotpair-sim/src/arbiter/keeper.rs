//! What a node's driver keeps for one engine, and what it asks next.
use super::{Answer, BUSY_PAUSE, Call, LEASE, Question, RATE_PPM, Written};
use hotpair_fsm::{GrantAsk, GrantEvent};
use hotpair_types::Time;

/// A wish for the grant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) ticket: u64,
    pub(super) ask: GrantAsk,
}

/// A grant that a node believes to have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) revision: u64,
    /// When it was asked for last, on the node's own clock.
    pub(super) asked: Time,
    pub(super) told: u64,
    pub(super) releases: u64,
}

/// What a node's driver keeps for one engine.
#[derive(Clone, Debug, Default)]
pub(super) struct Keeper {
    pub(super) tickets: u64,
    pub(super) wish: Option<Wish>,
    pub(super) fulfilled: u64,
    pub(super) releases: u64,
    pub(super) alone: Option<(u64, bool)>,
    pub(super) alone_done: u64,
    pub(super) held: Option<Held>,
    /// Numbers the calls; the last one may be under way.
    pub(super) call: u64,
    pub(super) under_way: bool,
    /// Nothing is asked before.
    pub(super) due: Time,
    /// Numbers the times that it is looked after; only the last one counts.
    pub(super) wakes: u64,
}

impl Keeper {
    pub(super) const fn ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }

    /// As `hotpair-node` chooses (`grants/keeper.rs`); `Err`: nothing before then.
    pub(super) fn next(&self, now: Time, local: Time, written: &Written) -> Result<Question, Time> {
        if let Some(held) = self.held
            && (self.wish.is_none() || held.releases != self.releases)
        {
            return Ok(Question::GiveBack(held));
        }
        if now < self.due {
            return Err(self.due);
        }
        let alone = self.alone.filter(|it| it.0 != self.alone_done);
        let third = LEASE / 3;
        match (self.held, self.wish) {
            (Some(held), Some(wish)) => {
                if held.told != wish.ticket || local >= held.asked + third {
                    return Ok(Question::Renew(held));
                }
                match alone {
                    Some((ticket, true)) => {
                        Ok(Question::GoAlone { revision: held.revision, ticket })
                    }
                    Some((ticket, false)) => {
                        Ok(Question::EndAlone { seen: written.alone_revision, ticket })
                    }
                    None => Err(now + (held.asked + third).since(local)),
                }
            }
            (None, wish) => match (alone, wish) {
                (Some((ticket, false)), _) => {
                    Ok(Question::EndAlone { seen: written.alone_revision, ticket })
                }
                (_, Some(wish)) => Ok(Question::Take(wish)),
                (_, None) => Ok(Question::Look),
            },
            (Some(_), None) => Err(now + third),
        }
    }
}

impl Keeper {
    pub(super) fn answered(
        &mut self,
        now: Time,
        call: &Call,
        answer: Answer,
    ) -> Option<GrantEvent> {
        let ticket = self.wish.map(|it| it.ticket);
        let until = call.asked + (LEASE - LEASE / 1_000_000 * (2 * RATE_PPM));
        match (call.question, answer) {
            (Question::Take(wish), Answer::Held { revision }) => {
                self.fulfilled = wish.ticket;
                let (told, releases) = (wish.ticket, call.releases);
                self.held = Some(Held { revision, asked: call.asked, told, releases });
                let current = ticket == Some(wish.ticket);
                Some(if current {
                    GrantEvent::Held { revision, until }
                } else {
                    GrantEvent::Reachable
                })
            }
            (Question::Take(wish), Answer::Busy { alone }) => {
                self.due = now + BUSY_PAUSE;
                let current = ticket == Some(wish.ticket);
                Some(if current { GrantEvent::Busy { alone } } else { GrantEvent::Reachable })
            }
            (Question::Renew(held), Answer::Renewed { alone }) => {
                let told = ticket.filter(|_| held.releases == self.releases)?;
                if alone && self.alone.is_some_and(|it| !it.1) {
                    self.alone_done = 0;
                }
                self.held = Some(Held { asked: call.asked, told, ..held });
                Some(GrantEvent::Held { revision: held.revision, until })
            }
            (Question::Renew(_) | Question::GoAlone { .. }, Answer::Gone) => {
                self.held = None;
                // What the grant rested on is used once.
                if let Some(wish) = &mut self.wish
                    && wish.ticket == self.fulfilled
                {
                    wish.ask = GrantAsk::default();
                }
                Some(if ticket.is_some() { GrantEvent::Lost } else { GrantEvent::Reachable })
            }
            (
                Question::GoAlone { ticket, .. } | Question::EndAlone { ticket, .. },
                Answer::Done,
            ) => {
                self.alone_done = ticket;
                let goes = matches!(call.question, Question::GoAlone { .. });
                let current = self.alone.is_some_and(|it| it.0 == ticket);
                Some(match (current, goes) {
                    (false, _) => GrantEvent::Reachable,
                    (true, true) => GrantEvent::AloneWritten,
                    (true, false) => GrantEvent::AloneEnded,
                })
            }
            (Question::Look, _) => {
                self.due = now + LEASE / 3;
                Some(GrantEvent::Reachable)
            }
            (Question::GiveBack(_), _) => Some(GrantEvent::Reachable),
            (_, _) => unreachable!("{call:?} is not answered by {answer:?}"),
        }
    }
}
