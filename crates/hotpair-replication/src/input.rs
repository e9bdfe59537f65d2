//! Everything a replica can be told.
use crate::{DivergenceId, Message, ModuleHash, SharedEntry, StoreTicket, Write, WriteTicket};
use bytes::Bytes;
use hotpair_types::{Epoch, History, Instance, NodeTime};

/// One input.
#[derive(Clone, Debug)]
pub enum Input {
    /// A write. Nothing is sent or stored before the next `Flush`.
    Write(Write),
    /// The batch of inputs is over: send and store what has gathered. Give one after every batch,
    /// also when nothing was written.
    Flush,
    /// Time has passed; `wall` is for people and for the age of idempotency keys.
    Tick {
        /// The wall clock.
        wall: NodeTime,
    },
    /// The partner said something. Messages of another instance than the one that is followed or
    /// served are ignored.
    Message {
        /// Who said it.
        from: Instance,
        /// What.
        message: Message,
    },
    /// What the state machine wants.
    Direction(Direction),
    /// A connection to the partner is up, the first or another: what was not acknowledged is sent
    /// again.
    LinkUp,
    /// No connection is left.
    LinkLost,
    /// The partner said Hello. Its release understands `Message::Compare`, or not; until this is
    /// said it does not.
    PartnerCompares(bool),
    /// An operation is durable.
    Stored {
        /// Which.
        ticket: StoreTicket,
    },
    /// An operation failed: whether it is on disk is unknown, and no later one will succeed.
    StoreFailed {
        /// Which.
        ticket: StoreTicket,
    },
    /// Entries that `Output::ReadJournal` asked for: without a gap from the first one asked for;
    /// empty when that is not stored any more.
    JournalRead {
        /// Of which question.
        ticket: StoreTicket,
        /// They.
        entries: Vec<SharedEntry>,
    },
    /// A module blob is here and verified: written by `module add`, or complete after
    /// `Output::WriteBlob`.
    BlobHere {
        /// Which.
        hash: ModuleHash,
    },
    /// A module blob is not here any more, or was found corrupted.
    BlobLost {
        /// Which.
        hash: ModuleHash,
    },
    /// Bytes that `Output::ReadBlob` asked for; empty when it cannot be read.
    BlobRead {
        /// Which module.
        hash: ModuleHash,
        /// From here on.
        offset: u64,
        /// They.
        bytes: Bytes,
        /// Nothing comes after them.
        last: bool,
    },
    /// The bytes of `Output::WriteBlob` are written; ask for more.
    BlobWritten {
        /// Which module.
        hash: ModuleHash,
        /// How many bytes of it are here.
        until: u64,
    },
    /// A provider is ready to take its items.
    ProviderReady {
        /// Its name.
        provider: Box<str>,
    },
    /// A person wants a kept entry written again. Answered as a write.
    ReplayDivergence {
        /// Whom to answer.
        ticket: WriteTicket,
        /// Which record.
        id: DivergenceId,
        /// The wall clock now.
        written_at: NodeTime,
    },
    /// A person discards kept entries. Answered with `Output::DivergenceDiscarded`.
    DiscardDivergence {
        /// Which records.
        ids: Vec<DivergenceId>,
    },
}

/// What the state machine wants of the data. Each may come again; it then changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Direction {
    /// 4 -> 5: follow this active; make the modules match. Ends with `Fact::ModulesMatch`.
    BeginSync {
        /// The active.
        partner: Instance,
    },
    /// 5 -> 6: settle the way per journal. Ends with `Fact::WaySettled`.
    SettleWay,
    /// 6 -> 7: transfer. Ends with `Fact::DataTransferred`; entries are followed from here on.
    TransferData,
    /// 7 -> 8: the active knows that this node is level.
    Follow,
    /// Back to 4: give the attempt up. What is here stays whole.
    StopSync,
    /// As an active: answer this standby, send it what it asks for.
    ServePartner {
        /// The standby.
        partner: Instance,
    },
    /// As an active: no standby any more.
    StopServing,
    /// The epoch is durable: take writes under it.
    BecomeActive {
        /// The epoch.
        epoch: Epoch,
    },
    /// How writes are acknowledged from now on.
    AcknowledgeBy(AckRule),
    /// Take no new writes, bring both journals level with the partner. Ends with `Fact::Drained`.
    StopWrites,
    /// The switchover was called off: take writes again, under a new epoch.
    ResumeWrites {
        /// The epoch.
        epoch: Epoch,
    },
    /// Not active any more: writes without an answer are unknown.
    BecomeStandby,
    /// Lost an election as an active: put the entries that the winner lacks into the divergence
    /// store. Ends with `Fact::LosingEntriesStored`.
    StoreLosingEntries {
        /// The winner's journals.
        winner: Box<History>,
        /// The winner's epoch.
        winner_epoch: Epoch,
        /// Who won by which rule, in words.
        rule: Box<str>,
    },
    /// Won an election: fetch the entries that the loser has ahead, where this history is the
    /// shorter one. Ends with `Fact::AheadFetched`. An active has nothing to fetch now: it takes
    /// such entries as new ones when the loser syncs.
    FetchAhead {
        /// The loser.
        partner: Instance,
    },
    /// The next sync takes nothing of what is here for granted: everything is copied.
    Reinit,
    /// The engine stops here: write everything that is only in memory, now.
    Persist,
}

/// How writes are acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum AckRule {
    /// It is not settled yet: answers that need the partner wait.
    #[default]
    Wait,
    /// The standby is 8 or 9: its acknowledgement is waited for.
    WithPartner,
    /// Without a standby, `sole` is durable: answers are degraded.
    Alone,
}
