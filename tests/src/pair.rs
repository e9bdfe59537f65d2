//! Two nodes with two links: started, asked, waited for.
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use hotpair_transport::Identity;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    Channel, Links, Namespaces, NodeProcess, NodeSettings, PairSettings, Request, Response, Side,
    Status, Target, Watch, eventually, free_address, own_loopback, patience,
};

/// The states of a node that acts.
const ACTIVE: [&str; 2] = ["active", "active-standby-not-available"];

/// Two nodes of one pair, with their data, links and a watch over both.
#[derive(Debug)]
pub struct Pair {
    nodes: [NodeProcess; 2],
    api: [SocketAddr; 2],
    settings: Mutex<PairSettings>,
    keys: Mutex<[String; 2]>,
    watch: Watch,
    /// The links between them. Dropped after the processes.
    pub links: Links,
    _folder: TempDir,
}

impl Pair {
    /// Makes keys, settings, data directories and links; starts nothing.
    ///
    /// # Errors
    /// When the files or links cannot be made.
    pub async fn prepare(settings: PairSettings, links: Links) -> Result<Self> {
        let mut folder = tempfile::Builder::new().prefix("hotpair-it-").tempdir()?;
        folder.disable_cleanup(std::env::var_os("HOTPAIR_TEST_KEEP").is_some());
        let mut nodes = Vec::new();
        let mut api = Vec::new();
        for side in Side::BOTH {
            let namespace = links.namespaces().map(|it| it.name(side).to_owned());
            let host = if namespace.is_some() { [127, 0, 0, 1].into() } else { own_loopback() };
            // In namespaces both are loopback: the port tells them apart.
            let address = free_address(host)?;
            let node = NodeProcess::new(side, folder.path().join(side.name()), namespace);
            std::fs::create_dir_all(node.data_dir())?;
            Identity::generate()?.save(&node.key_file())?;
            api.push(address);
            nodes.push(node);
        }
        let (b, a) = (nodes.remove(1), nodes.remove(0));
        let nodes = [a, b];
        let api = [api[0], api[1]];
        let targets = Side::BOTH.map(|side| Target {
            side,
            api: api[side.index()],
            namespace: links.namespaces().map(|it| it.path(side)),
        });
        let watch = Watch::over(targets);
        let (settings, keys) = (Mutex::new(settings), Mutex::default());
        let pair = Self { nodes, api, settings, keys, watch, links, _folder: folder };
        pair.pin_keys()?;
        Ok(pair)
    }

    /// Starts both, and waits until the master is active, the backup ready and both channels are up.
    ///
    /// # Errors
    /// When that does not come about.
    pub async fn start_both(&self) -> Result<()> {
        Side::BOTH.into_iter().try_for_each(|side| self.node(side).start())?;
        self.until_roles(Side::A).await?;
        self.until_channels_up().await
    }

    /// The roles are settled over whichever channel comes up first, and one that never was up cannot be lost.
    async fn until_channels_up(&self) -> Result<()> {
        let up = |it: &Status| Channel::BOTH.map(|on| it.channel(on.name())["health"] == "up");
        for side in Side::BOTH {
            self.until(side, "both channels are up", |it| up(it) == [true; 2]).await?;
        }
        Ok(())
    }

    /// Changes the settings; a node reads them at its next start.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn reconfigure(&self, settings: PairSettings) -> Result<()> {
        *self.settings.lock().expect("no holder panics") = settings;
        Side::BOTH.into_iter().try_for_each(|side| self.write_settings(side))
    }

    fn write_settings(&self, side: Side) -> Result<()> {
        let text = self.settings.lock().expect("no holder panics").file(&NodeSettings {
            side,
            data_dir: self.node(side).data_dir(),
            partner_key: self.keys.lock().expect("no holder panics")[side.other().index()].clone(),
            listen: Channel::BOTH.map(|channel| self.links.listen(side, channel)),
            partner: Channel::BOTH.map(|channel| self.links.partner(side, channel)),
            api: self.api[side.index()],
        });
        Ok(std::fs::write(self.node(side).settings_file(), text)?)
    }

    /// Pins the keys that the nodes have now, each at the other.
    ///
    /// # Errors
    /// When a key cannot be read or a file not be written.
    pub fn pin_keys(&self) -> Result<()> {
        for side in Side::BOTH {
            let key = self.node(side).identity()?.key().to_string();
            self.keys.lock().expect("no holder panics")[side.index()] = key;
        }
        Side::BOTH.into_iter().try_for_each(|side| self.write_settings(side))
    }

    /// Pins another key at one node, as that of its partner.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn pin_at(&self, side: Side, key: &str) -> Result<()> {
        self.keys.lock().expect("no holder panics")[side.other().index()] = key.into();
        self.write_settings(side)
    }

    /// One of the nodes.
    #[must_use]
    pub const fn node(&self, side: Side) -> &NodeProcess {
        &self.nodes[side.index()]
    }

    /// What was seen of both so far.
    #[must_use]
    pub const fn watch(&self) -> &Watch {
        &self.watch
    }

    /// How a client reaches a node.
    #[must_use]
    pub fn target(&self, side: Side) -> Target {
        Target {
            side,
            api: self.api[side.index()],
            namespace: self.links.namespaces().map(|it: &Namespaces| it.path(side)),
        }
    }

    /// How a client reaches both.
    #[must_use]
    pub fn targets(&self) -> [Target; 2] {
        Side::BOTH.map(|side| self.target(side))
    }

    /// Asks one node.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn ask(&self, side: Side, request: Request) -> Result<Response> {
        self.target(side).send(request).await
    }

    /// The status of a node.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn status(&self, side: Side) -> Result<Status> {
        let request = Request::get("/api/v1/status").within(Duration::from_secs(3));
        Ok(Status::new(self.ask(side, request).await?.ok()?))
    }

    /// The events of a node, oldest first.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn events(&self, side: Side) -> Result<Vec<Value>> {
        let answer =
            self.ask(side, Request::get("/api/v1/events?since=0&last=1000")).await?.ok()?;
        let list = answer.as_array().or_else(|| answer["events"].as_array());
        list.cloned().context("events are a list")
    }

    /// Waits for something in the status of one node.
    ///
    /// # Errors
    /// When it does not come about; with both statuses and logs.
    pub async fn until(
        &self,
        side: Side,
        what: &str,
        holds: impl Fn(&Status) -> bool,
    ) -> Result<Status> {
        let what = format!("{side}: {what}");
        eventually(&what, patience(Duration::from_secs(10)), async || {
            if let Some(status) = self.node(side).ended_early() {
                return Ok(Err(anyhow!("{side} ended by itself: {status}; waited for {what}")));
            }
            let status = self.status(side).await?;
            if holds(&status) { Ok(Ok(status)) } else { bail!("state {}", status.state()) }
        })
        .await?
    }

    /// Waits until a node is in one of these states.
    ///
    /// # Errors
    /// When it does not come about.
    pub async fn until_state(&self, side: Side, states: &[&str]) -> Result<Status> {
        let holds = |it: &Status| states.contains(&it.state());
        self.until(side, &format!("state {}", states.join(" or ")), holds).await
    }

    /// Waits until a node acts.
    ///
    /// # Errors
    /// When it does not come about.
    pub async fn until_active(&self, side: Side) -> Result<Status> {
        self.until_state(side, &ACTIVE).await
    }

    /// Waits until one node is Active and the other Standby - Ready.
    ///
    /// # Errors
    /// When it does not come about.
    pub async fn until_roles(&self, active: Side) -> Result<()> {
        self.until_state(active, &["active"]).await?;
        self.until_state(active.other(), &["standby-ready"]).await?;
        // The second wait may have seen the first change again.
        let found = self.until_settled().await?;
        ensure!(found == active, "{found} is active instead of {active}");
        Ok(())
    }

    /// Waits until exactly one node is Active and the other Standby - Ready, and says which acts.
    ///
    /// # Errors
    /// When it does not come about.
    pub async fn until_settled(&self) -> Result<Side> {
        let what = "one node Active, the other Standby - Ready";
        eventually(what, patience(Duration::from_secs(15)), async || {
            let states = [self.status(Side::A).await?, self.status(Side::B).await?];
            match states.each_ref().map(Status::state) {
                ["active", "standby-ready"] => Ok(Side::A),
                ["standby-ready", "active"] => Ok(Side::B),
                [a, b] => bail!("{} is {a}, {} is {b}", Side::A, Side::B),
            }
        })
        .await
    }

    /// Checks for a while that something stays so. What must *not* happen can only be waited for.
    ///
    /// # Errors
    /// The first look that finds it otherwise.
    pub async fn stays(
        &self,
        side: Side,
        what: &str,
        period: Duration,
        holds: impl Fn(&Status) -> bool,
    ) -> Result<()> {
        let end = Instant::now() + period;
        while Instant::now() < end {
            let status = self.status(side).await?;
            ensure!(holds(&status), "{side} must stay {what}, and is {}", status.state());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Asks for a planned change of roles, and waits until it is done.
    ///
    /// # Errors
    /// When it is refused or does not come about.
    pub async fn switch_to(&self, side: Side) -> Result<()> {
        let answer =
            self.ask(side.other(), Request::post("/api/v1/switchover", &json!({}))).await?;
        ensure!(answer.status == 202, "switchover: {} {}", answer.status, answer.text());
        self.until_active(side).await.map(|_| ())
    }

    /// Runs the command line of a node, with its settings; standard output, standard error, status.
    ///
    /// # Errors
    /// When it cannot be run.
    pub async fn cli(&self, side: Side, arguments: &[&str]) -> Result<(String, String, i32)> {
        let mut command = self.node(side).command(arguments)?;
        command.env("HOTPAIR_API", format!("http://{}", self.api[side.index()]));
        let output = tokio::process::Command::from(command).kill_on_drop(true).output();
        let output = tokio::time::timeout(patience(Duration::from_secs(10)), output).await??;
        let text = |it: &[u8]| String::from_utf8_lossy(it).into_owned();
        Ok((text(&output.stdout), text(&output.stderr), output.status.code().unwrap_or(-1)))
    }

    /// Both statuses, events and log tails: what a failure shows.
    pub async fn dump(&self) -> String {
        let mut text = String::new();
        for side in Side::BOTH {
            let status = match self.status(side).await {
                Ok(status) => format!("{status:?}"),
                Err(error) => format!("{error:#}"),
            };
            let events = match self.events(side).await {
                Ok(events) => events.iter().map(|it| format!("{it}\n")).collect(),
                Err(error) => format!("{error:#}\n"),
            };
            let log = self.node(side).log_tail();
            text += &format!("--- {side} status\n{status}\n--- {side} events\n{events}");
            text += &format!("--- {side} log, {}\n{log}\n", self.node(side).log_file().display());
        }
        text
    }

    /// The folder of a node's data.
    #[must_use]
    pub fn folder(&self, side: Side) -> &Path {
        self.node(side).folder()
    }
}
