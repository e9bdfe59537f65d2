//! Everything a node can be told.
use crate::{EngineIndex, StoreTicket};
use hotpair_fsm::{BeatHeard, Command, CommandId, GrantEvent, Policy, Summary, View};
use hotpair_replication as replication;
use hotpair_types::{Channel, Instance};

/// One input of a node. What comes from the partner is authenticated and decoded.
#[derive(Clone, Debug)]
pub enum Input {
    /// Nothing but time. Give it at `Core::next_deadline` at the latest.
    Tick,
    /// A beat of the partner.
    Beat {
        /// The detector's part.
        beat: BeatHeard,
        /// Numbers the views of an instance; grows.
        number: u64,
        /// The views of its engines, by index.
        views: Vec<View>,
    },
    /// The partner's Hello was read and can be understood. Nothing else of an instance is
    /// believed before.
    Hello {
        /// Where.
        channel: Channel,
        /// Who.
        instance: Instance,
        /// The name of a setting that must agree and does not.
        differs: Option<Box<str>>,
        /// It understands `replication::Message::Compare`.
        compares: bool,
    },
    /// The pinned key spoke, and what it said is refused (version, pair, garbage): it is alive.
    Refused {
        /// Where.
        channel: Channel,
    },
    /// A connection to the partner is up; its Hello is still to come.
    LinkUp {
        /// Where.
        channel: Channel,
    },
    /// A connection to the partner is gone.
    LinkDown {
        /// Where.
        channel: Channel,
    },
    /// Data takes another channel: what is not acknowledged goes again.
    Moved,
    /// The kernel of the partner's host closed or refused the sentinel connection.
    Hint {
        /// Where.
        channel: Channel,
        /// Refused: the host answers, the process does not.
        refused: bool,
    },
    /// The partner's guard signed that this instance is reaped.
    Fenced {
        /// Which.
        instance: Instance,
        /// By engine: it had given degraded acknowledgements.
        behind: Vec<bool>,
    },
    /// A person changed what may change while running.
    Settings {
        /// What decides roles.
        policy: Policy,
        /// What decides how data travels.
        data: Box<replication::Settings>,
    },
    /// The own guard is gone.
    GuardLost,
    /// This host's own end of a channel (interface, cable, address) went down or up. It says
    /// nothing of the way beyond.
    OwnEnd {
        /// Of which channel.
        channel: Channel,
        /// Up.
        up: bool,
    },
    /// Something for one engine.
    Engine {
        /// Which.
        engine: EngineIndex,
        /// What.
        input: EngineInput,
    },
    /// The batch of inputs is over: send and store what has gathered.
    Flush,
}

/// One input of an engine.
#[derive(Clone, Debug)]
pub enum EngineInput {
    /// The partner's frozen summary.
    Summary {
        /// Who sent it.
        from: Instance,
        /// It.
        summary: Box<Summary>,
    },
    /// The partner's replica said something.
    Message {
        /// Where it came.
        channel: Channel,
        /// Who said it.
        from: Instance,
        /// What.
        message: replication::Message,
    },
    /// A write, a journal read, a blob, a provider, a divergence record: straight to the replica.
    /// Never `Direction`, `Flush`, `Tick`, `Message`, `LinkUp`, `LinkLost` or `Stored`.
    Data(replication::Input),
    /// An operation is durable.
    Stored(StoreTicket),
    /// An operation failed; whether it is on disk is unknown.
    StoreFailed(StoreTicket),
    /// The storage was set aside and opened anew.
    StorageSound,
    /// The gate is shut and nothing more will leave.
    OutputsClosed,
    /// The objects can start.
    ObjectsReady,
    /// An effect of promotion failed.
    PromotionFailed,
    /// The guard knows.
    GuardTold {
        /// What it was told.
        behind: bool,
    },
    /// The third party said something (mode `arbiter`).
    Grant(GrantEvent),
    /// A person asks.
    Command {
        /// Comes back.
        id: CommandId,
        /// What.
        command: Command,
    },
}
