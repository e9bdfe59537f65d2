//! The two nodes of a demo: their files, their processes, and the end of both.

use super::super::ask::{Ask, Base};
use super::super::init::shown;
use super::super::terminal::clean;
use super::super::{Context, Failure};
use super::story::looked_at;
use crate::run_file::RunFile;
use crate::settings::template;
use hotpair_os::child::{ChildSetup, Pid, ProcessHandle, signal_group};
use hotpair_os::signals;
use hotpair_transport::Identity;
use hotpair_types::StateId;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const NAMES: [&str; 2] = ["gw-a", "gw-b"];
const NODES: [usize; 2] = [0, 1];
/// How often other ports are tried when somebody took one meanwhile.
const ATTEMPTS_MAX: usize = 4;
/// How long a node may take until it listens.
const LISTEN_PATIENCE: Duration = Duration::from_secs(15);
/// How long a clean stop may take.
const STOP_PATIENCE: Duration = Duration::from_secs(6);
/// How much of a log is shown when the demo failed.
const LOG_LINES_MAX: usize = 25;
/// How long a guard that was killed stays away.
const RESTART_PAUSE: Duration = Duration::from_secs(2);
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Two nodes.
#[derive(Debug)]
pub(super) struct DemoPair {
    dir: PathBuf,
    /// Removed at the end, when nobody wants to keep it.
    throw_away: Option<TempDir>,
    program: PathBuf,
    keys: [Identity; 2],
    api_ports: [u16; 2],
    children: Vec<Child>,
    /// When a guard that ended is started again.
    restart_at: [Option<Instant>; 2],
}

/// An address whose port is kept for us, UDP and TCP, until it is dropped.
struct Reserved {
    address: SocketAddr,
    _udp: UdpSocket,
    _tcp: TcpListener,
}

impl DemoPair {
    pub(super) fn prepare(dir: Option<&Path>) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::Failed(format!("the demo cannot be prepared: {error}"))
        };
        let (dir, throw_away) = match dir {
            Some(dir) => {
                std::fs::create_dir(dir)
                    .map_err(|error| Failure::Failed(format!("{}: {error}", shown(dir))))?;
                (std::path::absolute(dir).map_err(failed)?, None)
            }
            None => {
                let dir =
                    tempfile::Builder::new().prefix("hotpair-demo-").tempdir().map_err(failed)?;
                (dir.path().to_owned(), Some(dir))
            }
        };
        let key = || Identity::generate().map_err(|error| Failure::Failed(error.to_string()));
        let keys = [key()?, key()?];
        let program = std::env::current_exe().map_err(failed)?;
        Ok(Self {
            dir,
            throw_away,
            program,
            keys,
            api_ports: [0; 2],
            children: Vec::new(),
            restart_at: [None; 2],
        })
    }

    pub(super) fn shown_dir(&self) -> String {
        shown(&self.dir)
    }

    /// Where the log of a node is.
    pub(super) fn shown_log(&self, node: usize) -> String {
        shown(&self.log_file(node))
    }

    pub(super) fn shown_program(&self) -> String {
        shown(&self.program)
    }

    pub(super) const fn name(&self, node: usize) -> &'static str {
        NAMES[node]
    }

    fn node_dir(&self, node: usize) -> PathBuf {
        self.dir.join(NAMES[node])
    }

    fn log_file(&self, node: usize) -> PathBuf {
        self.node_dir(node).join("node.log")
    }

    /// Starts both; when a port was taken meanwhile, again with others.
    pub(super) async fn start_until_listening(&mut self) -> Result<(), Failure> {
        for _ in 0..ATTEMPTS_MAX {
            self.start()?;
            if self.listening().await? {
                return Ok(());
            }
            self.stop().await;
        }
        Err(Failure::Failed("no free ports could be had on 127.0.0.1".to_owned()))
    }

    fn start(&mut self) -> Result<(), Failure> {
        let failed = |error: std::io::Error| {
            Failure::Failed(format!("the nodes cannot be started: {error}"))
        };
        let reserve = |_| Reserved::new(0);
        let channels: Vec<_> = (0..4).map(reserve).collect::<Result<_, _>>().map_err(failed)?;
        // The usual ports where they are free, so that commands find the demo without `--api`.
        let api = |port| Reserved::new(port).or_else(|_| Reserved::new(0));
        let apis = [api(8650).map_err(failed)?, api(8651).map_err(failed)?];
        self.api_ports = [0, 1].map(|it: usize| apis[it].address.port());
        for node in NODES {
            let other = 1 - node;
            let at = |node: usize, channel: usize| channels[2 * node + channel].address.to_string();
            let data_dir = self.node_dir(node).join("data");
            std::fs::create_dir_all(&data_dir).map_err(failed)?;
            let key = self.keys[node].save(&data_dir.join("node.key"));
            key.map_err(|error| Failure::Failed(error.to_string()))?;
            let text = template(&[
                ("node.name", NAMES[node].to_owned()),
                ("node.designation", ["master", "backup"][node].to_owned()),
                ("node.data_dir", data_dir.to_string_lossy().into_owned()),
                ("partner.name", NAMES[other].to_owned()),
                ("partner.key", self.keys[other].key().to_string()),
                ("channels.redundancy.listen", at(node, 0)),
                ("channels.redundancy.partner", at(other, 0)),
                ("channels.primary.listen", at(node, 1)),
                ("channels.primary.partner", at(other, 1)),
                ("api.listen", apis[node].address.to_string()),
            ]);
            std::fs::write(self.node_dir(node).join("node.toml"), text).map_err(failed)?;
        }
        drop((channels, apis));
        for node in NODES {
            let child = self.spawn(node).map_err(failed)?;
            self.children.push(child);
        }
        Ok(())
    }

    fn spawn(&self, node: usize) -> std::io::Result<Child> {
        let log = File::options().create(true).append(true).open(self.log_file(node))?;
        let mut command = Command::new(&self.program);
        command.arg("run").arg("-c").arg(self.node_dir(node).join("node.toml"));
        command.args(["--demo-plant", "--record-steps"]);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command.env_remove("HOTPAIR_API").env_remove("NOTIFY_SOCKET");
        // Ctrl-C is for the demo alone, and a demo that is killed leaves nothing running.
        let setup = ChildSetup {
            own_group: true,
            signal_on_parent_death: Some(signals::TERMINATE),
            keep_open: None,
        };
        setup.apply(&mut command);
        command.spawn()
    }

    /// Whether both serve their API; `false` when one ended because of a port.
    async fn listening(&mut self) -> Result<bool, Failure> {
        let begun = Instant::now();
        loop {
            if (0..2).all(|it| self.run_file(it).is_some()) {
                return Ok(true);
            }
            for node in NODES {
                if let Ok(Some(status)) = self.children[node].try_wait() {
                    let log = std::fs::read(self.log_file(node)).unwrap_or_default();
                    let log = String::from_utf8_lossy(&log);
                    if log.contains("cannot listen") || log.contains("in use") {
                        return Ok(false);
                    }
                    let name = NAMES[node];
                    return Err(Failure::Failed(format!("{name} ended at its start: {status}")));
                }
            }
            if begun.elapsed() > LISTEN_PATIENCE {
                let patience = LISTEN_PATIENCE.as_secs();
                return Err(Failure::Failed(format!("a node did not listen within {patience} s")));
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    fn run_file(&self, node: usize) -> Option<RunFile> {
        RunFile::read(&self.node_dir(node).join("data")).ok()
    }

    /// The base addresses of both.
    pub(super) fn bases(&self) -> [String; 2] {
        self.api_ports.map(|it| format!("http://127.0.0.1:{it}"))
    }

    /// The ways to both.
    pub(super) fn ways(&self) -> [Ask; 2] {
        self.api_ports.map(|it| {
            let base = Base { https: false, authority: format!("127.0.0.1:{it}") };
            Ask::new(base, None, None, None)
        })
    }

    /// The node that says of itself that it is active.
    pub(super) async fn active(&self) -> Option<usize> {
        for (node, way) in self.ways().iter().enumerate() {
            if let Some(status) = looked_at(way).await
                && status.engines.first()?.state.is_some_and(StateId::is_active)
            {
                return Some(node);
            }
        }
        None
    }

    /// The process of the node that starts as active.
    pub(super) fn active_process(&self) -> Option<u32> {
        self.run_file(0).map(|it| it.node_pid)
    }

    /// Kills a node's process, not its guard, as a crash would.
    pub(super) fn kill_node(&self, node: usize) -> Result<u32, Failure> {
        let run = self.run_file(node);
        let run = run.ok_or_else(|| Failure::Failed(format!("{} does not run", NAMES[node])))?;
        let killed = Pid::try_from(run.node_pid)
            .map_err(std::io::Error::other)
            .and_then(|pid| ProcessHandle::open(pid)?.signal(signals::KILL));
        killed.map_err(|error| Failure::Failed(format!("cannot kill {}: {error}", NAMES[node])))?;
        Ok(run.node_pid)
    }

    /// Starts a guard that ended again, as a service manager would, and says so. One that ended by
    /// itself is the end of the demo: a node that cannot work.
    pub(super) fn watch_over(&mut self) -> Result<Vec<String>, Failure> {
        let mut said = Vec::new();
        for node in NODES {
            let name = NAMES[node];
            let ended = match self.children[node].try_wait() {
                Ok(Some(status)) => status,
                Ok(None) | Err(_) => continue,
            };
            if ended.code().is_some_and(|it| it != 0) {
                return Err(Failure::Failed(format!("the guard of {name} ended: {ended}")));
            }
            match self.restart_at[node] {
                None => {
                    let pause = RESTART_PAUSE.as_secs();
                    said.push(format!("the guard of {name} ended ({ended}); started again in {pause} s, as a service manager would"));
                    self.restart_at[node] = Some(Instant::now() + RESTART_PAUSE);
                }
                Some(at) if at <= Instant::now() => {
                    self.restart_at[node] = None;
                    let failed =
                        |error| Failure::Failed(format!("{name} cannot be started: {error}"));
                    self.children[node] = self.spawn(node).map_err(failed)?;
                }
                Some(_) => {}
            }
        }
        Ok(said)
    }

    /// Stops both, politely first.
    pub(super) async fn stop(&mut self) {
        for child in &self.children {
            send(child, signals::TERMINATE);
        }
        let begun = Instant::now();
        while begun.elapsed() < STOP_PATIENCE {
            if self.children.iter_mut().all(|it| !matches!(it.try_wait(), Ok(None))) {
                break;
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        self.kill_all();
    }

    fn kill_all(&mut self) {
        let nodes: Vec<_> = (0..2).filter_map(|it| self.run_file(it)).collect();
        for mut child in self.children.drain(..) {
            if matches!(child.try_wait(), Ok(None)) {
                // A guard takes its node with it; its own children are killed by number.
                for run in nodes.iter().filter(|it| it.guard_pid == Some(child.id())) {
                    if let Ok(pid) = Pid::try_from(run.node_pid) {
                        let _gone =
                            ProcessHandle::open(pid).and_then(|it| it.signal(signals::KILL));
                    }
                }
                if let Ok(group) = Pid::try_from(child.id()) {
                    let _gone = signal_group(group, signals::KILL);
                }
                let _gone = child.kill();
            }
            let _reaped = child.wait();
        }
    }

    /// The ends of both logs, for whoever has to find out why.
    pub(super) fn show_logs(&self, cx: &Context) {
        for node in NODES {
            let log = std::fs::read(self.log_file(node)).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            let lines: Vec<_> = log.lines().collect();
            cx.screen.note(&format!("-- the last lines of {}'s log", NAMES[node]));
            for line in &lines[lines.len().saturating_sub(LOG_LINES_MAX)..] {
                cx.screen.note(&clean(line, 300));
            }
        }
    }
}

impl Drop for DemoPair {
    fn drop(&mut self) {
        self.kill_all();
        if let Some(dir) = self.throw_away.take() {
            let _kept = dir.close();
        }
    }
}

fn send(child: &Child, signal: i32) {
    // Not reaped yet, so the number is still its own.
    if let Ok(pid) = Pid::try_from(child.id()) {
        let _gone = ProcessHandle::open(pid).and_then(|it| it.signal(signal));
    }
}

impl Reserved {
    fn new(port: u16) -> std::io::Result<Self> {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = tcp.local_addr()?;
        Ok(Self { address, _udp: UdpSocket::bind(address)?, _tcp: tcp })
    }
}
