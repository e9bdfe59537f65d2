//! What the machine keeps on disk: one small record per engine and node, stored whole.
use hotpair_types::{Epoch, Instance, Marks, Positions};

/// The durable record of one engine on one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Record {
    /// The highest epoch this node has raised or adopted. Never goes down.
    pub epoch: Epoch,
    /// The last epoch that was really used: opened outputs under it, or was level with its active.
    pub last_used: Epoch,
    /// What this node knows of its own trustworthiness.
    pub marks: Marks,
    /// The epoch that a person's `promote` made, until the next level standby.
    pub promoted_by_person: Option<Epoch>,
    /// A person's switchover holds back automatic recovery until the master was lost.
    pub recovery_held: bool,
    /// Maintenance: no automatic change of role.
    pub paused: bool,
    /// How often the role changed lately.
    pub damping: Damping,
    /// The newest of the partner that was seen.
    pub partner_seen: Option<PartnerSeen>,
}

/// Changes of role, counted over restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Damping {
    /// Changes within the window that began with the first.
    pub changes: u32,
    /// Past the limit: no recovery and no takeover on silence.
    pub suspended: bool,
}

/// What was seen of the partner: a partner below that was rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PartnerSeen {
    /// Its instance.
    pub instance: Instance,
    /// Where its journals ended.
    pub positions: Positions,
}
