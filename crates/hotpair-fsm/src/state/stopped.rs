//! Stopped: left cleanly, undeployed, or without a guard. Partners show it as Unknown.
use super::{Determining, Move, State};
use crate::context::Context;
use crate::{Action, ReplicaOrder, Rule, Step, Timer};
use std::time::Duration;

/// How long the last view is shown at most.
pub(super) const LEAVING_SHOWN_MAX: Duration = Duration::from_millis(500);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stopped {
    pub(super) leaving: bool,
    process: bool,
    /// The last view is shown, under a round of its own.
    last_shown: bool,
    announced: bool,
}

impl Stopped {
    pub(super) const fn undeployed() -> Self {
        Self { leaving: false, process: false, last_shown: false, announced: true }
    }

    /// The process is to end, at once.
    pub(super) const fn for_want_of_guard(&self) -> bool {
        self.process
    }

    pub(super) fn next(&mut self, cx: &mut Context) -> Option<Move> {
        if !self.leaving && cx.wishes.deploy {
            cx.wishes.undeploy = false;
            return Some((Rule::Deployed, Determining::enter(cx.settings.startup_allowance, cx)));
        }
        let kept = cx.is_durable() || !cx.facts.storage_ok;
        if !self.last_shown && cx.outputs_closed() && cx.is_durable() {
            // What is echoed with this round was said by who saw the final view, not one before it.
            self.last_shown = true;
            cx.facts.round += 1;
        }
        let seen = self.last_shown && cx.answers().is_some_and(|it| it.echo == cx.facts.round);
        let shown = seen || cx.heard().is_none() || cx.progress.leave_over;
        if !self.announced && cx.outputs_closed() && shown && (kept || cx.progress.leave_over) {
            self.announced = true;
            cx.release_grant();
            cx.act(Action::Stopped { process: self.process, seen });
        }
        None
    }
}

/// What ends every state.
pub(super) fn why_stop(state: &State, cx: &mut Context) -> Option<Move> {
    if matches!(state, State::Stopped(_)) {
        return None;
    }
    let rule = if cx.facts.guard_lost {
        Rule::GuardLost
    } else if cx.wishes.undeploy {
        Rule::Undeployed
    } else if cx.wishes.leave && may_leave(state, cx) {
        Rule::Leave
    } else {
        return None;
    };
    Some((rule, stop(rule, state, cx)))
}

/// Whether nothing better than leaving at once is left to do.
fn may_leave(state: &State, cx: &Context) -> bool {
    match state {
        State::Active(_) => {
            let ready =
                super::active::has_ready_partner(cx) && !cx.record.paused && cx.can_hand_over();
            cx.wishes.leave_now || !ready
        }
        State::ToStandby(_) => false,
        // The release is shown until it is answered.
        State::NotReady(_) => {
            let released = matches!(cx.facts.step, Step::Released { .. });
            let answered = cx.heard().is_none() || cx.heard_active().is_some();
            !released || answered || !cx.timers.is_set(Timer::Leave)
        }
        State::Determining(_)
        | State::ActiveAlone(_)
        | State::SyncingModules(_)
        | State::SyncingCode(_)
        | State::SyncingData(_)
        | State::Ready(_)
        | State::Missed(_)
        | State::ToActive(_)
        | State::Stopped(_) => true,
    }
}

fn stop(rule: Rule, state: &State, cx: &mut Context) -> State {
    cx.close_outputs();
    cx.act(Action::StopObjects);
    cx.order(ReplicaOrder::BecomeStandby);
    if state.id().is_standby() {
        // Deployed again, it begins anew.
        cx.order(ReplicaOrder::StopSync);
    }
    let leaving = rule != Rule::Undeployed;
    let follows = state.id().is_standby() && state.follows().is_some_and(|it| !cx.is_fenced(it));
    if leaving && follows {
        // Its active stays.
        cx.record.marks.stale = true;
        cx.record.marks.in_sync = false;
    }
    if leaving && state.id().is_active() && partner_has_all(cx) {
        // It may act on what it has; so this node may not act alone.
        cx.record.marks.sole = None;
    }
    cx.show(Step::None);
    cx.set(Timer::Leave, LEAVING_SHOWN_MAX);
    let process = rule == Rule::GuardLost;
    State::Stopped(Stopped { leaving, process, last_shown: false, announced: false })
}

/// The standby ends exactly where this active ends.
fn partner_has_all(cx: &Context) -> bool {
    cx.answers().is_some_and(|it| it.follows && !it.stale && it.positions == cx.positions())
}
