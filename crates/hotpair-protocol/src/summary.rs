//! What a node brings to an election, frozen. Too long for a beat.
use hotpair_types::{Designation, Epoch, History, Instance, Positions};
use serde::{Deserialize, Serialize};

/// One side of an election.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Whose it is.
    pub designation: Designation,
    /// Which start of it.
    pub instance: Instance,
    /// Its outputs were open.
    pub active: bool,
    /// Durable mark.
    pub sole: bool,
    /// Durable mark.
    pub unverified: bool,
    /// Durable mark.
    pub stale: bool,
    /// Its storage works.
    pub storage_ok: bool,
    /// The epoch that a person's `promote` made.
    pub promoted_by_person: Option<Epoch>,
    /// The last epoch really used.
    pub last_used: Epoch,
    /// The highest epoch raised or adopted.
    pub epoch: Epoch,
    /// How long it has been active.
    pub active_for_ms: u64,
    /// Both journals.
    pub history: History,
    /// What it has seen of the other.
    pub partner_seen: Option<PartnerSeen>,
}

/// What was seen of the partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerSeen {
    /// Its instance.
    pub instance: Instance,
    /// Where its journals ended.
    pub positions: Positions,
}
