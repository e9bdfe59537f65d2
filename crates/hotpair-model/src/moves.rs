//! What each step does.
use crate::host::{Disk, Todo};
use crate::possible::SYNC;
use crate::step::{Fault, Step};
use crate::ticks::{FENCE_TICKS, NOW, STANDSTILL_TICKS, TICK};
use crate::world::{OTHER, SyncPace, World};
use hotpair_fsm::{Command, CommandId, Event, SyncFailure, Timer};
use hotpair_types::PerChannel;
use std::sync::Arc;

/// Whose moment makes no difference: they happen at once.
const QUICK: [Todo; 6] =
    [Todo::Drained, Todo::Fetched, Todo::LosingStored, Todo::Modules, Todo::Way, Todo::Transfer];
impl World {
    /// Takes a step that can be taken, and everything that follows at once.
    pub fn take(&mut self, step: Step) {
        match step {
            Step::Tick(host) => self.tick(host),
            Step::Deliver(host) => self.deliver(host),
            Step::Stored(host) => self.store(host),
            Step::Done(host, todo) => self.finish(host, todo),
            Step::Notice(host) => {
                let notice = Arc::make_mut(&mut self.hosts[host]).notice.take();
                if let Some((instance, behind)) = notice {
                    self.give(OTHER[host], Event::Fenced { instance, behind });
                }
            }
            Step::Hint(host) => {
                Arc::make_mut(&mut self.hosts[host]).sentinel_broke = false;
                self.hint(host);
            }
            Step::Call(host) => self.call(host),
            Step::Note(host) => self.note(host),
            Step::GiveBack(host) => self.give_back(host),
            Step::LeaseEnds(_) => self.lapse(),
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
            Step::Wake(host) => self.wake(host),
            Step::Mend(host) => self.mend(host),
            Step::ArbiterBack(host) => self.third.away[host] = false,
            Step::Heal => self.cut = Default::default(),
            Step::Fault(host, fault) => {
                self.faults += 1;
                self.go_wrong(host, fault);
            }
        }
        self.rebase();
        self.hurry();
        self.end_stopped();
        self.rebase();
        self.answer_held();
    }

    fn tick(&mut self, host: usize) {
        let other = OTHER[host];
        let instance = self.instance(host);
        self.ahead = match (self.live(other), host) {
            (None, _) => 0,
            (Some(_), 0) => self.ahead + 1,
            (Some(_), _) => self.ahead - 1,
        };
        if let Some(beat) = &mut self.wire[other]
            && let Some(age) = beat.acknowledges
        {
            Arc::make_mut(beat).acknowledges = Some((age + 1).min(FENCE_TICKS + 1));
        }
        if let Some(beat) = &mut self.wire[host] {
            let beat = Arc::make_mut(beat);
            beat.sent = (beat.sent + 1).min(FENCE_TICKS + 1);
        }
        if self.live(other).is_some_and(|it| it.senses.partner == Some(instance))
            && let Some(live) = self.live_mut(other)
        {
            live.senses.partner_ticks();
        }
        self.age_lease(host);
        let Some(live) = self.live_mut(host) else { return };
        live.answered = false;
        live.machine.pass(TICK);
        if let Some(age) = &mut live.asleep {
            *age = (*age + 1).min(STANDSTILL_TICKS + 1);
            live.senses.tick_asleep();
            return self.touch(host);
        }
        live.senses.tick();
        self.touch(host);
        let now = NOW + TICK;
        self.look(host, now);
        self.elapse(host, now);
        self.send(host);
    }

    fn elapse(&mut self, host: usize, now: hotpair_types::Time) {
        for _ in 0..Timer::ALL.len() * 2 {
            let next = self.live(host).and_then(|it| it.machine.next_deadline());
            let Some((_, timer)) = next.filter(|it| it.0 <= now) else { return };
            self.give_at(host, now, Event::Elapsed(timer));
        }
    }

    /// Tells the machine what the senses make of it, when that changed.
    fn look(&mut self, host: usize, now: hotpair_types::Time) {
        let Some(live) = self.live_mut(host) else { return };
        let picture = live.senses.picture();
        if live.picture != picture {
            live.picture = picture;
            self.give_at(host, now, Event::Picture(picture));
        }
    }

    fn deliver(&mut self, from: usize) {
        let host = OTHER[from];
        let own = self.instance(host);
        let over = PerChannel::from_fn(|it| !self.cut[from][it]);
        let Some(beat) = self.wire[from].take() else { return };
        let Some(live) = self.live_mut(host) else { return };
        let fresh = live.senses.hear(own, &beat, &over);
        let answers = fresh && beat.ask && !live.answered;
        live.answered |= answers;
        self.look(host, NOW);
        if fresh {
            if let Some(summary) = &beat.summary {
                self.give(host, Event::PartnerSummary(Box::new((**summary).clone())));
            }
            self.give(host, Event::PartnerView { instance: beat.from, view: beat.view });
        }
        if answers {
            self.send(host);
        }
    }

    fn hint(&mut self, host: usize) {
        if let Some(live) = self.live_mut(host) {
            live.senses.hint();
        }
        self.look(host, NOW);
        self.send(host);
    }

    fn finish(&mut self, host: usize, todo: Todo) {
        let Some(live) = self.live_mut(host) else { return };
        live.todo.remove(&todo);
        let event = match todo {
            Todo::OutputsClosed => {
                live.open = None;
                Event::OutputsClosed
            }
            Todo::ObjectsReady => Event::ObjectsReady,
            Todo::Drained => Event::WritesDrained,
            Todo::Fetched => {
                self.fetch(host);
                Event::FetchedAhead
            }
            Todo::LosingStored => Event::LosingEntriesStored,
            Todo::Modules => Event::ModulesMatch,
            Todo::Way => Event::WaySettled,
            Todo::GuardTold | Todo::GuardToldBehind => {
                let behind = todo == Todo::GuardToldBehind;
                Arc::make_mut(&mut self.hosts[host]).behind = behind;
                Event::GuardTold { behind }
            }
            Todo::Transfer => {
                let history = self.hosts[OTHER[host]].history.clone();
                self.give(host, Event::Swapped);
                self.set_history(host, history);
                self.give(host, Event::DataReceived);
                if let Some(active) = self.live_mut(OTHER[host]) {
                    active.closing = true;
                }
                return self.give(OTHER[host], Event::DataTransferred);
            }
        };
        if todo == Todo::Modules
            && let Some(active) = self.live_mut(OTHER[host])
        {
            // What it had in an attempt before does not count.
            active.closing = false;
        }
        self.give(host, event);
    }

    /// Steps whose moment makes no difference.
    fn hurry(&mut self) {
        for _ in 0..40 {
            let next = (0..2).find_map(|host| {
                let live = self.awake(host)?;
                let at_once = self.setup.sync == SyncPace::AtOnce;
                let todo = QUICK.into_iter().filter(|it| at_once || !SYNC.contains(it));
                let todo = todo.into_iter().find(|it| {
                    live.todo.contains(it)
                        && match it {
                            Todo::Modules | Todo::Way | Todo::Transfer => self.is_served(host),
                            Todo::Fetched => self.two_way(),
                            Todo::OutputsClosed
                            | Todo::ObjectsReady
                            | Todo::Drained
                            | Todo::LosingStored
                            | Todo::GuardTold
                            | Todo::GuardToldBehind => true,
                        }
                })?;
                Some((host, todo))
            });
            let Some((host, todo)) = next else { return };
            self.finish(host, todo);
        }
        self.broken = Some("what happens at once never ends".into());
    }

    /// A process that stopped gives back what it holds, and ends.
    fn end_stopped(&mut self) {
        for host in 0..2 {
            if !self.live(host).is_some_and(|it| it.stopped) {
                continue;
            }
            // An undeployed engine stays with its process.
            if self.live(host).is_some_and(|it| it.machine.view().undeployed) {
                continue;
            }
            if self.can_give_back(host) {
                self.give_back(host);
            }
            self.end(host);
        }
    }

    fn end(&mut self, host: usize) {
        Arc::make_mut(&mut self.hosts[host]).live = None;
        self.ahead = 0;
        self.wire[OTHER[host]] = None;
    }

    /// The process dies; `guarded`: its guard says so, and the kernel closes its sentinel.
    fn kill(&mut self, host: usize, guarded: bool) {
        let instance = self.instance(host);
        self.end(host);
        let it = Arc::make_mut(&mut self.hosts[host]);
        it.notice = guarded.then_some((instance, it.behind));
        it.sentinel_broke = false;
        if it.disk_is == Disk::Slow {
            it.disk_is = Disk::Fine;
        }
        let linked = self.is_linked(host);
        if let Some(other) = Arc::make_mut(&mut self.hosts[OTHER[host]]).live.as_ref()
            && other.senses.partner.is_some()
        {
            Arc::make_mut(&mut self.hosts[OTHER[host]]).sentinel_broke = guarded && linked;
        }
    }

    fn wake(&mut self, host: usize) {
        let Some(live) = self.live_mut(host) else { return };
        let age = live.asleep.take().unwrap_or_default();
        if live.senses.wake(age) {
            // The gate shut by its own deadline.
            live.open = None;
            self.give(host, Event::LoopStalled);
        }
        self.look(host, NOW);
        self.elapse(host, NOW);
        self.send(host);
    }

    fn mend(&mut self, host: usize) {
        let it = Arc::make_mut(&mut self.hosts[host]);
        let failed = it.disk_is == Disk::Failed;
        it.disk_is = Disk::Fine;
        let Some(live) = &mut it.live else { return };
        if std::mem::take(&mut live.odd) {
            self.give(host, Event::Network { up: true });
            self.give(host, Event::ModuleMissing(false));
            self.give(host, Event::SettingsDiffer(None));
            self.give(host, Event::Unacknowledged(false));
        }
        if failed {
            self.give(host, Event::StorageSound);
        }
    }

    fn go_wrong(&mut self, host: usize, fault: Fault) {
        let cut = PerChannel { redundancy: true, primary: true };
        match fault {
            Fault::Kill => return self.kill(host, true),
            Fault::HostLost => return self.kill(host, false),
            Fault::Cut => self.cut = [cut, cut],
            Fault::CutOneWay => self.cut[host] = cut,
            Fault::CutRedundancy => {
                (self.cut[0].redundancy, self.cut[1].redundancy) = (true, true);
            }
            Fault::CutPrimary => (self.cut[0].primary, self.cut[1].primary) = (true, true),
            Fault::CutRedundancyOneWay => self.cut[host].redundancy = true,
            Fault::Lose => self.wire[host] = None,
            Fault::DiskSlow => Arc::make_mut(&mut self.hosts[host]).disk_is = Disk::Slow,
            Fault::DiskFails => {
                let it = Arc::make_mut(&mut self.hosts[host]);
                it.disk_is = Disk::Failed;
                if let Some(live) = &mut it.live {
                    live.storing.clear();
                }
                self.give(host, Event::StorageFailed);
            }
            Fault::Sleep => {
                if let Some(live) = self.live_mut(host) {
                    live.asleep = Some(0);
                }
            }
            Fault::FalseHint => self.hint(host),
            Fault::ArbiterAway => self.third.away[host] = true,
            Fault::GrantLost => self.give(host, Event::Grant(hotpair_fsm::GrantEvent::Lost)),
            Fault::PromotionFails => self.give(host, Event::PromotionFailed),
            Fault::NetworkDown => self.odd(host, Event::Network { up: false }),
            Fault::ModuleMissing => self.odd(host, Event::ModuleMissing(true)),
            Fault::SettingsDiffer => self.odd(host, Event::SettingsDiffer(Some("a".into()))),
            Fault::DataLate => self.odd(host, Event::Unacknowledged(true)),
            Fault::Gap => self.give(host, Event::Gap),
            Fault::SyncFails => self.give(host, Event::SyncFailed(SyncFailure::Broken)),
            Fault::NotSent => self.give(host, Event::NotSentToUs),
            Fault::GuardLost => self.give(host, Event::GuardLost),
            Fault::Due(timer) => self.give(host, Event::Elapsed(timer)),
            Fault::Ask(command) => self.ask(host, command),
        }
        for from in 0..2 {
            if !self.is_linked(from) {
                self.wire[from] = None;
            }
        }
    }

    fn odd(&mut self, host: usize, event: Event) {
        if let Some(live) = self.live_mut(host) {
            live.odd = true;
        }
        self.give(host, event);
    }

    pub(crate) fn ask(&mut self, host: usize, command: Command) {
        self.give(host, Event::Command { id: CommandId(0), command });
    }
}
