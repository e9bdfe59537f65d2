//! Two hosts, the ways between them, and a third party. Between two steps every machine stands at the same
//! moment, so that worlds that differ only in when they are are one.
use crate::host::{Disk, Host, Live, Orders, Todo};
use crate::roles::untold;
use crate::rules::Promises;
use crate::senses::{Beat, Senses};
use crate::third::Third;
use crate::ticks::{AGE_TICKS_MAX, FAR_TICKS, NOW, PROMOTE_TICKS, TICK, settings};
use hotpair_fsm::{Acknowledge, Action, Boot, Event, Machine, RoleChange, Settings, Ticket};
use hotpair_types::{
    Channel, Designation, Instance, Mode, PerChannel, Position, RecoveryMode, StateId, Time,
};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

pub(crate) const OTHER: [usize; 2] = [1, 0];

/// Errors of a driver or of settings, to see that the check finds them: none in a walk that counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Planted {
    /// By so many ticks is a promise shorter than the arithmetic asks.
    pub promise_short_ticks: u8,
    /// So many ticks longer than it may is a grant used.
    pub grant_long_ticks: u8,
    /// A record is said to be durable when the one before it is.
    pub durable_early: bool,
}

/// When the steps of a sync happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SyncPace {
    /// At once, with whatever makes them possible.
    #[default]
    AtOnce,
    /// In any order with what else is due, before the next tick.
    WithinATick,
    /// At any time, or never.
    Whenever,
}

/// What stays as it is all along a walk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Setup {
    /// How long the steps of a sync take.
    pub sync: SyncPace,
    /// The master takes over again by itself.
    pub recovers: bool,
    /// Suspended after two changes of role; else after more than a walk has.
    pub nervous: bool,
    /// Errors, to see them found.
    pub planted: Planted,
}

/// Everything there is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    pub(crate) mode: Mode,
    pub(crate) setup: Setup,
    pub(crate) hosts: [Arc<Host>; 2],
    /// From this host to the other, by channel.
    pub(crate) cut: [PerChannel<bool>; 2],
    /// The newest beat of this host that is under way.
    pub(crate) wire: [Option<Arc<Beat>>; 2],
    /// By how many ticks the clock of host 0 is ahead: -1, 0 or 1.
    pub(crate) ahead: i8,
    pub(crate) third: Third,
    /// Epochs under which outputs were ever opened, one bit each.
    pub(crate) opened: u64,
    /// The last entry that whoever acts must have.
    pub(crate) answered: Option<Position>,
    /// That is checked: nobody may lose anything by the mode's own rules.
    pub(crate) keeps: bool,
    /// Entries answered as degraded are kept too.
    pub(crate) keeps_degraded: bool,
    /// How many faults there were.
    pub(crate) faults: u8,
    /// An assertion failed, or a promise was broken on the way here.
    pub(crate) broken: Option<String>,
    /// Changes of role in the last step.
    pub(crate) changes: Vec<(usize, RoleChange)>,
    /// Whose machine decided something in this step.
    touched: [bool; 2],
}

impl World {
    /// Two hosts, nothing running. Host 0 is the master.
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            setup: Setup::default(),
            hosts: [Arc::new(Host::new()), Arc::new(Host::new())],
            cut: Default::default(),
            wire: [None, None],
            ahead: 0,
            third: Third::default(),
            opened: 0,
            answered: None,
            keeps: false,
            keeps_degraded: false,
            faults: 0,
            broken: None,
            changes: Vec::new(),
            touched: [false; 2],
        }
    }

    /// The same, set up otherwise.
    #[must_use]
    pub fn set_up(mode: Mode, setup: Setup) -> Self {
        Self { setup, ..Self::new(mode) }
    }

    /// What must not get lost from here on.
    pub(crate) fn keep(&mut self, promises: Promises) {
        self.keeps = promises.never_two;
        self.keeps_degraded = self.mode != Mode::Availability;
    }

    /// Forgets what happened in the last step: no part of where it is.
    pub fn forget(&mut self) {
        self.changes.clear();
    }

    pub(crate) fn live(&self, host: usize) -> Option<&Live> {
        self.hosts[host].live.as_ref()
    }

    pub(crate) fn live_mut(&mut self, host: usize) -> Option<&mut Live> {
        Arc::make_mut(&mut self.hosts[host]).live.as_mut()
    }

    /// Runs and does not stand still.
    pub(crate) fn awake(&self, host: usize) -> Option<&Live> {
        self.live(host).filter(|it| it.asleep.is_none())
    }

    /// Of the node itself; `Unknown`: nothing runs, or it is stopped.
    #[must_use]
    pub fn state(&self, host: usize) -> StateId {
        self.live(host).map_or(StateId::Unknown, |it| it.machine.state())
    }

    pub(crate) fn instance(&self, host: usize) -> Instance {
        Instance { count: self.hosts[host].starts, tag: host as u64 }
    }

    /// Something of this host could arrive at the other.
    pub(crate) fn is_linked(&self, from: usize) -> bool {
        Channel::ALL.into_iter().any(|it| !self.cut[from][it])
    }

    pub(crate) fn two_way(&self) -> bool {
        let whole = |it| !self.cut[0][it] && !self.cut[1][it];
        Channel::ALL.into_iter().any(whole) && self.awake(0).is_some() && self.awake(1).is_some()
    }

    pub(crate) fn acknowledge(&self, host: usize) -> Acknowledge {
        self.live(host).map_or(Acknowledge::Wait, |it| it.machine.acknowledge())
    }

    fn promote_ticks(&self) -> u8 {
        PROMOTE_TICKS - self.setup.planted.promise_short_ticks
    }

    fn settings(&self, host: usize) -> Settings {
        let place = Designation::ALL[host];
        let mut settings =
            settings(place, self.mode, self.promote_ticks()).expect("ticks of these settings fit");
        if self.setup.recovers {
            settings.recovery = RecoveryMode::Automatic;
        }
        if self.setup.nervous {
            settings.suspend_after = 1;
        }
        settings
    }

    pub(crate) fn start(&mut self, host: usize) {
        let settings = self.settings(host);
        let senses = Senses::new(self.promote_ticks());
        let other = OTHER[host];
        if self.hosts[other].sentinel_broke {
            Arc::make_mut(&mut self.hosts[other]).sentinel_broke = false;
        }
        let it = Arc::make_mut(&mut self.hosts[host]);
        it.starts += 1;
        it.behind = false;
        it.sentinel_broke = false;
        let instance = Instance { count: it.starts, tag: host as u64 };
        let boot = Boot {
            record: it.disk,
            history: it.history.clone(),
            instance,
            tag_seed: host as u64,
            storage_ok: true,
            undeployed: false,
        };
        let (machine, actions) = Machine::new(settings, boot, NOW);
        if machine.record().paused != it.disk.paused {
            self.broken = Some(format!("pause: {host} forgets it at its start"));
        }
        let picture = hotpair_fsm::Picture { fence_due: true, ..Default::default() };
        it.live = Some(Live {
            machine,
            senses,
            picture,
            storing: VecDeque::new(),
            todo: BTreeSet::new(),
            open: None,
            serving: None,
            closing: false,
            orders: Orders::default(),
            stopped: false,
            asks_fast: false,
            answered: false,
            odd: false,
            asleep: None,
        });
        self.touched[host] = true;
        self.carry_out(host, actions);
        self.send(host);
    }

    pub(crate) fn give(&mut self, host: usize, event: Event) {
        self.give_at(host, NOW, event);
    }

    pub(crate) fn give_at(&mut self, host: usize, now: Time, event: Event) {
        let Some(live) = self.live_mut(host) else { return };
        let before = live.machine.state();
        let actions = live.machine.handle(now, event);
        let untold = untold(before, &actions, &live.machine);
        self.broken = self.broken.take().or(untold);
        self.touched[host] = true;
        self.carry_out(host, actions);
    }

    pub(crate) fn carry_out(&mut self, host: usize, actions: Vec<Action>) {
        let mut publish = false;
        for action in actions {
            let it = Arc::make_mut(&mut self.hosts[host]);
            let live = it.live.as_mut().expect("only a running process acts");
            match action {
                Action::Store { ticket: _, record } => match it.disk_is {
                    Disk::Failed => {}
                    Disk::Fine | Disk::Slow => live.storing.push_back(record),
                },
                Action::Publish => publish = true,
                Action::OpenOutputs { epoch } => {
                    live.open = Some(epoch);
                    self.note_opening(host, epoch.number);
                }
                Action::CloseOutputs => live.must(Todo::OutputsClosed),
                Action::PrepareObjects => live.must(Todo::ObjectsReady),
                Action::StopObjects => {
                    live.todo.remove(&Todo::ObjectsReady);
                }
                Action::TellGuard { behind: true } => live.must(Todo::GuardToldBehind),
                Action::TellGuard { behind: false } => live.must(Todo::GuardTold),
                Action::Replica(order) => live.order(&order),
                Action::Record(change) => self.changes.push((host, change)),
                Action::Stopped { .. } => live.stopped = true,
                Action::AskGrant(ask) => {
                    live.orders.ask = Some(ask);
                    live.orders.gives_back = false;
                }
                Action::ReleaseGrant => {
                    live.orders.ask = None;
                    live.orders.gives_back = true;
                }
                Action::GoAlone => live.orders.alone = Some(true),
                Action::EndAlone => live.orders.alone = Some(false),
                Action::AskFast(fast) => live.asks_fast = fast,
                Action::Acknowledge(how) => {
                    live.closing &= how != Acknowledge::WhenReplicated;
                }
                Action::PublishSummary | Action::Reply { .. } | Action::Alarm(_) => {}
            }
        }
        if publish {
            self.send(host);
        }
    }

    /// S5 and S4 at the moment of opening.
    fn note_opening(&mut self, host: usize, epoch: u64) {
        let it = &self.hosts[host];
        let runtime = &it.history.runtime;
        let lost = self.answered.filter(|at| {
            let there = runtime.lineage.epoch_of(at.sequence) == Some(at.epoch);
            self.keeps && (runtime.last < at.sequence || !there)
        });
        let broken = if it.disk.epoch.number < epoch {
            Some(format!("S5: e{epoch} is not durable"))
        } else if self.opened & (1 << epoch) != 0 {
            Some(format!("S5: e{epoch} is opened once more"))
        } else {
            lost.map(|lost| format!("S4: {lost} is not in the history of {host}, which opens"))
        };
        self.opened |= 1 << epoch;
        if self.broken.is_none() {
            self.broken = broken;
        }
    }

    /// A beat leaves on every channel. One that is still under way is overtaken.
    pub(crate) fn send(&mut self, host: usize) {
        let from = self.instance(host);
        let Some(live) = self.live_mut(host) else { return };
        live.senses.note_sent();
        let live = self.live(host).expect("it was there");
        let senses = &live.senses;
        let beat = Beat {
            from,
            of: senses.partner,
            sent: 0,
            acknowledges: senses.newest,
            on_time: senses.on_time(),
            ask: senses.asks() || live.asks_fast,
            view: live.machine.view(),
            summary: live.machine.summary().cloned().map(Arc::new),
        };
        let there = self.is_linked(host) && self.live(OTHER[host]).is_some();
        self.wire[host] = there.then(|| Arc::new(beat));
    }

    pub(crate) const fn touch(&mut self, host: usize) {
        self.touched[host] = true;
    }

    /// Brings every moment back to the same present.
    pub(crate) fn rebase(&mut self) {
        for host in 0..2 {
            if std::mem::take(&mut self.touched[host])
                && let Some(live) = self.live_mut(host)
            {
                let storing = live.storing.len() as u64;
                live.machine.rebase(NOW, TICK * AGE_TICKS_MAX, TICK * FAR_TICKS, storing);
            }
        }
    }

    /// What the disk says of the oldest record on its way.
    pub(crate) fn store(&mut self, host: usize) {
        let it = Arc::make_mut(&mut self.hosts[host]);
        let live = it.live.as_mut().expect("storing needs a process");
        let Some(record) = live.storing.pop_front() else { return };
        if record.epoch < it.disk.epoch {
            self.broken = Some("S5: the durable epoch went back".into());
        }
        let before = it.late.take();
        if self.setup.planted.durable_early {
            it.late = Some(record);
            it.disk = before.unwrap_or(it.disk);
        } else {
            it.disk = record;
        }
        self.give_at(host, NOW, Event::Stored(Ticket(1)));
    }
}
