//! 2, Active: runs objects, accepts writes; the partner is a reachable standby.
use super::acting::{Acting, why_leave};
use super::{Move, State, ToStandby};
use crate::context::Context;
use crate::{Pulse, Rule, Timer};
use hotpair_types::{Channel, Designation, Mode, RecoveryMode, StateId};

pub(super) fn next(it: &mut Acting, cx: &mut Context) -> Option<Move> {
    if let Some(moved) = why_leave(it, false, cx) {
        return Some(moved);
    }
    let recovery = wants_recovery(cx);
    cx.reconcile_recovery(recovery);
    if let Some((rule, by_person)) = why_hand_over(recovery, cx).filter(|_| it.won.is_none()) {
        return Some((rule, ToStandby::enter_offering(by_person, it, cx)));
    }
    let rule = why_alone(cx)?;
    if matches!(rule, Rule::PartnerSilent | Rule::PartnerLeft) {
        // The master was lost since: recovery may act again.
        cx.record.recovery_held = false;
    }
    cx.facts.unacknowledged = false;
    Some((rule, State::ActiveAlone(it.clone())))
}

/// The standby is level: 8, or 9 with the redundancy channel on time.
pub(crate) fn has_ready_partner(cx: &Context) -> bool {
    let Some(view) = cx.answers().filter(|_| cx.trust.level) else { return false };
    let redundancy = cx.facts.picture.channels[Channel::Redundancy] == Pulse::OnTime;
    view.state == StateId::StandbyReady
        || (view.state == StateId::StandbyMissedHeartbeats && redundancy)
}

fn wants_recovery(cx: &Context) -> bool {
    let ready = cx.answers().is_some_and(|it| it.state == StateId::StandbyReady && it.network_ok);
    cx.settings.recovery == RecoveryMode::Automatic
        && cx.settings.designation == Designation::Backup
        && ready
        && cx.trust.level
        && !cx.record.paused
        && !cx.record.damping.suspended
        && !cx.record.recovery_held
}

/// A handover that is asked for, or that this host needs.
fn why_hand_over(recovery: bool, cx: &Context) -> Option<(Rule, bool)> {
    if !has_ready_partner(cx) || !cx.can_hand_over() {
        return None;
    }
    let partner = cx.answers()?;
    if cx.wishes.leave && !cx.wishes.leave_now && !cx.record.paused {
        return Some((Rule::HandOverLeave, false));
    }
    if cx.wishes.switchover || partner.wants_switchover {
        return Some((Rule::Switchover, true));
    }
    if cx.record.paused {
        return None;
    }
    if cx.wishes.hand_over {
        return Some((Rule::HandOverService, true));
    }
    if was_declined(cx) {
        return None;
    }
    if !cx.facts.storage_ok && partner.storage_ok {
        return Some((Rule::HandOverStorage, false));
    }
    if !cx.facts.network_ok && partner.network_ok {
        return Some((Rule::HandOverNetwork, false));
    }
    (recovery && cx.progress.hold_over).then_some((Rule::Recovery, false))
}

/// The standby cannot get the grant: it is not offered again for a while.
fn was_declined(cx: &Context) -> bool {
    cx.settings.mode == Mode::Arbiter && cx.timers.is_set(Timer::Retry)
}

/// The standby is no longer one.
fn why_alone(cx: &Context) -> Option<Rule> {
    let partner = cx.facts.partner?;
    let view = partner.view;
    if view.leaving || view.undeployed || cx.is_fenced(partner.instance) {
        return Some(Rule::PartnerLeft);
    }
    let spoken = view.about == Some(cx.instance);
    if spoken && cx.facts.unacknowledged && view.stale && view.state.is_syncing() {
        return Some(Rule::DropConfirmed);
    }
    let picture = &cx.facts.picture;
    let silent = picture.is_silent() || !picture.acknowledged;
    let allowed = match cx.settings.mode {
        Mode::NoSplit => cx.sole(),
        // Without the grant it lives on acknowledgements alone.
        Mode::Arbiter => cx.is_granted() || cx.grant.by_person,
        Mode::Availability | Mode::Manual => true,
    };
    (silent && allowed).then_some(Rule::PartnerSilent)
}
