//! The durable record of each change of role (docs/design/states.md, S13).
use hotpair_types::{Epoch, Instance, NodeTime, Positions, StateId};

/// One change of role, for people and for `hotpair why`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleChange {
    /// When, on this node's wall clock. For people.
    pub at: NodeTime,
    /// Which start of this node.
    pub instance: Instance,
    /// The state it left.
    pub from: StateId,
    /// The state it entered.
    pub to: StateId,
    /// The rule that moved it.
    pub rule: String,
    /// What was known, in words.
    pub evidence: String,
    /// The epoch before.
    pub epoch_before: Epoch,
    /// The epoch after.
    pub epoch_after: Epoch,
    /// Where both journals ended.
    pub positions: Positions,
}
