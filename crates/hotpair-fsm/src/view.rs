//! What one machine shows the other, in every beat. Repeated state, not messages: losing one or
//! hearing one twice changes nothing.
use hotpair_types::{Epoch, Instance, Positions, StateId};

/// The public state of one engine on one node. The driver numbers views and drops older ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct View {
    /// Its own state, 1 to 11; `Unknown` when the engine is stopped or undeployed.
    pub state: StateId,
    /// Active, or on the way to or from it: its own. Standby: that of the active it follows.
    pub epoch: Epoch,
    /// Where its journals end.
    pub positions: Positions,
    /// The instance of the partner that this view speaks to; nothing in it holds for another.
    pub about: Option<Instance>,
    /// The last state of that partner it has seen.
    pub sees: Option<StateId>,
    /// Of a standby: it follows exactly the instance `about`.
    pub follows: bool,
    /// Of a standby: everything up to where the active was is here, in this round.
    pub has_all: bool,
    /// Of an active: it serves the sync of exactly the instance `about`, in this `round` of its own.
    pub serves: bool,
    /// The handover that is offered was asked for by a person.
    pub by_person: bool,
    /// Counts its stays in Determining Failover Status, and the syncs it began or began to serve.
    pub round: u32,
    /// The partner's `round` as last seen: what this view says is an answer to that.
    pub echo: u32,
    /// Outputs are open, or not yet confirmed closed.
    pub outputs_open: bool,
    /// Durable mark.
    pub sole: bool,
    /// Durable mark.
    pub unverified: bool,
    /// Durable mark.
    pub stale: bool,
    /// Durable mark.
    pub in_sync: bool,
    /// Durable on this node.
    pub paused: bool,
    /// Too many changes of role.
    pub suspended: bool,
    /// Of an active: the partner has everything since its round `echo`, and is trusted.
    pub level: bool,
    /// Of an active: the partner did not acknowledge data and must leave 8 and 9.
    pub drop: bool,
    /// It could act: its storage works and, in mode `arbiter`, the third party answers a node that does
    /// not act already.
    pub storage_ok: bool,
    /// Its required network works.
    pub network_ok: bool,
    /// The last view before a clean stop; outputs are closed and the positions final.
    pub leaving: bool,
    /// Stopped by a person; not a reason to take over.
    pub undeployed: bool,
    /// Its promotion failed; it waits before the next try.
    pub promotion_failed: bool,
    /// A `switchover` was asked for here and concerns the active.
    pub wants_switchover: bool,
    /// `pause` asked for here, not yet answered.
    pub wants_pause: Option<bool>,
    /// The step of a handover.
    pub step: Step,
    /// The hash of its frozen summary, when an election is held.
    pub summary: Option<u64>,
    /// The hash of both summaries, when it has both.
    pub pair: Option<u64>,
}

/// A step of a handover, shown until it is answered. The id is that of the offer: unique per
/// instance of the offering node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Step {
    /// No handover.
    #[default]
    None,
    /// Active: writes are stopped and drained, `positions` are final.
    Offer {
        /// Which.
        id: u32,
    },
    /// Standby: equal, and its new epoch is durable; outputs shut.
    Accept {
        /// Which.
        id: u32,
    },
    /// The old active's outputs are closed for good.
    Released {
        /// Which.
        id: u32,
    },
    /// The offer is void.
    Withdrawn {
        /// Which.
        id: u32,
    },
    /// Standby: it cannot take over.
    Declined {
        /// Which.
        id: u32,
    },
}

impl View {
    /// Says nothing yet: a stopped engine.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            state: StateId::Unknown,
            epoch: Epoch::NONE,
            positions: Positions {
                config: hotpair_types::Position::START,
                runtime: hotpair_types::Position::START,
            },
            about: None,
            sees: None,
            follows: false,
            has_all: false,
            serves: false,
            by_person: false,
            round: 0,
            echo: 0,
            outputs_open: false,
            sole: false,
            unverified: false,
            stale: false,
            in_sync: false,
            paused: false,
            suspended: false,
            level: false,
            drop: false,
            storage_ok: true,
            network_ok: true,
            leaving: false,
            undeployed: false,
            promotion_failed: false,
            wants_switchover: false,
            wants_pause: None,
            step: Step::None,
            summary: None,
            pair: None,
        }
    }
}
