//! What an engine's task does next, and how it carries that out: one question at a time.
use super::{Report, ThirdParty};
use crate::clock::Clock;
use crate::settings::CLOCK_RATE_PPM;
use hotpair_arbiter::{Arbiter, Ask, EngineKey, Grant, Holder, Renewed, Seen, Taken};
use hotpair_core::EngineIndex;
use hotpair_types::Time;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// Between two tries when nobody answered.
const AWAY_PAUSE: Duration = Duration::from_millis(200);
/// ... and when somebody else holds the grant.
const BUSY_PAUSE: Duration = Duration::from_millis(100);
/// A grant is renewed three times in its life, and who has none looks as often.
const RENEWALS: u32 = 3;

/// What the third party said, or did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// The grant is ours until then, on this process's own clock.
    Held { revision: u64, until: Time },
    /// It is not ours any more.
    Lost,
    /// It is not to be had.
    Busy(Seen),
    /// It was asked for something else and answered.
    Reachable(Seen),
    /// It gave no answer, or none that helps.
    Away { why: String },
    /// That this node goes on alone is written.
    AloneWritten,
    /// It is not written any more.
    AloneEnded,
}

/// What is wanted now. Every order has a ticket; they grow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    last_ticket: u64,
    grant: Option<Wish>,
    /// How often a grant was given back: one taken before is not the one that is wanted now.
    releases: u64,
    alone: Option<AloneWish>,
    closing: bool,
}

#[derive(Clone, Debug)]
struct Wish {
    ticket: u64,
    proven_dead: Option<Holder>,
    over_alone: bool,
}

#[derive(Clone, Copy, Debug)]
struct AloneWish {
    ticket: u64,
    goes: bool,
}

impl Wanted {
    pub(super) fn ask(&mut self, proven_dead: Option<Holder>, over_alone: bool) {
        let ticket = self.ticket();
        self.grant = Some(Wish { ticket, proven_dead, over_alone });
    }

    pub(super) fn release(&mut self) {
        self.ticket();
        self.grant = None;
        self.releases += 1;
    }

    pub(super) fn alone(&mut self, goes: bool) {
        let ticket = self.ticket();
        self.alone = Some(AloneWish { ticket, goes });
    }

    pub(super) fn close(&mut self) {
        self.release();
        self.closing = true;
    }

    pub(super) fn is_current(&self, ticket: u64) -> bool {
        let grant = self.grant.as_ref().is_some_and(|it| it.ticket == ticket);
        grant || self.alone.is_some_and(|it| it.ticket == ticket)
    }

    const fn ticket(&mut self) -> u64 {
        self.last_ticket += 1;
        self.last_ticket
    }
}

/// A grant that was got.
#[derive(Clone, Debug)]
struct Held {
    grant: Grant,
    /// Before it was asked for last.
    asked: Instant,
    /// The wish that was last told of it.
    told: u64,
    /// `Wanted::releases` when it was asked for.
    releases: u64,
}

/// What comes next.
#[derive(Debug)]
enum Next {
    Do(Step),
    Wait(Instant),
    End,
}

/// One question.
#[derive(Debug)]
enum Step {
    GiveBack(Grant),
    Take(Wish),
    Renew(Held),
    GoAlone(Grant, AloneWish),
    EndAlone(AloneWish),
    Look,
}

/// The task of an engine.
#[derive(Debug)]
pub(super) struct Keeper {
    arbiter: Arc<dyn Arbiter>,
    index: EngineIndex,
    engine: EngineKey,
    own: Holder,
    lease: Duration,
    clock: Clock,
    wanted: watch::Receiver<Wanted>,
    reports: mpsc::Sender<Report>,
    held: Option<Held>,
    /// The wish for a grant that was fulfilled: what it rested on is used once.
    fulfilled: u64,
    /// The wish about going on alone that is done.
    alone_done: u64,
    /// Nothing is asked before, unless something else is wanted.
    pause: Option<(u64, Instant)>,
    looked: Option<Instant>,
    /// What was reported last, and what was wanted then: the same again is no news.
    last: Option<(u64, Said)>,
}

impl Keeper {
    pub(super) fn new(
        party: &ThirdParty,
        index: EngineIndex,
        engine: EngineKey,
        clock: Clock,
        wanted: watch::Receiver<Wanted>,
        reports: mpsc::Sender<Report>,
    ) -> Self {
        Self {
            arbiter: party.arbiter.clone(),
            index,
            engine,
            own: party.own.clone(),
            lease: party.lease,
            clock,
            wanted,
            reports,
            held: None,
            fulfilled: 0,
            alone_done: 0,
            pause: None,
            looked: None,
            last: None,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            let wanted = self.wanted.borrow_and_update().clone();
            let goes_on = match self.next(&wanted, Instant::now()) {
                Next::End => false,
                Next::Wait(until) => tokio::select! {
                    changed = self.wanted.changed() => changed.is_ok(),
                    () = tokio::time::sleep_until(until.into()) => true,
                },
                Next::Do(step) => self.carry_out(&wanted, step).await,
            };
            if !goes_on {
                return;
            }
        }
    }

    fn next(&self, wanted: &Wanted, now: Instant) -> Next {
        if let Some(held) = &self.held
            && (wanted.grant.is_none() || held.releases != wanted.releases)
        {
            return Next::Do(Step::GiveBack(held.grant.clone()));
        }
        if wanted.closing {
            return Next::End;
        }
        if let Some((_, until)) = self.pause.filter(|it| it.0 == wanted.last_ticket && now < it.1) {
            return Next::Wait(until);
        }
        let alone = wanted.alone.filter(|it| it.ticket != self.alone_done);
        match (&self.held, &wanted.grant) {
            (Some(held), Some(wish)) => {
                let due = held.asked + self.lease / RENEWALS;
                // One who asks anew is told what is so now, not what was so before.
                if held.told != wish.ticket || now >= due {
                    return Next::Do(Step::Renew(held.clone()));
                }
                match alone {
                    Some(alone) if alone.goes => Next::Do(Step::GoAlone(held.grant.clone(), alone)),
                    Some(alone) => Next::Do(Step::EndAlone(alone)),
                    None => Next::Wait(due),
                }
            }
            (None, _) if alone.is_some_and(|it| !it.goes) => {
                Next::Do(alone.map_or(Step::Look, Step::EndAlone))
            }
            (None, Some(wish)) => Next::Do(Step::Take(wish.clone())),
            (_, None) => match self.looked.map(|it| it + self.lease / RENEWALS) {
                Some(due) if now < due => Next::Wait(due),
                Some(_) | None => Next::Do(Step::Look),
            },
        }
    }

    /// `false`: nobody listens any more.
    async fn carry_out(&mut self, wanted: &Wanted, step: Step) -> bool {
        let arbiter = self.arbiter.clone();
        let asked = (Instant::now(), self.clock.now());
        let done = match step {
            Step::GiveBack(grant) => {
                // Once: if nobody answers it ends by itself.
                self.held = None;
                arbiter.give_back(&grant).await.map(|()| None)
            }
            Step::Take(wish) => {
                let ask = self.question(&wish);
                let taken = arbiter.take(&ask).await;
                taken.map(|it| self.taken(wanted, wish.ticket, asked, it))
            }
            Step::Renew(held) => {
                let renewed = arbiter.renew(&held.grant).await;
                renewed.map(|it| self.renewed(held, asked, &it))
            }
            Step::GoAlone(grant, alone) => arbiter.go_alone(&grant).await.map(|written| {
                if !written {
                    return self.lost();
                }
                self.alone_done = alone.ticket;
                Some((Some(alone.ticket), Said::AloneWritten))
            }),
            Step::EndAlone(alone) => {
                let ended = arbiter.end_alone(&self.engine, &self.own.node).await;
                ended.map(|()| {
                    self.alone_done = alone.ticket;
                    Some((Some(alone.ticket), Said::AloneEnded))
                })
            }
            Step::Look => {
                let seen = arbiter.look(&self.engine).await;
                self.looked = Some(Instant::now());
                seen.map(|it| Some((None, Said::Reachable(it))))
            }
        };
        let (ticket, said) = match done {
            Ok(None) => return true,
            Ok(Some(report)) => report,
            Err(error) => {
                self.pause_for(wanted, AWAY_PAUSE);
                (None, Said::Away { why: error.to_string() })
            }
        };
        self.report(wanted, ticket, said).await
    }

    fn question(&self, wish: &Wish) -> Ask {
        let first = wish.ticket != self.fulfilled;
        Ask {
            engine: self.engine.clone(),
            holder: self.own.clone(),
            lease: self.lease,
            proven_dead: wish.proven_dead.clone().filter(|_| first),
            over_alone: wish.over_alone && first,
        }
    }

    fn taken(
        &mut self,
        wanted: &Wanted,
        ticket: u64,
        asked: (Instant, Time),
        taken: Taken,
    ) -> Option<(Option<u64>, Said)> {
        match taken {
            Taken::Held(grant) => {
                let revision = grant.revision;
                let releases = wanted.releases;
                self.fulfilled = ticket;
                self.held = Some(Held { grant, asked: asked.0, told: ticket, releases });
                Some((Some(ticket), Said::Held { revision, until: self.until(asked.1) }))
            }
            Taken::Busy(seen) => {
                self.pause_for(wanted, BUSY_PAUSE);
                Some((Some(ticket), Said::Busy(seen)))
            }
        }
    }

    fn renewed(
        &mut self,
        held: Held,
        asked: (Instant, Time),
        renewed: &Renewed,
    ) -> Option<(Option<u64>, Said)> {
        let Renewed::Yes { alone } = renewed else { return self.lost() };
        let wanted = self.wanted.borrow();
        let wish = wanted.grant.as_ref().filter(|_| wanted.releases == held.releases)?;
        let (told, revision) = (wish.ticket, held.grant.revision);
        // "Alone" was written late, after it was taken back: take it back once more.
        let stands = alone.as_deref() == Some(&*self.own.node);
        if stands && wanted.alone.is_some_and(|it| !it.goes) {
            self.alone_done = 0;
        }
        drop(wanted);
        self.held = Some(Held { asked: asked.0, told, ..held });
        Some((Some(told), Said::Held { revision, until: self.until(asked.1) }))
    }

    fn lost(&mut self) -> Option<(Option<u64>, Said)> {
        self.held = None;
        let ticket = self.wanted.borrow().grant.as_ref().map(|it| it.ticket)?;
        Some((Some(ticket), Said::Lost))
    }

    /// The end of a grant on our clock: before it ends on the arbiter's, however both clocks err.
    fn until(&self, asked: Time) -> Time {
        let ppm = u32::try_from(2 * CLOCK_RATE_PPM).unwrap_or(u32::MAX);
        asked + (self.lease - self.lease / 1_000_000 * ppm)
    }

    fn pause_for(&mut self, wanted: &Wanted, pause: Duration) {
        self.pause = Some((wanted.last_ticket, Instant::now() + pause));
    }

    async fn report(&mut self, wanted: &Wanted, ticket: Option<u64>, said: Said) -> bool {
        let news = (wanted.last_ticket, said.clone());
        if self.last.as_ref() == Some(&news) {
            return true;
        }
        self.last = Some(news);
        self.reports.send(Report { engine: self.index, ticket, said }).await.is_ok()
    }
}
