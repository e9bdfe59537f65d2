//! What a machine and its driver say to each other of the third party of mode `arbiter`.
//!
//! # The driver's part
//! - `AskGrant` is a standing order: get the grant, keep it, get it anew when it is lost, until
//!   `ReleaseGrant`. Given again it only replaces what the next asking uses; a grant that is held stays.
//! - `Held` after each success, renewals too; `Busy` after each asking that found somebody else; `Lost`
//!   when the arbiter says that the grant is not ours any more. No event for a grant that merely was not
//!   renewed: the machine has its own deadline (`Timer::Grant`).
//! - `Away` when a call failed, `Reachable` when one succeeded: at least whenever that changes, and
//!   after each start. In mode `arbiter` something is asked every third of a lease, whatever
//!   the machine wants: a standby must know it too.
//! - `GoAlone` and `EndAlone` are repeated until confirmed (`AloneWritten`, `AloneEnded`) or until the
//!   other one is ordered; only the last ordered is confirmed. `GoAlone` needs the grant.
//! - A grant of an earlier process of this very node is taken over as that of a holder proven dead.
//! - One call at a time for each engine, in the order of the orders; an answer to an order
//!   that was replaced by then is dropped, but for what it says of `Away` and `Reachable`.
use crate::context::Context;
use crate::settings::CLOSING_TIME;
use crate::{Action, Machine, Rule, Timer, Waiting};
use hotpair_types::{Instance, Mode, StateId, Time};
use std::time::Duration;

/// How the third party is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantAsk {
    /// The partner's process that is proven gone: its grant is taken over without waiting for its end.
    pub proven_dead: Option<Instance>,
    /// A person decided, or it is proven that nothing hangs on it: that the partner went on alone is
    /// passed over and forgotten.
    pub over_alone: bool,
}

/// What the third party said (mode `arbiter`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum GrantEvent {
    /// We hold the grant. Given again at each renewal.
    Held {
        /// Grows with every grant; epochs grow with it.
        revision: u64,
        /// Until when, on our own clock: counted from before the request was sent, less the error of
        /// clock rates.
        until: Time,
    },
    /// We do not get it.
    Busy {
        /// The partner wrote that it goes on alone, whoever holds the grant now; else somebody else
        /// holds it.
        alone: bool,
    },
    /// It is not ours any more: by the third party's own word.
    Lost,
    /// The third party cannot be reached: the last call failed.
    Away,
    /// The third party answers.
    Reachable,
    /// It is written there that we go on alone.
    AloneWritten,
    /// It is not written there that we go on alone.
    AloneEnded,
}

/// Whether the third party answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// It was not asked yet.
    #[default]
    Unknown,
    /// It answered last time.
    Fine,
    /// It did not answer since then.
    Away {
        /// Since when.
        since: Time,
    },
}

/// For people: how a machine stands with the third party.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct GrantShown {
    /// Whether it answers.
    pub reach: Reach,
    /// The grant's revision and its end, while it is held.
    pub held: Option<(u64, Time)>,
    /// The grant is wanted.
    pub asks: bool,
    /// Why it was not got last time: the partner went on alone (`true`), or another holds it.
    pub busy: Option<bool>,
    /// Acts without the grant, because the partner acknowledges: no role changes before it is back.
    pub frozen: bool,
    /// Acts without the grant, because a person promoted this node while the third party was away.
    pub by_person: bool,
    /// It is written there that this node goes on alone.
    pub alone: bool,
}

/// What a machine knows of the third party, and what it has ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Grant {
    pub(crate) reach: Reach,
    /// The revision, and the last moment at which outputs may be open by it.
    pub(crate) held: Option<(u64, Time)>,
    pub(crate) busy: Option<bool>,
    /// A row holds but for the grant. Found anew at each step.
    pub(crate) wish: Option<GrantAsk>,
    ordered: Option<GrantAsk>,
    /// Acts on acknowledgement alone.
    pub(crate) frozen: bool,
    /// Acts without the grant by a person's decision.
    pub(crate) by_person: bool,
    alone: Alone,
}

/// Whether it is written at the third party that we went on alone: what was ordered last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Alone {
    ordered: Option<bool>,
    confirmed: bool,
}

impl Alone {
    const fn is(self, written: bool) -> bool {
        matches!(self.ordered, Some(it) if it == written) && self.confirmed
    }
}

impl Context {
    /// Notes what the third party said.
    pub(crate) fn note_grant(&mut self, event: GrantEvent) {
        if self.settings.mode != Mode::Arbiter {
            return;
        }
        let now = self.now;
        let grant = &mut self.grant;
        grant.reach = match (event, grant.reach) {
            (it, _) if it != GrantEvent::Away => Reach::Fine,
            (_, Reach::Away { since }) => Reach::Away { since },
            (_, Reach::Unknown | Reach::Fine) => Reach::Away { since: now },
        };
        match event {
            // Given back already: what is on its way is not counted on.
            GrantEvent::Held { .. } | GrantEvent::Busy { .. } if grant.ordered.is_none() => {}
            GrantEvent::Held { revision, until } => {
                let other = grant.held.is_none_or(|it| it.0 != revision);
                if other && grant.alone.ordered == Some(true) {
                    // Whoever held it in between may have passed over what we wrote.
                    grant.alone = Alone::default();
                }
                let last = until - CLOSING_TIME;
                grant.held = Some((revision, last));
                (grant.busy, grant.by_person) = (None, false);
                self.timers.set(Timer::Grant, last);
            }
            GrantEvent::Busy { alone } => {
                self.lose_grant();
                // Who passes over that is refused because another holds it.
                let passes = self.grant.ordered.is_some_and(|it| it.over_alone);
                self.grant.busy = Some(alone && !passes);
            }
            GrantEvent::Lost => self.lose_grant(),
            GrantEvent::Away => grant.busy = None,
            GrantEvent::Reachable => {}
            GrantEvent::AloneWritten => grant.alone.confirmed |= grant.alone.ordered == Some(true),
            GrantEvent::AloneEnded => grant.alone.confirmed |= grant.alone.ordered == Some(false),
        }
    }

    pub(crate) const fn lose_grant(&mut self) {
        self.grant.held = None;
        self.grant.busy = None;
        self.timers.stop(Timer::Grant);
    }

    /// Outputs may be open by the grant, or the mode has none.
    pub(crate) fn is_granted(&self) -> bool {
        let held = self.grant.held.is_some_and(|(_, last)| self.now < last);
        self.settings.mode != Mode::Arbiter || held
    }

    /// The revision of the grant that is held.
    pub(crate) fn grant_revision(&self) -> Option<u64> {
        self.grant.held.filter(|_| self.is_granted()).map(|it| it.0)
    }

    /// The last moment at which outputs may be open by the grant; `None`: they need none.
    pub(crate) fn granted_until(&self) -> Option<Time> {
        let needed = self.settings.mode == Mode::Arbiter && !self.grant.by_person;
        needed.then(|| self.grant.held.map_or(Time::ZERO, |it| it.1))
    }

    /// The third party answers, or the mode has none: roles can be handed over.
    pub(crate) fn arbiter_answers(&self) -> bool {
        self.settings.mode != Mode::Arbiter || self.grant.reach == Reach::Fine
    }

    /// Both could reach it when they last said so: of an active, whether it may hand over.
    pub(crate) fn can_hand_over(&self) -> bool {
        let takes = self.answers().is_some_and(|it| it.storage_ok);
        self.settings.mode != Mode::Arbiter || (self.arbiter_answers() && takes)
    }

    /// The third party is known not to answer.
    pub(crate) fn is_arbiter_away(&self) -> bool {
        matches!(self.grant.reach, Reach::Away { .. })
    }

    /// Whether this node could become active, or is: shown, and brought to an election, so that the one
    /// acts that can. What an active holds it keeps without the third party. Who has what the other
    /// may lack leaves it to nobody: a disk that failed cannot be waited for, the third party can.
    pub(crate) fn could_act(&self, state: StateId) -> bool {
        let acts = state.is_active() || state == StateId::SwitchingToStandby;
        let leaves_it = self.is_arbiter_away() && (state.is_level() || !self.has_more());
        self.facts.storage_ok && (acts || !leaves_it)
    }

    /// Something that counts may be here alone.
    fn has_more(&self) -> bool {
        let has_all = self
            .heard_partner()
            .is_some_and(|it| it.view.state.is_level() || it.view.positions == self.positions());
        self.sole() || !has_all
    }

    /// For how long it has not answered; `None`: since the start.
    pub(crate) fn arbiter_away_for(&self) -> Option<Duration> {
        match self.grant.reach {
            Reach::Away { since } => Some(self.now.since(since)),
            Reach::Unknown | Reach::Fine => None,
        }
    }

    /// Every way to 10 needs the grant. Where it is not held, it is asked for and the row waits.
    pub(crate) fn gets_grant(&mut self, rule: Rule, follows: Option<Instance>) -> bool {
        if self.settings.mode == Mode::Arbiter {
            self.grant.wish = Some(self.how_to_ask(rule, follows));
        }
        self.is_granted()
    }

    /// What is proven by what promotes us.
    pub(crate) fn how_to_ask(&self, rule: Rule, follows: Option<Instance>) -> GrantAsk {
        let fenced = self.facts.fenced.map(|it| it.instance);
        let left = self.facts.partner.filter(|it| it.view.leaving).map(|it| it.instance);
        let replaced = follows
            .filter(|&old| self.heard_partner().is_some_and(|it| it.instance.is_newer_than(old)));
        let proof = matches!(
            rule,
            Rule::Left
                | Rule::LeftUnreplicated
                | Rule::LeftEqual
                | Rule::Fenced
                | Rule::WinnerFenced
                | Rule::NewerInstance
                | Rule::Offered
                | Rule::LateRelease
                | Rule::Promoted
        );
        // The partner's own word that nothing hangs on it, in an election for example.
        let waived = self.answers().is_some_and(|it| !it.sole);
        let followed = follows.filter(|&it| fenced == Some(it) || left == Some(it));
        let proven_dead = followed.or(left).or(fenced).or(replaced);
        GrantAsk { proven_dead, over_alone: proof || waived }
    }

    /// Nobody else's outputs can be open, for as long as who hears us counts on our acknowledgement:
    /// that promise is over, or the partner is gone, or it says so.
    pub(crate) fn is_partner_shut(&self) -> bool {
        let shut = self.facts.partner.is_some_and(|it| {
            let said = it.view.leaving || self.heard_partner().is_some();
            self.is_fenced(it.instance) || (said && !it.view.outputs_open)
        });
        self.settings.mode != Mode::Arbiter || self.facts.picture.promote_due || shut
    }

    /// Why an active without the grant must close; `None`: it may act.
    pub(crate) fn why_ungranted(&self) -> Option<Rule> {
        if self.is_granted() {
            return None;
        }
        if self.grant.by_person {
            return (self.grant.busy == Some(false)).then_some(Rule::GrantTaken);
        }
        let rule = if self.grant.frozen { Rule::FenceDue } else { Rule::GrantEnding };
        self.facts.picture.fence_due.then_some(rule)
    }

    /// Nothing is answered as degraded before it is written that we go on alone. Where a person
    /// decided and nobody can write it, it is that person's word.
    pub(crate) fn may_go_alone(&self) -> bool {
        let needed = self.settings.mode == Mode::Arbiter && !self.grant.by_person;
        !needed || self.grant.alone.is(true)
    }

    /// Nobody is told that it is level before that is taken back.
    pub(crate) fn is_alone_ended(&self) -> bool {
        self.settings.mode != Mode::Arbiter || self.grant.alone.is(false)
    }

    /// Orders what the state needs of the third party, when that changed.
    pub(crate) fn reconcile_grant(&mut self, state: StateId) {
        if self.settings.mode != Mode::Arbiter {
            return;
        }
        let acts = state.is_active() || state == StateId::SwitchingToStandby;
        self.grant.by_person &= acts || state == StateId::SwitchingToActive;
        let unheld = acts && !self.is_granted() && !self.grant.by_person;
        self.grant.frozen = unheld && !self.facts.picture.fence_due;
        if acts {
            let over_alone = self.grant.by_person;
            self.grant.wish = Some(GrantAsk { proven_dead: None, over_alone });
        }
        match self.grant.wish {
            // What is open is closed before anybody else may get it.
            None if self.outputs_closed() => self.release_grant(),
            None => {}
            Some(ask) if self.grant.ordered != Some(ask) => {
                self.grant.ordered = Some(ask);
                self.act(Action::AskGrant(ask));
            }
            Some(_) => {}
        }
        self.reconcile_alone(state);
    }

    /// Gives back what was ordered.
    pub(crate) fn release_grant(&mut self) {
        if self.grant.ordered.take().is_some() {
            self.lose_grant();
            self.act(Action::ReleaseGrant);
        }
    }

    fn reconcile_alone(&mut self, state: StateId) {
        let durable = self.is_durable();
        let alone = state.is_active() && self.trust.trusted.is_none();
        let wanted = if self.sole() && durable && alone && self.is_granted() {
            true
        } else if !self.shows_sole() && durable && self.facts.storage_ok {
            false
        } else {
            return;
        };
        if self.grant.alone.ordered != Some(wanted) {
            self.grant.alone = Alone { ordered: Some(wanted), confirmed: false };
            self.act(if wanted { Action::GoAlone } else { Action::EndAlone });
        }
    }

    /// Why a row that holds is not taken, in words.
    pub(crate) fn waiting_for_grant(&self) -> Option<Waiting> {
        if self.grant.wish.is_none() || self.is_granted() {
            return None;
        }
        Some(match self.grant.busy {
            _ if self.is_arbiter_away() => Waiting::ArbiterAway,
            Some(true) => Waiting::PartnerWentOn,
            Some(false) => Waiting::GrantBusy,
            None => Waiting::Grant,
        })
    }

    pub(crate) fn shown_grant(&self) -> Option<GrantShown> {
        let it = self.grant;
        (self.settings.mode == Mode::Arbiter).then(|| GrantShown {
            reach: it.reach,
            held: it.held.filter(|_| self.is_granted()),
            asks: it.ordered.is_some(),
            busy: it.busy,
            frozen: it.frozen,
            by_person: it.by_person,
            alone: it.alone.is(true),
        })
    }
}

impl Machine {
    /// Until when it may act by its grant alone (mode `arbiter`); `None`: it needs none.
    #[must_use]
    pub fn granted_until(&self) -> Option<Time> {
        self.cx.granted_until()
    }

    /// How it stands with the third party; `None`: the mode has none.
    #[must_use]
    pub fn grant(&self) -> Option<GrantShown> {
        self.cx.shown_grant()
    }
}
