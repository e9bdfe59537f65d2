//! Commands: what they need, why they are refused, and answers that have to wait.
use crate::context::Context;
use crate::state::has_ready_partner;
use crate::{Action, Command, CommandId, Refusal, Reply, Timer};
use hotpair_types::{Channel, Positions, StateId};

/// A command whose answer depends on the partner. One at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pending {
    pub(crate) id: CommandId,
    pub(crate) what: Wanted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wanted {
    /// The active should hand over.
    Switchover,
    /// Both should be paused, or not.
    Pause(bool),
}

impl Context {
    pub(crate) fn wants_switchover(&self) -> bool {
        self.pending.is_some_and(|it| it.what == Wanted::Switchover)
    }

    pub(crate) fn wants_pause(&self) -> Option<bool> {
        match self.pending.map(|it| it.what) {
            Some(Wanted::Pause(it)) => Some(it),
            Some(Wanted::Switchover) | None => self.facts.unpausing.then_some(false),
        }
    }

    pub(crate) fn reply(&mut self, id: CommandId, reply: Reply) {
        self.act(Action::Reply { id, reply });
    }

    /// Takes a command: refuses it, answers it, or notes what is wished.
    pub(crate) fn ask(&mut self, id: CommandId, command: Command, state: StateId) {
        let refusals = self.why_not(command, state);
        if !refusals.is_empty() {
            return self.reply(id, Reply::Refused(refusals));
        }
        match command {
            Command::HandOver => {
                self.wishes.hand_over = true;
                self.reply(id, Reply::Accepted);
            }
            Command::Switchover | Command::BecomeActive if state.is_active() => {
                let done = command == Command::BecomeActive;
                self.wishes.switchover = !done;
                self.reply(id, if done { Reply::Done } else { Reply::Accepted });
            }
            Command::Switchover | Command::BecomeActive => {
                self.wait_for_partner(id, Wanted::Switchover);
            }
            Command::Promote { .. } => {
                self.wishes.promote = true;
                self.reply(id, Reply::Accepted);
            }
            Command::Pause => {
                self.record.paused = true;
                self.facts.unpausing = false;
                self.wait_for_partner(id, Wanted::Pause(true));
            }
            Command::Resume => {
                self.end_pause();
                if self.heard().is_some() {
                    self.wait_for_partner(id, Wanted::Pause(false));
                } else {
                    self.reply(id, Reply::Done);
                }
            }
            Command::Undeploy => {
                self.wishes.undeploy = true;
                self.reply(id, Reply::Accepted);
            }
            Command::Deploy => {
                self.wishes.deploy = true;
                let done = state != StateId::Unknown;
                self.reply(id, if done { Reply::Done } else { Reply::Accepted });
            }
            Command::Leave => {
                self.wishes.leave = true;
                self.reply(id, Reply::Accepted);
            }
            Command::Reinit => {
                self.wishes.reinit = true;
                self.reply(id, Reply::Accepted);
            }
        }
    }

    /// Ends a pause and a suspension. What was silent meanwhile is looked at anew.
    fn end_pause(&mut self) {
        self.record.paused = false;
        self.record.damping = crate::Damping::default();
        self.timers.stop(Timer::Damping);
        self.set(Timer::Silence, self.settings.beats.detection_bound());
    }

    fn wait_for_partner(&mut self, id: CommandId, what: Wanted) {
        self.pending = Some(Pending { id, what });
        self.set(Timer::Answer, self.settings.handover_timeout);
    }

    /// Every reason why a command would be refused now.
    pub(crate) fn why_not(&self, command: Command, state: StateId) -> Vec<Refusal> {
        let mut no = Vec::new();
        if state == StateId::Unknown && command != Command::Deploy {
            return vec![Refusal::Stopped];
        }
        let waits = self.pending.is_some();
        match command {
            Command::BecomeActive if state.is_active() => {}
            Command::Switchover | Command::BecomeActive => {
                if waits {
                    no.push(Refusal::UnderWay);
                }
                self.why_not_switchover(state, &mut no);
            }
            Command::HandOver => {
                if !state.is_active() {
                    no.push(Refusal::NotActive);
                }
                if self.record.paused {
                    no.push(Refusal::Paused);
                }
                self.why_not_switchover(state, &mut no);
            }
            Command::Promote { accept_loss } => self.why_not_promote(state, accept_loss, &mut no),
            Command::Pause => {
                // What the partner was asked may come to nothing there, and would be taken back here.
                let asked_there = self.answers().is_some_and(|it| it.wants_pause == Some(true));
                if waits || asked_there {
                    no.push(Refusal::UnderWay);
                }
                if self.answers().is_none() {
                    no.push(Refusal::PartnerNotReachable);
                }
            }
            Command::Resume if waits => no.push(Refusal::UnderWay),
            Command::Reinit if !state.is_standby() => no.push(Refusal::NotStandby),
            Command::Reinit if self.heard_active().is_none() => no.push(Refusal::NoActive),
            Command::Resume
            | Command::Reinit
            | Command::Undeploy
            | Command::Deploy
            | Command::Leave => {}
        }
        no
    }

    fn why_not_switchover(&self, state: StateId, no: &mut Vec<Refusal>) {
        let redundancy = self.on_time(Channel::Redundancy);
        if !self.arbiter_answers() && (state == StateId::Active || state.is_level()) {
            no.push(Refusal::ArbiterAway { away: self.arbiter_away_for() });
        }
        let pulse = |it| self.facts.picture.channels[it];
        match state {
            StateId::Active => {
                let partner = self.partner_state();
                if !partner.is_level() {
                    no.push(Refusal::PartnerNotReady { state: partner });
                } else if partner == StateId::StandbyMissedHeartbeats && !redundancy {
                    no.push(Refusal::RedundancyNotOnTime {
                        redundancy: pulse(Channel::Redundancy),
                    });
                } else if !has_ready_partner(self) {
                    no.push(Refusal::PartnerNotLevel { state: partner });
                } else if self.arbiter_answers() && !self.can_hand_over() {
                    no.push(Refusal::PartnerArbiterAway);
                }
            }
            StateId::StandbyReady | StateId::StandbyMissedHeartbeats => {
                if self.heard_active().is_none() {
                    no.push(Refusal::NoActive);
                }
                if state == StateId::StandbyMissedHeartbeats {
                    if !redundancy {
                        no.push(Refusal::MissedOnRedundancy {
                            redundancy: pulse(Channel::Redundancy),
                        });
                    }
                    if self.on_time(Channel::Primary) {
                        no.push(Refusal::PrimaryOnTime);
                    }
                }
            }
            StateId::SwitchingToActive | StateId::SwitchingToStandby => no.push(Refusal::UnderWay),
            StateId::ActiveStandbyNotAvailable => {
                no.push(Refusal::State { state });
                no.push(Refusal::PartnerNotReady { state: self.partner_state() });
            }
            StateId::DeterminingFailoverStatus
            | StateId::StandbyNotReady
            | StateId::StandbySyncingWithActive
            | StateId::StandbySyncingCode
            | StateId::StandbySyncingData
            | StateId::Failed
            | StateId::Unknown => no.push(Refusal::State { state }),
        }
    }

    fn why_not_promote(&self, state: StateId, accept_loss: bool, no: &mut Vec<Refusal>) {
        let standby = state == StateId::DeterminingFailoverStatus || state.is_standby();
        if matches!(state, StateId::SwitchingToActive | StateId::SwitchingToStandby) {
            no.push(Refusal::UnderWay);
        } else if !standby {
            no.push(Refusal::State { state });
        }
        if let Some(partner) = self.heard_partner() {
            let state = partner.view.state;
            let acts = state.is_active() || state == StateId::SwitchingToStandby;
            if acts || state == StateId::SwitchingToActive {
                no.push(Refusal::ActiveHeard { state });
            }
        }
        if !self.facts.storage_ok {
            no.push(Refusal::StorageFailed);
        }
        // A standby that was active a moment ago, and has not closed yet.
        if standby && !self.outputs_closed() {
            no.push(Refusal::UnderWay);
        }
        if standby && !accept_loss {
            no.push(Refusal::LossNotConfirmed {
                positions: self.positions(),
                partner: self.partner_last_seen(),
                stale: self.record.marks.stale,
                unsynced: !self.record.marks.in_sync,
            });
        }
    }

    /// The furthest that the partner is known to have come: what lies beyond our own end is lost.
    fn partner_last_seen(&self) -> Option<Positions> {
        let seen = self.record.partner_seen.map(|it| it.positions);
        let shown = self.facts.partner.map(|it| it.view.positions);
        let (Some(seen), Some(shown)) = (seen, shown) else { return shown.or(seen) };
        let (config, runtime) = (seen.config.max(shown.config), seen.runtime.max(shown.runtime));
        Some(Positions { config, runtime })
    }

    /// Looks whether a waiting command can be answered, and whether the partner wants something.
    pub(crate) fn reconcile_asking(&mut self, state: StateId) {
        if let Some(wanted) = self.answers().and_then(|it| it.wants_pause)
            && self.pending.is_none()
        {
            if wanted {
                self.facts.pausing_with_partner |= !self.record.paused;
                self.record.paused = true;
            } else if self.record.paused || self.record.damping.suspended {
                self.end_pause();
            }
        }
        self.reconcile_pausing();
        let unpaused = self.answers().is_some_and(|it| !it.paused) && !self.durable.paused;
        if unpaused || self.record.paused {
            self.facts.unpausing = false;
        }
        let Some(pending) = self.pending else { return };
        let reply = match pending.what {
            Wanted::Switchover => {
                let moves = self.heard().is_some_and(|it| it.state == StateId::SwitchingToStandby);
                let moving = state == StateId::SwitchingToActive || state.is_active();
                (moves || moving).then_some(Reply::Accepted)
            }
            Wanted::Pause(wanted) => {
                let there = self
                    .answers()
                    .is_some_and(|it| it.paused == wanted && (wanted || !it.suspended));
                let here = self.durable.paused == wanted && self.record.paused == wanted;
                (here && there).then_some(Reply::Done)
            }
        };
        if let Some(reply) = reply {
            self.pending = None;
            self.timers.stop(Timer::Answer);
            self.reply(pending.id, reply);
        }
    }

    /// A pause that the partner asked for holds when the partner holds it too. The partner cannot know
    /// whether its taking back was seen: what it saw last may have been said before it asked.
    fn reconcile_pausing(&mut self) {
        if !self.facts.pausing_with_partner {
            return;
        }
        let Some(partner) = self.answers().filter(|it| it.wants_pause != Some(true)) else {
            return;
        };
        self.facts.pausing_with_partner = false;
        if self.record.paused && !partner.paused && self.pending.is_none() {
            self.end_pause();
        }
    }

    /// The partner did not answer in time.
    pub(crate) fn give_up_asking(&mut self) {
        let Some(pending) = self.pending.take() else { return };
        if pending.what == Wanted::Pause(true) {
            self.record.paused = false;
            // The partner may have paused all the same.
            self.facts.unpausing = true;
        }
        let done = pending.what == Wanted::Pause(false);
        let refused = Reply::Refused(vec![Refusal::NoAnswer]);
        self.reply(pending.id, if done { Reply::Done } else { refused });
    }
}
