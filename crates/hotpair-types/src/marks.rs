//! Durable marks of an engine on one node (docs/design/states.md, "Words").
use crate::Epoch;

/// What a node durably knows of its own trustworthiness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Marks {
    /// A standby that is level with the active as far as it knows.
    pub in_sync: bool,
    /// The partner went on without me.
    pub stale: bool,
    /// The partner cannot rightly become active by itself; bound to this epoch, void when that is
    /// burned.
    pub sole: Option<Epoch>,
    /// Active that started alone without `sole`.
    pub unverified: bool,
}
