//! The steps a world can take: what a driver, a network and a person may do.
use super::oddities::Odd;
use super::third::With;
use super::world::{Live, OTHER, Todo, World, both};
use crate::{Acknowledge, Command, CommandId, Event, Hint, Pulse, Timer};
use hotpair_types::{Mode, PerChannel, StateId};

/// One step. Hosts are 0 (master) and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Step {
    /// The disk confirms.
    Stored(usize),
    /// Something the driver was asked for is done.
    Done(usize, u8),
    /// The present view of this host arrives at the other.
    Deliver(usize),
    /// An older view of this host arrives at the other.
    DeliverOld(usize),
    /// The summary of this host arrives at the other.
    Summary(usize),
    /// This host notices that it hears the other.
    Hears(usize),
    /// This host notices that beats are acknowledged.
    Acknowledged(usize),
    /// This host misses a beat.
    Misses(usize),
    /// This host finds the other silent.
    Silent(usize),
    /// No acknowledgement within the detection bound.
    Unacknowledged(usize),
    /// No acknowledgement for `fence_after`.
    FenceDue(usize),
    /// `promote_after` is over.
    PromoteDue(usize),
    /// The sentinel broke and no answer came.
    Hint(usize),
    /// The guard of this host tells the other.
    Fenced(usize),
    /// A deadline passes.
    Elapsed(usize, Timer),
    /// An entry is written here, and arrives there.
    Write(usize),
    /// An entry is written here and does not arrive.
    WriteUnsent(usize),
    /// What was on its way arrives at this standby.
    CatchUp(usize),
    Start(usize),
    Crash(usize),
    CrashWithGuard(usize),
    /// From this host to the other.
    Cut(usize),
    Heal(usize),
    Stalled(usize),
    FailPromotion(usize),
    /// Between this host and the third party.
    With(usize, With),
    /// Something else of a host's own goes wrong.
    Odd(usize, Odd),
    Ask(usize, Command),
    /// Also when it will be refused.
    AskAnyway(usize, Command),
    /// All that went wrong on this host is mended.
    Mend(usize),
}

/// The order in which `Step::Done` numbers what is to do.
pub(super) const TODOS: [Todo; 10] = [
    Todo::OutputsClosed,
    Todo::ObjectsReady,
    Todo::Drained,
    Todo::Fetched,
    Todo::LosingStored,
    Todo::Modules,
    Todo::Way,
    Todo::Transfer,
    Todo::GuardTold(false),
    Todo::GuardTold(true),
];

impl World {
    /// Whether this step can happen now.
    pub(super) fn can(&self, step: Step) -> bool {
        match step {
            Step::Stored(host) => self.live(host).is_some_and(|it| !it.storing.is_empty()),
            Step::Done(host, which) => self.can_do(host, &TODOS[usize::from(which)]),
            Step::Deliver(host) => {
                let view = self.live(host).map(|it| it.machine.view());
                self.can_deliver(host) && self.live(host).is_some_and(|it| it.delivered != view)
            }
            Step::DeliverOld(host) => {
                self.can_deliver(host)
                    && self.live(host).is_some_and(|it| {
                        it.wire.is_some()
                            && it.wire != Some(it.machine.view())
                            && it.wire != it.delivered
                    })
            }
            Step::Summary(host) => self.can_deliver(host) && self.has_news(host),
            Step::Hears(host) => {
                self.reaches(OTHER[host])
                    && self.live(host).is_some_and(|it| {
                        it.picture.channels != both(Pulse::OnTime)
                            || it.picture.hint != Hint::None
                            || it.picture.partner != Some(self.instance(OTHER[host]))
                    })
            }
            Step::Acknowledged(host) => {
                let hears_us = self.live(OTHER[host]).is_some_and(|it| {
                    it.picture.partner == Some(self.instance(host)) && it.picture.is_reachable()
                });
                hears_us
                    && self.two_way()
                    && self
                        .live(host)
                        .is_some_and(|it| !it.picture.acknowledged || it.picture.fence_due)
            }
            Step::Misses(host) => {
                self.live(host).is_some_and(|it| it.picture.channels == both(Pulse::OnTime))
            }
            Step::Silent(host) => {
                !self.reaches(OTHER[host])
                    && self
                        .live(host)
                        .is_some_and(|it| !it.picture.is_silent() && it.picture.partner.is_some())
            }
            Step::Unacknowledged(host) => {
                !self.two_way() && self.live(host).is_some_and(|it| it.picture.acknowledged)
            }
            Step::FenceDue(host) => {
                !self.two_way() && self.live(host).is_some_and(|it| !it.picture.fence_due)
            }
            Step::PromoteDue(host) => self.promise_over(host),
            Step::Hint(host) => {
                self.live(OTHER[host]).is_none()
                    && self.live(host).is_some_and(|it| {
                        it.picture.hint != Hint::Unanswered && it.picture.partner.is_some()
                    })
            }
            Step::Fenced(host) => {
                self.hosts[host].fenced.is_some()
                    && !self.cut[host]
                    && self.live(OTHER[host]).is_some()
            }
            Step::Elapsed(host, timer) => {
                // A starting node hears a partner that it can hear before its allowance is over.
                let early = timer == Timer::StartupAllowance && self.reaches(OTHER[host]);
                let lasts = timer == Timer::Grant && !self.can_end(host);
                !early
                    && !lasts
                    && self.live(host).is_some_and(|it| it.machine.cx.timers.is_set(timer))
            }
            Step::Write(host) => {
                self.takes_writes(host)
                    && match self.acknowledge(host) {
                        Acknowledge::Degraded => true,
                        Acknowledge::WhenReplicated => self.follows_closely(OTHER[host]),
                        Acknowledge::Wait => false,
                    }
            }
            Step::WriteUnsent(host) => {
                self.takes_writes(host) && self.acknowledge(host) == Acknowledge::WhenReplicated
            }
            Step::CatchUp(host) => {
                self.follows_closely(host)
                    && self.hosts[host].history != self.hosts[OTHER[host]].history
            }
            Step::Start(host) => self.live(host).is_none(),
            Step::Crash(host) | Step::CrashWithGuard(host) => self.live(host).is_some(),
            Step::Cut(host) => !self.cut[host],
            Step::Heal(host) => self.cut[host],
            Step::Stalled(host) => self.live(host).is_some(),
            Step::FailPromotion(host) => self.state(host) == StateId::SwitchingToActive,
            Step::With(host, what) => self.can_with(host, what),
            Step::Odd(host, Odd::DataLate) => self.state(host) == StateId::Active,
            Step::Odd(host, Odd::OneWay) => {
                self.cut[host] && self.live(host).is_some_and(|it| !it.picture.one_way)
            }
            Step::Odd(host, Odd::RedundancySilent) => {
                self.live(host).is_some_and(|it| it.picture.channels == both(Pulse::OnTime))
            }
            Step::Odd(host, _) | Step::Mend(host) | Step::AskAnyway(host, _) => {
                self.live(host).is_some()
            }
            Step::Ask(host, command) => {
                self.live(host).is_some_and(|it| it.machine.why_not(command).is_empty())
            }
        }
    }

    /// Takes a step that can happen.
    pub(super) fn take(&mut self, step: Step) {
        match step {
            Step::Stored(host) => self.store(host),
            Step::Done(host, which) => self.finish(host, TODOS[usize::from(which)].clone()),
            Step::Deliver(host) | Step::DeliverOld(host) => self.deliver(host, step),
            Step::Summary(host) => {
                let summary = self.live(host).and_then(|it| it.machine.summary()).cloned();
                if let Some(it) = summary {
                    self.give(OTHER[host], Event::PartnerSummary(Box::new(it)));
                }
            }
            Step::Hears(host) => {
                self.say_again(OTHER[host]);
                let partner = Some(self.instance(OTHER[host]));
                self.see(host, |it| {
                    it.channels = both(Pulse::OnTime);
                    (it.partner, it.hint, it.promote_due) = (partner, Hint::None, false);
                });
            }
            Step::Acknowledged(host) => {
                // An acknowledgement is a promise that begins anew.
                self.say_again(OTHER[host]);
                self.see(OTHER[host], |it| it.promote_due = false);
                self.see(host, |it| {
                    it.acknowledged = true;
                    it.fence_due = false;
                    it.heard_by_partner = PerChannel { redundancy: true, primary: true };
                });
            }
            Step::Misses(host) => self.see(host, |it| it.channels.primary = Pulse::Missed),
            Step::Silent(host) => {
                self.say_again(OTHER[host]);
                self.see(host, |it| it.channels = both(Pulse::Silent));
            }
            Step::Unacknowledged(host) => self.see(host, |it| it.acknowledged = false),
            Step::FenceDue(host) => {
                self.say_again(OTHER[host]);
                self.see(host, |it| {
                    it.fence_due = true;
                    it.acknowledged = false;
                });
            }
            Step::PromoteDue(host) => self.see(host, |it| it.promote_due = true),
            Step::Hint(host) => self.see(host, |it| it.hint = Hint::Unanswered),
            Step::Fenced(host) => {
                if let Some((instance, behind)) = self.hosts[host].fenced.take() {
                    self.give(OTHER[host], Event::Fenced { instance, behind });
                }
            }
            Step::Elapsed(host, timer) => self.give(host, Event::Elapsed(timer)),
            Step::Write(host) => self.append(host),
            Step::WriteUnsent(host) => {
                if let Some((history, _)) = self.appended(host) {
                    self.set_history(host, history);
                }
            }
            Step::CatchUp(host) => {
                let history = self.hosts[OTHER[host]].history.clone();
                self.set_history(host, history);
            }
            Step::Start(host) => self.start(host),
            Step::Crash(host) => self.crash(host, false),
            Step::CrashWithGuard(host) => self.crash(host, true),
            Step::Cut(host) => self.cut[host] = true,
            Step::Heal(host) => self.cut[host] = false,
            Step::Stalled(host) => self.give(host, Event::LoopStalled),
            Step::FailPromotion(host) => self.give(host, Event::PromotionFailed),
            Step::With(host, what) => self.take_with(host, what),
            Step::Odd(host, odd) => self.go_odd(host, odd),
            Step::Mend(host) => self.mend(host),
            Step::Ask(host, command) | Step::AskAnyway(host, command) => {
                self.give(host, Event::Command { id: CommandId(0), command });
            }
        }
        self.end_stopped();
    }

    /// Beats repeat what was said already.
    fn say_again(&mut self, host: usize) {
        if let Some(it) = &mut self.hosts[host].live {
            it.delivered = None;
        }
    }

    pub(super) fn two_way(&self) -> bool {
        self.reaches(0) && self.reaches(1)
    }

    /// A view is heard only by someone who notices that it hears.
    fn can_deliver(&self, host: usize) -> bool {
        let instance = self.instance(host);
        self.reaches(host)
            && self
                .live(OTHER[host])
                .is_some_and(|it| it.picture.partner == Some(instance) && it.picture.is_reachable())
    }

    fn has_news(&self, host: usize) -> bool {
        let summary = self.live(host).and_then(|it| it.machine.summary());
        let known =
            self.live(OTHER[host]).and_then(|it| it.machine.cx.facts.partner_summary.as_ref());
        summary.is_some_and(|it| known.is_none_or(|known| *known.summary != *it))
    }

    /// The arithmetic of `no-split`: the fence of the partner closed before the promise is over.
    fn promise_over(&self, host: usize) -> bool {
        let Some(it) = self.live(host) else { return false };
        let fenced = self.live(OTHER[host]).is_none_or(|other| {
            other.picture.fence_due && !other.todo.contains(&Todo::OutputsClosed)
        });
        !it.picture.promote_due && !self.reaches(OTHER[host]) && fenced
    }

    /// In 7 to 9 under the other host, which serves it.
    pub(super) fn follows_closely(&self, host: usize) -> bool {
        let level = matches!(
            self.state(host),
            StateId::StandbyReady | StateId::StandbyMissedHeartbeats | StateId::StandbySyncingData
        );
        let transferred = self.live(host).is_some_and(|it| !it.todo.contains(&Todo::Transfer));
        let served =
            self.live(OTHER[host]).is_some_and(|it| it.serving == Some(self.instance(host)));
        level && transferred && served && self.two_way()
    }

    fn can_do(&self, host: usize, todo: &Todo) -> bool {
        let Some(it) = self.live(host) else { return false };
        if !it.todo.contains(todo) {
            return false;
        }
        let partner = OTHER[host];
        let served = self.two_way()
            && self.live(partner).is_some_and(|it| it.serving == Some(self.instance(host)));
        match todo {
            Todo::Modules | Todo::Way | Todo::Transfer => served,
            Todo::Fetched => self.two_way(),
            Todo::OutputsClosed
            | Todo::ObjectsReady
            | Todo::Drained
            | Todo::LosingStored
            | Todo::GuardTold(_) => true,
        }
    }

    fn store(&mut self, host: usize) {
        let it = &mut self.hosts[host];
        let live = it.live.as_mut().expect("storing needs a process");
        let Some((ticket, record)) = live.storing.pop_front() else { return };
        assert!(record.epoch >= it.disk.epoch, "S5: the durable epoch went back");
        it.disk = record;
        self.give(host, Event::Stored(ticket));
    }

    fn finish(&mut self, host: usize, todo: Todo) {
        let live: &mut Live = self.hosts[host].live.as_mut().expect("only a process does things");
        live.todo.remove(&todo);
        let event = match todo {
            Todo::OutputsClosed => {
                live.open = None;
                Event::OutputsClosed
            }
            Todo::ObjectsReady => Event::ObjectsReady,
            Todo::Drained => Event::WritesDrained,
            Todo::Fetched => Event::FetchedAhead,
            Todo::LosingStored => Event::LosingEntriesStored,
            Todo::Modules => Event::ModulesMatch,
            Todo::Way => Event::WaySettled,
            Todo::GuardTold(behind) => {
                self.hosts[host].behind = behind;
                Event::GuardTold { behind }
            }
            Todo::Transfer => {
                let history = self.hosts[OTHER[host]].history.clone();
                self.give(host, Event::Swapped);
                self.set_history(host, history);
                self.give(host, Event::DataReceived);
                return self.give(OTHER[host], Event::DataTransferred);
            }
        };
        self.give(host, event);
    }

    fn deliver(&mut self, host: usize, step: Step) {
        let instance = self.instance(host);
        let live = self.hosts[host].live.as_mut().expect("only a process sends");
        let old = live.wire.take();
        let late = matches!(step, Step::DeliverOld(_));
        let view = old.filter(|_| late).unwrap_or_else(|| live.machine.view());
        live.delivered = Some(view);
        live.orders.seen_open |=
            view.outputs_open && live.machine.cx.settings.mode == Mode::Arbiter;
        let acknowledges = std::mem::take(&mut live.heard_new);
        if let Some(other) = &mut self.hosts[OTHER[host]].live {
            other.heard_new = true;
        }
        // An acknowledgement is a promise that begins anew.
        self.see(OTHER[host], |it| {
            it.promote_due = false;
            it.fence_due &= !acknowledges;
        });
        if acknowledges {
            self.see(host, |it| it.promote_due = false);
        }
        self.give(OTHER[host], Event::PartnerView { instance, view });
    }
}
