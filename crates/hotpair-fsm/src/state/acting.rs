//! What 2 and 3 share: what makes an active unsure, and what two actives do.
use super::{Determining, Move, ToStandby};
use crate::context::Context;
use crate::{ReplicaOrder, Rule};
use hotpair_types::{Epoch, History, Instance, StateId, Time};

/// Acts under an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Acting {
    pub(crate) epoch: Epoch,
    pub(crate) since: Time,
    /// Won against another active: what is left to do.
    pub(crate) won: Option<Won>,
}

/// After an election against another active: wait until it has closed its outputs, fetch what it
/// has ahead, then go on under an epoch above both.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Won {
    loser: Instance,
    history: History,
    fetching: bool,
    raised: Option<Epoch>,
}

/// The rows that 2 and 3 have in common.
pub(super) fn why_leave(it: &mut Acting, alone: bool, cx: &mut Context) -> Option<Move> {
    if let Some(rule) = why_unsure(it, alone, cx) {
        return Some((rule, Determining::enter_unsure(cx)));
    }
    note_verified(cx);
    let both = cx.answers().is_some_and(|view| view.state.is_active());
    let sole_partner = cx
        .answers()
        .is_some_and(|view| view.sole && view.state == StateId::DeterminingFailoverStatus);
    let yields = cx.record.marks.unverified && !cx.sole() && sole_partner;
    if both || yields {
        match cx.wins() {
            Some(false) => {
                let rule = if yields { Rule::UnverifiedYields } else { Rule::ElectionLost };
                return Some((rule, ToStandby::enter_lost(rule, it, cx)));
            }
            Some(true) if it.won.is_none() => note_won(it, cx),
            Some(true) | None => {}
        }
    }
    settle_won(it, cx);
    None
}

fn why_unsure(it: &Acting, alone: bool, cx: &Context) -> Option<Rule> {
    if cx.progress.stalled {
        return Some(Rule::Stalled);
    }
    if cx.facts.picture.fence_due && cx.is_fenced_by_silence() {
        return Some(Rule::FenceDue);
    }
    if let Some(rule) = cx.why_ungranted() {
        return Some(rule);
    }
    let one_way = cx.facts.picture.one_way
        && cx.heard_active().is_some_and(|partner| partner.view.epoch > it.epoch);
    if one_way {
        return Some(Rule::OneWay);
    }
    // Closing is never paused, and a pause lets nothing be handed over.
    // Nor where one of the two could not reach the arbiter.
    let nobody_takes =
        alone || !cx.partner_state().is_level() || cx.record.paused || !cx.can_hand_over();
    (!cx.facts.storage_ok && nobody_takes).then_some(Rule::StorageFailed)
}

/// The partner follows us without `sole`: the question who is right is decided.
fn note_verified(cx: &mut Context) {
    let follows = cx.answers().is_some_and(|it| it.follows && it.state.is_standby() && !it.sole);
    if cx.record.marks.unverified && follows {
        cx.record.marks.unverified = false;
    }
}

fn note_won(it: &mut Acting, cx: &Context) {
    let Some(loser) = &cx.facts.partner_summary else { return };
    it.won = Some(Won {
        loser: loser.summary.instance,
        history: loser.summary.history.clone(),
        fetching: false,
        raised: None,
    });
}

/// Does what is left to do after an election was won.
fn settle_won(it: &mut Acting, cx: &mut Context) {
    let Some(won) = &mut it.won else { return };
    if let Some(epoch) = won.raised {
        if cx.is_durable() {
            it.epoch = epoch;
            it.won = None;
            cx.open_outputs(epoch);
            cx.order(ReplicaOrder::ResumeWrites { epoch });
        }
        return;
    }
    let loser = cx.answers().filter(|_| cx.last_of(won.loser).is_some());
    let same = loser.is_some();
    if loser.is_some_and(|view| view.outputs_open || !view.state.is_syncing()) {
        return;
    }
    if same && !won.fetching {
        won.fetching = true;
        let loser = won.history.clone();
        cx.order(ReplicaOrder::FetchAhead { loser });
    }
    // A loser that is gone is compared again when it is back.
    let gone = cx.facts.partner.is_none_or(|partner| partner.instance != won.loser)
        || cx.is_fenced(won.loser);
    if gone || cx.progress.fetched {
        let epoch = cx.next_epoch();
        won.raised = Some(epoch);
        cx.record.epoch = epoch;
        cx.record.last_used = epoch;
        if cx.record.marks.sole.is_some() {
            cx.record.marks.sole = Some(epoch);
        }
    }
}
