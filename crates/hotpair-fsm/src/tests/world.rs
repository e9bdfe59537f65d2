//! Two machines, two disks, one link, no clock: time stands still and deadlines pass when the test
//! says so. Replication is abstract: a history is copied whole.
use super::third::{Orders, Third};
use crate::{
    Acknowledge, Action, Boot, Event, Machine, Picture, Pulse, Record, ReplicaOrder, Reply,
    RoleChange, Settings, Ticket, View,
};
use hotpair_types::{
    Channel, Designation, Epoch, History, Instance, PerChannel, Position, StateId, Time,
};
use std::collections::{BTreeSet, VecDeque};

/// What the driver has been asked for and not done yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Todo {
    OutputsClosed,
    ObjectsReady,
    Drained,
    Fetched,
    LosingStored,
    Modules,
    Way,
    Transfer,
    GuardTold(bool),
}

/// A running process.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Live {
    pub(super) machine: Machine,
    /// Under way to the disk, in order.
    pub(super) storing: VecDeque<(Ticket, Record)>,
    pub(super) todo: BTreeSet<Todo>,
    pub(super) picture: Picture,
    /// Open for real.
    pub(super) open: Option<Epoch>,
    pub(super) serving: Option<Instance>,
    /// A view under way to the partner, older than the present one.
    pub(super) wire: Option<View>,
    /// What the partner has been given last.
    pub(super) delivered: Option<View>,
    pub(super) stopped: bool,
    /// Heard something that it has not acknowledged yet.
    pub(super) heard_new: bool,
    /// What it was ordered to ask of the third party.
    pub(super) orders: Orders,
}

/// A host with its disk and its guard.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Host {
    pub(super) live: Option<Live>,
    pub(super) disk: Record,
    pub(super) history: History,
    pub(super) starts: u64,
    /// What the guard knows of the running process.
    pub(super) behind: bool,
    /// What the guard repeats of the last process.
    pub(super) fenced: Option<(Instance, bool)>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) settings: [Settings; 2],
    pub(super) hosts: [Host; 2],
    /// Cut from host 0 to 1, and from 1 to 0.
    pub(super) cut: [bool; 2],
    /// Epochs under which outputs were ever opened: no two owners.
    pub(super) opened: BTreeSet<(u64, usize)>,
    /// Entries that were acknowledged and that whoever acts must have.
    pub(super) replicated: BTreeSet<Position>,
    /// Whether losing one of them is an error: not after a person's promote, nor with cuts.
    pub(super) keeps_replicated: bool,
    /// The same of degraded ones: where nobody acts on old data without a person, and no disk fails.
    pub(super) keeps_degraded: bool,
    pub(super) third: Third,
    pub(super) changes: Vec<(usize, RoleChange)>,
    pub(super) replies: Vec<(usize, Reply)>,
    /// Who left, and whether it knew that the other saw it.
    pub(super) left: Vec<(usize, bool)>,
}

pub(super) const OTHER: [usize; 2] = [1, 0];

impl World {
    /// Two hosts, nothing running. Host 0 is the master.
    pub(super) fn new(change: impl Fn(&mut Settings)) -> Self {
        let host = Host {
            live: None,
            disk: Record::default(),
            history: History::default(),
            starts: 0,
            behind: false,
            fenced: None,
        };
        let settings = Designation::ALL.map(|it| {
            let mut settings = Settings::new(it);
            change(&mut settings);
            settings.check().unwrap()
        });
        Self {
            settings,
            hosts: [host.clone(), host],
            cut: [false; 2],
            opened: BTreeSet::new(),
            replicated: BTreeSet::new(),
            keeps_replicated: false,
            keeps_degraded: false,
            third: Third::default(),
            changes: Vec::new(),
            replies: Vec::new(),
            left: Vec::new(),
        }
    }

    pub(super) fn live(&self, host: usize) -> Option<&Live> {
        self.hosts[host].live.as_ref()
    }

    pub(super) fn state(&self, host: usize) -> StateId {
        self.live(host).map_or(StateId::Unknown, |it| it.machine.state())
    }

    pub(super) fn instance(&self, host: usize) -> Instance {
        Instance { count: self.hosts[host].starts, tag: host as u64 }
    }

    /// A packet from this host arrives.
    pub(super) fn reaches(&self, from: usize) -> bool {
        !self.cut[from] && self.live(from).is_some()
    }

    pub(super) fn is_open(&self, host: usize) -> bool {
        self.live(host).is_some_and(|it| it.open.is_some())
    }

    pub(super) fn start(&mut self, host: usize) {
        self.hosts[host].starts += 1;
        self.hosts[host].behind = false;
        let instance = self.instance(host);
        let it = &mut self.hosts[host];
        let boot = Boot {
            record: it.disk,
            history: it.history.clone(),
            instance,
            tag_seed: host as u64,
            storage_ok: true,
            undeployed: false,
        };
        let (machine, actions) = Machine::new(self.settings[host], boot, Time::ZERO);
        it.live = Some(Live {
            machine,
            storing: VecDeque::new(),
            todo: BTreeSet::new(),
            picture: Picture { fence_due: true, ..Picture::default() },
            open: None,
            serving: None,
            wire: None,
            delivered: None,
            stopped: false,
            heard_new: false,
            orders: Orders::default(),
        });
        self.carry_out(host, actions);
    }

    /// The process dies; `guarded`: its guard tells the partner.
    pub(super) fn crash(&mut self, host: usize, guarded: bool) {
        let instance = self.instance(host);
        let it = &mut self.hosts[host];
        it.live = None;
        it.fenced = guarded.then_some((instance, it.behind));
        if let Some(other) = &mut self.hosts[OTHER[host]].live {
            other.delivered = None;
        }
    }

    pub(super) fn give(&mut self, host: usize, event: Event) {
        let Some(live) = &mut self.hosts[host].live else { return };
        let actions = live.machine.handle(Time::ZERO, event);
        self.carry_out(host, actions);
    }

    pub(super) fn carry_out(&mut self, host: usize, actions: Vec<Action>) {
        for action in actions {
            let it = self.hosts[host].live.as_mut().expect("only a running process acts");
            match action {
                Action::Store { ticket, record } => it.storing.push_back((ticket, record)),
                Action::Publish => {
                    let _ = it.wire.get_or_insert_with(|| it.machine.view());
                }
                Action::OpenOutputs { epoch } => {
                    it.open = Some(epoch);
                    it.orders.seen_open = false;
                    let runtime = &self.hosts[host].history.runtime;
                    let lost = self.replicated.iter().find(|it| {
                        runtime.last < it.sequence
                            || runtime.lineage.epoch_of(it.sequence) != Some(it.epoch)
                    });
                    if let Some(lost) = lost.filter(|_| self.keeps_replicated) {
                        panic!("S4: {lost} is not in the history of {host}, which opens");
                    }
                    assert!(self.hosts[host].disk.epoch >= epoch, "S5: {epoch} is not durable");
                    let news = self.opened.insert((epoch.number, host));
                    assert!(news, "S5: {host} opens under {epoch} once more");
                    let owners = self.opened.iter().filter(|it| it.0 == epoch.number).count();
                    assert_eq!(owners, 1, "S5: {epoch} has two owners");
                }
                Action::CloseOutputs => {
                    it.todo.insert(Todo::OutputsClosed);
                }
                Action::PrepareObjects => {
                    it.todo.insert(Todo::ObjectsReady);
                }
                Action::StopObjects => {
                    it.todo.remove(&Todo::ObjectsReady);
                }
                Action::TellGuard { behind } => {
                    it.todo.insert(Todo::GuardTold(behind));
                }
                Action::Replica(order) => it.order(order),
                Action::Record(change) => self.changes.push((host, change)),
                Action::Stopped { seen, .. } => {
                    it.stopped = true;
                    self.left.push((host, seen));
                }
                Action::Reply { reply, .. } => self.replies.push((host, reply)),
                Action::AskGrant(ask) => it.orders.ask(Some(ask)),
                Action::ReleaseGrant => it.orders.ask(None),
                Action::GoAlone => it.orders.note(true),
                Action::EndAlone => it.orders.note(false),
                Action::PublishSummary
                | Action::Acknowledge(_)
                | Action::AskFast(_)
                | Action::Alarm(_) => {}
            }
        }
    }

    /// The entries' end of a host, told to its machine.
    pub(super) fn set_history(&mut self, host: usize, history: History) {
        self.hosts[host].history = history.clone();
        self.give(host, Event::History(history));
    }

    /// Appends one runtime entry under the epoch of the open outputs.
    pub(super) fn appended(&self, host: usize) -> Option<(History, Position)> {
        let epoch = self.live(host)?.open?;
        let mut history = self.hosts[host].history.clone();
        let position = Position { epoch, sequence: history.runtime.last + 1 };
        history.runtime.note(position);
        Some((history, position))
    }

    pub(super) fn acknowledge(&self, host: usize) -> Acknowledge {
        self.live(host).map_or(Acknowledge::Wait, |it| it.machine.acknowledge())
    }

    /// Sets what the detector of a host says.
    pub(super) fn see(&mut self, host: usize, change: impl FnOnce(&mut Picture)) {
        let Some(it) = &mut self.hosts[host].live else { return };
        let before = it.picture;
        change(&mut it.picture);
        let picture = it.picture;
        if picture != before {
            self.give(host, Event::Picture(picture));
        }
    }
}

impl Live {
    fn order(&mut self, order: ReplicaOrder) {
        match order {
            ReplicaOrder::SyncModules => self.todo.insert(Todo::Modules),
            ReplicaOrder::SettleWay => self.todo.insert(Todo::Way),
            ReplicaOrder::TransferData => self.todo.insert(Todo::Transfer),
            ReplicaOrder::StopSync => {
                for it in [Todo::Modules, Todo::Way, Todo::Transfer] {
                    self.todo.remove(&it);
                }
                true
            }
            ReplicaOrder::ServePartner { partner } => {
                self.serving = Some(partner);
                true
            }
            ReplicaOrder::StopServing => {
                self.serving = None;
                true
            }
            ReplicaOrder::StopWrites => self.todo.insert(Todo::Drained),
            ReplicaOrder::FetchAhead { .. } => self.todo.insert(Todo::Fetched),
            ReplicaOrder::StoreLosingEntries { .. } => self.todo.insert(Todo::LosingStored),
            ReplicaOrder::Follow
            | ReplicaOrder::ResumeWrites { .. }
            | ReplicaOrder::BecomeActive { .. }
            | ReplicaOrder::BecomeStandby
            | ReplicaOrder::Reinit => true,
        };
    }
}

pub(super) fn both(pulse: Pulse) -> PerChannel<Pulse> {
    PerChannel::from_fn(|_: Channel| pulse)
}
