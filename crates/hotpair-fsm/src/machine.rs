//! The only door into the state machine: an event goes in, actions come out.
use crate::context::Context;
use crate::facts::{Facts, Frozen, Outputs, Partner, Progress, Wishes};
use crate::grant::Grant;
use crate::state::State;
use crate::timer::Timers;
use crate::trust::Trust;
use crate::{
    Acknowledge, Action, Alarm, Command, Event, Picture, Record, Refusal, RoleChange, Rule,
    Settings, Step, Summary, Ticket, Timer, View, Waiting, edge,
};
use hotpair_types::{Epoch, History, Instance, Mode, PerChannel, StateId, Time};

/// More changes of state for one event than any chain of rows has.
const MOVES_MAX: usize = 12;

/// What a machine starts from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Boot {
    /// As stored last; the default for an empty store.
    pub record: Record,
    /// Both journals as opened.
    pub history: History,
    /// This start of the node.
    pub instance: Instance,
    /// Random: the tags of epochs come from it.
    pub tag_seed: u64,
    /// The storage could be opened.
    pub storage_ok: bool,
    /// The engine was undeployed when the process ended.
    pub undeployed: bool,
}

/// The redundancy state machine of one engine on one node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Machine {
    pub(crate) state: State,
    pub(crate) cx: Context,
    /// As published last.
    shown: View,
}

impl Machine {
    /// Starts in Determining Failover Status, or stopped when it is undeployed.
    #[must_use]
    pub fn new(settings: Settings, boot: Boot, now: Time) -> (Self, Vec<Action>) {
        let mut cx = Context {
            settings,
            instance: boot.instance,
            tag_seed: boot.tag_seed,
            now,
            record: boot.record,
            given: boot.record,
            durable: boot.record,
            issued: Ticket::default(),
            storing: false,
            sole_given: false,
            facts: Facts {
                history: boot.history,
                partner: None,
                picture: Picture::default(),
                fenced: None,
                summary: None,
                partner_summary: None,
                outputs: Outputs::Closed,
                storage_ok: boot.storage_ok,
                network_ok: true,
                module_missing: false,
                settings_differ: None,
                guard_lost: false,
                degraded: PerChannel::default(),
                unacknowledged: false,
                step: Step::None,
                round: 0,
                offers: 0,
                accepted: None,
                released: None,
                lost_to: None,
                pausing_with_partner: false,
                unpausing: false,
                failed: None,
                failures: 0,
                broken_syncs: 0,
            },
            progress: Progress::default(),
            wishes: Wishes::default(),
            trust: Trust::default(),
            grant: Grant::default(),
            pending: None,
            timers: Timers::default(),
            actions: Vec::new(),
        };
        if cx.record.damping.changes > 0 {
            cx.set(Timer::Damping, settings.suspend_window);
        }
        let state = State::start(boot.undeployed, &mut cx);
        let mut machine = Self { state, cx, shown: View::empty() };
        let alarms = machine.alarms();
        machine.settle(&alarms);
        let actions = std::mem::take(&mut machine.cx.actions);
        (machine, actions)
    }

    /// Decides. Actions may be carried out in any order.
    #[must_use = "an action that is not carried out is a lost promise"]
    pub fn handle(&mut self, now: Time, event: Event) -> Vec<Action> {
        assert!(now >= self.cx.now, "time went back: {} to {now}", self.cx.now);
        self.cx.now = now;
        // Before the event is noted: what it makes known is news.
        let alarms = self.alarms();
        self.note(event);
        self.settle(&alarms);
        std::mem::take(&mut self.cx.actions)
    }

    /// Takes every row that holds now, then brings everything that follows from the state in line.
    fn settle(&mut self, alarms: &[Alarm]) {
        for moves in 0.. {
            assert!(moves < MOVES_MAX, "no end of changes in {:?}", self.state);
            let before = (self.state.id(), self.cx.record.epoch);
            self.state.hold_election(&mut self.cx);
            self.cx.grant.wish = None;
            let Some((rule, next)) = self.state.next(&mut self.cx) else { break };
            self.enter(before, rule, next);
        }
        let id = self.state.id();
        self.cx.reconcile_trust(id);
        self.cx.reconcile_asking(id);
        self.cx.reconcile_grant(id);
        self.cx.progress.stalled = false;
        let wishes = self.cx.wishes;
        self.cx.wishes = Wishes {
            undeploy: wishes.undeploy,
            leave: wishes.leave,
            leave_now: wishes.leave_now,
            ..Wishes::default()
        };
        self.cx.store_if_changed();
        for alarm in self.alarms() {
            if !alarms.contains(&alarm) {
                self.cx.act(Action::Alarm(alarm));
            }
        }
        let view = self.cx.view(&self.state);
        if view != self.shown {
            self.shown = view;
            self.cx.act(Action::Publish);
        }
    }

    fn enter(&mut self, (from, epoch_before): (StateId, Epoch), rule: Rule, next: State) {
        let to = next.id();
        edge::check(from, to, rule);
        assert!(self.cx.record.epoch >= epoch_before, "the epoch went back from {epoch_before}");
        self.state = next;
        let gap = self.cx.progress.gap && self.state.is_level_still();
        self.cx.progress = Progress { gap, ..Progress::default() };
        for timer in [Timer::StartupAllowance, Timer::Handover, Timer::RecoveryHold] {
            if !self.state.keeps(timer) {
                self.cx.timers.stop(timer);
            }
        }
        if from == StateId::StandbyMissedHeartbeats {
            self.cx.act(Action::AskFast(false));
        }
        if to == StateId::StandbyMissedHeartbeats {
            self.cx.act(Action::AskFast(true));
        }
        self.cx.note_partner_seen(false);
        let change = RoleChange {
            from,
            to,
            rule,
            epoch_before,
            epoch: self.cx.record.epoch,
            picture: self.cx.facts.picture,
            partner: self.cx.facts.partner.map(|it| (it.instance, it.view.state)),
            positions: self.cx.positions(),
        };
        self.cx.act(Action::Record(change));
    }

    /// Every event is a fact that is noted, whatever the state; the rows read facts.
    fn note(&mut self, event: Event) {
        let id = self.state.id();
        let cx = &mut self.cx;
        match event {
            Event::History(history) => cx.facts.history = history,
            Event::PartnerView { instance, view } => {
                if !cx.is_fenced(instance) {
                    Self::note_view(cx, instance, view);
                }
            }
            Event::PartnerSummary(summary) => {
                if summary.designation != cx.settings.designation {
                    cx.facts.partner_summary = Some(Frozen::new(*summary));
                }
            }
            Event::Picture(picture) => Self::note_picture(cx, picture),
            Event::Fenced { instance, behind } => self.note_fenced(instance, behind),
            Event::ModulesMatch => cx.progress.modules_match = true,
            Event::WaySettled => cx.progress.way_settled = true,
            Event::PartnerBegan => cx.forget_trust(),
            Event::DataTransferred => cx.trust.transferred = true,
            Event::DataReceived => cx.progress.received = true,
            Event::Swapped => cx.facts.lost_to = None,
            Event::SyncFailed(_) => cx.progress.sync_failed = true,
            Event::Gap => cx.progress.gap = true,
            Event::Unacknowledged(it) => cx.facts.unacknowledged = it,
            Event::NotSentToUs => cx.progress.not_sent = true,
            Event::StorageFailed => cx.facts.storage_ok = false,
            Event::StorageSound => {
                if !cx.facts.storage_ok && id == StateId::DeterminingFailoverStatus {
                    // While it failed a level partner held an election, and may have moved by it:
                    // what it said until now promises nothing.
                    cx.facts.round += 1;
                }
                cx.facts.storage_ok = true;
                cx.store();
            }
            Event::Network { up } => cx.facts.network_ok = up,
            Event::ModuleMissing(it) => cx.facts.module_missing = it,
            Event::SettingsDiffer(it) => cx.facts.settings_differ = it,
            Event::Policy(policy) => cx.take_policy(policy),
            Event::GuardLost => cx.facts.guard_lost = true,
            Event::LoopStalled => cx.progress.stalled = true,
            Event::Stored(ticket) => {
                if ticket == cx.issued && cx.facts.storage_ok {
                    cx.durable = cx.given;
                    cx.storing = false;
                    cx.sole_given = false;
                }
            }
            Event::OutputsClosed => {
                if cx.facts.outputs == Outputs::Closing {
                    cx.facts.outputs = Outputs::Closed;
                }
            }
            Event::ObjectsReady => cx.progress.objects_ready = true,
            Event::PromotionFailed => cx.progress.promotion_failed = true,
            Event::WritesDrained => cx.progress.drained = true,
            Event::LosingEntriesStored => cx.progress.losing_stored = true,
            Event::FetchedAhead => cx.progress.fetched = true,
            Event::GuardTold { behind } => {
                if behind == cx.trust.telling {
                    cx.trust.told = behind;
                }
            }
            Event::Grant(event) => cx.note_grant(event),
            Event::Command { id: command_id, command } => cx.ask(command_id, command, id),
            Event::Elapsed(timer) => self.note_elapsed(timer),
        }
    }

    /// What the partner said before it fell silent, or answered before the promise that an
    /// acknowledgement is could be over, says nothing about now: the next view does.
    fn note_picture(cx: &mut Context, picture: Picture) {
        let before = cx.facts.picture;
        cx.facts.picture = picture;
        let silent = before.is_reachable() != picture.is_reachable();
        let promises = matches!(cx.settings.mode, Mode::NoSplit | Mode::Arbiter);
        let unpromised = promises && before.fence_due != picture.fence_due;
        if let Some(partner) = cx.facts.partner.as_mut().filter(|_| silent || unpromised) {
            partner.view.about = None;
            partner.outdated |= silent;
        }
    }

    fn note_view(cx: &mut Context, instance: Instance, view: View) {
        let known = cx.facts.partner.map(|it| it.instance);
        if known != Some(instance) {
            cx.forget_trust();
            // Another process: the one that a person switched away from was lost.
            cx.record.recovery_held &= known.is_none();
            cx.facts.partner_summary =
                cx.facts.partner_summary.take().filter(|it| it.summary.instance == instance);
        }
        cx.facts.partner = Some(Partner { instance, view, outdated: false });
    }

    fn note_fenced(&mut self, instance: Instance, behind: bool) {
        let cx = &mut self.cx;
        let followed = self.state.follows() == Some(instance);
        let known = cx.facts.partner.is_some_and(|it| it.instance == instance);
        if !followed && !known {
            return;
        }
        let before = cx.facts.fenced.is_some_and(|it| it.instance == instance && it.behind);
        cx.facts.fenced = Some(crate::facts::Fenced { instance, behind: behind || before });
    }

    fn note_elapsed(&mut self, timer: Timer) {
        let cx = &mut self.cx;
        if cx.timers.stop(timer).is_none() {
            return;
        }
        match timer {
            Timer::StartupAllowance => cx.progress.alone_over = true,
            Timer::Handover => cx.progress.handover_over = true,
            // That they are over is all that they say.
            Timer::Retry | Timer::Silence | Timer::SyncPause => {}
            Timer::RecoveryHold => cx.progress.hold_over = true,
            Timer::Damping => cx.record.damping = crate::Damping::default(),
            Timer::Leave => cx.progress.leave_over = true,
            Timer::Answer => cx.give_up_asking(),
            Timer::Grant => cx.lose_grant(),
        }
    }

    /// When to call `handle` with `Event::Elapsed`, if nothing else happens first.
    #[must_use]
    pub fn next_deadline(&self) -> Option<(Time, Timer)> {
        self.cx.timers.next()
    }

    /// Its own state: 1 to 11, `Unknown` when stopped.
    #[must_use]
    pub const fn state(&self) -> StateId {
        self.state.id()
    }

    /// What it reports of its partner: 1 to 13.
    #[must_use]
    pub fn partner_state(&self) -> StateId {
        self.cx.partner_state()
    }

    /// What the partner is shown. `Action::Publish` says when it changed.
    #[must_use]
    pub const fn view(&self) -> View {
        self.shown
    }

    /// The frozen summary, while an election is held.
    #[must_use]
    pub fn summary(&self) -> Option<&Summary> {
        self.cx.facts.summary.as_ref().map(|it| &*it.summary)
    }

    /// As last given to be stored.
    #[must_use]
    pub const fn record(&self) -> &Record {
        &self.cx.record
    }

    /// The epoch it acts under, or is about to, or follows.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.shown.epoch
    }

    /// How writes are answered now.
    #[must_use]
    pub const fn acknowledge(&self) -> Acknowledge {
        self.cx.trust.acknowledge
    }

    /// Whether outputs are, or may still be, open.
    #[must_use]
    pub fn outputs_open(&self) -> bool {
        self.cx.facts.outputs != Outputs::Closed
    }

    /// Acts only as long as its beats are acknowledged.
    #[must_use]
    pub fn is_fenced_by_silence(&self) -> bool {
        self.cx.is_fenced_by_silence()
    }

    /// Since when it is active.
    #[must_use]
    pub const fn active_since(&self) -> Option<Time> {
        self.state.active_since()
    }

    /// Why this node does not act, or what it waits for.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        self.cx.waiting(&self.state)
    }

    /// The setting that differs, if one does.
    #[must_use]
    pub fn settings_differ(&self) -> Option<&str> {
        self.cx.facts.settings_differ.as_deref()
    }

    /// Every reason why a command would be refused now; empty: it would be accepted.
    #[must_use]
    pub fn why_not(&self, command: Command) -> Vec<Refusal> {
        self.cx.why_not(command, self.state.id())
    }

    /// The settings it decides by.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.cx.settings
    }
}
