//! 10, Switching to Active: promotion under way, outputs shut.
use super::{Acting, Determining, Follower, Move, Standby, State};
use crate::context::Context;
use crate::facts::Partner;
use crate::{Action, Hint, Record, ReplicaOrder, Rule, Step, Timer};
use hotpair_types::{Epoch, Instance, Mode, StateId};
use std::time::Duration;

/// The pause after the first failed promotion; it doubles.
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_DOUBLINGS_MAX: u32 = 6;

/// Where a promotion that is called off goes back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Back {
    Unsure,
    Behind(Option<Follower>),
    Level(Follower),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ToActive {
    pub(crate) epoch: Epoch,
    rule: Rule,
    back: Back,
    /// The offer that was accepted; outputs stay shut until it is released.
    offer: Option<u32>,
    by_person: bool,
    released: bool,
    /// Who the election was held with.
    opponent: Option<Instance>,
    /// The hash of both summaries that were agreed on.
    pub(super) pair: Option<u64>,
    /// What to restore when the epoch is burned.
    before: Record,
    /// Called off: why. Left when the burning is durable.
    burning: Option<Rule>,
    fetching: bool,
}

impl ToActive {
    pub(super) fn enter_unsure(rule: Rule, cx: &mut Context) -> Move {
        Self::enter(rule, Back::Unsure, None, cx)
    }

    /// From 4 to 7.
    pub(super) fn enter_behind(rule: Rule, follower: Option<Follower>, cx: &mut Context) -> Move {
        cx.order(ReplicaOrder::StopSync);
        Self::enter(rule, Back::Behind(follower), None, cx)
    }

    /// From 4: the promotion for this reason failed, and nobody was heard since.
    pub(super) fn enter_again(why: Rule, follower: Option<Follower>, cx: &mut Context) -> Move {
        let (_, state) = Self::enter_behind(why, follower, cx);
        (Rule::Retried, state)
    }

    /// From 8 and 9, level.
    pub(super) fn enter_level(rule: Rule, it: &Follower, cx: &mut Context) -> Move {
        Self::enter(rule, Back::Level(*it), None, cx)
    }

    /// From 8 and 9: the active hands over.
    pub(super) fn enter_offered(id: u32, by_person: bool, it: &Follower, cx: &mut Context) -> Move {
        let (rule, mut state) = Self::enter(Rule::Offered, Back::Level(*it), Some(id), cx);
        if let State::ToActive(it) = &mut state {
            it.by_person = by_person;
        }
        cx.facts.accepted = Some(id);
        cx.set(Timer::Handover, cx.settings.handover_timeout);
        (rule, state)
    }

    fn enter(rule: Rule, back: Back, offer: Option<u32>, cx: &mut Context) -> Move {
        let before = cx.record;
        let epoch = cx.next_epoch();
        cx.record.epoch = epoch;
        if offer.is_none() {
            let sole = cx.sole() || proves_sole(rule, cx.settings.mode);
            use_epoch(epoch, sole, cx);
            cx.record.marks.unverified = rule == Rule::AloneUnverified && !sole;
            if rule == Rule::Promoted {
                cx.record.promoted_by_person = Some(epoch);
                cx.record.marks.stale = false;
                cx.record.recovery_held = true;
                // Only a person's promotion begins before the grant is got.
                cx.set(Timer::Handover, cx.settings.handover_timeout + cx.settings.lease);
            } else if was_lost(rule) {
                cx.record.recovery_held = false;
            }
        }
        cx.facts.released = None;
        cx.show(Step::None);
        cx.act(Action::PrepareObjects);
        let (by_person, released, burning, fetching) = (false, offer.is_none(), None, false);
        let opponent = cx.facts.partner.map(|it| it.instance);
        let pair = cx.pair();
        let state = Self {
            opponent,
            pair,
            epoch,
            rule,
            back,
            offer,
            by_person,
            released,
            before,
            burning,
            fetching,
        };
        (rule, State::ToActive(state))
    }

    pub(super) fn next(&mut self, cx: &mut Context) -> Option<Move> {
        if let Some(why) = self.burning.filter(|_| cx.facts.storage_ok) {
            return cx.is_durable().then(|| self.go_back(why, cx));
        }
        if cx.progress.promotion_failed || !cx.facts.storage_ok {
            return Some(self.fail(cx));
        }
        if let Some(why) = self.called_off(cx) {
            self.burn(why, cx);
            return cx.is_durable().then(|| self.go_back(why, cx));
        }
        self.accept(cx);
        self.ask_for_grant(cx);
        self.fetch(cx);
        let fetched = !self.fetching || cx.progress.fetched || cx.heard().is_none();
        // Whoever it is: two are never open while they hear each other.
        let acts = |it: &Partner| it.view.outputs_open || self.minds_sole(it.view.sole, cx);
        let shut = !self.hears(cx).is_some_and(|it| acts(&it));
        let shut = shut && cx.is_partner_shut();
        let ready = self.released && fetched && shut && cx.progress.objects_ready;
        let ready = ready && (cx.is_granted() || self.does_without(cx));
        let ready = ready && cx.is_durable();
        ready.then(|| self.open(cx))
    }

    /// The partner, if it is heard. What it said before it was asked, and did not answer, counts for
    /// nothing: it would hold a promotion on a hint back until the limit of silence.
    fn hears(&self, cx: &Context) -> Option<Partner> {
        let mute = cx.facts.picture.hint == Hint::Unanswered && self.rule == Rule::HintUnanswered;
        cx.heard_partner().filter(|_| !mute)
    }

    /// Where two must never act, a loser first gives up the right to act alone.
    fn minds_sole(&self, sole: bool, cx: &Context) -> bool {
        sole && cx.settings.mode != Mode::Availability && self.rule != Rule::Promoted
    }

    /// The loser fell silent before it gave up the right to act alone: it may come back with that.
    fn leaves_sole(&self, cx: &Context) -> bool {
        let loser = self.opponent.filter(|_| self.was_elected());
        loser.and_then(|it| cx.last_of(it)).is_some_and(|it| self.minds_sole(it.sole, cx))
    }

    /// Shows the acceptance once the epoch is durable; takes the release.
    fn accept(&mut self, cx: &mut Context) {
        let Some(id) = self.offer.filter(|_| !self.released) else { return };
        if cx.is_durable() {
            cx.show(Step::Accept { id });
        }
        if self.is_released(id, cx) {
            self.released = true;
            cx.timers.stop(Timer::Handover);
            if !cx.is_granted() {
                // The old active gives the grant back now.
                cx.set(Timer::Handover, cx.settings.handover_timeout);
            }
            use_epoch(self.epoch, true, cx);
            cx.record.recovery_held = self.by_person;
        }
    }

    /// Asks for the grant, as long as it is needed. An epoch is not below the revision of the grant.
    fn ask_for_grant(&mut self, cx: &mut Context) {
        if !self.released || !cx.gets_grant(self.rule, self.follows()) {
            return;
        }
        if cx.grant_revision().is_some_and(|it| it > self.epoch.number) {
            let (sole, person) = (cx.sole(), cx.record.promoted_by_person == Some(self.epoch));
            self.epoch = cx.next_epoch();
            cx.record.epoch = self.epoch;
            use_epoch(self.epoch, sole, cx);
            if person {
                cx.record.promoted_by_person = Some(self.epoch);
            }
        }
    }

    /// A person decided, and there is nobody to ask.
    fn does_without(&self, cx: &Context) -> bool {
        self.rule == Rule::Promoted && cx.is_arbiter_away()
    }

    /// The grant was lost, or is not got in time.
    fn lacks_grant(&self, cx: &Context) -> bool {
        // All others begin with it.
        let begins = matches!(self.rule, Rule::Promoted | Rule::Offered);
        let away = cx.is_arbiter_away() && self.rule == Rule::Offered;
        let waits = begins && !cx.progress.handover_over && !away;
        self.released && !cx.is_granted() && !waits && !self.does_without(cx)
    }

    /// The old active's outputs are closed for good.
    fn is_released(&self, id: u32, cx: &Context) -> bool {
        let Some(followed) = self.follows() else { return false };
        let fenced = cx.facts.fenced.is_some_and(|it| it.instance == followed && !it.behind);
        let Some(last) = cx.last_of(followed) else { return fenced };
        let left = last.leaving && last.positions == cx.positions();
        let released = last.step == Step::Released { id } && !last.outputs_open;
        fenced || left || (released && last.about == Some(cx.instance))
    }

    /// Someone acts, or the offer is void.
    fn called_off(&self, cx: &Context) -> Option<Rule> {
        if let Some(id) = self.offer.filter(|_| !self.released) {
            let withdrawn = cx.answers().is_some_and(|it| it.step == Step::Withdrawn { id });
            let newer = cx.heard_partner().is_some_and(|it| self.follows() != Some(it.instance));
            if withdrawn || newer || cx.progress.handover_over {
                return Some(Rule::Withdrawn);
            }
        }
        if self.lacks_grant(cx) {
            return Some(Rule::GrantNotHeld);
        }
        // Before the release nothing is promised, and nothing is open.
        if self.released && !cx.is_promised() {
            return Some(Rule::FenceDue);
        }
        let Some(partner) = self.hears(cx) else {
            return self.leaves_sole(cx).then_some(Rule::HeardAgain);
        };
        let view = partner.view;
        let acts = view.state.is_active();
        let ahead = view.state == StateId::SwitchingToActive && view.epoch > self.epoch;
        // It came back with the right to act alone: that is for an election to decide.
        let same = self.opponent == Some(partner.instance) && self.pair == cx.pair();
        let agreed = self.was_elected() && same;
        let undecided = view.state == StateId::DeterminingFailoverStatus || view.state.is_standby();
        let claims = undecided && self.minds_sole(view.sole, cx) && (!agreed || cx.holds_on(&view));
        // What the loser had ahead was asked of a process that is gone, and another one has it now.
        let replaced = self.fetching
            && !cx.progress.fetched
            && self.opponent.is_some_and(|it| partner.instance.is_newer_than(it));
        (acts || ahead || claims || replaced).then_some(Rule::HeardAgain)
    }

    /// Fetches what the loser of the election has ahead.
    fn fetch(&mut self, cx: &mut Context) {
        if self.fetching || !self.was_elected() || cx.heard().is_none() {
            return;
        }
        let Some(loser) = &cx.facts.partner_summary else { return };
        if cx.contains(loser.summary.history.positions()) {
            return;
        }
        let loser = loser.summary.history.clone();
        self.fetching = true;
        cx.order(ReplicaOrder::FetchAhead { loser });
    }

    pub(super) const fn was_elected(&self) -> bool {
        matches!(self.rule, Rule::Elected | Rule::PartnerYielded)
    }

    fn open(&self, cx: &mut Context) -> Move {
        let epoch = self.epoch;
        cx.facts.failures = 0;
        cx.facts.failed = None;
        cx.facts.lost_to = None;
        cx.facts.unacknowledged = false;
        if self.counts() {
            count_change(cx);
        }
        cx.order(ReplicaOrder::BecomeActive { epoch });
        cx.show(Step::None);
        cx.grant.by_person = !cx.is_granted();
        cx.open_outputs(epoch);
        let acting = Acting { epoch, since: cx.now, won: None };
        let reachable = self.hears(cx).is_some_and(|it| {
            it.view.about == Some(cx.instance) && it.view.state != StateId::Unknown
        });
        let state = if reachable { State::Active(acting) } else { State::ActiveAlone(acting) };
        (Rule::Opened, state)
    }

    /// Whether this change counts for damping: not what a person asked for.
    fn counts(&self) -> bool {
        !self.by_person && self.rule != Rule::Promoted && self.rule != Rule::NotMoved
    }

    /// The epoch was never used: it decides nothing.
    fn burn(&mut self, why: Rule, cx: &mut Context) {
        // What a person asked for meanwhile, and what was counted, has nothing to do with it.
        let Record { epoch, paused, damping, .. } = cx.record;
        cx.record = Record { epoch, paused, damping, ..self.before };
        cx.show(Step::None);
        cx.act(Action::StopObjects);
        self.burning = Some(why);
    }

    fn go_back(&self, why: Rule, cx: &mut Context) -> Move {
        let state = match self.back {
            Back::Unsure => {
                let allowance = cx.settings.beats.detection_bound() * 4;
                Determining::enter(allowance.min(cx.settings.startup_allowance), cx)
            }
            Back::Behind(follower) => State::NotReady(Standby { follower }),
            Back::Level(follower) => State::Missed(follower),
        };
        (why, state)
    }

    /// Tells the partner; tries again after a pause that doubles.
    fn fail(&mut self, cx: &mut Context) -> Move {
        self.burn(Rule::PromotionFailed, cx);
        let doublings = cx.facts.failures.min(RETRY_DOUBLINGS_MAX);
        cx.set(Timer::Retry, RETRY_FIRST * 2_u32.pow(doublings));
        cx.facts.failures = doublings + 1;
        // The partner takes the role back once it sees this: a release still shown is not for this node.
        cx.facts.accepted = None;
        // A person asks again, a handover is offered again.
        let again = !matches!(self.rule, Rule::Promoted | Rule::Offered);
        cx.facts.failed = again.then_some(self.rule);
        (Rule::PromotionFailed, Standby::enter_from_sync(self.follower(), cx))
    }

    /// Level with the active whose place is taken.
    pub(super) const fn was_level(&self) -> bool {
        matches!(self.back, Back::Level(_))
    }

    /// The active whose place is taken.
    pub(super) fn follows(&self) -> Option<Instance> {
        self.follower().map(|it| it.instance)
    }

    const fn follower(&self) -> Option<Follower> {
        match self.back {
            Back::Unsure => None,
            Back::Behind(follower) => follower,
            Back::Level(follower) => Some(follower),
        }
    }
}

/// From here on the epoch is one that was used; it is stored with what it means.
fn use_epoch(epoch: Epoch, sole: bool, cx: &mut Context) {
    cx.record.last_used = epoch;
    cx.record.marks.sole = sole.then_some(epoch);
    cx.record.marks.in_sync = false;
}

/// Whether a promotion for this reason can be carried through: in `no-split` it would be called off
/// at once while the fence is due, unless the partner is proven out.
pub(super) fn may_begin(rule: Rule, cx: &Context) -> bool {
    cx.may_move() && (cx.is_promised() || proves_sole(rule, cx.settings.mode))
}

/// The partner is proven out by what promotes us: silence too where the promise was waited for, or a
/// grant is held. Every other rule leaves it open.
fn proves_sole(rule: Rule, mode: Mode) -> bool {
    let by_silence = rule == Rule::Silent && matches!(mode, Mode::NoSplit | Mode::Arbiter);
    is_gone(rule) || by_silence || matches!(rule, Rule::LateRelease | Rule::Promoted)
}

/// The partner's process is proven gone.
fn is_gone(rule: Rule) -> bool {
    use Rule::{Fenced, Left, LeftEqual, LeftUnreplicated, WinnerFenced};
    matches!(rule, Left | LeftUnreplicated | LeftEqual | Fenced | WinnerFenced)
}

/// Whether what promotes us says that the other was lost. Then a person's switchover of long ago no
/// longer holds recovery back; what merely goes on after a standstill leaves it as it is.
fn was_lost(rule: Rule) -> bool {
    use Rule::{AloneSole, AloneUnverified, HintUnanswered, NewerInstance, Silent};
    let is_it =
        matches!(rule, NewerInstance | Silent | HintUnanswered | AloneSole | AloneUnverified);
    is_gone(rule) || is_it
}

/// Counts a change of role; past the limit the engine is suspended. The window begins anew with
/// every change, so that only a quiet one ends it.
fn count_change(cx: &mut Context) {
    let damping = &mut cx.record.damping;
    damping.changes = damping.changes.saturating_add(1);
    damping.suspended |= damping.changes > cx.settings.suspend_after;
    cx.set(Timer::Damping, cx.settings.suspend_window);
}
