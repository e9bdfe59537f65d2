//! The third party of mode `arbiter`, the way to it, and what a node's driver does with it: the same
//! questions as in `hotpair-node`, one at a time for each engine, with answers late or lost.
mod keeper;

use crate::carry::index;
use crate::world::{Happening, World};
use crate::{Fault, FaultKind};
use hotpair_core::{EngineInput, Input};
use hotpair_fsm::{GrantAsk, GrantEvent};
use hotpair_types::{Channel, Instance, Mode, Time};
use keeper::{Held, Keeper, Wish};
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

    pub(crate) fn begin_fault(&mut self, fault: Fault) {
        if fault.kind == FaultKind::ArbiterSlow {
            self.slow = true;
        } else if fault.kind == FaultKind::ArbiterOneSide {
            self.cut[fault.node] = true;
        } else {
            self.cut = [true; 2];
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

impl World {
    /// In mode `arbiter` it goes away, is slow, or is out of reach of one node, now and then.
    pub(crate) fn plan_arbiter_faults(&mut self, begin: Time, end: Time) {
        if self.watch.mode != Mode::Arbiter {
            return;
        }
        let mut at = begin;
        loop {
            at = at + self.rng.between(Duration::from_millis(1), Duration::from_secs(8));
            if at >= end {
                return;
            }
            let kinds = FaultKind::OF_ARBITER;
            let kind = kinds[self.rng.pick(kinds.len())];
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
