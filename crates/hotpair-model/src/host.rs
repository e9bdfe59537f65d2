//! A host: its disk, its guard, and the process that runs there with what its driver still has to do.
use crate::senses::Senses;
use hotpair_fsm::{GrantAsk, Machine, Picture, Record, ReplicaOrder};
use hotpair_types::{Epoch, History, Instance};
use std::collections::{BTreeSet, VecDeque};

/// What the driver has been asked for and not done yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Todo {
    /// Nothing leaves any more.
    OutputsClosed,
    /// The objects can start.
    ObjectsReady,
    /// All writes are in the journals.
    Drained,
    /// What the loser had ahead is here.
    Fetched,
    /// What was lost is kept.
    LosingStored,
    /// Code modules match.
    Modules,
    /// How data travels is settled.
    Way,
    /// Data is brought level.
    Transfer,
    /// The guard knows that the partner is not behind.
    GuardTold,
    /// The guard knows that the partner is behind.
    GuardToldBehind,
}

/// What a driver was ordered to ask of the third party.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Orders {
    pub(crate) ask: Option<GrantAsk>,
    pub(crate) gives_back: bool,
    pub(crate) alone: Option<bool>,
}

/// A running process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Live {
    pub(crate) machine: Machine,
    pub(crate) senses: Senses,
    /// As the machine was told.
    pub(crate) picture: Picture,
    /// Under way to the disk, in order.
    pub(crate) storing: VecDeque<Record>,
    pub(crate) todo: BTreeSet<Todo>,
    /// The gate is open.
    pub(crate) open: Option<Epoch>,
    pub(crate) serving: Option<Instance>,
    /// Its replica said that the standby caught up: until that is counted on, or over, it gives no degraded answer.
    pub(crate) closing: bool,
    pub(crate) orders: Orders,
    pub(crate) stopped: bool,
    pub(crate) asks_fast: bool,
    /// Asked for a beat and got it in this tick.
    pub(crate) answered: bool,
    /// Something of its own went wrong that can be mended.
    pub(crate) odd: bool,
    /// Stands still since so many ticks.
    pub(crate) asleep: Option<u8>,
}

/// How a disk is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Disk {
    #[default]
    Fine,
    /// Nothing becomes durable for now.
    Slow,
    /// What was under way is lost.
    Failed,
}

/// A host with its disk and its guard.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Host {
    pub(crate) live: Option<Live>,
    pub(crate) disk: Record,
    pub(crate) disk_is: Disk,
    /// Said to be on the disk and not there (`Planted`).
    pub(crate) late: Option<Record>,
    pub(crate) history: History,
    pub(crate) starts: u64,
    /// What the guard knows of the running process.
    pub(crate) behind: bool,
    /// What the guard repeats of the last process.
    pub(crate) notice: Option<(Instance, bool)>,
    /// The kernel closed the sentinel of the partner's process.
    pub(crate) sentinel_broke: bool,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self {
            live: None,
            disk: Record::default(),
            disk_is: Disk::Fine,
            late: None,
            history: History::default(),
            starts: 0,
            behind: false,
            notice: None,
            sentinel_broke: false,
        }
    }

    /// A valid `sole` is on the disk.
    pub(crate) fn has_sole(&self) -> bool {
        let marks = self.disk.marks;
        marks.sole.is_some() && marks.sole == Some(self.disk.last_used)
    }
}

impl Live {
    pub(crate) fn order(&mut self, order: &ReplicaOrder) {
        match order {
            ReplicaOrder::SyncModules => self.must(Todo::Modules),
            ReplicaOrder::SettleWay => self.must(Todo::Way),
            ReplicaOrder::TransferData => self.must(Todo::Transfer),
            ReplicaOrder::StopSync => {
                self.todo.retain(|it| !matches!(it, Todo::Modules | Todo::Way | Todo::Transfer));
            }
            ReplicaOrder::ServePartner { partner } => {
                self.serving = Some(*partner);
                self.closing = false;
            }
            ReplicaOrder::StopServing => {
                self.serving = None;
                self.closing = false;
            }
            ReplicaOrder::BecomeStandby => self.closing = false,
            ReplicaOrder::StopWrites => self.must(Todo::Drained),
            ReplicaOrder::FetchAhead { .. } => self.must(Todo::Fetched),
            ReplicaOrder::StoreLosingEntries { .. } => self.must(Todo::LosingStored),
            ReplicaOrder::Follow
            | ReplicaOrder::ResumeWrites { .. }
            | ReplicaOrder::BecomeActive { .. }
            | ReplicaOrder::Reinit => {}
        }
    }

    pub(crate) fn must(&mut self, todo: Todo) {
        self.todo.insert(todo);
    }
}
