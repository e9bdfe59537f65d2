//! Everything a machine asks of its driver. May be carried out in any order.
use crate::{CommandId, GrantAsk, Record, Reply, Rule};
use hotpair_types::{Epoch, History, Instance, Positions, StateId};

/// Names one storing of the record. Grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ticket(pub u64);

/// One order to the driver.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Action {
    /// Make the record durable, then `Event::Stored`. The only action that keeps its order: among
    /// its own.
    Store {
        /// Comes back.
        ticket: Ticket,
        /// What to store.
        record: Record,
    },
    /// The view changed: send beats at once on both channels. See `Machine::view`.
    Publish,
    /// A summary was frozen: send it on the control stream, again after every reconnect, as long
    /// as `Machine::summary` shows one.
    PublishSummary,
    /// Open the gate for outputs and acknowledgements.
    OpenOutputs {
        /// The gate holds it.
        epoch: Epoch,
    },
    /// Shut the gate; then `Event::OutputsClosed`.
    CloseOutputs,
    /// Prepare the objects for running; then `Event::ObjectsReady` or `Event::PromotionFailed`.
    PrepareObjects,
    /// Stop the objects.
    StopObjects,
    /// What data does.
    Replica(ReplicaOrder),
    /// How writes are answered from now on.
    Acknowledge(Acknowledge),
    /// Tell the guard whether the partner is behind; then `Event::GuardTold`.
    TellGuard {
        /// We answer writes that the partner may lack.
        behind: bool,
    },
    /// Get the grant from the third party and keep it (mode `arbiter`), until `ReleaseGrant`. See
    /// `grant.rs` for what is expected.
    AskGrant(GrantAsk),
    /// Give the grant back, and ask no more.
    ReleaseGrant,
    /// Write at the third party that we go on alone; then `Grant(AloneWritten)`.
    GoAlone,
    /// Take that back; then `Grant(AloneEnded)`.
    EndAlone,
    /// Ask the partner at four times the beat rate on every channel, or stop that.
    AskFast(bool),
    /// Answer a command.
    Reply {
        /// Of which.
        id: CommandId,
        /// The answer.
        reply: Reply,
    },
    /// Keep for ever: the role changed.
    Record(RoleChange),
    /// Something a person should know; ended by the opposite.
    Alarm(Alarm),
    /// This engine has left or is undeployed; nothing more will come from it.
    Stopped {
        /// The whole process must end (the guard is lost).
        process: bool,
        /// The partner has seen the last view: nothing is left to tell it.
        seen: bool,
    },
}

/// What the replica is asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ReplicaOrder {
    /// Standby, 4 to 5: bring code modules level; then `Event::ModulesMatch`.
    SyncModules,
    /// Standby, 5 to 6: settle how data travels; then `Event::WaySettled`.
    SettleWay,
    /// Standby, 6 to 7: bring data level; the active gets `Event::DataTransferred`.
    TransferData,
    /// Standby, any to 4 or 1: stop it; the old data stays whole.
    StopSync,
    /// Standby in 8: swapped in, follow every change.
    Follow,
    /// Active: serve the standby's sync and send it every change.
    ServePartner {
        /// To this instance only.
        partner: Instance,
    },
    /// Active: no longer.
    StopServing,
    /// Active: accept no new writes and drain; then `Event::WritesDrained`.
    StopWrites,
    /// Active: accept writes again, under this epoch.
    ResumeWrites {
        /// A newer one.
        epoch: Epoch,
    },
    /// Promotion is done: accept writes under this epoch.
    BecomeActive {
        /// The new one.
        epoch: Epoch,
    },
    /// Accept no writes.
    BecomeStandby,
    /// Winner: fetch what the loser has ahead in either journal; then `Event::FetchedAhead`.
    FetchAhead {
        /// The loser's frozen history.
        loser: History,
    },
    /// Loser: keep every entry since the fork; then `Event::LosingEntriesStored`.
    StoreLosingEntries {
        /// The winner's frozen history.
        winner: History,
        /// The epoch the winner acts under.
        epoch: Epoch,
    },
    /// Throw this standby's data away and copy anew.
    Reinit,
}

/// How an active answers writes that want more than `local`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Acknowledge {
    /// Not at all yet: writes wait.
    #[default]
    Wait,
    /// When the standby has it.
    WhenReplicated,
    /// At once, marked degraded: `sole` is durable and the guard knows.
    Degraded,
}

/// A change of role, for `hotpair why`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoleChange {
    /// The state left.
    pub from: StateId,
    /// The state entered; `Unknown`: stopped.
    pub to: StateId,
    /// Which row of the table.
    pub rule: Rule,
    /// The durable epoch before.
    pub epoch_before: Epoch,
    /// The epoch now.
    pub epoch: Epoch,
    /// What was known of the way to the partner.
    pub picture: crate::Picture,
    /// The partner's instance and state as last seen.
    pub partner: Option<(Instance, StateId)>,
    /// Where our journals ended.
    pub positions: Positions,
}

/// Something a person should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alarm {
    /// The partner is refused but alive.
    PartnerRefused,
    /// Too many changes of role; why recovery and silence move nobody.
    Suspended,
    /// Acting without knowing whether the partner has newer data.
    Unverified,
    /// An election threw entries out; they are in the divergence store.
    EntriesLost,
    /// The data here is older than what the partner went on with.
    Stale,
    /// The partner's store, or ours, was rolled back.
    RolledBack,
    /// Our storage failed.
    StorageFailed,
    /// A channel is silent while the other works.
    ChannelDegraded(hotpair_types::Channel),
    /// Two nodes are active.
    TwoActives,
    /// The third party of mode `arbiter` cannot be reached: no role changes but by a person.
    ArbiterAway,
}
