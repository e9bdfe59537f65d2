//! The replica of one engine: both journals, and the one door to them.
use crate::comparing::Comparing;
use crate::divergence_store::DivergenceStore;
use crate::fetching::Fetching;
use crate::journal::Journal;
use crate::keys::Known;
use crate::losing::Losing;
use crate::offering::Offering;
use crate::serving::Serving;
use crate::storing::Storing;
use crate::syncing::Syncing;
use crate::transfer::Transfer;
use crate::waiting::Waiting;
use crate::{
    AckRule, Boot, Direction, DivergenceRecord, Fact, IdempotencyKey, Input, ModuleHash, Output,
    PerJournal, Record, Session, Settings,
};
use hotpair_types::{
    Designation, Epoch, History, Instance, ItemKey, JournalKind, NodeTime, Positions, Time,
};
use std::collections::BTreeSet;

/// The data of one engine on one node.
#[derive(Debug)]
pub struct Replica {
    pub(crate) settings: Settings,
    pub(crate) designation: Designation,
    pub(crate) instance: Instance,
    pub(crate) journals: PerJournal<Journal>,
    pub(crate) waiting: PerJournal<Waiting>,
    pub(crate) storing: Storing,
    pub(crate) divergence: DivergenceStore,
    /// Module blobs that are here, verified.
    pub(crate) blobs: BTreeSet<ModuleHash>,
    /// Whether writes are taken.
    pub(crate) writes: Writes,
    pub(crate) rule: AckRule,
    /// `Fact::DegradedWanted` was said.
    pub(crate) degraded_wanted: bool,
    /// The standby of this active.
    pub(crate) serving: Option<Serving>,
    /// Writes that wait for module bytes to reach the standby.
    pub(crate) offering: Offering,
    /// A standby that began before it was served.
    pub(crate) early: Option<Session>,
    /// The active of this standby.
    pub(crate) syncing: Option<Syncing>,
    /// The loser of an election that this node won.
    pub(crate) fetching: Option<Fetching>,
    /// Transfers that broke off, for the next attempt.
    pub(crate) parked: PerJournal<Option<Box<Transfer>>>,
    /// Losing entries on their way.
    pub(crate) losing: Option<Losing>,
    /// The partner understands comparisons.
    pub(crate) partner_compares: bool,
    /// How far an active is with them.
    pub(crate) comparing: Comparing,
    pub(crate) sessions: u64,
    pub(crate) reinit: bool,
    /// The newest wall clock time seen here.
    pub(crate) wall: NodeTime,
    pub(crate) now: Time,
}

/// Whether writes are taken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writes {
    /// Not active.
    No,
    /// Active, under this epoch.
    Open(Epoch),
    /// A planned switchover drains; `said`: that it is done.
    Stopped { said: bool },
}

impl Replica {
    /// Begins with what storage has loaded.
    #[must_use]
    pub fn new(settings: Settings, boot: Boot) -> Self {
        let Boot { designation, instance, config, runtime, divergence, modules } = boot;
        let journals = PerJournal {
            config: Journal::new(config, &settings),
            runtime: Journal::new(runtime, &settings),
        };
        Self {
            settings,
            designation,
            instance,
            journals,
            waiting: PerJournal::default(),
            storing: Storing::default(),
            divergence: DivergenceStore::new(divergence),
            blobs: modules.into_iter().collect(),
            writes: Writes::No,
            rule: AckRule::Wait,
            degraded_wanted: false,
            serving: None,
            offering: Offering::default(),
            early: None,
            syncing: None,
            fetching: None,
            parked: PerJournal::default(),
            losing: None,
            partner_compares: false,
            comparing: Comparing::default(),
            sessions: 0,
            reinit: false,
            wall: NodeTime::default(),
            now: Time::ZERO,
        }
    }

    /// Takes one input, appends what is to be done.
    pub fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        self.now = self.now.max(now);
        match input {
            Input::Write(write) => self.write(write, out),
            Input::Flush => self.flush(out),
            Input::Tick { wall } => self.tick(wall, out),
            Input::Message { from, message } => self.message(from, message, out),
            Input::Direction(direction) => self.direct(direction, out),
            Input::LinkUp => self.link_up(out),
            Input::LinkLost => {
                if let Some(serving) = &mut self.serving {
                    serving.pause();
                }
            }
            Input::PartnerCompares(it) => self.partner_compares = it,
            Input::Stored { ticket } => self.store_done(ticket, out),
            Input::StoreFailed { ticket } => self.store_failed(ticket, out),
            Input::JournalRead { ticket, entries } => self.journal_read(ticket, entries, out),
            Input::BlobHere { hash } => self.blob_here(hash, out),
            Input::BlobLost { hash } => self.blob_lost(hash, out),
            Input::BlobRead { hash, offset, bytes, last } => {
                self.blob_read(hash, offset, bytes, last, out);
            }
            Input::BlobWritten { hash, until } => self.blob_written(hash, until, out),
            Input::ProviderReady { provider } => {
                out.push(Output::Restore { kind: JournalKind::Runtime, provider });
            }
            Input::ReplayDivergence { ticket, id, written_at } => {
                self.replay_divergence(ticket, id, written_at, out);
            }
            Input::DiscardDivergence { ids } => self.discard_divergence(&ids, out),
        }
    }

    fn direct(&mut self, direction: Direction, out: &mut Vec<Output>) {
        match direction {
            Direction::BeginSync { partner } => self.begin_sync(partner, out),
            Direction::SettleWay => self.settle_way(out),
            Direction::TransferData => self.transfer_data(out),
            Direction::Follow => self.follow(),
            Direction::StopSync => {
                self.park_transfers();
                self.syncing = None;
            }
            Direction::ServePartner { partner } => self.serve(partner, out),
            Direction::StopServing => self.stop_serving(),
            Direction::BecomeActive { epoch } => self.become_active(epoch, out),
            Direction::AcknowledgeBy(rule) => self.acknowledge_by(rule, out),
            Direction::StopWrites => self.stop_writes(),
            Direction::ResumeWrites { epoch } => self.become_active(epoch, out),
            Direction::BecomeStandby => self.become_standby(out),
            Direction::StoreLosingEntries { winner, winner_epoch, rule } => {
                self.store_losing_entries(&winner, winner_epoch, rule, out);
            }
            Direction::FetchAhead { partner } => self.fetch_ahead(partner, out),
            Direction::Reinit => self.reinit = true,
            Direction::Persist => self.issue_stores(true, out),
        }
    }

    fn become_active(&mut self, epoch: Epoch, out: &mut Vec<Output>) {
        for kind in JournalKind::ALL {
            let last = self.journals[kind].position().epoch;
            assert!(last <= epoch, "active under {epoch:?} with entries of {last:?}");
        }
        self.syncing = None;
        self.fetching = None;
        self.parked = PerJournal::default();
        self.writes = Writes::Open(epoch);
        // It lost an election, and acts after all.
        self.note_in_history(out);
    }

    fn acknowledge_by(&mut self, rule: AckRule, out: &mut Vec<Output>) {
        if rule == AckRule::WithPartner && self.rule != rule {
            self.comparing.begin_anew();
        }
        self.rule = rule;
        self.degraded_wanted = false;
        if let Some(serving) = &mut self.serving {
            serving.rule_changed(self.now, rule);
        }
        self.settle(out);
    }

    fn stop_writes(&mut self) {
        match self.writes {
            Writes::Open(_) => self.writes = Writes::Stopped { said: false },
            Writes::No | Writes::Stopped { .. } => {}
        }
    }

    fn become_standby(&mut self, out: &mut Vec<Output>) {
        self.writes = Writes::No;
        self.rule = AckRule::Wait;
        self.serving = None;
        for kind in JournalKind::ALL {
            self.waiting[kind].give_up(out);
        }
    }

    /// Whether this node is the active one, or was until its outputs close.
    pub(crate) const fn is_active(&self) -> bool {
        match self.writes {
            Writes::No => false,
            Writes::Open(_) | Writes::Stopped { .. } => true,
        }
    }

    fn flush(&mut self, out: &mut Vec<Output>) {
        self.release_held(out);
        self.pump(out);
        self.compare(out);
        self.issue_stores(false, out);
        self.acknowledge(out);
        self.settle(out);
        self.report_drained(out);
    }

    pub(crate) fn report_drained(&mut self, out: &mut Vec<Output>) {
        let Writes::Stopped { said: false } = self.writes else { return };
        let level = JournalKind::ALL.into_iter().all(|kind| {
            let journal = &self.journals[kind];
            let received = self.serving.as_ref().map_or(0, |it| it.received(kind));
            self.waiting[kind].len() == 0
                // A failed disk stores no more: what is at the partner is what it takes over with.
                && (journal.stored == journal.last() || self.storing.has_failed())
                && received == journal.last()
        });
        if level {
            self.writes = Writes::Stopped { said: true };
            out.push(Output::Fact(Fact::Drained { positions: self.positions() }));
        }
    }

    fn tick(&mut self, wall: NodeTime, out: &mut Vec<Output>) {
        self.wall = self.wall.max(wall);
        let Settings { key_retention, .. } = self.settings;
        for kind in JournalKind::ALL {
            let max = self.settings.limits.keys_max;
            self.journals[kind].keys.expire(self.now, key_retention, max);
        }
        self.issue_stores(false, out);
        self.tick_serving(out);
        self.tick_offering(false, out);
        self.tick_syncing(out);
        self.tick_fetching(out);
        self.flush(out);
    }

    /// When to give `Input::Tick` at the latest.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        let retention = self.settings.key_retention;
        let keys = |kind| self.journals[kind].keys.deadline(retention);
        let data = sooner(self.serving_deadline(), self.syncing_deadline());
        let data = sooner(data, sooner(self.offering_deadline(), self.fetching_deadline()));
        let kept = sooner(keys(JournalKind::Config), keys(JournalKind::Runtime));
        let looked = sooner(self.storing_deadline(), self.comparing_deadline());
        sooner(data, sooner(kept, looked))
    }

    fn link_up(&mut self, out: &mut Vec<Output>) {
        if let Some(serving) = &mut self.serving {
            serving.resume(self.now);
        }
        self.say_gone_again(true, out);
        self.tick_offering(true, out);
        self.resume_syncing(out);
        self.resume_fetching(out);
    }

    /// Both journals' lineages and ends, in memory.
    #[must_use]
    pub fn history(&self) -> History {
        History {
            config: self.journals.config.history.clone(),
            runtime: self.journals.runtime.history.clone(),
        }
    }

    /// Where both journals end, in memory.
    #[must_use]
    pub fn positions(&self) -> Positions {
        Positions {
            config: self.journals.config.position(),
            runtime: self.journals.runtime.position(),
        }
    }

    /// The last sequences that are durable here.
    #[must_use]
    pub fn stored(&self) -> PerJournal<u64> {
        PerJournal::from_fn(|kind| self.journals[kind].stored)
    }

    /// As an active: the last sequences that the standby has in memory.
    #[must_use]
    pub fn received_by_partner(&self) -> Option<PerJournal<u64>> {
        let serving = self.serving.as_ref()?;
        Some(PerJournal::from_fn(|kind| serving.received(kind)))
    }

    /// As an active: the last sequences that the standby has on its disk.
    #[must_use]
    pub fn durable_at_partner(&self) -> Option<PerJournal<u64>> {
        let serving = self.serving.as_ref()?;
        Some(PerJournal::from_fn(|kind| serving.durable(kind)))
    }

    /// How many writes wait for their acknowledgement.
    #[must_use]
    pub fn waiting_writes(&self) -> usize {
        self.waiting.config.len() + self.waiting.runtime.len()
    }

    /// The value of an item.
    #[must_use]
    pub fn get(&self, kind: JournalKind, item: &ItemKey) -> Option<&Record> {
        self.journals[kind].image.get(item)
    }

    /// Whether a write with this idempotency key was taken and is remembered: another one is answered
    /// as it was.
    #[must_use]
    pub fn remembers(&self, kind: JournalKind, key: &IdempotencyKey) -> bool {
        matches!(self.journals[kind].keys.look_up(key), Known::Kept(_))
    }

    /// The items of a provider ("" for config) whose names begin with `prefix`, in order.
    pub fn items<'a>(
        &'a self,
        kind: JournalKind,
        provider: &str,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Record)> + 'a {
        self.journals[kind].image.of_provider(provider, prefix)
    }

    /// BLAKE3 over every item of a journal and its end, to compare the two sides.
    #[must_use]
    pub fn journal_digest(&self, kind: JournalKind) -> [u8; 32] {
        self.journals[kind].digest()
    }

    /// BLAKE3 over every item of both journals and their ends, to compare the two sides.
    #[must_use]
    pub fn state_digest(&self) -> [u8; 32] {
        let mut hash = blake3::Hasher::new();
        for kind in JournalKind::ALL {
            hash.update(&self.journals[kind].digest());
        }
        *hash.finalize().as_bytes()
    }

    /// The records of the divergence store, by id.
    pub fn divergence(&self) -> impl Iterator<Item = &DivergenceRecord> {
        self.divergence.records()
    }

    /// The settings it runs with.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Takes changed settings, from now on.
    pub fn set_settings(&mut self, settings: Settings) {
        let limits = &settings.limits;
        self.journals.config.ring.set_bytes_max(limits.config_ring_bytes_max);
        self.journals.runtime.ring.set_bytes_max(limits.runtime_ring_bytes_max);
        self.settings = settings;
    }
}

/// The earlier of two deadlines.
pub(crate) fn sooner(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
