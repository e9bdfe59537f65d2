//! Everything a node asks of its driver.
use crate::EngineIndex;
use hotpair_fsm::{
    Alarm, BeatToSend, CommandId, Event, GrantAsk, Record, Reply, RoleChange, Summary, Ticket, View,
};
use hotpair_replication as replication;
use hotpair_types::{Epoch, StateId, Time};

/// One output of a node. `Store`s of an engine are carried out in their order; messages of a lane
/// keep theirs; the rest in any order.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send a beat, now.
    Beat {
        /// The detector's part; names the channel.
        beat: BeatToSend,
        /// Numbers the views.
        number: u64,
        /// By engine index.
        views: Vec<View>,
    },
    /// Something of one engine.
    Engine {
        /// Which.
        engine: EngineIndex,
        /// What.
        output: EngineOutput,
    },
}

/// Names an operation of storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoreTicket {
    /// Of the state machine.
    Machine(Ticket),
    /// Of the replica.
    Replica(u64),
}

/// What storage has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreOp {
    /// Replace the state machine's record.
    Record(Record),
    /// Journals, items, divergence store.
    Data(replication::StoreOp),
}

/// One output of an engine.
#[derive(Clone, Debug)]
pub enum EngineOutput {
    /// Send the frozen summary on the control lane.
    Summary(Box<Summary>),
    /// Send a message of the replica.
    Send {
        /// The stream.
        lane: replication::Lane,
        /// What.
        message: replication::Message,
    },
    /// Carry out, then `Stored` or `StoreFailed`.
    Store {
        /// Comes back.
        ticket: StoreTicket,
        /// What.
        op: StoreOp,
    },
    /// Open the gate.
    OpenOutputs {
        /// It holds this epoch.
        epoch: Epoch,
    },
    /// Shut the gate, then `OutputsClosed`.
    CloseOutputs,
    /// Prepare the objects, then `ObjectsReady` or `PromotionFailed`.
    PrepareObjects,
    /// Stop the objects.
    StopObjects,
    /// Tell the guard, then `GuardTold`.
    TellGuard {
        /// The partner may lack what was acknowledged.
        behind: bool,
    },
    /// Get the grant from the third party and keep it (mode `arbiter`); `hotpair_fsm::GrantEvent` says
    /// what came of it.
    AskGrant(GrantAsk),
    /// Give the grant back, and ask no more.
    ReleaseGrant,
    /// Write at the third party that this node goes on alone, until it is confirmed.
    GoAlone,
    /// Take that back, until it is confirmed.
    EndAlone,
    /// Answer a command.
    Reply {
        /// Of which.
        id: CommandId,
        /// The answer.
        reply: Reply,
    },
    /// Keep for ever: the role changed.
    RoleChanged(Box<RoleChange>),
    /// Something a person should know.
    Alarm(Alarm),
    /// This engine has left or is undeployed.
    Stopped {
        /// The whole process must end.
        process: bool,
        /// The partner has seen it.
        seen: bool,
    },
    /// From the replica: everything but `Send`, `Store` and `Fact`.
    Data(replication::Output),
    /// The state machine took a step (when recording is on).
    Step(Box<Step>),
}

/// One step of a state machine, as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub now: Time,
    /// What it was given.
    pub event: Event,
    /// Where it was.
    pub from: StateId,
    /// Where it is.
    pub to: StateId,
}
