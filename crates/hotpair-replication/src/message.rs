//! What the two replicas of an engine tell each other.
use crate::{
    ChainHash, Comparison, DivergenceRecord, Fate, Found, KeptKey, PerJournal, Record, SharedEntry,
};
use bytes::Bytes;
use hotpair_types::{History, Instance, ItemKey, JournalHistory, JournalKind, Position, Positions};

/// BLAKE3 of a module's bytes.
pub type ModuleHash = [u8; 32];

/// One attempt of a standby to become level. What belongs to an older one is ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session {
    /// The standby.
    pub instance: Instance,
    /// Its how manieth attempt.
    pub count: u64,
}

/// A message between the replicas of one engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Standby: begin an attempt; which modules do you have?
    Begin {
        /// The attempt.
        session: Session,
    },
    /// Active: these.
    Manifest {
        /// The attempt.
        session: Session,
        /// All of them, by name.
        modules: Vec<ModuleEntry>,
    },
    /// Standby: send me bytes of a module.
    ModuleWanted {
        /// The attempt.
        session: Session,
        /// Which module.
        hash: ModuleHash,
        /// From here on.
        offset: u64,
    },
    /// Active: here they are.
    ModuleChunk {
        /// The attempt.
        session: Session,
        /// Which module.
        hash: ModuleHash,
        /// Where they belong.
        offset: u64,
        /// They; empty when the active cannot read the module.
        bytes: Bytes,
        /// Nothing comes after them.
        last: bool,
    },
    /// Standby: this is my history; how do I become level?
    WayWanted {
        /// The attempt.
        session: Session,
        /// Both journals here.
        history: Box<History>,
    },
    /// Active: this is mine, and this is what I can still send.
    Way {
        /// The attempt.
        session: Session,
        /// Both journals there.
        history: Box<History>,
        /// Entries after this sequence can be sent.
        entries_after: PerJournal<u64>,
        /// Removals after this sequence are remembered.
        removals_after: PerJournal<u64>,
        /// The chain hash at the end of the standby's config journal, if it is known.
        chain: Option<ChainHash>,
    },
    /// Standby: entries of mine that your history does not have, in order.
    Losing {
        /// The attempt.
        session: Session,
        /// They.
        records: Vec<DivergenceRecord>,
    },
    /// Active: durable here; this became of them.
    LosingTaken {
        /// The attempt.
        session: Session,
        /// Each of the last `Losing`, in its order.
        fates: Vec<(crate::DivergenceId, Fate)>,
    },
    /// Standby: send me a journal from here on, and go on with what is written.
    EntriesWanted {
        /// The attempt.
        session: Session,
        /// Which journal.
        kind: JournalKind,
        /// The last one here.
        after: Position,
    },
    /// Standby: send me a journal's image, and go on with what is written.
    SnapshotWanted {
        /// The attempt.
        session: Session,
        /// Which journal.
        kind: JournalKind,
    },
    /// Active: entries follow this history; chunks are to be asked for.
    SnapshotBegins {
        /// The attempt.
        session: Session,
        /// Its head: history, chain, keys.
        head: Box<JournalHead>,
        /// Items in the image.
        items: u64,
        /// Bytes of names and values in the image.
        bytes: u64,
    },
    /// Standby: send me part of the image.
    ChunkWanted {
        /// The attempt.
        session: Session,
        /// Which journal.
        kind: JournalKind,
        /// Number of this question; chunks of an older one are ignored.
        request: u64,
        /// Which part.
        scope: Scope,
        /// How many chunks may come before `MoreWanted`.
        credit: u32,
    },
    /// Standby: so many more chunks may come.
    MoreWanted {
        /// The attempt.
        session: Session,
        /// Which journal.
        kind: JournalKind,
        /// Of which question.
        request: u64,
        /// How many.
        credit: u32,
    },
    /// Active: part of the image.
    Chunk {
        /// The attempt.
        session: Session,
        /// Which journal.
        kind: JournalKind,
        /// Of which question.
        request: u64,
        /// The journal's last sequence when the part was read.
        at: u64,
        /// Items that are there.
        sets: Vec<(ItemKey, Record)>,
        /// Items that were removed, and when.
        removes: Vec<(ItemKey, Position)>,
        /// The part goes on here; `None`: it is complete.
        next: Option<ItemKey>,
    },
    /// Standby: do we have the same in these ranges?
    DigestsWanted {
        /// The attempt.
        session: Session,
        /// Which journal.
        kind: JournalKind,
        /// Number of this question.
        request: u64,
        /// The ranges.
        ranges: Vec<RangeDigest>,
    },
    /// Active: not in these.
    Digests {
        /// The attempt.
        session: Session,
        /// Which journal.
        kind: JournalKind,
        /// Of which question.
        request: u64,
        /// Indexes into the ranges asked for.
        differing: Vec<u32>,
    },
    /// Active: entries.
    Entries {
        /// The attempt.
        session: Session,
        /// Which journal.
        kind: JournalKind,
        /// The entry before the first of them.
        previous: Position,
        /// They, without a gap.
        entries: Vec<SharedEntry>,
        /// Somebody waits until they are on disk.
        urgent: bool,
    },
    /// Active: you asked for entries, or for removals, that I do not have any more.
    EntriesGone {
        /// The attempt.
        session: Session,
        /// Which journal.
        kind: JournalKind,
    },
    /// Standby: I have this.
    Ack {
        /// The attempt.
        session: Session,
        /// In memory, up to here.
        received: PerJournal<u64>,
        /// On disk, up to here.
        durable: PerJournal<u64>,
    },
    /// Standby: something is missing here; go on after this.
    ResendWanted {
        /// The attempt.
        session: Session,
        /// Which journal.
        kind: JournalKind,
        /// The last one here.
        after: u64,
    },
    /// Standby: everything is here and on disk.
    CaughtUp {
        /// The attempt.
        session: Session,
        /// Both ends.
        positions: Positions,
    },
    /// Winner of an election: this is my history; send me what you have ahead of it.
    AheadWanted {
        /// The attempt; here of the winner.
        session: Session,
        /// Both journals there.
        history: Box<History>,
    },
    /// Loser: this, in order, one journal after the other.
    Ahead {
        /// The attempt.
        session: Session,
        /// Which journal.
        kind: JournalKind,
        /// The entry before the first of them.
        previous: Position,
        /// They.
        entries: Vec<SharedEntry>,
    },
    /// Loser: that was all, and this is my history.
    AheadEnd {
        /// The attempt.
        session: Session,
        /// Both journals here.
        history: Box<History>,
    },
    /// Active, to a level standby: I am about to name this module; fetch it if you lack it.
    ModuleOffered {
        /// The attempt.
        session: Session,
        /// Which module.
        hash: ModuleHash,
        /// How many bytes it has.
        size: u64,
    },
    /// Standby: I have it now, or cannot take it.
    ModuleTaken {
        /// The attempt.
        session: Session,
        /// Which module.
        hash: ModuleHash,
        /// Whether it is here, verified.
        here: bool,
    },
    /// Active, to a level standby: this is what I have in a range; is it what you have? Sent only to
    /// a partner that understands it.
    Compare {
        /// The attempt.
        session: Session,
        /// What it has.
        comparison: Box<Comparison>,
    },
    /// Standby: this is what I found.
    Compared {
        /// The attempt.
        session: Session,
        /// Of which comparison.
        request: u64,
        /// It.
        found: Found,
    },
}

/// A code module, as the config record `modules/<name>` has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ModuleEntry {
    /// Its name.
    pub name: Box<str>,
    /// Hash of its bytes.
    pub hash: ModuleHash,
    /// How many bytes.
    pub size: u64,
}

/// Everything of a journal but its items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalHead {
    /// Which journal.
    pub kind: JournalKind,
    /// Lineage and end.
    pub history: JournalHistory,
    /// Chain hash of the last entry; zero for the runtime journal.
    pub chain: ChainHash,
    /// Idempotency keys with their answers.
    pub keys: Vec<KeptKey>,
    /// Keys of entries up to this wall clock time may be forgotten; 0: none was.
    pub keys_forgotten: hotpair_types::NodeTime,
}

/// A part of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Items set or removed after a sequence; `from`: go on here.
    ChangedAfter {
        /// The sequence.
        sequence: u64,
        /// The first item to look at.
        from: Option<ItemKey>,
    },
    /// Every item in a range; what is not sent is not there.
    Range(KeyRange),
    /// Just these items; what is not sent is not there.
    Items(Vec<ItemKey>),
}

/// Items from one (included) until another (not included).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyRange {
    /// The first; `None`: from the beginning.
    pub from: Option<ItemKey>,
    /// The first after it; `None`: to the end.
    pub until: Option<ItemKey>,
}

/// What one side has in a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeDigest {
    /// The range.
    pub range: KeyRange,
    /// BLAKE3 over its items in order: key, value, position.
    pub digest: [u8; 32],
}

impl Message {
    /// The attempt it belongs to.
    #[must_use]
    pub const fn session(&self) -> Session {
        match self {
            Self::Begin { session }
            | Self::Manifest { session, .. }
            | Self::ModuleWanted { session, .. }
            | Self::ModuleChunk { session, .. }
            | Self::WayWanted { session, .. }
            | Self::Way { session, .. }
            | Self::Losing { session, .. }
            | Self::LosingTaken { session, .. }
            | Self::EntriesWanted { session, .. }
            | Self::SnapshotWanted { session, .. }
            | Self::SnapshotBegins { session, .. }
            | Self::ChunkWanted { session, .. }
            | Self::MoreWanted { session, .. }
            | Self::Chunk { session, .. }
            | Self::DigestsWanted { session, .. }
            | Self::Digests { session, .. }
            | Self::Entries { session, .. }
            | Self::EntriesGone { session, .. }
            | Self::Ack { session, .. }
            | Self::ResendWanted { session, .. }
            | Self::CaughtUp { session, .. }
            | Self::AheadWanted { session, .. }
            | Self::Ahead { session, .. }
            | Self::AheadEnd { session, .. }
            | Self::ModuleOffered { session, .. }
            | Self::ModuleTaken { session, .. }
            | Self::Compare { session, .. }
            | Self::Compared { session, .. } => *session,
        }
    }
}
