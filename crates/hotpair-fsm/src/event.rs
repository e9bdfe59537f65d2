//! Everything that can happen to a machine.
use crate::{Command, CommandId, GrantEvent, Picture, Policy, Summary, Ticket, Timer, View};
use hotpair_types::{History, Instance};

/// One input. The driver may repeat any of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Event {
    /// Our own journals now end here. Given before any other event when it changed.
    History(History),
    /// The newest view of the partner; older ones were dropped.
    PartnerView {
        /// Who sent it.
        instance: Instance,
        /// What it shows.
        view: View,
    },
    /// The partner's frozen summary.
    PartnerSummary(Box<Summary>),
    /// The detector's facts changed.
    Picture(Picture),
    /// Signed by the partner's guard: that instance is reaped, or its outputs are closed for good.
    Fenced {
        /// Which instance.
        instance: Instance,
        /// It had answered writes that this node may lack.
        behind: bool,
    },

    /// Standby: surplus modules removed, missing ones installed, all verified.
    ModulesMatch,
    /// Standby: it is settled whether entries or a snapshot travel.
    WaySettled,
    /// Active: the standby begins to be brought level anew.
    PartnerBegan,
    /// Active: the standby has everything up to now and follows.
    DataTransferred,
    /// Standby, 7: everything up to where the active was is here.
    DataReceived,
    /// Standby, 7: the new data took the place of the old. Given before or with the swap.
    Swapped,
    /// Standby: a step of the sync failed; old data is whole.
    SyncFailed(SyncFailure),
    /// Standby: an entry or a checkpoint is missing.
    Gap,
    /// Active: data was not acknowledged for `drop_after`; `false`: it is again.
    Unacknowledged(bool),
    /// Standby, following: the active has a position that was not sent to us.
    NotSentToUs,

    /// A read or a commit failed.
    StorageFailed,
    /// The storage was set aside and made anew.
    StorageSound,
    /// The required network of this host went up or down.
    Network {
        /// Up.
        up: bool,
    },
    /// A module that is deployed on the active is missing here, or no more.
    ModuleMissing(bool),
    /// A setting that must agree does not; `None`: all agree.
    SettingsDiffer(Option<Box<str>>),
    /// A person changed what may change while running.
    Policy(Policy),
    /// The parent process is gone.
    GuardLost,
    /// Our own loop stood still for longer than (limit - 1) intervals.
    LoopStalled,

    /// The record with this ticket is durable.
    Stored(Ticket),
    /// Outputs are closed and nothing more will leave.
    OutputsClosed,
    /// Every acknowledged entry is applied and the objects can start.
    ObjectsReady,
    /// The objects could not be prepared, or an effect of promotion failed.
    PromotionFailed,
    /// All writes before the stop are in both journals.
    WritesDrained,
    /// The losing entries are durable in the divergence store.
    LosingEntriesStored,
    /// Everything the loser had ahead is fetched.
    FetchedAhead,
    /// The guard knows whether the partner is behind.
    GuardTold {
        /// As told.
        behind: bool,
    },

    /// About the grant of mode `arbiter`.
    Grant(GrantEvent),
    /// A person, or a program for one, asks.
    Command {
        /// Comes back in the reply.
        id: CommandId,
        /// What is asked.
        command: Command,
    },
    /// A deadline passed.
    Elapsed(Timer),
}

/// Why a sync ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SyncFailure {
    /// The transfer broke off.
    Broken,
    /// What was received did not verify.
    Corrupt,
    /// A module cannot be compiled.
    Module,
}
