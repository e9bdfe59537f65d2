//! 6, Standby - Syncing Code: every module matches; how data travels is being settled.
use super::syncing::why_end;
use super::{Follower, Move, State};
use crate::context::Context;
use crate::{ReplicaOrder, Rule};

pub(super) fn next(it: &mut Follower, cx: &mut Context) -> Option<Move> {
    if let Some(end) = why_end(it, cx) {
        return Some(end);
    }
    if !cx.progress.way_settled {
        return None;
    }
    cx.order(ReplicaOrder::TransferData);
    Some((Rule::WaySettled, State::SyncingData(*it)))
}
