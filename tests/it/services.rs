//! S1 to S5: programs of one's own that run on the active alone.
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use hotpair_tests::{Audit, Pair, PairSettings, Side, Signal, Status, eventually, patience};
use serde_json::Value;

use crate::scenario::Scenario;
use crate::stage::Stage;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "S1",
        "s1-service-moves-with-switchovers",
        "on the active alone, with the role in its environment; gone before the other starts",
        |stage| Box::pin(switched_over(stage)),
    ),
    Scenario::new(
        "S2",
        "s2-service-of-a-killed-process",
        "gone before the partner's starts",
        |stage| Box::pin(killed(stage, true)),
    ),
    Scenario::new(
        "S2",
        "s2-service-of-a-killed-process-and-guard",
        "gone before the partner's starts",
        |stage| Box::pin(killed(stage, false)),
    ),
    Scenario::new(
        "S3",
        "s3-service-of-a-frozen-active",
        "gone before the partner's starts; the woken node starts none",
        |stage| Box::pin(frozen(stage)),
    ),
    Scenario::new(
        "S4",
        "s4-service-that-ignores-the-signal-to-end",
        "killed after its limit; the handover waits for that",
        |stage| Box::pin(stubborn(stage)),
    ),
    Scenario::new(
        "S5",
        "s5-failing-service-hands-over",
        "the partner acts, an event says why",
        |stage| Box::pin(hands_over(stage)),
    ),
    Scenario::new(
        "S5",
        "s5-failing-service-is-started-again",
        "again and again, later and later; the role stays",
        |stage| Box::pin(only_restarts(stage)),
    ),
];

/// Says that it lives, again and again; so does a child of it that left its session.
const PROGRAM: &str = r#"#!/bin/sh
log=$1
say() { read -r up _ </proc/uptime; echo "$1 $HOTPAIR_NODE $HOTPAIR_EPOCH $up" >>"$log"; }
trap 'say stop; exit 0' TERM
case $2 in
  stubborn) trap '' TERM ;;
  fails-on-a) [ "$HOTPAIR_NODE" = gw-a ] && { say fail; exit 3; } ;;
esac
say start
echo "it runs as $HOTPAIR_STATE because of $HOTPAIR_REASON for $HOTPAIR_ENGINE, partner $HOTPAIR_PARTNER, at $HOTPAIR_API"
setsid sh -c 'while :; do echo "child $HOTPAIR_NODE $HOTPAIR_EPOCH -" >>"$0"; sleep 0.01; done' "$log" &
while :; do say tick; sleep 0.01; done
"#;

/// One line of the file that the services of both nodes write.
#[derive(Clone, Debug)]
struct Line {
    what: String,
    node: String,
}

/// A pair with a service, and the file that it writes.
struct Scene {
    pair: Arc<Pair>,
    file: PathBuf,
}

impl Scene {
    /// A pair that works, with the service in this role.
    async fn start(stage: &Stage, role: &str, more: &str) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hotpair-it-").tempdir()?;
        let (program, file) = (folder.path().join("program"), folder.path().join("lines"));
        fs::write(&program, PROGRAM)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        let (program, lines) = (program.display(), file.display());
        let service = format!(
            "[[services]]\nname = \"plc\"\ncommand = [\"{program}\", \"{lines}\", \"{role}\"]\n{more}\n"
        );
        stage.keep(folder);
        let pair = stage.start(PairSettings::default().append(&service)).await?;
        Ok(Self { pair, file })
    }

    /// What was written so far.
    fn lines(&self) -> Vec<Line> {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        let line = |it: &str| {
            let mut words = it.split(' ').map(str::to_owned);
            Some(Line { what: words.next()?, node: words.next()? })
        };
        text.lines().filter_map(line).collect()
    }

    /// Waits until it has said so often on this node that it lives, its child as well.
    async fn until_it_runs(&self, side: Side) -> Result<()> {
        let before = self.lines().len();
        let what = format!("the service runs on {side}");
        eventually(&what, patience(Duration::from_secs(5)), async || {
            let lines = self.lines();
            let new = &lines[before.min(lines.len())..];
            for wanted in ["tick", "child"] {
                let found = new.iter().filter(|it| it.what == wanted && it.node == side.name());
                let count = found.count();
                ensure!(count >= 3, "{count} lines of `{wanted}`");
            }
            Ok(())
        })
        .await
    }

    /// Whenever a node begins, the other one is silent from then on until it begins.
    fn never_two(&self) -> Result<()> {
        let mut runs = String::new();
        for (at, line) in self.lines().into_iter().enumerate() {
            if line.what == "start" {
                runs.clone_from(&line.node);
            }
            ensure!(line.node == runs, "line {at}: {line:?} after the start on {runs}");
        }
        Ok(())
    }

    fn count(&self, what: &str, side: Side) -> usize {
        self.lines().iter().filter(|it| it.what == what && it.node == side.name()).count()
    }

    async fn audit(&self) -> Result<()> {
        Audit::of(&self.pair).run().await?;
        self.never_two()
    }
}

fn service(status: &Status) -> &Value {
    &status.json()["services"][0]
}

async fn switched_over(stage: &Stage) -> Result<()> {
    let scene = Scene::start(stage, "plain", "stop_limit = \"1s\"").await?;
    scene.until_it_runs(Side::A).await?;
    let pair = &scene.pair;
    for (active, turns) in [(Side::B, 1), (Side::A, 1), (Side::B, 2)] {
        let old = active.other();
        pair.switch_to(active).await?;
        scene.until_it_runs(active).await?;
        ensure!(scene.count("stop", old) == turns, "{old} was asked to stop, once each time");
        ensure!(service(&pair.status(active).await?)["state"] == "running");
        ensure!(service(&pair.status(old).await?)["state"] == "stopped");
        pair.until_roles(active).await?;
    }
    let log = pair.node(Side::B).log();
    let said = "it runs as active because of offered for main, partner";
    ensure!(log.contains(said), "what a service says is in the log");
    ensure!(log.contains(&format!("at http://{}", pair.target(Side::B).api)), "its node's API");
    let (text, _, _) = pair.cli(Side::B, &["status"]).await?;
    ensure!(text.contains("plc"), "status shows it: {text}");
    scene.audit().await
}

async fn killed(stage: &Stage, guard_lives: bool) -> Result<()> {
    let scene = Scene::start(stage, "plain", "stop_limit = \"1s\"").await?;
    scene.until_it_runs(Side::A).await?;
    let node = scene.pair.node(Side::A);
    if guard_lives {
        node.signal_node(Signal::KILL)?;
    } else {
        node.kill_all().await?;
    }
    scene.pair.until_active(Side::B).await?;
    scene.until_it_runs(Side::B).await?;
    if !guard_lives {
        node.start()?;
    }
    scene.pair.until_roles(Side::B).await?;
    ensure!(scene.count("stop", Side::A) == 0, "it had no time to end");
    scene.audit().await
}

async fn frozen(stage: &Stage) -> Result<()> {
    let scene = Scene::start(stage, "plain", "stop_limit = \"1s\"").await?;
    scene.until_it_runs(Side::A).await?;
    let node = scene.pair.node(Side::A);
    node.signal_all(Signal::STOP)?;
    let frozen_at = Instant::now();
    scene.pair.until_active(Side::B).await?;
    scene.until_it_runs(Side::B).await?;
    tokio::time::sleep(Duration::from_secs(3).saturating_sub(frozen_at.elapsed())).await;
    node.signal_all(Signal::CONT)?;
    scene.pair.until_roles(Side::B).await?;
    ensure!(scene.count("start", Side::A) == 1, "it started none when it woke");
    scene.audit().await
}

async fn stubborn(stage: &Stage) -> Result<()> {
    const LIMIT: Duration = Duration::from_millis(800);
    let scene = Scene::start(stage, "stubborn", "stop_limit = \"800ms\"").await?;
    scene.until_it_runs(Side::A).await?;
    let asked_at = Instant::now();
    scene.pair.switch_to(Side::B).await?;
    let took = asked_at.elapsed();
    ensure!(took >= LIMIT, "it was given its time: {took:?}");
    scene.until_it_runs(Side::B).await?;
    let log = scene.pair.node(Side::A).log();
    ensure!(log.contains("it took too long to end"), "the log says why it was killed");
    scene.pair.until_roles(Side::B).await?;
    scene.audit().await
}

const FAST: &str = "stop_limit = \"1s\"\nrestart_first = \"50ms\"\nrestart_max = \"400ms\"";

async fn hands_over(stage: &Stage) -> Result<()> {
    let more = format!("{FAST}\non_failure = \"hand-over\"\nfailures_max = 4");
    let scene = Scene::start(stage, "fails-on-a", &more).await?;
    let pair = &scene.pair;
    pair.until_active(Side::B).await?;
    scene.until_it_runs(Side::B).await?;
    ensure!(scene.count("fail", Side::A) >= 4, "it was given its tries");
    let events = pair.events(Side::A).await?;
    let why = events.iter().find(|it| it["cause"] == "service-failing").context("an event")?;
    ensure!(why["rule"] == "services.on_failure" && why["evidence"][0]["value"] == "plc", "{why}");
    ensure!(why["evidence"][2]["value"] == "ended with status 3", "{why}");
    let by = |it: &&Value| it["rule"] == "hand-over-service";
    ensure!(
        events.iter().any(|it| by(&it)),
        "the change of role says that no person asked: {events:?}"
    );
    pair.until_roles(Side::B).await?;
    Audit::of(pair).run().await?;
    Ok(())
}

async fn only_restarts(stage: &Stage) -> Result<()> {
    let more = format!("{FAST}\nfailures_max = 2");
    let scene = Scene::start(stage, "fails-on-a", &more).await?;
    let status = scene
        .pair
        .until(Side::A, "started again", |it| service(it)["restarts"].as_u64() >= Some(5))
        .await?;
    ensure!(status.has_alarm("service-failing"), "an alarm says so");
    let Some("ended with status 3") = service(&status)["last_end"].as_str() else {
        bail!("{}", service(&status))
    };
    ensure!(scene.count("start", Side::B) == 0, "nobody took over");
    scene.pair.until_roles(Side::A).await?;
    Audit::of(&scene.pair).run().await?;
    Ok(())
}
