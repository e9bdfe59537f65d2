//! Decides what travels between the two nodes. Pure: no clock, socket, disk, randomness or async.
//!
//! One `Replica` per engine holds both journals and everything that is known of the partner's.
//! `Replica::handle` takes one input and appends what is to be done. The modules below are in
//! reading order; docs/design/replication.md is the reference.

#![warn(missing_docs)]

mod per_journal;
mod settings;
mod digest;
mod entry;
mod write;
mod divergence;
mod comparison;
mod message;
mod lane;
mod store_op;
mod boot;
mod input;
mod output;
mod items;
mod image;
mod ring;
mod keys;
mod journal;
mod waiting;
mod storing;
mod divergence_store;
mod replica;
mod dispatch;
mod writing;
mod serving;
mod lateness;
mod streaming;
mod syncing;
mod modules;
mod offering;
mod way;
mod following;
mod shadow;
mod ranges;
mod transfer;
mod swapping;
mod comparing;
mod losing;
mod looking;
mod merging;
mod fetching;

pub use boot::{Boot, JournalBoot};
pub use comparison::{ComparedItem, Comparison, Found};
pub use divergence::{Conflict, DivergenceId, DivergenceRecord, Fate, Winning};
pub use entry::{ChainHash, Entry, IdempotencyKey, KeptKey, Op, Record, SharedEntry};
pub use input::{AckRule, Direction, Input};
pub use lane::Lane;
pub use looking::ReadPoint;
pub use message::{
    JournalHead, KeyRange, Message, ModuleEntry, ModuleHash, RangeDigest, Scope, Session,
};
pub use output::{Alarm, Fact, Gap, Inconsistency, Output, Progress, SyncFailure};
pub use per_journal::PerJournal;
pub use replica::Replica;
pub use settings::{ENTRY_CHANGES_MAX, Limits, Settings};
pub use store_op::{JournalSwap, StoreOp, StoreTicket};
pub use write::{
    Acknowledged, Expectation, Outcome, Refusal, Taker, Write, WriteBody, WriteTicket,
};
