//! What a state may look at and ask for: facts, the durable record, timers, actions.
use crate::asking::Pending;
use crate::facts::{Facts, Outputs, Partner, Progress, Wishes};
use crate::grant::Grant;
use crate::timer::Timers;
use crate::trust::Trust;
use crate::{
    Action, PartnerSeen, Policy, Pulse, Record, ReplicaOrder, Settings, Step, Ticket, Timer, View,
};
use hotpair_types::{
    Channel, Epoch, History, Instance, JournalKind, Mode, Position, Positions, StateId, Time,
};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) instance: Instance,
    pub(crate) tag_seed: u64,
    pub(crate) now: Time,
    /// As it should be on disk. Stored by itself at the end of every step that changed it.
    pub(crate) record: Record,
    pub(crate) given: Record,
    pub(crate) durable: Record,
    pub(crate) issued: Ticket,
    /// What was given last is not confirmed. The disk may still take an older record on the way to
    /// it, even when the last is what the disk has now.
    pub(crate) storing: bool,
    /// A valid `sole` was given to the disk since the last confirmation of all.
    pub(crate) sole_given: bool,
    pub(crate) facts: Facts,
    pub(crate) progress: Progress,
    pub(crate) wishes: Wishes,
    pub(crate) trust: Trust,
    pub(crate) grant: Grant,
    pub(crate) pending: Option<Pending>,
    pub(crate) timers: Timers,
    pub(crate) actions: Vec<Action>,
}

impl Context {
    pub(crate) fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    pub(crate) fn order(&mut self, order: ReplicaOrder) {
        self.act(Action::Replica(order));
    }

    pub(crate) fn set(&mut self, timer: Timer, after: Duration) {
        self.timers.set(timer, self.now + after);
    }

    /// Decides by changed settings from now on. A deadline that runs stays as it was set, but for the
    /// two that may be hours away: they begin anew.
    pub(crate) fn take_policy(&mut self, policy: Policy) {
        let before = self.settings.policy();
        self.settings.set_policy(policy);
        if policy.recovery_hold != before.recovery_hold {
            self.timers.stop(Timer::RecoveryHold);
        }
        if policy.suspend_window != before.suspend_window && self.timers.is_set(Timer::Damping) {
            self.set(Timer::Damping, policy.suspend_window);
        }
    }

    /// Whether everything this machine wants on disk is there.
    pub(crate) fn is_durable(&self) -> bool {
        self.record == self.durable && !self.storing
    }

    /// Gives the record to be stored when it changed.
    pub(crate) fn store_if_changed(&mut self) {
        if self.record != self.given {
            self.store();
        }
    }

    pub(crate) fn store(&mut self) {
        self.issued.0 += 1;
        self.given = self.record;
        self.storing = true;
        self.sole_given |= self.sole();
        self.act(Action::Store { ticket: self.issued, record: self.record });
    }

    /// A valid `sole`: bound to the last epoch that was used.
    pub(crate) fn sole(&self) -> bool {
        self.record.marks.sole.is_some() && self.record.marks.sole == Some(self.record.last_used)
    }

    /// `sole` holds, its removal is not durable, or it may still get to the disk before that.
    pub(crate) fn shows_sole(&self) -> bool {
        let durable = self.durable.marks.sole;
        let was = durable.is_some() && durable == Some(self.durable.last_used);
        self.sole() || was || self.sole_given
    }

    /// Acts only as long as beats are acknowledged (`no-split` without a durable `sole`).
    pub(crate) fn is_fenced_by_silence(&self) -> bool {
        let durably_sole = self.sole() && self.durable.marks.sole == self.record.marks.sole;
        self.settings.mode == Mode::NoSplit && !durably_sole
    }

    /// An epoch above everything we have seen, and not below the revision of the grant.
    pub(crate) fn next_epoch(&self) -> Epoch {
        // A partner that lost its record shows no epoch; its data has one.
        let seen = self.facts.partner.map_or(Epoch::NONE, |it| {
            let Positions { config, runtime } = it.view.positions;
            it.view.epoch.max(config.epoch).max(runtime.epoch)
        });
        let granted = self.grant_revision().unwrap_or_default().saturating_sub(1);
        let granted = Epoch { number: granted, tag: 0 };
        let highest = self.record.epoch.max(seen).max(granted);
        let next = highest.next(self.settings.designation, 0);
        Epoch { number: next.number, tag: mix(self.tag_seed ^ next.number) }
    }

    pub(crate) fn positions(&self) -> Positions {
        self.facts.history.positions()
    }

    /// Closes the gate, if it is open.
    pub(crate) fn close_outputs(&mut self) {
        if self.facts.outputs == Outputs::Open {
            self.facts.outputs = Outputs::Closing;
            self.act(Action::CloseOutputs);
        }
    }

    pub(crate) fn open_outputs(&mut self, epoch: Epoch) {
        assert!(
            self.durable.epoch >= epoch && self.durable.last_used == epoch,
            "outputs open before {epoch} is durable: {:?}",
            self.durable
        );
        assert!(self.facts.outputs != Outputs::Closing, "outputs open while they close");
        self.facts.outputs = Outputs::Open;
        self.act(Action::OpenOutputs { epoch });
    }

    pub(crate) fn outputs_closed(&self) -> bool {
        self.facts.outputs == Outputs::Closed
    }

    /// The partner's last view, if that very process is gone for good.
    pub(crate) fn is_fenced(&self, instance: Instance) -> bool {
        self.facts.fenced.is_some_and(|it| it.instance == instance)
    }

    /// The partner, if it is heard now.
    pub(crate) fn heard_partner(&self) -> Option<Partner> {
        let partner = self.facts.partner?;
        let heard = self.facts.picture.is_reachable()
            && self.facts.picture.partner.is_none_or(|it| it == partner.instance)
            && !self.is_fenced(partner.instance);
        heard.then_some(partner)
    }

    /// Its view, if it is heard now.
    pub(crate) fn heard(&self) -> Option<View> {
        self.heard_partner().map(|it| it.view)
    }

    /// Its view, if it is heard now and speaks to this process.
    pub(crate) fn answers(&self) -> Option<View> {
        self.heard().filter(|it| it.about == Some(self.instance))
    }

    /// The partner is heard and acts: it said so since it is heard.
    pub(crate) fn heard_active(&self) -> Option<Partner> {
        self.heard_partner().filter(|it| it.view.state.is_active() && !it.outdated)
    }

    /// The view of exactly this instance, heard now or not.
    pub(crate) fn last_of(&self, instance: Instance) -> Option<View> {
        self.facts.partner.filter(|it| it.instance == instance).map(|it| it.view)
    }

    /// Whether our history contains an entry at each of these positions.
    pub(crate) fn contains(&self, positions: Positions) -> bool {
        contains(&self.facts.history, positions)
    }

    pub(crate) fn on_time(&self, channel: Channel) -> bool {
        self.facts.picture.channels[channel] == Pulse::OnTime
    }

    /// No row to 10 for a node that could not act.
    pub(crate) fn may_act(&self) -> bool {
        self.facts.storage_ok && self.outputs_closed() && !self.wishes.leave
    }

    /// Neither paused nor unable: rows that move by themselves.
    pub(crate) fn may_move(&self) -> bool {
        self.may_act() && !self.record.paused && !self.timers.is_set(Timer::Retry)
    }

    /// A row to 10 by election: agreed, and nothing came since that bars it.
    pub(crate) fn is_elected(&self) -> bool {
        let shut = self.answers().is_some_and(|it| !it.outputs_open);
        let able = shut && self.may_move() && self.is_promised() && !self.record.marks.stale;
        let able = able && !self.answers().is_some_and(|it| self.holds_on(&it));
        able && self.wins() == Some(true)
    }

    /// Where two must never act: it may act alone, and its disk cannot forget that.
    pub(crate) fn holds_on(&self, view: &View) -> bool {
        view.sole && !view.storage_ok && self.settings.mode != Mode::Availability
    }

    /// In `no-split`, nobody opens on a promise that may be over.
    pub(crate) fn is_promised(&self) -> bool {
        let fenced = self.settings.mode == Mode::NoSplit && self.facts.picture.fence_due;
        !fenced || self.sole()
    }

    /// Where the partner is as shown to people.
    pub(crate) fn partner_state(&self) -> StateId {
        let Some(partner) = self.facts.partner else {
            return StateId::Unknown;
        };
        if self.is_fenced(partner.instance) {
            return StateId::Failed;
        }
        if self.heard_partner().is_some() {
            return partner.view.state;
        }
        let known = self.facts.picture.partner.is_none_or(|it| it == partner.instance);
        if self.facts.picture.process_gone && known && !partner.view.leaving {
            return StateId::Failed;
        }
        StateId::Unknown
    }

    /// Remembers the newest of the partner. What lies below what was seen before is a partner that
    /// was rolled back: it is only believed once it is level (`level`).
    pub(crate) fn note_partner_seen(&mut self, level: bool) {
        let Some(it) = self.facts.partner else { return };
        let (instance, positions) = (it.instance, it.view.positions);
        let below = self.record.partner_seen.is_some_and(|seen| {
            let newer = instance.is_newer_than(seen.instance);
            let lost =
                JournalKind::ALL.into_iter().any(|it| positions.of(it) < seen.positions.of(it));
            instance != seen.instance && (!newer || lost)
        });
        if level || !below {
            self.record.partner_seen = Some(PartnerSeen { instance, positions });
        }
    }

    pub(crate) fn show(&mut self, step: Step) {
        self.facts.step = step;
    }
}

/// Whether a history contains an entry at each of these positions: epochs are unique, so the same
/// epoch at the same sequence means the same entries before it.
pub(crate) fn contains(history: &History, positions: Positions) -> bool {
    JournalKind::ALL.into_iter().all(|kind| {
        let (journal, Position { epoch, sequence }) = (history.of(kind), positions.of(kind));
        sequence == 0
            || (sequence <= journal.last && journal.lineage.epoch_of(sequence) == Some(epoch))
    })
}

/// splitmix64: spreads the random seed of a process over the tags of its epochs.
const fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
