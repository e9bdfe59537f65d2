//! 5, Standby - Sync'ng with Active: surplus code modules are removed, missing ones installed.
use super::syncing::why_end;
use super::{Follower, Move, State};
use crate::context::Context;
use crate::{ReplicaOrder, Rule};

pub(super) fn next(it: &mut Follower, cx: &mut Context) -> Option<Move> {
    if let Some(end) = why_end(it, cx) {
        return Some(end);
    }
    if !cx.progress.modules_match || cx.facts.module_missing {
        return None;
    }
    cx.order(ReplicaOrder::SettleWay);
    Some((Rule::ModulesMatch, State::SyncingCode(*it)))
}
