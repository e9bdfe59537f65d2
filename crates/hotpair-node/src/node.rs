//! A whole node in one process: storage, transport, decisions, API. The guard is outside.
mod halfway;
mod parts;

pub use parts::{NodeParts, OnStarted};

use crate::addresses::{self, Addresses};
use crate::boot;
use crate::clock::Clock;
use crate::driver::{Driver, Ended, EngineRuntime, EventLog, Inlets, Parts, REQUESTS_MAX};
use crate::face::Face;
use crate::forwarder;
use crate::grants::{REPORTS_MAX, ThirdParty};
use crate::greeting;
use crate::own_ends;
use crate::run_file::RunFile;
use crate::scans::Scans;
use crate::services::Services;
use crate::steps;
use crate::store::{self, Store};
use crate::wire::OwnHello;
use halfway::Halfway;
use hotpair_api::{ListenerError, ListenerSettings};
use hotpair_core::{Core, CoreSettings, EngineBoot, EngineIndex};
use hotpair_fsm as fsm;
use hotpair_transport::{
    ChannelSettings, Identity, IdentityError, PinnedKey, StartError, Transport, TransportSettings,
};
use hotpair_types::PerChannel;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The key of this node.
    #[error("the key of this node cannot be used: {0}")]
    Identity(#[from] IdentityError),
    /// The channels.
    #[error("the channels cannot be opened: {0}")]
    Transport(#[from] StartError),
    /// The data directory.
    #[error(transparent)]
    Store(#[from] store::OpenError),
    /// The API.
    #[error("the API cannot be served: {0}")]
    Api(#[from] ListenerError),
    /// `run.json`.
    #[error("cannot write run.json: {0}")]
    RunFile(std::io::Error),
    /// The third party of mode `arbiter`.
    #[error("the arbiter cannot be used: {0}")]
    Arbiter(#[from] hotpair_arbiter::ArbiterError),
    /// The line to the guard.
    #[error("cannot reach the guard: {0}")]
    Guard(std::io::Error),
    /// The record of steps.
    #[error("cannot record steps: {0}")]
    Steps(std::io::Error),
    /// The virtual addresses.
    #[error(transparent)]
    Addresses(#[from] addresses::NotReady),
    /// Services, and no program that can keep them.
    #[error("services need a node that is run by the program `hotpair`")]
    Services,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

/// A node that runs. Dropping it does not stop it.
pub struct Node {
    face: Face,
    instance: hotpair_types::Instance,
    driver: std::thread::JoinHandle<Ended>,
    api: hotpair_api::ServeHandle,
    api_keys: hotpair_api::ApiKeys,
    key: PinnedKey,
    shutdown: tokio::sync::watch::Sender<bool>,
    data_dir: std::path::PathBuf,
}

/// Random bits for tags.
///
/// # Errors
/// When the system has none.
pub fn random_tag() -> Result<u64, NodeError> {
    getrandom::u64().map_err(NodeError::Random)
}

/// Names a pair: a hash over both public keys, the same on both sides.
#[must_use]
pub fn pair_id(own: &PinnedKey, partner: &PinnedKey) -> [u8; 16] {
    let mut keys = [own.to_string(), partner.to_string()];
    keys.sort();
    let mut hash = blake3::Hasher::new();
    hash.update(b"hotpair pair v1");
    for key in keys {
        hash.update(key.as_bytes());
        hash.update(&[0]);
    }
    let mut id = [0; 16];
    id.copy_from_slice(&hash.finalize().as_bytes()[..16]);
    id
}

impl Node {
    /// Starts a node. To be called inside a multi-threaded tokio runtime.
    ///
    /// # Errors
    /// `NodeError` says what could not be opened; nothing runs then.
    pub async fn start(parts: NodeParts) -> Result<Self, NodeError> {
        let mut halfway = Halfway::default();
        let started = Self::start_from(parts, &mut halfway).await;
        if started.is_err() {
            halfway.undo().await;
        }
        started
    }

    async fn start_from(parts: NodeParts, halfway: &mut Halfway) -> Result<Self, NodeError> {
        let NodeParts {
            settings,
            guard,
            guard_key,
            guard_pid,
            program,
            natives,
            instance_tag,
            log_level,
            record_steps,
            on_started,
        } = parts;
        let program = program.or_else(|| settings.services.is_empty().then(Default::default));
        let program = program.ok_or(NodeError::Services)?;
        let clock = Clock::start();
        let identity = Identity::load(&settings.key_file())?;
        let partner_key: PinnedKey =
            settings.partner.key.to_string().parse().expect("the settings checked the key");
        let key = identity.key();
        let pair = pair_id(&key, &partner_key);
        let certificate = identity.validity();
        let (store, opened, completions) = Store::open(&settings, instance_tag)?;
        let instance = store.instance();
        halfway.store = Some(store);
        // Nothing is said to anybody before: who hears of this start believes the one before it gone.
        let lease = addresses::make_ready(&settings)?;
        let channels = PerChannel::from_fn(|it| ChannelSettings {
            listen: settings.channels[it].listen,
            partner: settings.channels[it].partner,
        });
        let third_party = ThirdParty::of(&settings, pair, instance)?;
        let (transport, transport_events) =
            Transport::start(TransportSettings::new(identity, partner_key, channels))?;
        halfway.transport = Some(transport.clone());

        let now = clock.now();
        let engines = boot::engines(&settings);
        let mut boots = Vec::new();
        let mut runtimes = Vec::new();
        let mut events = EventLog::default();
        let (reports, grants) = mpsc::channel(REPORTS_MAX);
        for (engine, opened) in engines.iter().zip(opened) {
            for kept in &opened.changes {
                events.restore(&engine.name, &kept.change);
            }
            for remark in &opened.remarks {
                tracing::warn!(engine = %engine.name, %remark, "storage");
            }
            let history = hotpair_types::History {
                config: opened.data.config.head.history.clone(),
                runtime: opened.data.runtime.head.history.clone(),
            };
            let mut runtime = EngineRuntime::new(engine.name.clone(), engine.designation, clock);
            runtime.stopped = opened.undeployed;
            let index = EngineIndex(u8::try_from(runtimes.len()).expect("at most 8 engines"));
            runtime.grant =
                third_party.as_ref().map(|it| it.keep(index, &engine.name, clock, reports.clone()));
            let boot = EngineBoot {
                name: engine.name.clone(),
                fsm_settings: boot::fsm_settings(&settings, engine.designation),
                fsm: fsm::Boot {
                    record: opened.record,
                    history,
                    instance,
                    tag_seed: random_tag()?,
                    storage_ok: true,
                    undeployed: opened.undeployed,
                },
                replication_settings: boot::replication_settings(&settings),
                replication: opened.data,
            };
            if record_steps {
                runtime.steps =
                    Some(steps::record(&settings, &boot, now).map_err(NodeError::Steps)?);
            }
            boots.push(boot);
            runtimes.push(runtime);
        }
        let core_settings = CoreSettings {
            beats: boot::beats(&settings),
            instance,
            required: PerChannel::from_fn(|it| settings.channels[it].required),
            recording: record_steps,
        };
        let (core, first) = Core::new(core_settings, boots, now);

        let listener = ListenerSettings::new(
            settings.api.listen,
            settings.api.tls_files(),
            settings.api.token_file(),
        )?;
        let api_keys = listener.keys();
        let (requests, request_inlet) = mpsc::channel(REQUESTS_MAX);
        let names: Vec<_> = engines.iter().map(|it| it.name.clone()).collect();
        let local = PerChannel::from_fn(|it| transport.local_addr(it));
        let (status, status_receiver) = Driver::status_channel(&settings);
        let gates = runtimes.iter().map(|it| it.gate.clone()).collect();
        let face = Face::new(requests, status_receiver, names.clone(), gates);
        let (shutdown, shut) = tokio::sync::watch::channel(false);
        let listener = if settings.api.listen.port() == 0 {
            listener
        } else {
            listener.with_advertise(settings.api.advertise.clone())
        };
        // Requests wait in the queue until the driver runs.
        let api = hotpair_api::serve(listener, Arc::new(face.clone()), shut).await?;
        let api_base = api.base().to_owned();
        let own = OwnHello {
            pair,
            node: settings.node.name.clone(),
            instance,
            guard_key,
            settings: greeting::said(&settings, &natives),
            engines: names.clone(),
            api: api_base.clone(),
            release: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let settings = Arc::new(settings);
        let (mut guard, guard_inlet) = guard;
        if let Some(make) = on_started {
            guard = make(instance).map_err(NodeError::Guard)?;
        }
        let (address_reports, address_inlet) = mpsc::unbounded_channel();
        // They follow the first engine.
        let gate = runtimes[0].gate.clone();
        let addresses =
            Addresses::keep(&settings, gate, clock, guard.is_real(), address_reports, lease);
        let (scans, scanned) = Scans::new(clock);
        let gates = runtimes.iter().map(|it| it.gate.clone()).collect();
        let (said, service_inlet) = mpsc::unbounded_channel();
        let services = Services::keep(&settings, program, gates, clock, guard.is_real(), said);
        let (reports, forwarded) = mpsc::unbounded_channel();
        for (it, index) in runtimes.iter_mut().zip((0..).map(EngineIndex)) {
            let (gate, reports) = (it.gate.clone(), reports.clone());
            it.history.sink = forwarder::keep(&settings, &it.name, gate, index, reports);
        }
        let ends = own_ends::watch(PerChannel::from_fn(|it| local[it].ip()));
        let parts = Parts {
            clock,
            core,
            first,
            settings: settings.clone(),
            engines: runtimes,
            transport,
            store: halfway.store.take().expect("opened above"),
            ends: ends.borrow().clone(),
            addresses,
            scans,
            services,
            natives,
            guard,
            events,
            api_base: api_base.clone(),
            identity: own,
            log_level,
            key,
            certificate,
            status,
        };
        let inlets = Inlets {
            transport: transport_events,
            completions,
            requests: request_inlet,
            guard: guard_inlet,
            grants,
            addresses: address_inlet,
            scanned,
            services: service_inlet,
            forwarded,
            ends,
        };
        let runtime = tokio::runtime::Handle::current();
        let driver = std::thread::Builder::new()
            .name("hotpair-driver".to_owned())
            .spawn(move || runtime.block_on(async move { Driver::new(parts).run(inlets).await }))
            .expect("a thread can be started");
        RunFile {
            node: settings.node.name.to_string(),
            node_pid: std::process::id(),
            guard_pid,
            instance: instance.to_string(),
            api: api_base,
            channels: local,
        }
        .write(&settings.node.data_dir)
        .map_err(NodeError::RunFile)?;
        let data_dir = settings.node.data_dir.clone();
        Ok(Self { face, instance, driver, api, api_keys, key, shutdown, data_dir })
    }

    /// The way to it.
    #[must_use]
    pub fn face(&self) -> &Face {
        &self.face
    }

    /// What its API shows and asks for; can be read again.
    #[must_use]
    pub const fn api_keys(&self) -> &hotpair_api::ApiKeys {
        &self.api_keys
    }

    /// The key that the partner knows it by.
    #[must_use]
    pub const fn key(&self) -> PinnedKey {
        self.key
    }

    /// This start of it.
    #[must_use]
    pub const fn instance(&self) -> hotpair_types::Instance {
        self.instance
    }

    /// Begins a clean stop.
    pub async fn leave(&self) {
        self.face.leave().await;
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// When the driver panicked: a wrong belief is worse than a restart.
    pub async fn ended(self) -> Ended {
        let Self { driver, api, shutdown, data_dir, .. } = self;
        let ended = tokio::task::spawn_blocking(move || driver.join())
            .await
            .expect("a thread can be waited for")
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        shutdown.send_replace(true);
        api.stopped().await;
        RunFile::remove(&data_dir);
        ended
    }
}
