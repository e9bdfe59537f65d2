//! What the replicas of an engine tell each other. The lane it takes is chosen by the sender.
use crate::bounded::{Blob, List};
use crate::entry::{DivergenceId, DivergenceRecord, Entry, Fate, KeptKey, Record};
use hotpair_types::{
    History, Instance, ItemKey, JournalHistory, JournalKind, NodeTime, Position, Positions,
};
use serde::{Deserialize, Serialize};

/// How many modules an engine may have.
pub(crate) const MODULES_MAX: usize = 1 << 16;
/// How many entries, records or items one message may have.
pub(crate) const ELEMENTS_MAX: usize = 1 << 18;
/// How many ranges one question may have.
pub(crate) const RANGES_MAX: usize = 1 << 12;

/// How many items one comparison may have.
pub(crate) const COMPARED_MAX: usize = 1 << 10;

/// One attempt of a standby to become level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The standby.
    pub instance: Instance,
    /// Its how manieth attempt.
    pub count: u64,
}

/// A code module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleEntry {
    /// Its name.
    pub name: Box<str>,
    /// The hash of its bytes.
    pub hash: [u8; 32],
    /// How many bytes.
    pub size: u64,
}

/// Everything of a journal but its items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalHead {
    /// Which journal.
    pub kind: JournalKind,
    /// Lineage and end.
    pub history: JournalHistory,
    /// The chain hash at its end.
    pub chain: [u8; 32],
    /// Idempotency keys.
    pub keys: List<KeptKey, ELEMENTS_MAX>,
    /// Keys up to this wall clock time may be missing.
    pub keys_forgotten: NodeTime,
}

/// A part of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// What changed after a sequence.
    ChangedAfter {
        /// The sequence.
        sequence: u64,
        /// The first item to look at.
        from: Option<ItemKey>,
    },
    /// Every item in a range.
    Range(KeyRange),
    /// Just these.
    Items(List<ItemKey, ELEMENTS_MAX>),
}

/// Items from one (included) until another (not included).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRange {
    /// The first.
    pub from: Option<ItemKey>,
    /// The first after it.
    pub until: Option<ItemKey>,
}

/// What one side has in a range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeDigest {
    /// The range.
    pub range: KeyRange,
    /// A hash over it.
    pub digest: [u8; 32],
}

/// What an active has in a range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Of which journal.
    pub kind: JournalKind,
    /// Its number.
    pub request: u64,
    /// Where the journal ended.
    pub at: Position,
    /// The range.
    pub range: KeyRange,
    /// How many items are in it.
    pub items: u64,
    /// A hash over them.
    pub digest: [u8; 32],
    /// Each item with its hash, or none.
    pub each: List<(ItemKey, [u8; 32]), COMPARED_MAX>,
}

/// What a standby found in a range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Found {
    /// The same.
    Same,
    /// It is not at that position.
    Elsewhere,
    /// Something else.
    Differs,
    /// This item differs.
    Item {
        /// It.
        item: ItemKey,
        /// Its hash at the active.
        active: Option<[u8; 32]>,
        /// Its hash at the standby.
        standby: Option<[u8; 32]>,
    },
}

/// A message of a replica, and the attempt that it belongs to. New variants at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the message's own documentation")]
pub enum ReplicaMessage {
    /// Standby: begin an attempt; which modules do you have?
    Begin { session: Session },
    /// Active: these.
    Manifest { session: Session, modules: List<ModuleEntry, MODULES_MAX> },
    /// Standby: send me bytes of a module.
    ModuleWanted { session: Session, hash: [u8; 32], offset: u64 },
    /// Active: here they are.
    ModuleChunk { session: Session, hash: [u8; 32], offset: u64, bytes: Blob, last: bool },
    /// Standby: this is my history; how do I become level?
    WayWanted { session: Session, history: History },
    /// Active: this is mine, and this is what I can still send. Pairs: config, runtime.
    Way {
        session: Session,
        history: History,
        entries_after: (u64, u64),
        removals_after: (u64, u64),
        chain: Option<[u8; 32]>,
    },
    /// Standby: entries of mine that your history does not have.
    Losing { session: Session, records: List<DivergenceRecord, ELEMENTS_MAX> },
    /// Active: this became of them.
    LosingTaken { session: Session, fates: List<(DivergenceId, Fate), ELEMENTS_MAX> },
    /// Standby: send me a journal from here on.
    EntriesWanted { session: Session, kind: JournalKind, after: Position },
    /// Standby: send me a journal's image.
    SnapshotWanted { session: Session, kind: JournalKind },
    /// Active: chunks are to be asked for.
    SnapshotBegins { session: Session, head: JournalHead, items: u64, bytes: u64 },
    /// Standby: send me part of the image.
    ChunkWanted { session: Session, kind: JournalKind, request: u64, scope: Scope, credit: u32 },
    /// Standby: so many more chunks may come.
    MoreWanted { session: Session, kind: JournalKind, request: u64, credit: u32 },
    /// Active: part of the image.
    Chunk {
        session: Session,
        kind: JournalKind,
        request: u64,
        at: u64,
        sets: List<(ItemKey, Record), ELEMENTS_MAX>,
        removes: List<(ItemKey, Position), ELEMENTS_MAX>,
        next: Option<ItemKey>,
    },
    /// Standby: do we have the same in these ranges?
    DigestsWanted {
        session: Session,
        kind: JournalKind,
        request: u64,
        ranges: List<RangeDigest, RANGES_MAX>,
    },
    /// Active: not in these.
    Digests { session: Session, kind: JournalKind, request: u64, differing: List<u32, RANGES_MAX> },
    /// Active: entries.
    Entries {
        session: Session,
        kind: JournalKind,
        previous: Position,
        entries: List<Entry, ELEMENTS_MAX>,
        urgent: bool,
    },
    /// Active: you asked for entries that are gone.
    EntriesGone { session: Session, kind: JournalKind },
    /// Standby: I have this. Pairs: config, runtime.
    Ack { session: Session, received: (u64, u64), durable: (u64, u64) },
    /// Standby: something is missing; go on after this.
    ResendWanted { session: Session, kind: JournalKind, after: u64 },
    /// Standby: everything is here and on disk.
    CaughtUp { session: Session, positions: Positions },
    /// Winner: send me what you have ahead.
    AheadWanted { session: Session, history: History },
    /// Loser: this.
    Ahead {
        session: Session,
        kind: JournalKind,
        previous: Position,
        entries: List<Entry, ELEMENTS_MAX>,
    },
    /// Loser: that was all.
    AheadEnd { session: Session, history: History },
    /// Active, to a level standby: I am about to name this module.
    ModuleOffered { session: Session, hash: [u8; 32], size: u64 },
    /// Standby: I have it now, or cannot take it.
    ModuleTaken { session: Session, hash: [u8; 32], here: bool },
    /// Active, to a level standby: this is what I have in a range. Since version 2.
    Compare { session: Session, comparison: Comparison },
    /// Standby: this is what I found. Since version 2.
    Compared { session: Session, request: u64, found: Found },
}
