//! What 8 and 9 share: evidence that promotes, and what takes the level away.
use super::switching_to_active::may_begin;
use super::{Follower, Move, Standby, ToActive};
use crate::context::Context;
use crate::{Pulse, ReplicaOrder, Rule, Step, View};
use hotpair_types::{Channel, StateId};

/// The active counts exactly this attempt of ours as level.
pub(super) fn told_level(it: &Follower, cx: &Context) -> bool {
    cx.answers()
        .is_some_and(|view| view.level && view.echo == cx.facts.round && view.epoch == it.epoch)
}

/// Every row that 8 and 9 have in common.
pub(super) fn why_leave(it: &mut Follower, cx: &mut Context) -> Option<Move> {
    if cx.wishes.promote {
        return Some(ToActive::enter_level(Rule::Promoted, it, cx));
    }
    if let Some(moved) = why_unready(it, cx) {
        return Some(moved);
    }
    let act = why_act(it, cx).filter(|&rule| may_begin(rule, cx));
    if let Some(rule) = act.filter(|&rule| cx.gets_grant(rule, Some(it.instance))) {
        return Some(ToActive::enter_level(rule, it, cx));
    }
    decline(it, cx);
    // A person's handover is not held back by a pause.
    if let Some((id, by_person)) = offer(it, cx)
        && cx.may_act()
        && cx.arbiter_answers()
        && (by_person || !cx.record.paused)
    {
        return Some(ToActive::enter_offered(id, by_person, it, cx));
    }
    if cx.is_elected() && cx.gets_grant(Rule::Elected, Some(it.instance)) {
        return Some(ToActive::enter_level(Rule::Elected, it, cx));
    }
    (cx.wins() == Some(false)).then(|| {
        cx.order(ReplicaOrder::StopSync);
        (Rule::NotElected, Standby::enter_lost(cx))
    })
}

/// Proof that the active is gone, and that nothing is missing here that it answered.
fn why_act(it: &Follower, cx: &Context) -> Option<Rule> {
    // What is proven of a process counts no more once its successor is about to act.
    let successor = cx.heard_partner().filter(|partner| partner.instance != it.instance);
    if successor.is_some_and(|partner| partner.view.state == StateId::SwitchingToActive) {
        return None;
    }
    if let Some(fenced) = cx.facts.fenced.filter(|fenced| fenced.instance == it.instance) {
        return (!fenced.behind).then_some(Rule::Fenced);
    }
    if let Some(rule) = late_release(it, cx) {
        return Some(rule);
    }
    let partner = cx.facts.partner?;
    let last = partner.view;
    if partner.instance == it.instance {
        return why_left(&last, cx).filter(|&rule| rule != Rule::LeftBeyond);
    }
    let undecided = last.state == StateId::DeterminingFailoverStatus || last.state.is_standby();
    let newer = cx.heard_partner().is_some() && undecided && !last.sole;
    newer.then_some(Rule::NewerInstance)
}

/// What the active's leaving says of what it answered.
fn why_left(last: &View, cx: &Context) -> Option<Rule> {
    // Who leaves does not act any more. One that says both is not believed: what it says would begin a
    // promotion and call it off, again and again.
    if !last.leaving || last.state.is_active() {
        return None;
    }
    if !last.sole && cx.contains(last.positions) {
        return Some(Rule::Left);
    }
    // Nothing is answered as degraded without one of the two marks; so what is not here was promised to
    // nobody, as where the process was killed.
    let alone = last.sole || last.unverified;
    Some(if alone { Rule::LeftBeyond } else { Rule::LeftUnreplicated })
}

/// The old active released the offer that we had accepted and given up waiting for.
pub(super) fn late_release(it: &Follower, cx: &Context) -> Option<Rule> {
    let id = cx.facts.accepted?;
    let view = cx.answers().filter(|_| cx.last_of(it.instance).is_some())?;
    let released = view.step == Step::Released { id } && !view.outputs_open;
    (released && cx.contains(view.positions)).then_some(Rule::LateRelease)
}

/// An offer of the followed active whose final positions are ours.
fn offer(it: &Follower, cx: &Context) -> Option<(u32, bool)> {
    let view = cx.answers().filter(|_| cx.last_of(it.instance).is_some())?;
    let Step::Offer { id } = view.step else { return None };
    let offered = view.state == StateId::SwitchingToStandby && cx.facts.accepted != Some(id);
    (offered && view.positions == cx.positions()).then_some((id, view.by_person))
}

/// A handover that could not be taken is declined at once, as long as it is offered.
fn decline(it: &Follower, cx: &mut Context) {
    match offer(it, cx).filter(|_| !cx.arbiter_answers()) {
        Some((id, _)) => cx.show(Step::Declined { id }),
        None if matches!(cx.facts.step, Step::Declined { .. }) => cx.show(Step::None),
        None => {}
    }
}

/// What takes the level away.
fn why_unready(it: &mut Follower, cx: &mut Context) -> Option<Move> {
    if let Some(fenced) = cx.facts.fenced
        && fenced.instance == it.instance
        && fenced.behind
    {
        return Some((Rule::FencedBehind, Standby::enter_from_sync(Some(*it), cx)));
    }
    if cx.progress.not_sent {
        return Some((Rule::ActiveWentOn, Standby::enter_stale(*it, cx)));
    }
    let partner = cx.facts.partner?;
    let last = partner.view;
    // Also in a process that came after the one that was followed.
    if last.undeployed {
        return Some((Rule::PartnerUndeployed, Standby::enter_from_sync(None, cx)));
    }
    if partner.instance != it.instance {
        let heard = cx.heard()?;
        if heard.sole && !heard.state.is_active() {
            // It had gone on without us before it was replaced.
            return Some((Rule::ActiveWentOn, Standby::enter_stale(*it, cx)));
        }
        let active = cx.heard_active()?;
        cx.order(ReplicaOrder::StopSync);
        return Some((Rule::PartnerActive, Standby::enter_under(active, cx)));
    }
    if why_left(&last, cx) == Some(Rule::LeftBeyond) {
        return Some((Rule::LeftBeyond, Standby::enter_from_sync(Some(*it), cx)));
    }
    if last.about != Some(cx.instance) {
        return None;
    }
    match last.state {
        StateId::ActiveStandbyNotAvailable => {
            Some((Rule::ActiveWentOn, Standby::enter_stale(*it, cx)))
        }
        StateId::Active if last.drop => Some((Rule::Dropped, Standby::enter_stale(*it, cx))),
        StateId::Active if last.level && last.echo == cx.facts.round => {
            // It resumed under a newer epoch.
            if it.epoch < last.epoch {
                it.epoch = last.epoch;
                cx.record.epoch = cx.record.epoch.max(last.epoch);
                cx.record.last_used = last.epoch;
            }
            None
        }
        StateId::Active => Some((Rule::NotLevel, Standby::enter_from_sync(Some(*it), cx))),
        StateId::DeterminingFailoverStatus
        | StateId::StandbyNotReady
        | StateId::StandbySyncingWithActive
        | StateId::StandbySyncingCode
        | StateId::StandbySyncingData
        | StateId::StandbyReady
        | StateId::StandbyMissedHeartbeats
        | StateId::SwitchingToActive
        | StateId::SwitchingToStandby
        | StateId::Failed
        | StateId::Unknown => None,
    }
}

/// A channel that came back is no longer degraded.
pub(super) fn note_recovered(cx: &mut Context) {
    for channel in Channel::ALL {
        if cx.on_time(channel) {
            cx.facts.degraded[channel] = false;
        }
    }
}

/// A channel is silent while the other works: no news after that.
pub(super) fn note_degraded(cx: &mut Context) {
    for channel in Channel::ALL {
        let own = cx.facts.picture.channels[channel];
        let other = cx.facts.picture.channels[channel.other()];
        let lost = matches!(own, Pulse::Silent | Pulse::Never);
        if own == Pulse::OnTime || !matches!(other, Pulse::OnTime | Pulse::Missed) {
            cx.facts.degraded[channel] = false;
        } else if lost && other == Pulse::OnTime {
            cx.facts.degraded[channel] = true;
        }
    }
}

/// Every channel that is not degraded is on time.
pub(super) fn beats_fine(cx: &Context) -> bool {
    let picture = &cx.facts.picture;
    picture.channels.iter().all(|(it, &pulse)| pulse == Pulse::OnTime || cx.facts.degraded[it])
        && Channel::ALL.into_iter().any(|it| !cx.facts.degraded[it])
}
