//! 4, Standby - Not Ready: missed data, a missing module, or contact lost before the sync ended.
use super::switching_to_active::may_begin;
use super::{Follower, Move, Standby, State, ToActive};
use crate::context::Context;
use crate::facts::Partner;
use crate::{Pulse, ReplicaOrder, Rule, Step, Timer};
use hotpair_types::{Mode, StateId};

pub(super) fn next(it: &mut Standby, cx: &mut Context) -> Option<Move> {
    if cx.wishes.promote {
        return Some(ToActive::enter_behind(Rule::Promoted, it.follower, cx));
    }
    if cx.wishes.reinit {
        Standby::throw_away(cx);
    }
    answered(cx);
    if let Some(partner) = cx.heard_active() {
        follow(it, partner, cx);
        return begin_sync(it, partner, cx);
    }
    if cx.heard().is_some() {
        cx.facts.failed = None;
    }
    let fresh = !cx.record.marks.stale;
    let follows = it.follower.map(|it| it.instance);
    let again = cx.facts.failed.filter(|&why| fresh && may_begin(why, cx));
    if let Some(why) = again.filter(|&why| cx.gets_grant(why, follows)) {
        return Some(ToActive::enter_again(why, it.follower, cx));
    }
    let act = why_act(it, cx).filter(|&rule| may_begin(rule, cx));
    if let Some(rule) = act.filter(|&rule| cx.gets_grant(rule, follows)) {
        return Some(ToActive::enter_behind(rule, it.follower, cx));
    }
    if cx.is_elected() && cx.gets_grant(Rule::Elected, follows) {
        return Some(ToActive::enter_behind(Rule::Elected, it.follower, cx));
    }
    if cx.wins() == Some(false) && cx.facts.lost_to.is_none() {
        Standby::note_lost(cx);
    }
    None
}

/// A released handover is answered when the partner acts under its own epoch.
fn answered(cx: &mut Context) {
    let Step::Released { .. } = cx.facts.step else { return };
    if cx.heard_active().is_some() {
        cx.show(Step::None);
        cx.facts.released = None;
    }
}

/// Another process or another epoch acts now.
fn follow(it: &mut Standby, partner: Partner, cx: &mut Context) {
    let same = it.follower.is_some_and(|follower| {
        follower.instance == partner.instance && follower.epoch == partner.view.epoch
    });
    if !same && let State::NotReady(new) = Standby::enter_under(partner, cx) {
        *it = new;
    }
}

fn begin_sync(it: &Standby, partner: Partner, cx: &mut Context) -> Option<Move> {
    let blocked = cx.facts.settings_differ.is_some()
        || !cx.facts.storage_ok
        || !cx.facts.network_ok
        || cx.wishes.leave
        // The election's winner has not fetched what we are ahead yet.
        || partner.view.summary.is_some()
        || !partner.view.serves
        || partner.view.about != Some(cx.instance)
        || !cx.is_durable()
        || cx.timers.is_set(Timer::Retry)
        || cx.timers.is_set(Timer::SyncPause);
    let follower = it.follower.filter(|_| !blocked)?;
    cx.facts.round += 1;
    cx.order(ReplicaOrder::SyncModules);
    let pulse = cx.facts.picture.channels.redundancy;
    let over_redundancy = matches!(pulse, Pulse::OnTime | Pulse::Missed);
    let session = partner.view.round;
    let follower = Follower { session, over_redundancy, ..follower };
    Some((Rule::BeginSync, State::SyncingModules(follower)))
}

/// Whether the data here is proven to be the newest though this node is not level.
fn why_act(it: &Standby, cx: &Context) -> Option<Rule> {
    // Not even on proof: what it missed since is not in what was proven.
    if !cx.may_move() || cx.record.marks.stale {
        return None;
    }
    if let Some(rule) = hand_back(cx) {
        return Some(rule);
    }
    let follower = it.follower?;
    if let Some(rule) = super::level::late_release(&follower, cx) {
        return Some(rule);
    }
    let last = cx.last_of(follower.instance)?;
    if last.leaving && !last.sole && last.positions == cx.positions() {
        return Some(Rule::LeftEqual);
    }
    winner_fenced(&follower, cx)
}

/// The partner took our handover, could not act, and has nothing we lack.
fn hand_back(cx: &Context) -> Option<Rule> {
    let released = cx.facts.released?;
    let partner = cx.answers()?;
    let same = partner.positions == released.positions && cx.positions() == released.positions;
    let gave_up = partner.promotion_failed && partner.state == StateId::StandbyNotReady;
    (gave_up && same).then_some(Rule::HandBack)
}

/// The election's winner is proven dead before our data was swapped.
pub(super) fn winner_fenced(follower: &Follower, cx: &Context) -> Option<Rule> {
    let fenced = cx.facts.fenced.filter(|it| it.instance == follower.instance && !it.behind)?;
    let lost = cx.facts.lost_to == Some(fenced.instance);
    let last = cx.last_of(fenced.instance)?;
    // What its guard says is of its process; its data may be older than that and more than is here.
    let equal = cx.contains(last.positions);
    // Elected with the right to act alone from a life before, it comes back with that.
    let returns = last.sole && matches!(cx.settings.mode, Mode::NoSplit | Mode::Manual);
    (lost && equal && !returns && !cx.record.marks.stale && cx.may_move())
        .then_some(Rule::WinnerFenced)
}
