//! P33: a full copy of much data while clients write.
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hotpair_tests::{Audit, Outcome, Pair, PairSettings, Request, Side, Status, patience};
use serde_json::json;

use crate::scenario::Scenario;
use crate::stage::Stage;

const TAG: &str = "line/counter";
/// The length of one value.
const VALUE_BYTES: usize = 60_000;
const VALUES_AT_ONCE: usize = 8;
/// Two hosts in one building, each way.
const DELAY: Duration = Duration::from_millis(1);
/// No write waits longer while the copy is made: half of what makes a channel silent.
const WRITE_MAX: Duration = Duration::from_millis(500);
/// What must travel at least, so that a full copy ends before a shift does.
const BYTES_PER_SECOND_MIN: usize = 2 << 20;

pub(crate) const SCENARIOS: &[Scenario] = &[Scenario::new(
    "P33",
    "p33-full-copy-under-load",
    "beats on time, progress shown, writes go on, nobody moves",
    |stage| Box::pin(full_copy(stage)),
)];

async fn full_copy(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let values = stage.size(1_100, 18_000);
    fill(&pair, values).await?;
    // A wire has a length; namespaces have what the kernel gives them.
    if pair.links.namespaces().is_none() {
        pair.links.delay(DELAY)?;
    }
    let epoch = pair.status(Side::A).await?.epoch();
    let writer = pair.writer(TAG);
    writer.until_more(20).await?;
    let before = writer.records().len();
    let answer = pair.ask(Side::B, Request::post("/api/v1/reinit", &json!({}))).await?;
    ensure!(answer.status == 202, "reinit: {} {}", answer.status, answer.text());
    let begun = Instant::now();
    let bytes = values * VALUE_BYTES;
    let limit = patience(Duration::from_secs(20 + (bytes / BYTES_PER_SECOND_MIN) as u64));
    let shown = follow(&pair, epoch, begun, limit).await?;
    let took = begun.elapsed();
    let records = writer.stop().await?;
    let longest = records[before..]
        .iter()
        .filter(|it| matches!(it.outcome, Outcome::Done { .. }))
        .map(|it| it.ended - it.begun)
        .max()
        .context("writes went on")?;
    println!(
        "  {} MiB in {:.1} s, {} writes meanwhile, the longest {} ms, progress seen at {shown} points",
        bytes >> 20,
        took.as_secs_f64(),
        records.len() - before,
        longest.as_millis(),
    );
    let expected = took.as_secs().max(1);
    ensure!(shown as u64 >= expected, "progress was seen at {shown} points in {took:?}");
    ensure!(longest <= patience(WRITE_MAX), "a write waited {longest:?}");
    let active = Audit::of(&pair).with(records).run().await?;
    ensure!(active == Side::A && pair.status(Side::A).await?.epoch() == epoch, "no role change");
    Ok(())
}

/// Sets many long values.
async fn fill(pair: &Pair, values: usize) -> Result<()> {
    let names: Vec<String> = (0..values).map(|it| format!("bulk/{it:05}")).collect();
    for part in names.chunks(500) {
        let set = |it: &String| json!({"op": "set", "key": format!("tags/{it}"), "value": {"type": "text"}});
        let ops: Vec<_> = part.iter().map(set).collect();
        let request = Request::post("/api/v1/config:transaction", &json!({ "ops": ops }));
        pair.ask(Side::A, request).await?.ok().context("tags are declared")?;
    }
    for (turn, part) in names.chunks(VALUES_AT_ONCE).enumerate() {
        // Not the same everywhere, so that packing does not make it small.
        let mut dice = hotpair_tests::Dice::new(turn as u64);
        let mut value = || {
            let letter = |_| char::from(b'0' + u8::try_from(dice.below(75)).unwrap_or(0));
            (0..VALUE_BYTES).map(letter).filter(|it| *it != '\\').collect::<String>()
        };
        let writes: Vec<_> = part.iter().map(|it| json!({"path": it, "value": value()})).collect();
        let request = Request::post("/api/v1/tags:batch", &json!({ "writes": writes }));
        pair.ask(Side::A, request).await?.ok().context("values are set")?;
    }
    Ok(())
}

/// Looks on until the copy is made; at how many different points it was shown to be.
async fn follow(pair: &Pair, epoch: u64, begun: Instant, limit: Duration) -> Result<usize> {
    let mut shown = std::collections::BTreeSet::new();
    let mut left_ready = false;
    loop {
        let active = pair.status(Side::A).await?;
        ensure!(active.is_active() && active.epoch() == epoch, "{} moved", Side::A);
        on_time(&active)?;
        let standby = pair.status(Side::B).await?;
        on_time(&standby)?;
        let sync = &standby.engine("main")["sync"];
        if let Some(done) = sync["bytes_done"].as_u64().filter(|it| *it > 0) {
            shown.insert(done);
        }
        left_ready |= standby.state() != "standby-ready";
        if left_ready && standby.state() == "standby-ready" {
            return Ok(shown.len());
        }
        ensure!(begun.elapsed() < limit, "not level after {limit:?}: {standby:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// No channel is silent.
fn on_time(status: &Status) -> Result<()> {
    for channel in ["redundancy", "primary"] {
        let health = &status.channel(channel)["health"];
        ensure!(health != "down", "{channel} fell silent: {status:?}");
    }
    Ok(())
}
