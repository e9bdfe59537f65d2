//! What an active thinks of its standby, and how it therefore answers writes.
//!
//! `sole` is durable and the guard knows before the first degraded answer; `sole` is durably
//! removed and the guard knows before the standby is told that it is level.
use crate::context::Context;
use crate::facts::Outputs;
use crate::{Acknowledge, Action, ReplicaOrder, Timer};
use hotpair_types::{Instance, Mode, StateId};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Trust {
    /// The replica said, since it serves this standby, that it caught up. Its word may come before
    /// the view that shows it, so it is not forgotten when an older view is seen.
    pub(crate) transferred: bool,
    /// The standby, and its attempt, that is trusted.
    pub(crate) trusted: Option<(Instance, u32)>,
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
    /// The standby follows us and has everything, by its own word and our replica's.
    fn check_trusted(&mut self) {
        let Some(partner) = self.facts.partner else { return };
        let view = partner.view;
        let fine = view.about == Some(self.instance)
            && !self.is_fenced(partner.instance)
            && match view.state {
                StateId::StandbySyncingData
                | StateId::StandbyReady
                | StateId::StandbyMissedHeartbeats => view.follows && view.has_all,
                // It was level and takes a handover.
                StateId::SwitchingToActive => self.trust.trusted.is_some(),
                StateId::DeterminingFailoverStatus
                | StateId::Active
                | StateId::ActiveStandbyNotAvailable
                | StateId::StandbyNotReady
                | StateId::StandbySyncingWithActive
                | StateId::StandbySyncingCode
                | StateId::SwitchingToStandby
                | StateId::Failed
                | StateId::Unknown => false,
            };
        let attempt = (partner.instance, view.round);
        self.trust.trusted = (fine && self.trust.transferred).then_some(attempt);
    }

    /// Whether an active without a level standby may set `sole`.
    fn may_be_sole(&self, state: StateId) -> bool {
        let Some(partner) = self.facts.partner else { return true };
        let view = partner.view;
        let out = self.is_fenced(partner.instance) || view.leaving || view.undeployed;
        let behind = self.answers().is_some_and(|it| {
            let out = it.state == StateId::DeterminingFailoverStatus || it.state.is_syncing();
            out && !it.sole
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
        if !state.is_active() {
            let mut how = Acknowledge::Wait;
            if state == StateId::SwitchingToStandby {
                self.check_trusted();
                self.trust.level &= self.trust.trusted.is_some();
                // Writes under way are answered while they drain: the drain waits for them.
                if self.trust.trusted.is_some() && self.facts.outputs == Outputs::Open {
                    how = Acknowledge::WhenReplicated;
                }
            } else {
                self.forget_trust();
                self.trust.level = false;
                self.serve(None);
            }
            self.answer_writes(how);
            return;
        }
        let follower = self.heard_partner().filter(|it| {
            let view = it.view;
            let follows = view.follows && view.about == Some(self.instance);
            // It may be on its way back from a handover that was called off.
            let back =
                view.state == StateId::SwitchingToActive && self.trust.serving == Some(it.instance);
            follows && (view.state.is_standby() || back) && state == StateId::Active
        });
        let settled = self.facts.summary.is_none();
        self.serve(follower.filter(|_| settled).map(|it| it.instance));
        self.check_trusted();
        if self.trust.trusted.is_some() {
            self.trust_standby();
        } else {
            self.distrust_standby(state);
        }
    }

    pub(crate) const fn forget_trust(&mut self) {
        self.trust.transferred = false;
        self.trust.trusted = None;
    }

    fn trust_standby(&mut self) {
        if self.record.marks.sole.is_some() || self.record.promoted_by_person.is_some() {
            self.record.marks.sole = None;
            self.record.promoted_by_person = None;
            self.note_partner_seen(true);
        }
        if self.is_durable() && self.is_alone_ended() {
            self.tell_guard(false);
            self.trust.level = !self.trust.told && !self.trust.telling;
        }
        // While `sole` may still be on the disk, this node could come back alone without what is
        // answered as being on both.
        let before = self.trust.acknowledge == Acknowledge::WhenReplicated;
        let ready = before || self.trust.level || self.is_durable();
        self.answer_writes(if ready { Acknowledge::WhenReplicated } else { Acknowledge::Wait });
    }

    fn distrust_standby(&mut self, state: StateId) {
        self.trust.level = false;
        let marked = self.sole() || self.record.marks.unverified;
        if !marked && !self.may_be_sole(state) {
            self.answer_writes(Acknowledge::Wait);
            return;
        }
        // Where a node acts by `sole` alone the guard is first: who dies with it on its disk may come back and
        // act, so nobody may act on that death.
        let first = matches!(self.settings.mode, Mode::NoSplit | Mode::Manual);
        if first {
            self.tell_guard(true);
        }
        let known = self.trust.told && self.trust.telling;
        if !marked && (known || !first) {
            self.record.marks.sole = Some(self.record.last_used);
        }
        let durable = self.is_durable() && self.may_go_alone();
        if durable {
            self.tell_guard(true);
        }
        let ready = durable && known;
        self.answer_writes(if ready { Acknowledge::Degraded } else { Acknowledge::Wait });
    }

    /// One thing at a time: what was confirmed is then what the guard knows, in whatever order the
    /// driver carries things out.
    fn tell_guard(&mut self, behind: bool) {
        let confirmed = self.trust.telling == self.trust.told;
        if confirmed && self.trust.telling != behind {
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
        self.trust.transferred = false;
        match partner {
            Some(partner) => {
                self.facts.round += 1;
                self.order(ReplicaOrder::ServePartner { partner });
            }
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
