//! What the three syncing states share: what ends a sync.
use super::{Follower, Move, Standby, ToActive};
use crate::context::Context;
use crate::{Pulse, Rule, Timer};
use std::time::Duration;

/// How many syncs in a row begin anew at once.
const AT_ONCE: u32 = 2;
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest pause is 3.2 s.
const PAUSE_DOUBLINGS_MAX: u32 = 5;

/// A row that leaves 5, 6 or 7 other than forward.
pub(super) fn why_end(it: &Follower, cx: &mut Context) -> Option<Move> {
    if let Some(rule) = super::not_ready::winner_fenced(it, cx)
        && cx.gets_grant(rule, Some(it.instance))
    {
        return Some(ToActive::enter_behind(rule, Some(*it), cx));
    }
    if cx.wishes.reinit {
        Standby::throw_away(cx);
        return Some((Rule::Reinit, Standby::enter_from_sync(Some(*it), cx)));
    }
    let rule = broken(it, cx)?;
    if matches!(rule, Rule::SyncBroken | Rule::Gap) {
        pause(cx);
    }
    Some((rule, Standby::enter_from_sync(Some(*it), cx)))
}

/// One that breaks off begins anew at once: what it lacked may be had in another way. The third in a row waits,
/// and each further one twice as long: what is missing may be missing for good.
fn pause(cx: &mut Context) {
    if cx.facts.broken_syncs >= AT_ONCE {
        let doublings = cx.facts.broken_syncs - AT_ONCE;
        cx.set(Timer::SyncPause, PAUSE_FIRST * 2_u32.pow(doublings));
    }
    cx.facts.broken_syncs = (cx.facts.broken_syncs + 1).min(AT_ONCE + PAUSE_DOUBLINGS_MAX);
}

fn broken(it: &Follower, cx: &Context) -> Option<Rule> {
    let active = cx.heard_active().filter(|partner| {
        let view = partner.view;
        let served = view.serves && view.round == it.session;
        partner.instance == it.instance && view.epoch == it.epoch && served
    });
    let redundancy_lost =
        it.over_redundancy && cx.facts.picture.channels.redundancy == Pulse::Silent;
    match () {
        () if !cx.facts.storage_ok => Some(Rule::StorageFailed),
        () if active.is_none() => Some(Rule::ActiveLost),
        () if redundancy_lost => Some(Rule::RedundancyLost),
        () if cx.progress.gap => Some(Rule::Gap),
        () if cx.progress.sync_failed => Some(Rule::SyncBroken),
        () if cx.facts.settings_differ.is_some() => Some(Rule::SettingsDiffer),
        () if !cx.facts.network_ok => Some(Rule::NetworkLost),
        () => None,
    }
}
