//! The only door into the state machine: an event goes in, actions come out.
use crate::timer::Timers;
use crate::{Acknowledge, Action, Command, Event, Record, Refusal, Settings, Summary, Timer, View};
use hotpair_types::{Epoch, History, Instance, StateId, Time};

/// What a machine starts from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

/// Why nobody, or not this node, acts: in words for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Waiting {
    /// Nothing is waited for.
    No,
    /// Looking for the partner until the startup allowance is over.
    Partner,
}

/// The redundancy state machine of one engine on one node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Machine {
    settings: Settings,
    record: Record,
    timers: Timers,
}

impl Machine {
    /// Starts in Determining Failover Status.
    #[must_use]
    pub fn new(settings: Settings, boot: Boot, _now: Time) -> (Self, Vec<Action>) {
        let machine = Self { settings, record: boot.record, timers: Timers::default() };
        (machine, Vec::new())
    }

    /// Decides.
    #[must_use = "an action that is not carried out is a lost promise"]
    pub fn handle(&mut self, _now: Time, _event: Event) -> Vec<Action> {
        Vec::new()
    }

    /// When to call `handle` with `Event::Elapsed`, if nothing else happens first.
    #[must_use]
    pub fn next_deadline(&self) -> Option<(Time, Timer)> {
        self.timers.next()
    }

    /// Its own state: 1 to 11, `Unknown` when stopped.
    #[must_use]
    pub const fn state(&self) -> StateId {
        StateId::DeterminingFailoverStatus
    }

    /// What it reports of its partner: 1 to 13.
    #[must_use]
    pub const fn partner_state(&self) -> StateId {
        StateId::Unknown
    }

    /// What the partner is shown.
    #[must_use]
    pub const fn view(&self) -> View {
        View::empty()
    }

    /// The frozen summary, while an election is held.
    #[must_use]
    pub const fn summary(&self) -> Option<&Summary> {
        None
    }

    /// As last given to be stored.
    #[must_use]
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// The epoch it acts under or follows.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.record.epoch
    }

    /// How writes are answered now.
    #[must_use]
    pub const fn acknowledge(&self) -> Acknowledge {
        Acknowledge::Wait
    }

    /// Whether outputs are, or may still be, open.
    #[must_use]
    pub const fn outputs_open(&self) -> bool {
        false
    }

    /// Why nobody, or not this node, acts.
    #[must_use]
    pub const fn waiting(&self) -> Waiting {
        Waiting::Partner
    }

    /// Every reason why a command would be refused now; empty: it would be accepted.
    #[must_use]
    pub fn why_not(&self, _command: Command) -> Vec<Refusal> {
        Vec::new()
    }

    /// The settings it decides by.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }
}
