//! The standby's attempt to become and stay level: its stages, and what is asked again.
use crate::modules::ModulePull;
use crate::serving::send;
use crate::transfer::Transfer;
use crate::way::Plan;
use crate::{Fact, Gap, Message, Output, PerJournal, Replica, Session, SyncFailure};
use hotpair_types::{Instance, JournalKind, Time};

/// One attempt.
#[derive(Debug)]
pub(crate) struct Syncing {
    pub(crate) partner: Instance,
    pub(crate) session: Session,
    pub(crate) stage: Stage,
    /// How far the state machine lets it go.
    pub(crate) allowed: Stage,
    /// When something was asked for, or came.
    pub(crate) asked_at: Time,
    pub(crate) modules: ModulePull,
    pub(crate) plans: PerJournal<Plan>,
    pub(crate) follows: PerJournal<Follow>,
    /// What was acknowledged last: received and durable.
    pub(crate) acked: PerJournal<(u64, u64)>,
    /// Acknowledge even if nothing changed: something came twice.
    pub(crate) ack_again: bool,
    /// Entries came that somebody wants on disk.
    pub(crate) urgent: bool,
    /// The state machine knows that this node is level.
    pub(crate) following: bool,
}

/// How far an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Modules are compared and fetched.
    Modules,
    /// They match.
    ModulesMatch,
    /// It is asked how to become level.
    Way,
    /// Losing entries become durable here, then there.
    Losing,
    /// It is known how.
    WaySettled,
    /// Data is under way.
    Transfer,
    /// Level once; entries are followed.
    Level,
}

/// How a journal is followed.
#[derive(Debug, Default)]
pub(crate) enum Follow {
    /// Not yet.
    #[default]
    Not,
    /// Entries are applied as they come.
    Entries,
    /// They go into a shadow, beside parts of the active's image.
    Snapshot(Box<Transfer>),
}

impl Syncing {
    /// Whether entries that came should go to disk at once.
    pub(crate) fn wants_disk(&self) -> bool {
        self.urgent || self.stage == Stage::Transfer
    }

    pub(crate) fn is_level(&self) -> bool {
        self.stage == Stage::Level
    }
}

impl Replica {
    pub(crate) fn begin_sync(&mut self, partner: Instance, out: &mut Vec<Output>) {
        let begun = |it: &Syncing| it.partner == partner && it.stage <= Stage::ModulesMatch;
        if self.is_active() || self.syncing.as_ref().is_some_and(begun) {
            return;
        }
        self.park_transfers();
        self.sessions += 1;
        let session = Session { instance: self.instance, count: self.sessions };
        self.fetching = None;
        self.syncing = Some(Syncing {
            partner,
            session,
            stage: Stage::Modules,
            allowed: Stage::Modules,
            asked_at: self.now,
            modules: ModulePull::default(),
            plans: PerJournal::default(),
            follows: PerJournal::default(),
            acked: PerJournal::default(),
            ack_again: false,
            urgent: false,
            following: false,
        });
        out.push(send(Message::Begin { session }));
    }

    pub(crate) fn settle_way(&mut self, out: &mut Vec<Output>) {
        self.allow(Stage::WaySettled, out);
    }

    pub(crate) fn transfer_data(&mut self, out: &mut Vec<Output>) {
        self.allow(Stage::Level, out);
    }

    fn allow(&mut self, stage: Stage, out: &mut Vec<Output>) {
        if let Some(syncing) = &mut self.syncing {
            syncing.allowed = syncing.allowed.max(stage);
        }
        self.go_on(out);
    }

    /// Goes to the next stage where one is over and the next is allowed.
    pub(crate) fn go_on(&mut self, out: &mut Vec<Output>) {
        let history = Box::new(self.history());
        let Some(syncing) = &mut self.syncing else { return };
        match syncing.stage {
            Stage::ModulesMatch if syncing.allowed > Stage::ModulesMatch => {
                syncing.stage = Stage::Way;
                syncing.asked_at = self.now;
                out.push(send(Message::WayWanted { session: syncing.session, history }));
            }
            Stage::WaySettled if syncing.allowed > Stage::WaySettled => {
                syncing.stage = Stage::Transfer;
                syncing.asked_at = self.now;
                for kind in JournalKind::ALL {
                    self.begin_transfer(kind, out);
                }
                self.check_caught_up(out);
            }
            Stage::Modules
            | Stage::ModulesMatch
            | Stage::Way
            | Stage::Losing
            | Stage::WaySettled
            | Stage::Transfer
            | Stage::Level => {}
        }
    }

    /// The attempt is over; the state machine begins another.
    pub(crate) fn sync_failed(&mut self, reason: SyncFailure, out: &mut Vec<Output>) {
        self.park_transfers();
        let Some(syncing) = self.syncing.take() else { return };
        let kind = JournalKind::Runtime;
        out.push(Output::Fact(match (syncing.stage, reason) {
            (Stage::Level, SyncFailure::EntriesGone) => Fact::Gap(Gap::Entries(kind)),
            (Stage::Level, SyncFailure::Inconsistent) => Fact::Gap(Gap::Inconsistent { kind }),
            (Stage::Level, SyncFailure::ModuleUnavailable)
            | (
                Stage::Modules
                | Stage::ModulesMatch
                | Stage::Way
                | Stage::Losing
                | Stage::WaySettled
                | Stage::Transfer,
                _,
            ) => Fact::SyncFailed { reason },
        }));
    }

    /// Says that this node is level, when it is and all of it is on disk.
    pub(crate) fn check_caught_up(&mut self, out: &mut Vec<Output>) {
        let positions = self.positions();
        let Some(syncing) = &mut self.syncing else { return };
        if syncing.stage != Stage::Transfer {
            return;
        }
        let level = JournalKind::ALL.into_iter().all(|kind| {
            let target = syncing.plans[kind].target;
            matches!(syncing.follows[kind], Follow::Entries)
                && self.journals[kind].last() >= target
                && self.journals[kind].stored >= target
        });
        if !level {
            return;
        }
        if !self.missing_modules().is_empty() {
            // One was deployed meanwhile: the next attempt fetches it.
            self.sync_failed(SyncFailure::ModuleUnavailable, out);
            return;
        }
        self.remove_surplus_modules(out);
        self.note_winning(out);
        let now = self.now;
        let Some(syncing) = &mut self.syncing else { return };
        syncing.stage = Stage::Level;
        syncing.asked_at = now;
        self.reinit = false;
        out.push(Output::Fact(Fact::DataTransferred { positions }));
        out.push(send(Message::CaughtUp { session: syncing.session, positions }));
        self.send_losing(out);
    }

    /// The state machine knows that this node is level.
    pub(crate) fn follow(&mut self) {
        if let Some(syncing) = &mut self.syncing {
            syncing.following = true;
        }
    }

    /// Asks again where no answer came.
    pub(crate) fn tick_syncing(&mut self, out: &mut Vec<Output>) {
        if self.syncing_deadline().is_some_and(|it| self.now >= it) {
            self.resume_syncing(out);
        }
    }

    pub(crate) fn syncing_deadline(&self) -> Option<Time> {
        let syncing = self.syncing.as_ref()?;
        let waits = match syncing.stage {
            Stage::Modules | Stage::Way | Stage::Losing | Stage::Transfer => true,
            Stage::Level => {
                !syncing.following || self.losing.is_some() || syncing.modules.is_pulling()
            }
            Stage::ModulesMatch | Stage::WaySettled => false,
        };
        waits.then_some(syncing.asked_at + self.settings.resend_after)
    }

    /// Asks again for everything that is not answered.
    pub(crate) fn resume_syncing(&mut self, out: &mut Vec<Output>) {
        let positions = self.positions();
        let history = Box::new(self.history());
        let Some(syncing) = &mut self.syncing else { return };
        syncing.asked_at = self.now;
        syncing.ack_again = true;
        let session = syncing.session;
        match syncing.stage {
            Stage::Modules if syncing.modules.is_known() => self.pull_module(out),
            Stage::Modules => out.push(send(Message::Begin { session })),
            Stage::Way => out.push(send(Message::WayWanted { session, history })),
            Stage::Losing => self.send_losing(out),
            Stage::Transfer => self.resume_transfers(out),
            Stage::Level => {
                if !syncing.following {
                    self.resume_transfers(out);
                    out.push(send(Message::CaughtUp { session, positions }));
                }
                self.send_losing(out);
                self.pull_module(out);
            }
            Stage::ModulesMatch | Stage::WaySettled => {}
        }
    }
}
