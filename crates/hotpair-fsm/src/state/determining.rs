//! 1, Determining Failover Status: unsure, outputs closed, asks the partner.
use super::{Move, Standby, State, ToActive};
use crate::context::Context;
use crate::{Rule, Timer};
use hotpair_types::{Mode, StateId};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Determining {
    /// Won against an unverified active, which closes its outputs now.
    pub(super) won: bool,
}

impl Determining {
    /// Begins to ask. Whatever was open is closed first.
    pub(crate) fn enter(allowance: Duration, cx: &mut Context) -> State {
        cx.close_outputs();
        cx.facts.round += 1;
        cx.facts.lost_to = None;
        cx.set(Timer::StartupAllowance, allowance);
        State::Determining(Self { won: false })
    }

    /// Asks again after having acted: the partner answers within the detection bound, if at all.
    pub(super) fn enter_unsure(cx: &mut Context) -> State {
        let allowance = cx.settings.beats.detection_bound() * 4;
        cx.order(crate::ReplicaOrder::BecomeStandby);
        cx.act(crate::Action::StopObjects);
        Self::enter(allowance.min(cx.settings.startup_allowance), cx)
    }

    pub(super) fn next(&mut self, cx: &mut Context) -> Option<Move> {
        if !cx.outputs_closed() {
            return None;
        }
        if cx.wishes.promote {
            return Some(ToActive::enter_unsure(Rule::Promoted, cx));
        }
        if let Some(partner) = cx.heard_active()
            && !(partner.view.unverified && !partner.view.sole && cx.sole())
        {
            return Some((Rule::PartnerActive, Standby::enter_under(partner, cx)));
        }
        let answer = cx.answers();
        match answer.map(|it| it.state) {
            Some(StateId::StandbyReady | StateId::StandbyMissedHeartbeats) => {
                return next_to_level(cx);
            }
            Some(StateId::SwitchingToActive) => {
                let lost = cx.wins() == Some(false);
                return lost.then(|| (Rule::NotElected, Standby::enter_lost(cx)));
            }
            Some(StateId::SwitchingToStandby) => {
                self.note_verdict(cx);
                return None;
            }
            Some(_) | None => {}
        }
        self.note_verdict(cx);
        let closed = answer.is_some_and(|it| !it.outputs_open && it.state.is_syncing());
        let yielded = self.won && closed && cx.may_move();
        if yielded && cx.gets_grant(Rule::PartnerYielded, None) {
            return Some(ToActive::enter_unsure(Rule::PartnerYielded, cx));
        }
        if let Some(active) = cx.heard_active() {
            // It is unverified and wins all the same.
            let lost = cx.wins() == Some(false);
            return lost.then(|| (Rule::NotElected, Standby::enter_under(active, cx)));
        }
        if answer.is_some() {
            if cx.is_elected() && cx.gets_grant(Rule::Elected, None) {
                return Some(ToActive::enter_unsure(Rule::Elected, cx));
            }
            if cx.wins() == Some(false) {
                return Some((Rule::NotElected, Standby::enter_lost(cx)));
            }
        }
        alone(cx)
    }

    fn note_verdict(&mut self, cx: &Context) {
        let against_active = cx.answers().is_some_and(|it| it.unverified && it.outputs_open);
        self.won |= against_active && cx.wins() == Some(true);
        // Its answer is gone: so is what it agreed to.
        self.won &= cx.answers().is_some();
    }
}

/// The partner was level under us, or under our former process.
fn next_to_level(cx: &mut Context) -> Option<Move> {
    let answer = cx.answers()?;
    if !answer.follows {
        // With `sole` the partner learns first that we went on without it.
        return (!cx.sole()).then(|| (Rule::PartnerTakesOver, Standby::enter_waiting(cx)));
    }
    let moved = answer.echo != cx.facts.round;
    let goes_on = !moved && cx.may_move() && cx.is_promised();
    (goes_on && cx.gets_grant(Rule::NotMoved, None))
        .then(|| ToActive::enter_unsure(Rule::NotMoved, cx))
}

/// Nobody was heard for the allowance.
fn alone(cx: &mut Context) -> Option<Move> {
    if !cx.progress.alone_over || cx.facts.picture.is_reachable() || cx.facts.picture.refused {
        return None;
    }
    if !cx.may_move() || cx.record.marks.stale || cx.facts.module_missing {
        return None;
    }
    // The promise that an acknowledgement was may be one of our former process.
    if cx.settings.mode == Mode::Arbiter && !cx.facts.picture.promote_due {
        return None;
    }
    if cx.sole() {
        return cx
            .gets_grant(Rule::AloneSole, None)
            .then(|| ToActive::enter_unsure(Rule::AloneSole, cx));
    }
    cx.settings.may_assume().then(|| ToActive::enter_unsure(Rule::AloneUnverified, cx))
}
