//! 9, Standby - Missed Heartbeats: asks on every channel and works out whether the active failed.
use super::level::{beats_fine, note_degraded, why_leave};
use super::{Follower, Move, Standby, State, ToActive};
use crate::context::Context;
use crate::{Hint, Rule, Timer};
use hotpair_types::Mode;

pub(super) fn next(it: &mut Follower, cx: &mut Context) -> Option<Move> {
    if let Some(moved) = why_leave(it, cx) {
        return Some(moved);
    }
    if cx.wishes.reinit {
        Standby::throw_away(cx);
        return Some((Rule::Reinit, Standby::enter_from_sync(Some(*it), cx)));
    }
    if let Some(rule) = why_act(cx)
        && cx.gets_grant(rule, Some(it.instance))
    {
        return Some(ToActive::enter_level(rule, it, cx));
    }
    let were = cx.facts.degraded;
    note_degraded(cx);
    if cx.facts.picture.hint != Hint::None || !beats_fine(cx) {
        return None;
    }
    if cx.progress.gap {
        return Some((Rule::Gap, Standby::enter_from_sync(Some(*it), cx)));
    }
    let news =
        cx.facts.degraded != were && (cx.facts.degraded.redundancy || cx.facts.degraded.primary);
    let rule = if news { Rule::ChannelDegraded } else { Rule::BeatsBack };
    Some((rule, State::Ready(*it)))
}

/// What the mode makes of silence.
fn why_act(cx: &Context) -> Option<Rule> {
    let picture = &cx.facts.picture;
    // A grant is as good as proof.
    let suspended = cx.record.damping.suspended && cx.settings.mode != Mode::Arbiter;
    let held = suspended || cx.timers.is_set(Timer::Silence);
    if !cx.may_move() || held || cx.progress.gap {
        return None;
    }
    match cx.settings.mode {
        Mode::Availability if picture.is_silent() => Some(Rule::Silent),
        Mode::Availability if picture.hint == Hint::Unanswered && !picture.refused => {
            Some(Rule::HintUnanswered)
        }
        Mode::NoSplit | Mode::Arbiter if picture.is_silent() && picture.promote_due => {
            Some(Rule::Silent)
        }
        Mode::Arbiter | Mode::Manual | Mode::Availability | Mode::NoSplit => None,
    }
}
