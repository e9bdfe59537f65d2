//! The loop that feeds a node's decisions and carries them out. It decides nothing itself.
//!
//! One thread owns everything here. Whatever comes from outside (the partner, the disk, the guard,
//! a client) arrives through a queue; a batch of it goes through `Core::handle`, and what that asks
//! for is carried out before the next batch.

mod parts;
mod runtime;
mod drain;
mod partner;
mod refusals;
mod live_settings;
mod effects;
mod grant;
mod ending;
mod writes;
mod commands;
mod data;
mod objects;
mod object_records;
mod object_troubles;
mod object_words;
mod alarms;
mod attributes;
mod history;
mod journal;
mod measure;
mod pace;
mod networks;
mod addresses;
mod services;
mod subscribers;
mod status;
mod storage_failed;

pub(crate) use alarms::AlarmWanted;
pub(crate) use attributes::AttributeWanted;
pub(crate) use data::Session;
pub use journal::EventLog;
pub(crate) use object_words::Line;
pub(crate) use parts::{Inlets, Parts};
pub(crate) use runtime::EngineRuntime;
pub(crate) use subscribers::Connection;
pub(crate) use writes::{PostedWrite, WriteEnd};

use crate::addresses::{Addresses, View as AddressView};
use crate::clock::Clock;
use crate::guard_link::{GuardLink, GuardSays};
use crate::logging::LogLevel;
use crate::own_ends::End;
use crate::scans::Scans;
use crate::settings::Settings;
use crate::store::{Completion, Store};
use hotpair_api::face::{HistogramValue, NodeStatus};
use hotpair_core::{Core, EngineIndex, EngineInput, Input, Output};
use hotpair_engine::objects::Natives;
use hotpair_replication::{Refusal, WriteTicket};
use hotpair_transport::{PinnedKey, TransportHandle};
use hotpair_types::{EngineName, PerChannel, Time};
use partner::PartnerInfo;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Requests that wait for the loop; beyond it callers are refused.
pub(crate) const REQUESTS_MAX: usize = 16_384;
/// The status is published at least so often.
const STATUS_INTERVAL: Duration = Duration::from_millis(500);
/// ... and at most so often.
const STATUS_PAUSE: Duration = Duration::from_millis(20);

/// Something to do on the driver's thread.
pub(crate) type Request = Box<dyn FnOnce(&mut Driver) + Send>;

/// How the node ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to, and has said so to the partner.
    Stopped,
    /// It must not go on: the guard is gone.
    GuardLost,
    /// Its storage failed and the partner has it all.
    StorageFailed,
}

/// Everything a node is made of.
pub struct Driver {
    pub(crate) clock: Clock,
    pub(crate) core: Core,
    pub(crate) settings: Arc<Settings>,
    pub(crate) engines: Vec<EngineRuntime>,
    pub(crate) partner: PartnerInfo,
    pub(crate) transport: TransportHandle,
    pub(crate) store: Store,
    pub(crate) events: EventLog,
    pub(crate) api_base: String,
    pub(crate) log_level: Option<LogLevel>,
    /// Programs that objects may run besides modules.
    pub(crate) natives: Natives,
    /// This node's public key.
    pub(crate) key: PinnedKey,
    pub(crate) certificate: hotpair_transport::Validity,
    sessions: u64,
    pub(crate) round_trips: PerChannel<HistogramValue>,
    ends: PerChannel<End>,
    /// Absent: there are none.
    addresses: Option<Addresses>,
    scans: Scans,
    pub(crate) address_views: Vec<AddressView>,
    services: services::KeptServices,
    guard: GuardLink,
    out: Vec<Output>,
    /// They are being carried out.
    carrying: bool,
    writes: BTreeMap<u64, writes::WaitingWrite>,
    next_ticket: u64,
    /// Of what was posted last, if it was refused.
    post_refused: Option<(WriteTicket, Refusal)>,
    /// The engine whose scans are begun first next time.
    scans_from: usize,
    /// When it is looked at named subscribers again.
    next_note: Time,
    commands: BTreeMap<u64, commands::WaitingCommand>,
    status: watch::Sender<Arc<NodeStatus>>,
    status_dirty: bool,
    status_at: Time,
    leaving: bool,
    ended: Option<Ended>,
}

impl Driver {
    /// Where the status is published.
    pub(crate) fn status_channel(
        settings: &Settings,
    ) -> (watch::Sender<Arc<NodeStatus>>, watch::Receiver<Arc<NodeStatus>>) {
        watch::channel(Arc::new(status::empty(settings)))
    }

    pub(crate) fn new(parts: Parts) -> Self {
        let mut driver = Self {
            clock: parts.clock,
            core: parts.core,
            partner: PartnerInfo::new(parts.identity, &parts.settings.channels),
            settings: parts.settings,
            engines: parts.engines,
            transport: parts.transport,
            store: parts.store,
            events: parts.events,
            api_base: parts.api_base,
            ends: parts.ends,
            addresses: parts.addresses,
            scans: parts.scans,
            address_views: Vec::new(),
            services: services::KeptServices::new(parts.services),
            guard: parts.guard,
            out: parts.first,
            carrying: false,
            writes: BTreeMap::new(),
            next_ticket: 1,
            post_refused: None,
            scans_from: 0,
            next_note: Time::ZERO,
            commands: BTreeMap::new(),
            status: parts.status,
            log_level: parts.log_level,
            natives: parts.natives,
            key: parts.key,
            certificate: parts.certificate,
            sessions: 0,
            round_trips: measure::round_trips(),
            status_dirty: true,
            status_at: Time::ZERO,
            leaving: false,
            ended: None,
        };
        for index in driver.indexes() {
            driver.restore_providers(index);
        }
        driver.carry_out();
        driver.tell_own_ends();
        driver.raise_kept_alarms();
        driver.publish_status();
        driver
    }

    /// Runs until the node ends.
    pub(crate) async fn run(mut self, mut inlets: Inlets) -> Ended {
        loop {
            let deadline = self.clock.instant(self.next_deadline());
            tokio::select! {
                biased;
                Some(event) = inlets.transport.recv() => self.partner_event(event),
                Some(done) = inlets.completions.recv() => self.on_completion(done),
                Some(says) = inlets.guard.recv() => self.on_guard(says),
                Some(report) = inlets.grants.recv() => self.on_grant(report),
                Some(report) = inlets.addresses.recv() => self.on_addresses(report),
                Some(scanned) = inlets.scanned.recv() => self.on_scanned(scanned),
                Some(report) = inlets.services.recv() => self.on_services(report),
                Some(report) = inlets.forwarded.recv() => self.on_forwarded(report),
                Ok(()) = inlets.ends.changed() => {
                    self.ends = inlets.ends.borrow_and_update().clone();
                    self.tell_own_ends();
                }
                Some(request) = inlets.requests.recv() => {
                    // Time first: what was frozen must not answer from what it believed before.
                    self.input(Input::Tick);
                    request(&mut self);
                }
                () = tokio::time::sleep_until(deadline.into()) => {}
            }
            self.drain(&mut inlets);
            self.run_objects();
            self.run_history();
            self.input(Input::Flush);
            self.tidy();
            if let Some(ended) = self.ended {
                self.end().await;
                return ended;
            }
        }
    }

    fn next_deadline(&self) -> Time {
        let scans = self.engines.iter().filter_map(|it| it.objects.wake_at());
        let scan = scans.min().unwrap_or(Time(u64::MAX));
        self.core.next_deadline().min(self.status_at + STATUS_INTERVAL).min(scan)
    }

    /// Lets the core decide, and carries out what it asks for.
    pub(crate) fn input(&mut self, input: Input) {
        let (now, wall) = (self.clock.now(), self.clock.wall());
        self.core.handle(now, wall, input, &mut self.out);
        pace::step_ended(&self.clock, "decide", now);
        self.hold_gates();
        self.carry_out();
    }

    pub(crate) fn engine_input(&mut self, engine: EngineIndex, input: EngineInput) {
        self.input(Input::Engine { engine, input });
    }

    /// How long each open gate stays open is decided anew with every input.
    fn hold_gates(&self) {
        for (engine, index) in self.engines.iter().zip(self.indexes()) {
            engine.gate.hold_until(self.outputs_until(index));
        }
    }

    fn outputs_until(&self, engine: EngineIndex) -> Time {
        // Who woke up and closes now must not be open for one more moment before the gate is shut.
        let closing = self.core.engine(engine).is_some_and(|it| it.machine().is_closing());
        let until = self.core.outputs_until(engine).filter(|_| !closing);
        until.unwrap_or(Time::ZERO)
    }

    fn carry_out(&mut self) {
        // Carrying out may give new inputs; their outputs wait their turn, so that records and
        // messages keep the order in which they were decided.
        if std::mem::replace(&mut self.carrying, true) {
            return;
        }
        while !self.out.is_empty() {
            let out = std::mem::take(&mut self.out);
            let mut since = self.clock.now();
            for output in out {
                let step = pace::name_of(&output);
                match output {
                    Output::Beat { beat, number, views } => self.send_beat(&beat, number, &views),
                    Output::Engine { engine, output } => self.effect(engine, output),
                }
                since = pace::step_ended(&self.clock, step, since);
            }
        }
        for engine in self.indexes() {
            self.runtime(engine).restored.clear();
        }
        self.carrying = false;
    }

    fn on_completion(&mut self, completion: Completion) {
        match completion {
            Completion::Stored { engine, ticket } => {
                let now = self.clock.now();
                self.runtime(engine).figures.stored(now, ticket);
                self.engine_input(engine, EngineInput::Stored(ticket));
            }
            Completion::Failed { engine, ticket, why } => {
                tracing::error!(engine = %self.name_of(engine), %why, "storage failed");
                self.raise(engine, "storage-failed", format!("the storage failed: {why}"));
                self.engine_input(engine, EngineInput::StoreFailed(ticket));
                self.runtime(engine).storage_failed = true;
                self.begin_anew(engine);
            }
            Completion::Data { engine, input } => {
                self.engine_input(engine, EngineInput::Data(input));
            }
        }
    }

    fn on_guard(&mut self, says: GuardSays) {
        match says {
            GuardSays::Told { behind } => {
                for (index, behind) in behind.into_iter().enumerate() {
                    let engine = EngineIndex(u8::try_from(index).expect("at most 8 engines"));
                    self.engine_input(engine, EngineInput::GuardTold { behind });
                }
            }
            GuardSays::Lost => {
                tracing::error!("the guard is gone: outputs are closed and the node ends");
                // What has its place already goes out before it is said where this node ends: the standby acts
                // on that, with or without it.
                self.input(Input::Flush);
                self.input(Input::GuardLost);
                self.end_if_all_stopped(Ended::GuardLost);
            }
            GuardSays::Stop => self.leave(),
        }
    }

    fn tidy(&mut self) {
        self.retry_held_writes();
        self.release_changes();
        self.note_subscribers();
        self.forget_late_commands();
        let now = self.clock.now();
        let due = now >= self.status_at + STATUS_INTERVAL;
        if due || (self.status_dirty && now >= self.status_at + STATUS_PAUSE) {
            self.publish_status();
        }
    }

    fn publish_status(&mut self) {
        self.status_at = self.clock.now();
        self.status_dirty = false;
        self.look_at_certificate();
        self.look_at_refused_handshake();
        self.look_at_networks();
        self.look_at_failed_storage();
        self.look_at_objects();
        self.look_at_history();
        self.look_at_modules();
        self.sample_round_trips();
        let status = Arc::new(self.node_status());
        self.status.send_replace(status);
    }

    pub(crate) const fn changed(&mut self) {
        self.status_dirty = true;
    }

    pub(crate) fn indexes(&self) -> impl Iterator<Item = EngineIndex> + use<> {
        (0..self.engines.len()).map(|it| EngineIndex(u8::try_from(it).expect("at most 8 engines")))
    }

    pub(crate) fn runtime(&mut self, engine: EngineIndex) -> &mut EngineRuntime {
        &mut self.engines[usize::from(engine.0)]
    }

    pub(crate) fn name_of(&self, engine: EngineIndex) -> &EngineName {
        &self.engines[usize::from(engine.0)].name
    }

    /// Numbers the sessions of programs outside.
    pub(crate) const fn next_session(&mut self) -> u64 {
        self.sessions += 1;
        self.sessions
    }

    fn ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }
}
