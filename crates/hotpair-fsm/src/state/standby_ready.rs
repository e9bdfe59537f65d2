//! 8, Standby - Ready: level with the active, follows every change, watches beats.
use super::level::{beats_fine, note_recovered, why_leave};
use super::{Follower, Move, Standby, State};
use crate::context::Context;
use crate::{Hint, Rule};

pub(super) fn next(it: &mut Follower, cx: &mut Context) -> Option<Move> {
    if let Some(moved) = why_leave(it, cx) {
        return Some(moved);
    }
    note_recovered(cx);
    if let Some(rule) = why_unready(cx) {
        if rule == Rule::Reinit {
            Standby::throw_away(cx);
        }
        return Some((rule, Standby::enter_from_sync(Some(*it), cx)));
    }
    if cx.facts.picture.hint != Hint::None {
        return Some((Rule::Hinted, State::Missed(*it)));
    }
    (!beats_fine(cx)).then_some((Rule::BeatMissed, State::Missed(*it)))
}

/// Something of our own is missing.
fn why_unready(cx: &Context) -> Option<Rule> {
    match () {
        () if !cx.facts.storage_ok => Some(Rule::StorageFailed),
        () if cx.wishes.reinit => Some(Rule::Reinit),
        () if cx.progress.gap => Some(Rule::Gap),
        () if cx.facts.module_missing => Some(Rule::ModuleMissing),
        () if !cx.facts.network_ok => Some(Rule::NetworkLost),
        () if cx.facts.settings_differ.is_some() => Some(Rule::SettingsDiffer),
        () => None,
    }
}
