//! P35, P7: clients and programs that were connected to the active when it died.
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hotpair_tests::{
    Audit, Pair, PairSettings, Request, Side, Signal, Subscriber, eventually, patience,
};

use crate::scenario::Scenario;
use crate::stage::Stage;

const TAG: &str = "line/counter";

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "P35",
        "p35-subscription-survives-the-death-of-the-active",
        "resumes from the last sequence: no gap, no double",
        |stage| Box::pin(subscription_survives(stage)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P35",
        "p35-a-named-subscriber-is-known-on-both-nodes",
        "the new active knows who was there and how far; it goes on from there without a gap",
        |stage| Box::pin(named_subscriber(stage)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P7",
        "p7-state-of-a-program-in-python-survives",
        "examples/provider.py goes on counting at the other node",
        |stage| Box::pin(program_survives(stage)),
    )
    .on_loopback_alone(),
];

async fn subscription_survives(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(5).await?;
    let subscriber = Subscriber::start(pair.targets().to_vec(), TAG);
    let value = |count: usize| i64::try_from(count).expect("a small number");
    subscriber.until(value(writer.acknowledged())).await?;
    writer.until_more(20).await?;
    pair.node(Side::A).signal_node(Signal::KILL)?;
    pair.until_active(Side::B).await?;
    writer.until_more(20).await?;
    let records = writer.stop().await?;
    let last = records.last().map_or(0, |it| it.value);
    subscriber.until(last).await?;
    let arrived = subscriber.arrived();
    ensure!(arrived.iter().any(|it| it.from == Side::B), "it went on at the other node");
    for two in arrived.windows(2) {
        ensure!(two[1].sequence > two[0].sequence, "a double: {two:?}");
        ensure!(two[1].value == two[0].value + 1, "a gap: {two:?}");
    }
    Audit::of(&pair).with(records).run().await?;
    Ok(())
}

async fn named_subscriber(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(5).await?;
    let subscriber = Subscriber::start_named(pair.targets().to_vec(), TAG, "hmi");
    let value = |count: usize| i64::try_from(count).expect("a small number");
    subscriber.until(value(writer.acknowledged())).await?;
    writer.until_more(20).await?;
    let first = subscriber.arrived().first().map_or(0, |it| it.sequence);
    let limit = patience(Duration::from_secs(10));
    let known = async |at: Side, to: Side, after: u64| {
        let list = pair.ask(at, Request::get("/api/v1/subscribers")).await?.json();
        let hmi = &list["subscribers"][0];
        let has = hmi["has"].as_str().and_then(|it| it.split_once(':')?.1.parse::<u64>().ok());
        let is_so = hmi["name"] == "hmi" && hmi["connected"] == true && hmi["confirmed"] == true;
        let has = has.filter(|it| *it > after && is_so && hmi["node"] == to.name());
        has.with_context(|| format!("{at} says {list}"))
    };
    let at_b = async || known(Side::B, Side::A, first).await;
    let kept = eventually("the standby knows it", limit, at_b).await?;
    writer.until_more(20).await?;
    pair.node(Side::A).signal_node(Signal::KILL)?;
    pair.until_active(Side::B).await?;
    writer.until_more(20).await?;
    let records = writer.stop().await?;
    subscriber.until(records.last().map_or(0, |it| it.value)).await?;
    let arrived = subscriber.arrived();
    let at_b =
        arrived.iter().position(|it| it.from == Side::B).context("it went on at the other node")?;
    ensure!(arrived[at_b].resumed, "it said nothing, and was known all the same");
    ensure!(arrived[at_b].sequence > kept, "from {kept} on: {:?}", arrived[at_b]);
    let mut values: Vec<_> = arrived.iter().map(|it| it.value).collect();
    values.sort_unstable();
    values.dedup();
    // What it had said in the last second may come once more; nothing is left out.
    ensure!(values.windows(2).all(|it| it[1] == it[0] + 1), "a gap: {values:?}");
    let there = async || known(Side::B, Side::B, kept).await;
    eventually("the new active knows it", limit, there).await?;
    Audit::of(&pair).with(records).run().await?;
    Ok(())
}

/// One run of the example beside a node. Dropped: killed.
struct Program {
    child: Child,
    output: std::path::PathBuf,
}

impl Program {
    fn beside(pair: &Pair, side: Side) -> Result<Self> {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/provider.py");
        let output = pair.folder(side).join("provider.out");
        let file = std::fs::File::create(&output)?;
        let mut command = Command::new("python3");
        command.arg(example).arg(pair.target(side).api.to_string());
        let child = command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).spawn();
        let child = child.map_err(|error| Stage::skip(&format!("no python3: {error}")))?;
        Ok(Self { child, output })
    }

    /// The count with which the node's state was last reported.
    fn count_when(&self, state: &str) -> Result<u64> {
        let said = std::fs::read_to_string(&self.output)?;
        let line = said.lines().rev().find(|it| it.starts_with(&format!("{state},")));
        let line = line.with_context(|| format!("no `{state}` in: {said}"))?;
        Ok(line.rsplit(' ').next().unwrap_or_default().parse()?)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

async fn program_survives(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    let [_at_a, at_b] = [Program::beside(&pair, Side::A)?, Program::beside(&pair, Side::B)?];
    let limit = patience(Duration::from_secs(5));
    let begun = async || at_b.count_when("standby-ready");
    eventually("the program beside the standby is registered", limit, begun).await?;
    let before = pair.status(Side::A).await?.position("runtime").1;
    let counted = async || {
        let now = pair.status(Side::A).await?.position("runtime").1;
        ensure!(now >= before + 5, "runtime is at {now}");
        Ok(now - before)
    };
    let posted = eventually("the program at the active counts", limit, counted).await?;
    pair.node(Side::A).stop().await?;
    pair.until_active(Side::B).await?;
    let went_on = async || {
        let acted = at_b.count_when("active-standby-not-available");
        let count = acted.or_else(|_| at_b.count_when("active"))?;
        ensure!(count >= posted, "it took over at {count}, after {posted} posts");
        Ok(())
    };
    eventually("the other goes on from there", limit, went_on).await?;
    pair.node(Side::A).start()?;
    Audit::of(&pair).run().await?;
    Ok(())
}
