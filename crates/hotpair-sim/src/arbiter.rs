//! The third party of mode `arbiter`, the way to it, and what a node's driver does with it: the same
//! questions as in `hotpair-node`, one at a time for each engine, with answers late or lost.
use crate::carry::index;
use crate::world::{Happening, World};
use crate::{Fault, FaultKind};
use hotpair_core::{EngineInput, Input};
use hotpair_fsm::{GrantAsk, GrantEvent};
use hotpair_types::{Channel, Instance, Mode, Time};
use std::time::Duration;

/// How long a grant lasts, as in the settings of the simulated nodes.
pub(crate) const LEASE: Duration = Duration::from_secs(3);
/// A question that is not answered by then counts as lost.
const CALL_TIME_MAX: Duration = Duration::from_millis(500);
const AWAY_PAUSE: Duration = Duration::from_millis(200);
const BUSY_PAUSE: Duration = Duration::from_millis(100);
/// A process that stands still looks at nothing; then it looks at what waited.
const FROZEN_PAUSE: Duration = Duration::from_millis(5);
/// By how much a clock may be wrong, in parts per million: each side errs against the pair.
const RATE_PPM: u32 = 1_000;

/// What is written for one engine.
#[derive(Clone, Debug, Default)]
struct Written {
    holder: Option<(usize, Instance)>,
    /// Grows with every grant.
    revision: u64,
    ends: Time,
    alone: Option<usize>,
    /// Grows with every change of `alone`.
    alone_revision: u64,
}

/// A wish for the grant.
#[derive(Clone, Copy, Debug)]
struct Wish {
    ticket: u64,
    ask: GrantAsk,
}

/// A grant that a node believes to have.
#[derive(Clone, Copy, Debug)]
struct Held {
    revision: u64,
    /// When it was asked for last, on the node's own clock.
    asked: Time,
    told: u64,
    releases: u64,
}

/// What a node's driver keeps for one engine.
#[derive(Clone, Debug, Default)]
struct Keeper {
    tickets: u64,
    wish: Option<Wish>,
    fulfilled: u64,
    releases: u64,
    alone: Option<(u64, bool)>,
    alone_done: u64,
    held: Option<Held>,
    /// Numbers the calls; the last one may be under way.
    call: u64,
    under_way: bool,
    /// Nothing is asked before.
    due: Time,
    /// Numbers the times that it is looked after; only the last one counts.
    wakes: u64,
}

#[derive(Clone, Copy, Debug)]
enum Question {
    Look,
    Take(Wish),
    Renew(Held),
    GiveBack(Held),
    GoAlone {
        revision: u64,
        ticket: u64,
    },
    /// Ends what stood when it was asked, and nothing newer.
    EndAlone {
        seen: u64,
        ticket: u64,
    },
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Done,
    Held { revision: u64 },
    Busy { alone: bool },
    Renewed { alone: bool },
    Gone,
}

/// When a node's driver looks after a grant again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wake {
    node: usize,
    engine: usize,
    instance: Instance,
    number: u64,
}

/// One step of a question.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    node: usize,
    engine: usize,
    instance: Instance,
    number: u64,
    /// On the node's own clock.
    asked: Time,
    releases: u64,
    question: Question,
    step: Step,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Arrives,
    Answered(Answer),
    TimedOut,
}

/// The third party and the ways to it.
#[derive(Debug)]
pub(crate) struct ThirdParty {
    written: Vec<Written>,
    keepers: [Vec<Keeper>; 2],
    revision: u64,
    /// By node: nothing passes.
    cut: [bool; 2],
    slow: bool,
}

impl ThirdParty {
    pub(crate) fn new(engines: usize) -> Self {
        Self {
            written: vec![Written::default(); engines],
            keepers: [(); 2].map(|()| vec![Keeper::default(); engines]),
            revision: 0,
            cut: [false; 2],
            slow: false,
        }
    }

    pub(crate) const fn begin_fault(&mut self, fault: Fault) {
        match fault.kind {
            FaultKind::ArbiterSlow => self.slow = true,
            FaultKind::ArbiterOneSide => self.cut[fault.node] = true,
            _ => self.cut = [true; 2],
        }
    }

    pub(crate) const fn heal(&mut self) {
        self.cut = [false; 2];
        self.slow = false;
    }

    /// Answers at this moment of the world.
    fn answer(&mut self, now: Time, call: &Call) -> Answer {
        let own = (call.node, call.instance);
        let written = &mut self.written[call.engine];
        if written.ends <= now {
            written.holder = None;
        }
        // Its clock may be fast: a lease is over before its time.
        let ends = now + (LEASE - LEASE / 1_000_000 * RATE_PPM);
        let ours = |it: &Written, revision| it.holder == Some(own) && it.revision == revision;
        match call.question {
            Question::Look => Answer::Done,
            Question::Take(wish) => {
                let dead = wish.ask.proven_dead.map(|it| (1 - call.node, it));
                let free = written.holder.is_none_or(|it| it == own || Some(it) == dead);
                let alone = written.alone.is_some_and(|it| it != call.node);
                if !free || (alone && !wish.ask.over_alone) {
                    return Answer::Busy { alone };
                }
                self.revision += 1;
                written.holder = Some(own);
                written.revision = self.revision;
                written.ends = ends;
                if wish.ask.over_alone {
                    written.alone = None;
                    written.alone_revision += 1;
                }
                Answer::Held { revision: self.revision }
            }
            Question::Renew(held) => {
                if !ours(written, held.revision) {
                    return Answer::Gone;
                }
                written.ends = ends;
                Answer::Renewed { alone: written.alone == Some(call.node) }
            }
            Question::GiveBack(held) => {
                if ours(written, held.revision) {
                    written.holder = None;
                }
                Answer::Done
            }
            Question::GoAlone { revision, .. } => {
                if !ours(written, revision) {
                    return Answer::Gone;
                }
                written.alone = Some(call.node);
                written.alone_revision += 1;
                Answer::Done
            }
            Question::EndAlone { seen, .. } => {
                if written.alone == Some(call.node) && written.alone_revision == seen {
                    written.alone = None;
                    written.alone_revision += 1;
                }
                Answer::Done
            }
        }
    }
}

impl Keeper {
    const fn ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }

    /// As `hotpair-node` chooses (`grants/keeper.rs`); `Err`: nothing before then.
    fn next(&self, now: Time, local: Time, written: &Written) -> Result<Question, Time> {
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

impl World {
    /// In mode `arbiter` it goes away, is slow, or is out of reach of one node, now and then.
    pub(crate) fn plan_arbiter_faults(&mut self, begin: Time, end: Time) {
        const KINDS: [FaultKind; 3] =
            [FaultKind::ArbiterAway, FaultKind::ArbiterOneSide, FaultKind::ArbiterSlow];
        if self.watch.mode != Mode::Arbiter {
            return;
        }
        let mut at = begin;
        loop {
            at = at + self.rng.between(Duration::from_millis(1), Duration::from_secs(8));
            if at >= end {
                return;
            }
            let kind = KINDS[self.rng.pick(KINDS.len())];
            let node = usize::from(self.rng.percent(50));
            // Some are over before a lease is, some outlast several.
            let longest = if self.rng.percent(50) { 1_500 } else { 12_000 };
            let lasts = self.rng.between(Duration::from_millis(50), Duration::from_millis(longest));
            let fault = Fault { kind, node, channel: Channel::Redundancy, lasts };
            self.at(at, Happening::Fault(fault));
        }
    }

    /// A process was started: it knows of nothing that it asked before.
    pub(crate) fn begin_asking(&mut self, node: usize) {
        if self.watch.mode != Mode::Arbiter {
            return;
        }
        for engine in 0..self.engines() {
            self.arbiter.keepers[node][engine] = Keeper::default();
            self.look_after(node, engine);
        }
    }

    pub(crate) fn ask_grant(&mut self, node: usize, engine: usize, ask: GrantAsk) {
        let keeper = &mut self.arbiter.keepers[node][engine];
        let ticket = keeper.ticket();
        keeper.wish = Some(Wish { ticket, ask });
        keeper.due = Time::ZERO;
        self.look_after(node, engine);
    }

    pub(crate) fn release_grant(&mut self, node: usize, engine: usize) {
        let keeper = &mut self.arbiter.keepers[node][engine];
        keeper.ticket();
        keeper.wish = None;
        keeper.releases += 1;
        self.look_after(node, engine);
    }

    pub(crate) fn order_alone(&mut self, node: usize, engine: usize, goes: bool) {
        let keeper = &mut self.arbiter.keepers[node][engine];
        let ticket = keeper.ticket();
        keeper.alone = Some((ticket, goes));
        keeper.due = Time::ZERO;
        self.look_after(node, engine);
    }

    /// Asks what is to be asked now, if nothing is under way.
    fn look_after(&mut self, node: usize, engine: usize) {
        let (now, local, instance) =
            (self.now, self.nodes[node].local(self.now), self.nodes[node].instance);
        let written = &self.arbiter.written[engine];
        let keeper = &mut self.arbiter.keepers[node][engine];
        if keeper.under_way || self.nodes[node].core.is_none() {
            return;
        }
        match keeper.next(now, local, written) {
            Ok(question) => {
                if matches!(question, Question::GiveBack(_)) {
                    keeper.held = None;
                }
                keeper.under_way = true;
                keeper.call += 1;
                let (number, releases) = (keeper.call, keeper.releases);
                let step = Step::Arrives;
                let asked = local;
                let call = Call { node, engine, instance, number, asked, releases, question, step };
                let after = self.way_to_arbiter();
                self.at(now + after, Happening::Arbiter(call));
                let late = Call { step: Step::TimedOut, ..call };
                self.at(now + CALL_TIME_MAX, Happening::Arbiter(late));
            }
            Err(at) => {
                keeper.wakes += 1;
                let number = keeper.wakes;
                self.at(at, Happening::LookAfterGrant(Wake { node, engine, instance, number }));
            }
        }
    }

    pub(crate) fn look_after_later(&mut self, wake: Wake) {
        let Wake { node, engine, instance, number } = wake;
        let host = &self.nodes[node];
        let last = self.arbiter.keepers[node][engine].wakes == number;
        if host.instance != instance || host.core.is_none() || !last {
            return;
        }
        if host.paused {
            return self.at(self.now + FROZEN_PAUSE, Happening::LookAfterGrant(wake));
        }
        self.look_after(node, engine);
    }

    fn way_to_arbiter(&mut self) -> Duration {
        let most = if self.arbiter.slow { 900 } else { 3 };
        self.rng.between(Duration::from_micros(100), Duration::from_millis(most))
    }

    /// A question, or an answer, arrives.
    pub(crate) fn arbiter_call(&mut self, call: Call) {
        let Call { node, engine, .. } = call;
        if let Step::Arrives = call.step {
            // It may be carried out although nobody waits for it any more, or is told.
            if self.arbiter.cut[node] {
                return;
            }
            let answer = self.arbiter.answer(self.now, &call);
            note!(self, "arbiter: {node} {engine} {:?}: {answer:?}", call.question);
            if !self.arbiter.cut[node] {
                let after = self.way_to_arbiter();
                let back = Call { step: Step::Answered(answer), ..call };
                self.at(self.now + after, Happening::Arbiter(back));
            }
            return;
        }
        let host = &self.nodes[node];
        if host.core.is_none() || host.instance != call.instance {
            return;
        }
        if host.paused {
            return self.at(self.now + FROZEN_PAUSE, Happening::Arbiter(call));
        }
        let keeper = &mut self.arbiter.keepers[node][engine];
        if !keeper.under_way || keeper.call != call.number {
            return;
        }
        let event = match call.step {
            Step::Answered(answer) if !self.arbiter.cut[node] => {
                keeper.under_way = false;
                keeper.answered(self.now, &call, answer)
            }
            Step::Answered(_) | Step::Arrives => return,
            Step::TimedOut => {
                keeper.under_way = false;
                keeper.due = self.now + AWAY_PAUSE;
                Some(GrantEvent::Away)
            }
        };
        if let Some(event) = event {
            let input = EngineInput::Grant(event);
            self.give(node, Input::Engine { engine: index(engine), input });
        }
        self.look_after(node, engine);
    }

    /// A process that ends cleanly gives back what it holds.
    pub(crate) fn end_asking(&mut self, node: usize) {
        if self.arbiter.cut[node] {
            return;
        }
        let own = (node, self.nodes[node].instance);
        for written in &mut self.arbiter.written {
            if written.holder == Some(own) {
                written.holder = None;
            }
        }
    }
}

impl Keeper {
    fn answered(&mut self, now: Time, call: &Call, answer: Answer) -> Option<GrantEvent> {
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
