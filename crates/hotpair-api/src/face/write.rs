//! How a write is asked for and what became of it.
use super::Problem;
use hotpair_types::Ack;
use serde::{Deserialize, Serialize};

/// How a write is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// What the acknowledgement must mean; absent: the setting's.
    pub ack: Option<Ack>,
    /// A retry with the same key is applied once.
    pub idempotency_key: Option<String>,
}

/// A write that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The sequence of its entry.
    pub sequence: u64,
    /// The number of the epoch that wrote it.
    pub epoch: u64,
    /// What the acknowledgement means.
    pub acknowledged: Ack,
    /// Weaker than asked for, because there is no standby to have it.
    pub degraded: bool,
}

/// What became of a write: three outcomes, never two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteOutcome {
    /// It happened.
    Done(Done),
    /// It did not happen, and will not.
    Refused(Problem),
    /// It may have happened or not.
    Unknown {
        /// One sentence.
        detail: String,
    },
}
