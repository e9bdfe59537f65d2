//! 3, Active - Standby not Available: acts, and keeps trying to reach the partner.
use super::acting::{Acting, why_leave};
use super::{Move, State};
use crate::Rule;
use crate::context::Context;

pub(super) fn next(it: &mut Acting, cx: &mut Context) -> Option<Move> {
    if let Some(moved) = why_leave(it, true, cx) {
        return Some(moved);
    }
    // A partner still in 8 or 9 must first learn that we went on without it.
    let view = cx.answers()?;
    let back = view.follows && view.state.is_syncing() && cx.facts.picture.acknowledged;
    back.then(|| (Rule::PartnerBack, State::Active(it.clone())))
}
