//! What an active thinks of its standby, and how it therefore answers writes.
//!
//! `sole` is durable and the guard knows before the first degraded answer; `sole` is durably
//! removed and the guard knows before the standby is told that it is level.
use crate::context::Context;
use crate::{Acknowledge, Action, ReplicaOrder, Timer};
use hotpair_types::{Instance, Mode, StateId};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Trust {
    /// The standby's round in which everything was transferred.
    pub(crate) transferred: Option<u32>,
    /// The standby is told that it is level.
    pub(crate) level: bool,
    /// What the guard knows.
    pub(crate) told: bool,
    /// What the guard was told last.
    pub(crate) telling: bool,
    pub(crate) acknowledge: Acknowledge,
    /// Whose sync is served.
    pub(crate) serving: Option<Instance>,
}

impl Context {
    /// The replica says that the standby has everything.
    pub(crate) fn note_transferred(&mut self) {
        if let Some(view) = self.answers().filter(|it| it.follows) {
            self.trust.transferred = Some(view.round);
        }
    }

    /// The standby no longer has, or no longer follows.
    pub(crate) fn check_transferred(&mut self) {
        let Some(round) = self.trust.transferred else { return };
        let Some(partner) = self.facts.partner else { return };
        let view = partner.view;
        let follows = view.about == Some(self.instance)
            && view.round == round
            && !self.is_fenced(partner.instance)
            && match view.state {
                StateId::StandbySyncingWithActive
                | StateId::StandbySyncingCode
                | StateId::StandbySyncingData
                | StateId::StandbyReady
                | StateId::StandbyMissedHeartbeats => view.follows,
                StateId::SwitchingToActive => true,
                StateId::DeterminingFailoverStatus
                | StateId::Active
                | StateId::ActiveStandbyNotAvailable
                | StateId::StandbyNotReady
                | StateId::SwitchingToStandby
                | StateId::Failed
                | StateId::Unknown => false,
            };
        if !follows {
            self.trust.transferred = None;
        }
    }

    /// Whether an active without a level standby may set `sole`.
    fn may_be_sole(&self, state: StateId) -> bool {
        let Some(partner) = self.facts.partner else { return true };
        let view = partner.view;
        let out = self.is_fenced(partner.instance) || view.leaving || view.undeployed;
        let behind = self.answers().is_some_and(|it| {
            it.state == StateId::DeterminingFailoverStatus || it.state.is_syncing()
        });
        match self.settings.mode {
            Mode::NoSplit => out || behind,
            Mode::Availability | Mode::Manual | Mode::Arbiter => {
                out || behind || state == StateId::ActiveStandbyNotAvailable
            }
        }
    }

    /// Brings trust in line after every step. `state` is 2, 3, or anything else.
    pub(crate) fn reconcile_trust(&mut self, state: StateId) {
        self.check_transferred();
        if !state.is_active() {
            if state != StateId::SwitchingToStandby {
                self.trust.transferred = None;
                self.trust.level = false;
                self.serve(None);
            }
            self.answer_writes(Acknowledge::Wait);
            return;
        }
        if state == StateId::ActiveStandbyNotAvailable {
            self.trust.transferred = None;
        }
        let follower = self.heard_partner().filter(|it| {
            let view = it.view;
            let follows = view.follows && view.about == Some(self.instance);
            follows && view.state.is_standby() && state == StateId::Active
        });
        let settled = self.facts.summary.is_none();
        self.serve(follower.filter(|_| settled).map(|it| it.instance));
        if self.trust.transferred.is_some() {
            self.trust_standby();
        } else {
            self.distrust_standby(state);
        }
    }

    fn trust_standby(&mut self) {
        self.answer_writes(Acknowledge::WhenReplicated);
        if self.record.marks.sole.is_some() || self.record.promoted_by_person.is_some() {
            self.record.marks.sole = None;
            self.record.promoted_by_person = None;
            self.note_partner_seen(true);
        }
        if self.is_durable() {
            self.tell_guard(false);
            self.trust.level = !self.trust.told && !self.trust.telling;
        }
    }

    fn distrust_standby(&mut self, state: StateId) {
        self.trust.level = false;
        let unverified = self.record.marks.unverified;
        if !self.sole() && !unverified {
            if !self.may_be_sole(state) {
                self.answer_writes(Acknowledge::Wait);
                return;
            }
            self.record.marks.sole = Some(self.record.last_used);
        }
        let durable = self.is_durable();
        if durable {
            self.tell_guard(true);
        }
        let ready = durable && self.trust.told && self.trust.telling;
        self.answer_writes(if ready { Acknowledge::Degraded } else { Acknowledge::Wait });
    }

    fn tell_guard(&mut self, behind: bool) {
        if self.trust.telling != behind {
            self.trust.telling = behind;
            self.act(Action::TellGuard { behind });
        }
    }

    fn answer_writes(&mut self, how: Acknowledge) {
        let how = if self.facts.storage_ok { how } else { Acknowledge::Wait };
        if self.trust.acknowledge != how {
            self.trust.acknowledge = how;
            self.act(Action::Acknowledge(how));
        }
    }

    fn serve(&mut self, partner: Option<Instance>) {
        if self.trust.serving == partner {
            return;
        }
        self.trust.serving = partner;
        match partner {
            Some(partner) => self.order(ReplicaOrder::ServePartner { partner }),
            None => self.order(ReplicaOrder::StopServing),
        }
    }

    /// The acting backup gives the role back after the master was ready for the hold time.
    pub(crate) fn reconcile_recovery(&mut self, wanted: bool) {
        if !wanted {
            self.timers.stop(Timer::RecoveryHold);
        } else if !self.timers.is_set(Timer::RecoveryHold) && !self.progress.hold_over {
            let doublings = self.record.damping.changes.saturating_sub(1).min(10);
            self.set(Timer::RecoveryHold, self.settings.recovery_hold * 2_u32.pow(doublings));
        }
    }
}
