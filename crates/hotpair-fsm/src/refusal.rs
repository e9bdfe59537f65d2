//! Why a command is refused. The text is the same in CLI, API and page.
use crate::Pulse;
use hotpair_types::{Positions, StateId};

/// One reason with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The state does not take the command.
    #[error("not possible in {state}")]
    State {
        /// Of this node.
        state: StateId,
    },
    /// The partner is not ready to take over.
    #[error("the partner is {state}, it must be {}", StateId::StandbyReady)]
    PartnerNotReady {
        /// Of the partner.
        state: StateId,
    },
    /// The partner misses beats and the redundancy channel is not on time.
    #[error(
        "the partner misses beats and the redundancy channel is {redundancy}, it must be on time"
    )]
    RedundancyNotOnTime {
        /// How that channel stands here.
        redundancy: Pulse,
    },
    /// The partner shows a level state; that it is level under this very process is not known.
    #[error("the partner is {state}, but is not yet known to have everything")]
    PartnerNotLevel {
        /// Of the partner.
        state: StateId,
    },
    /// This standby misses beats on the redundancy channel too.
    #[error("beats are missed on the redundancy channel too (it is {redundancy}); use promote")]
    MissedOnRedundancy {
        /// How that channel stands here.
        redundancy: Pulse,
    },
    /// No beats are missed on the primary channel.
    #[error("the primary channel is on time")]
    PrimaryOnTime,
    /// There is no active to hand over.
    #[error("no active partner is heard")]
    NoActive,
    /// An active is heard: a planned switchover loses nothing.
    #[error("the partner is active and heard ({state}); use switchover")]
    ActiveHeard {
        /// Of the partner.
        state: StateId,
    },
    /// The loss was not confirmed.
    #[error("what is lost must be confirmed: this node ends at {positions}{}{}{}",
        .partner.map(|it| format!(", the partner was seen at {it}")).unwrap_or_default(),
        if *.stale { ", the partner went on without it" } else { "" },
        if *.unsynced { ", and it was not level" } else { "" })]
    LossNotConfirmed {
        /// Where this node's journals end.
        positions: Positions,
        /// The furthest that the partner was seen.
        partner: Option<Positions>,
        /// The partner went on without it.
        stale: bool,
        /// It was not level.
        unsynced: bool,
    },
    /// Storage does not work here.
    #[error("the storage of this node failed")]
    StorageFailed,
    /// Another command or a handover is under way.
    #[error("a change of role, or another command, is under way")]
    UnderWay,
    /// The partner cannot be reached, so that `pause` would not hold there.
    #[error("the partner is not reachable, so it would not be paused")]
    PartnerNotReachable,
    /// The partner did not answer in time.
    #[error("the partner did not answer within the handover time")]
    NoAnswer,
    /// A stopped engine.
    #[error("this engine is undeployed or has left")]
    Stopped,
    /// Only for the active.
    #[error("this node is not the active")]
    NotActive,
    /// Nobody but a person changes a role in a pause.
    #[error("automatic changes of role are paused")]
    Paused,
    /// Only for a standby.
    #[error("this node is not a standby")]
    NotStandby,
    /// The third party of mode `arbiter` does not answer the partner, which is to take over.
    #[error("the partner cannot reach the arbiter, so it could not take over")]
    PartnerArbiterAway,
    /// The third party of mode `arbiter` does not answer: nobody could get the grant.
    #[error("the arbiter cannot be reached from this node{}; roles stay as they are until it answers",
        .away.map(|it| format!(" for {} s", it.as_secs())).unwrap_or_default())]
    ArbiterAway {
        /// For how long; `None`: it has not answered since the start.
        away: Option<std::time::Duration>,
    },
}
