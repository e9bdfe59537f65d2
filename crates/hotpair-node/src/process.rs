//! The two processes of a node: the guard and, below it, the node itself.
use crate::driver::Ended;
use crate::face::Face;
use crate::guard::node_side;
use crate::guard::{EXIT_RESTART, GuardSettings, Route};
use crate::guard_link::{GuardLink, NoticeParts};
use crate::logging::LogLevel;
use crate::node::{Node, NodeError, NodeParts, pair_id, random_tag};
use crate::reload::Reloading;
use crate::settings::Settings;
use hotpair_api::face::NodeFace;
use hotpair_engine::objects::Natives;
use hotpair_transport::{Identity, PinnedKey};
use hotpair_types::Channel;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// The threads that carry connections and requests; the driver has its own.
const WORKER_THREADS: usize = 2;

/// How often the node says that it is alive.
const VOUCH_INTERVAL: Duration = Duration::from_secs(1);

/// What a node is run with beside its settings.
#[derive(Clone, Debug)]
pub struct Extras {
    /// The file that the settings came from; read again on SIGHUP.
    pub settings_file: PathBuf,
    /// Record every step of the state machines, see `steps`.
    pub record_steps: bool,
    /// Run a simulated plant in it, see `demo_plant`.
    pub demo_plant: bool,
}

/// Runs the guard, which runs the node, until it is over.
#[must_use]
pub fn run_guard(settings: GuardSettings) -> ExitCode {
    crate::guard::run(settings)
}

/// Runs the node until it ends. `guard`: the socket that its guard left open.
///
/// # Errors
/// `NodeError` when it cannot start.
pub fn run_node(
    settings: Settings,
    guard: Option<RawFd>,
    log_level: Option<LogLevel>,
    extras: Extras,
) -> Result<ExitCode, NodeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .enable_all()
        .build()
        .map_err(NodeError::RunFile)?;
    let ended = runtime.block_on(node(settings, guard, log_level, extras))?;
    // Nothing may hold the process up: whoever waits for its end waits for a takeover.
    runtime.shutdown_background();
    Ok(match ended {
        Ended::Stopped => ExitCode::SUCCESS,
        Ended::GuardLost | Ended::StorageFailed => ExitCode::from(EXIT_RESTART),
    })
}

async fn node(
    settings: Settings,
    guard: Option<RawFd>,
    log_level: Option<LogLevel>,
    extras: Extras,
) -> Result<Ended, NodeError> {
    let instance_tag = random_tag()?;
    let engines = settings.engines.len();
    let (says, inlet) = mpsc::unbounded_channel();
    let running = settings.clone();
    let mut parts = NodeParts {
        settings,
        guard: GuardLink::none(engines),
        guard_key: None,
        guard_pid: guard.is_some().then(std::os::unix::process::parent_id),
        program: std::env::current_exe().ok(),
        natives: Natives::default(),
        instance_tag,
        log_level,
        record_steps: extras.record_steps,
        on_started: None,
    };
    let line = Arc::new(OnceLock::new());
    if let Some(fd) = guard {
        let line = line.clone();
        let signer = Arc::new(Identity::generate()?);
        parts.guard_key = Some(*signer.key().as_bytes());
        parts.guard = (GuardLink::none(engines).0, inlet);
        let ways = Ways::new(&parts.settings)?;
        parts.on_started = Some(Box::new(move |instance| {
            let Ways { pair, routes, addresses } = ways;
            let parts = NoticeParts { pair, instance, routes, signer, addresses };
            let (link, to_guard) = GuardLink::connect(fd, engines, parts, says)?;
            to_guard.ready();
            // There is one guard.
            line.set(to_guard).ok();
            Ok(link)
        }));
    }
    let node = Node::start(parts).await?;
    tracing::info!(instance = %node.instance(), "the node runs");
    wait_for_signals(&node);
    let (hooks_now, hooks) = watch::channel(running.hooks.clone());
    let face = node.face();
    tokio::spawn(crate::hooks::run(NodeFace::status(face), face.gates(), hooks));
    let reloading = Reloading {
        file: extras.settings_file,
        running,
        face: node.face().clone(),
        api: node.api_keys().clone(),
        key: node.key(),
        hooks: hooks_now,
        guard: line.get().cloned(),
    };
    tokio::spawn(reloading.on_hang_up());
    if let Some(line) = line.get() {
        tokio::spawn(vouch(node.face().clone(), line.clone()));
    }
    for engine in node.face().engine_names() {
        tokio::spawn(crate::modbus::run(node.face().clone(), engine.clone()));
    }
    if extras.demo_plant {
        let face = node.face().clone();
        tokio::spawn(async move { crate::demo_plant::run(&face, None).await });
    }
    Ok(node.ended().await)
}

/// What a notice needs beside the instance.
struct Ways {
    pair: [u8; 16],
    routes: [Route; 2],
    addresses: Vec<std::net::IpAddr>,
}

impl Ways {
    fn new(settings: &Settings) -> Result<Self, NodeError> {
        let own = Identity::load(&settings.key_file())?.key();
        let partner: PinnedKey =
            settings.partner.key.to_string().parse().expect("the settings checked the key");
        let routes = Channel::ALL.map(|it| Route {
            local: settings.channels[it].listen.ip(),
            partner: settings.channels[it].partner,
        });
        let addresses = settings.virtual_addresses.iter().map(|it| it.address).collect();
        Ok(Self { pair: pair_id(&own, &partner), routes, addresses })
    }
}

/// Tells the guard, and through it the service manager, that the loop goes round, while it does.
async fn vouch(face: Face, line: node_side::GuardLink) {
    let mut rounds = tokio::time::interval(VOUCH_INTERVAL);
    loop {
        rounds.tick().await;
        if face.alive().await.is_ok() {
            line.alive();
        }
    }
}

/// SIGTERM and SIGINT stop cleanly.
fn wait_for_signals(node: &Node) {
    use tokio::signal::unix::{SignalKind, signal};
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let face = node.face().clone();
        match signal(kind) {
            Ok(mut signal) => {
                tokio::spawn(async move {
                    while signal.recv().await.is_some() {
                        face.leave().await;
                    }
                });
            }
            Err(error) => tracing::error!(%error, "signals cannot be heard"),
        }
    }
}
