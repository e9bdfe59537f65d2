//! A third party for mode `arbiter`: a real etcd that is stopped, frozen, or out of reach of one node.
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{PairSettings, Relay, Side, free_address, own_loopback, patience};

/// How long grants last in tests: the least that settings allow.
const LEASE: &str = "2s";

/// One etcd. Each node reaches it by a relay of its own.
#[derive(Debug)]
pub struct Etcd {
    client: SocketAddr,
    peer: SocketAddr,
    child: Mutex<Option<Child>>,
    relays: [Relay; 2],
    data: TempDir,
}

impl Etcd {
    /// Why none can be started on this host; `None`: one can.
    #[must_use]
    pub fn missing() -> Option<String> {
        let run = Command::new("etcd").arg("--version").stdout(Stdio::null()).status();
        run.is_err().then(|| "etcd is not installed (Debian: etcd-server)".to_owned())
    }

    /// Starts one and waits until it serves.
    ///
    /// # Errors
    /// When it does not, or an address cannot be had.
    pub async fn start() -> Result<Self> {
        let (client, peer) = (free_address(own_loopback())?, free_address(own_loopback())?);
        let mut relays = Vec::new();
        for side in Side::BOTH {
            // What its first end is does not matter: nobody sends to a node from here.
            let ends = [free_address(own_loopback())?, client];
            relays.push(Relay::between(ends, side.index() as u64).await?);
        }
        let (b, a) = (relays.remove(1), relays.remove(0));
        let data = tempfile::Builder::new().prefix("hotpair-etcd-").tempdir()?;
        let etcd = Self { client, peer, child: Mutex::new(None), relays: [a, b], data };
        etcd.resume().await?;
        Ok(etcd)
    }

    /// Mode `arbiter` with this one.
    #[must_use]
    pub fn settings(&self, mut settings: PairSettings) -> PairSettings {
        for side in Side::BOTH {
            let address = self.relays[side.index()].near(Side::A);
            settings = settings.only(side, "arbiter.etcd", &format!("[\"http://{address}\"]"));
        }
        settings.mode("arbiter").with("arbiter.lease", LEASE)
    }

    /// Kills it. What it wrote stays.
    ///
    /// # Errors
    /// When it does not run.
    pub fn stop(&self) -> Result<()> {
        let mut child =
            self.child.lock().expect("no holder panics").take().context("etcd runs not")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Starts it again, on the same data and addresses.
    ///
    /// # Errors
    /// When it does not serve in time.
    pub async fn resume(&self) -> Result<()> {
        let (client, peer) = (format!("http://{}", self.client), format!("http://{}", self.peer));
        let mut child = Command::new("etcd")
            .arg("--data-dir")
            .arg(self.data.path())
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}")])
            .args(["--logger", "zap", "--log-outputs", "stderr"])
            .args(["--heartbeat-interval", "20", "--election-timeout", "200"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("etcd cannot be started")?;
        let log = child.stderr.take().context("its log")?;
        *self.child.lock().expect("no holder panics") = Some(child);
        let (serves, served) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(log).lines().map_while(std::result::Result::ok);
            if lines.any(|line| line.contains("serving client traffic")) {
                serves.send(()).ok();
            }
            // Nobody reads the rest, and a full pipe would stop it.
            lines.for_each(drop);
        });
        let served = tokio::time::timeout(patience(Duration::from_secs(20)), served).await;
        match served {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => bail!("etcd ended before it served"),
            Err(_) => bail!("etcd does not serve"),
        }
    }

    /// Freezes it, or lets it go on.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let child = self.child.lock().expect("no holder panics");
        let pid = child.as_ref().context("etcd runs not")?.id();
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).context("a process number")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Cuts one node off from it: nothing passes in either direction.
    pub fn cut(&self, side: Side) {
        self.set(side, true);
    }

    /// Takes that back.
    pub fn heal(&self, side: Side) {
        self.set(side, false);
    }

    fn set(&self, side: Side, cut: bool) {
        for direction in Side::BOTH {
            self.relays[side.index()].change(direction, |it| it.cut = cut);
        }
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.get_mut().expect("no holder panics").take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}
