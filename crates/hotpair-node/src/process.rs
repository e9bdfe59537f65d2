//! The two processes of a node: the guard and, below it, the node itself.
use crate::driver::Ended;
use crate::guard::node_side::{self, GuardEvent};
use crate::guard::{EXIT_RESTART, GuardSettings, Notice, Route};
use crate::face::Face;
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
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::sync::mpsc;

/// The threads that carry connections and requests; the driver has its own.
const WORKER_THREADS: usize = 2;

/// How often the node says that it is alive.
const VOUCH_INTERVAL: Duration = Duration::from_secs(1);

/// Runs the guard, which runs the node, until it is over.
#[must_use]
pub fn run_guard(settings: GuardSettings) -> ExitCode {
    crate::guard::run(settings)
}

/// Runs the node until it ends. `guard`: the socket that its guard left open. `with_demo_plant`: a
/// simulated plant runs in it, see `demo_plant`.
///
/// # Errors
/// `NodeError` when it cannot start.
pub fn run_node(
    settings: Settings,
    guard: Option<RawFd>,
    log_level: Option<LogLevel>,
    with_demo_plant: bool,
) -> Result<ExitCode, NodeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .enable_all()
        .build()
        .map_err(NodeError::RunFile)?;
    let ended = runtime.block_on(node(settings, guard, log_level, with_demo_plant))?;
    // Nothing may hold the process up: whoever waits for its end waits for a takeover.
    runtime.shutdown_background();
    Ok(match ended {
        Ended::Stopped => ExitCode::SUCCESS,
        Ended::GuardLost => ExitCode::from(EXIT_RESTART),
    })
}

async fn node(
    settings: Settings,
    guard: Option<RawFd>,
    log_level: Option<LogLevel>,
    with_demo_plant: bool,
) -> Result<Ended, NodeError> {
    let instance_tag = random_tag()?;
    let engines = settings.engines.len();
    let (says, inlet) = mpsc::unbounded_channel();
    let mut parts = NodeParts {
        settings,
        guard: GuardLink::none(engines),
        guard_key: None,
        guard_pid: guard.is_some().then(std::os::unix::process::parent_id),
        instance_tag,
        log_level,
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
    if let Some(line) = line.get() {
        tokio::spawn(vouch(node.face().clone(), line.clone()));
    }
    if with_demo_plant {
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
    let told: Arc<Mutex<VecDeque<(u64, Vec<bool>)>>> = Arc::default();
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
