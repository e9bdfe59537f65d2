//! The two processes of a node: the guard and, below it, the node itself.
use crate::driver::Ended;
use crate::face::Face;
use crate::guard::node_side::{self, GuardEvent};
use crate::guard::{EXIT_RESTART, GuardSettings, Notice, Route};
use crate::guard_link::{GuardLink, GuardSays};
use crate::logging::LogLevel;
use crate::node::{Node, NodeError, NodeParts, pair_id, random_tag};
use crate::settings::Settings;
use crate::wire;
use hotpair_api::face::NodeFace;
use hotpair_transport::{Identity, PinnedKey};
use hotpair_types::{Channel, Instance};
use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock};
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
            guarded(fd, engines, instance, signer, ways, says, &line)
        }));
    }
    let node = Node::start(parts).await?;
    tracing::info!(instance = %node.instance(), "the node runs");
    wait_for_signals(&node);
    let (hooks_now, hooks) = watch::channel(running.hooks.clone());
    tokio::spawn(crate::hooks::run(NodeFace::status(node.face()), hooks));
    tokio::spawn(reload_on_hang_up(extras.settings_file, running, hooks_now));
    if let Some(line) = line.get() {
        tokio::spawn(vouch(node.face().clone(), line.clone()));
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
        Ok(Self { pair: pair_id(&own, &partner), routes })
    }
}

/// Notices by number: the flags of all engines.
type Told = VecDeque<(u64, Vec<bool>)>;

/// Connects to the guard and gives it the first notice.
fn guarded(
    fd: RawFd,
    engines: usize,
    instance: Instance,
    signer: Arc<Identity>,
    ways: Ways,
    says: mpsc::UnboundedSender<GuardSays>,
    line: &OnceLock<node_side::GuardLink>,
) -> std::io::Result<GuardLink> {
    // What was told and not yet taken, oldest first, by number.
    let told: Arc<Mutex<Told>> = Arc::default();
    let taken = told.clone();
    let link = node_side::connect(fd, move |event| match event {
        GuardEvent::Told { number } => {
            let mut told = taken.lock().expect("no code panics while it holds this lock");
            let mut newest = None;
            while told.front().is_some_and(|it| it.0 <= number) {
                newest = told.pop_front();
            }
            if let Some((_, behind)) = newest {
                says.send(GuardSays::Told { behind }).ok();
            }
        }
        GuardEvent::Lost => {
            says.send(GuardSays::Lost).ok();
        }
    })?;
    let end = link.clone();
    // There is one guard.
    line.set(link.clone()).ok();
    link.ready();
    let tell = move |behind: &[bool]| {
        let sign = |bytes: &[u8]| signer.sign(bytes);
        let (datagram, answer) = wire::encode_fenced(ways.pair, instance, behind, sign);
        let notice =
            Notice { routes: ways.routes, datagram: datagram.to_vec(), answer: answer.to_vec() };
        // Held while telling, so that the answer cannot come before the number is noted.
        let mut told = told.lock().expect("no code panics while it holds this lock");
        let number = link.tell(notice);
        told.push_back((number, behind.to_vec()));
    };
    tell(&vec![false; engines]);
    Ok(GuardLink::new(engines, tell, move || end.stopping()))
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

/// SIGHUP: what may change while running is applied, the rest is named.
async fn reload_on_hang_up(
    file: PathBuf,
    mut running: Settings,
    hooks: watch::Sender<crate::settings::Hooks>,
) {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hang_ups = match signal(SignalKind::hangup()) {
        Ok(hang_ups) => hang_ups,
        Err(error) => {
            tracing::error!(%error, "SIGHUP cannot be heard");
            return;
        }
    };
    while hang_ups.recv().await.is_some() {
        let new = match crate::settings::load(&file) {
            Ok(new) => new,
            Err(error) => {
                tracing::error!("the settings are not taken; the old ones stay:\n{error}");
                continue;
            }
        };
        let reload = running.diff_reload(&new);
        for it in &reload.applied {
            tracing::info!(field = it.field, old = it.old, new = it.new, "applied");
        }
        for it in &reload.needs_restart {
            tracing::warn!(field = it.field, running = it.old, file = it.new, "needs a restart");
        }
        if reload == crate::settings::Reload::default() {
            tracing::info!("the settings are as they were");
        }
        hooks.send_replace(new.hooks.clone());
        running.hooks = new.hooks;
    }
}
