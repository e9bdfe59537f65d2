//! The processes of one node: the guard that was started, the node that it started.
use std::fs::{File, OpenOptions, TryLockError};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use hotpair_transport::Identity;
use rustix::process::{Pid, kill_process, kill_process_group};
use serde_json::Value;

use crate::{Side, eventually, hotpair_binary, patience};

pub use rustix::process::Signal;

/// How much of a log is shown with a failure.
const LOG_TAIL_LINES: usize = 60;

/// One node: where its files are, and its processes while it runs.
#[derive(Debug)]
pub struct NodeProcess {
    side: Side,
    folder: PathBuf,
    /// Network namespace to start in.
    namespace: Option<String>,
    /// Another release to run than the one that is tested.
    binary: Mutex<Option<PathBuf>>,
    child: Mutex<Option<Child>>,
}

impl NodeProcess {
    pub(crate) fn new(side: Side, folder: PathBuf, namespace: Option<String>) -> Self {
        Self { side, folder, namespace, binary: Mutex::new(None), child: Mutex::new(None) }
    }

    /// Which program its next start and its commands are; `None`: the one that is tested.
    pub fn use_binary(&self, binary: Option<&Path>) {
        *self.binary.lock().expect("no holder panics") = binary.map(Path::to_owned);
    }

    /// The settings file.
    #[must_use]
    pub fn settings_file(&self) -> PathBuf {
        self.folder.join("node.toml")
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The private key with its certificate.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        self.data_dir().join("node.key")
    }

    /// Who the node is.
    ///
    /// # Errors
    /// When the key file cannot be read.
    pub fn identity(&self) -> Result<Identity> {
        Ok(Identity::load(&self.key_file())?)
    }

    /// The text of the key file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn key(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.key_file())?)
    }

    /// Puts a key file back.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put_key(&self, text: &str) -> Result<()> {
        Ok(std::fs::write(self.key_file(), text)?)
    }

    /// Another key, with a certificate that is valid for a time.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn new_key(&self, from: SystemTime, valid: Duration) -> Result<()> {
        Ok(Identity::generate_valid(from, from + valid)?.save(&self.key_file())?)
    }

    /// The log of all its starts.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.folder.join("node.log")
    }

    /// All that was logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read(self.log_file())
            .map(|it| String::from_utf8_lossy(&it).into_owned())
            .unwrap_or_default()
    }

    /// The last lines of the log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }

    /// A command line of the binary, in the node's namespace.
    ///
    /// # Errors
    /// When the binary does not build.
    pub fn command(&self, arguments: &[&str]) -> Result<Command> {
        let other = self.binary.lock().expect("no holder panics").clone();
        let binary = match other {
            Some(other) => other,
            None => hotpair_binary()?.to_owned(),
        };
        let mut command = match &self.namespace {
            None => Command::new(binary),
            Some(name) => {
                let mut inside = Command::new("ip");
                inside.args(["netns", "exec", name]).arg(binary);
                inside
            }
        };
        command.args(arguments).env_remove("HOTPAIR_API").stdin(Stdio::null());
        Ok(command)
    }

    /// Starts guard and node. The old `run.json` goes first, so that whoever reads one reads the new.
    ///
    /// # Errors
    /// When it runs already or does not start.
    pub fn start(&self) -> Result<()> {
        self.start_with(&[])
    }

    /// The same, with more in its environment.
    ///
    /// # Errors
    /// When it runs already or does not start.
    pub fn start_with(&self, environment: &[(&str, &str)]) -> Result<()> {
        let mut child = self.child.lock().expect("no holder panics");
        ensure!(child.is_none(), "{} was started already", self.side);
        if let Err(error) = std::fs::remove_file(self.data_dir().join("run.json"))
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error.into());
        }
        let log = self.open_log()?;
        let settings = self.settings_file();
        let arguments = ["run", "-c", settings.to_str().context("a path in UTF-8")?];
        let started = self
            .command(&arguments)?
            .envs(environment.iter().copied())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()?;
        *child = Some(started);
        Ok(())
    }

    fn open_log(&self) -> Result<File> {
        Ok(OpenOptions::new().create(true).append(true).open(self.log_file())?)
    }

    /// `run.json`: addresses and processes.
    ///
    /// # Errors
    /// When it is not there yet.
    pub fn run_file(&self) -> Result<Value> {
        let text = std::fs::read(self.data_dir().join("run.json")).context("no run.json yet")?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Where its HTTP interface is.
    ///
    /// # Errors
    /// When it is not known yet.
    pub fn api(&self) -> Result<SocketAddr> {
        let file = self.run_file()?;
        let api = file["api"].as_str().context("run.json names no api")?;
        let address = api.trim_start_matches("http://").trim_end_matches('/');
        address.parse().with_context(|| format!("no address: {api}"))
    }

    /// The process that runs the node, if it lives.
    #[must_use]
    pub fn node_pid(&self) -> Option<Pid> {
        let pid = self.run_file().ok()?["node_pid"].as_i64()?;
        self.ours(i32::try_from(pid).ok()?)
    }

    /// The guard, if it lives.
    #[must_use]
    pub fn guard_pid(&self) -> Option<Pid> {
        self.ours(self.child_id()?)
    }

    /// The program that the node process runs.
    ///
    /// # Errors
    /// When it does not run.
    pub fn program(&self) -> Result<PathBuf> {
        let pid = self.node_pid().with_context(|| format!("{} does not run", self.side))?;
        Ok(std::fs::read_link(format!("/proc/{}/exe", pid.as_raw_nonzero()))?)
    }

    /// What the node process holds in memory.
    ///
    /// # Errors
    /// When it does not run.
    pub fn resident_bytes(&self) -> Result<u64> {
        let pid = self.node_pid().with_context(|| format!("{} does not run", self.side))?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()))?;
        let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).context("VmRSS")?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1024)
    }

    fn child_id(&self) -> Option<i32> {
        let child = self.child.lock().expect("no holder panics");
        child.as_ref().and_then(|it| i32::try_from(it.id()).ok())
    }

    /// Only a process that was started with this node's settings is signalled, never one that has
    /// got the number of a dead one.
    fn ours(&self, pid: i32) -> Option<Pid> {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).into_owned();
        line.contains(self.folder.to_str()?).then(|| Pid::from_raw(pid)).flatten()
    }

    /// Signals the node process alone.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal_node(&self, signal: Signal) -> Result<()> {
        let pid = self
            .node_pid()
            .with_context(|| format!("the node process of {} is gone", self.side))?;
        Ok(kill_process(pid, signal)?)
    }

    /// Signals the guard alone.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal_guard(&self, signal: Signal) -> Result<()> {
        let pid =
            self.guard_pid().with_context(|| format!("the guard of {} is gone", self.side))?;
        Ok(kill_process(pid, signal)?)
    }

    /// Signals guard and node. The guard goes first: it must not see what happens to the node.
    ///
    /// # Errors
    /// When neither runs.
    pub fn signal_all(&self, signal: Signal) -> Result<()> {
        let node = self.node_pid();
        self.signal_guard(signal)?;
        match node {
            Some(node) => Ok(kill_process(node, signal)?),
            None => Ok(()),
        }
    }

    /// Kills guard and node together, and waits until they are gone: the host is lost.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn kill_all(&self) -> Result<()> {
        // Neither must have the time to tell anybody about the other.
        self.signal_all(Signal::STOP)?;
        self.signal_all(Signal::KILL)?;
        self.ended().await.map(|_| ())
    }

    /// Asks the guard to stop, as a service manager does, and waits for the end.
    ///
    /// # Errors
    /// When it does not end in time, or not with success.
    pub async fn stop(&self) -> Result<()> {
        self.signal_guard(Signal::TERM)?;
        let status = self.ended().await?;
        if !status.success() {
            bail!("{} ended with {status} when asked to stop", self.side);
        }
        Ok(())
    }

    /// Waits until the guard, and with it the node, is gone.
    ///
    /// # Errors
    /// When it is still there after a long time.
    pub async fn ended(&self) -> Result<ExitStatus> {
        let limit = patience(Duration::from_secs(10));
        let status = eventually(&format!("{} ends", self.side), limit, async || {
            let mut child = self.child.lock().expect("no holder panics");
            let running = child.as_mut().ok_or_else(|| anyhow!("it was not started"))?;
            let status = running.try_wait()?;
            status.ok_or_else(|| anyhow!("process {} runs", running.id()))
        })
        .await?;
        *self.child.lock().expect("no holder panics") = None;
        // A process that is being killed has no command line any more while it still has its files.
        let gone = async || match self.node_pid() {
            Some(pid) => Err(format!("{pid:?} runs")),
            None if self.holds_its_data() => Err("its data directory is in use".into()),
            None => Ok(()),
        };
        eventually(&format!("the node process of {} ends", self.side), limit, gone).await?;
        Ok(status)
    }

    /// Whether some process has the lock of its data directory. It is taken and let go.
    fn holds_its_data(&self) -> bool {
        let lock = File::open(self.data_dir().join("lock"));
        lock.is_ok_and(|it| matches!(it.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// How the guard ended, if it was started and has ended by itself.
    #[must_use]
    pub fn ended_early(&self) -> Option<ExitStatus> {
        let mut child = self.child.lock().expect("no holder panics");
        child.as_mut().and_then(|it| it.try_wait().ok().flatten())
    }

    /// Whether it was started and not waited for yet.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.child.lock().expect("no holder panics").is_some()
    }

    /// The folder of all its files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        if let Some(pid) = self.node_pid() {
            let _gone = kill_process(pid, Signal::KILL);
        }
        let child = self.child.get_mut().expect("no holder panics").take();
        if let Some(mut child) = child {
            if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                let _gone = kill_process_group(pid, Signal::KILL);
            }
            let _reaped = child.wait();
        }
    }
}
