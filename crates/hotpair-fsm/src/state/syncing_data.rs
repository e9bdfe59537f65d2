//! 7, Standby - Syncing Data: data is brought level; the active says when it is.
use super::level::told_level;
use super::syncing::why_end;
use super::{Follower, Move, State};
use crate::context::Context;
use crate::{ReplicaOrder, Rule};

pub(super) fn next(it: &mut Follower, cx: &mut Context) -> Option<Move> {
    if let Some(end) = why_end(it, cx) {
        return Some(end);
    }
    if !told_level(it, cx) || cx.progress.gap || cx.facts.module_missing {
        return None;
    }
    // Level, durably, before anybody may count on it.
    cx.record.marks.in_sync = true;
    cx.record.marks.stale = false;
    cx.record.marks.sole = None;
    cx.record.promoted_by_person = None;
    cx.record.last_used = it.epoch;
    cx.note_partner_seen(true);
    if !cx.is_durable() {
        return None;
    }
    cx.facts.lost_to = None;
    cx.facts.failures = 0;
    cx.facts.broken_syncs = 0;
    cx.order(ReplicaOrder::Follow);
    Some((Rule::Level, State::Ready(*it)))
}
