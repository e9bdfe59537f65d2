//! P41: history, from the scans of an object to a sink, over changes of role.
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hotpair_history::{Row, Value as Kept, read_files};
use hotpair_tests::{Audit, Pair, PairSettings, Postgres, Request, Side, eventually, patience};
use serde_json::{Value, json};

use crate::objects::{COUNTER, TAG, add, object, until_scan};
use crate::scenario::Scenario;
use crate::stage::{Skip, Stage};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "P41",
        "p41-history-over-takeovers-has-no-gap-and-no-double",
        "each step of the object is in the sink once, and what it was",
        |stage| Box::pin(over_takeovers(stage)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P41",
        "p41-history-in-postgresql-has-no-gap-and-no-double",
        "each step of the object is in the table once, though the server was killed, too",
        |stage| Box::pin(in_postgresql(stage)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P41",
        "p41-history-is-held-while-its-sink-is-away",
        "on both nodes, with an alarm, over a takeover; it drains by itself",
        |stage| Box::pin(sink_away(stage)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P41",
        "p41-history-beyond-its-limit-loses-the-oldest-aloud",
        "both nodes count what was dropped, with an alarm, over a takeover; the rest is in the sink",
        |stage| Box::pin(beyond_its_limit(stage)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P41",
        "p41-history-after-both-acted",
        "the loser's object and history give way whole; both nodes go on with the winner's",
        |stage| Box::pin(both_acted(stage)),
    )
    .on_loopback_alone(),
];

/// As both nodes name the pair to a sink.
fn pair_name() -> String {
    let mut names = Side::BOTH.map(Side::name);
    names.sort_unstable();
    names.join("_")
}

fn record(period: &str) -> Value {
    json!({
        "module": "counter",
        "period": period,
        "scan_limit": "60s",
        "attributes": {"count": {"type": "int", "unit": "pcs", "history": true}, "sum": {"type": "int"}},
        "outputs": {"count": TAG},
    })
}

/// A pair on which an object counts, and is recorded.
async fn recording(stage: &Stage, settings: PairSettings) -> Result<Arc<Pair>> {
    let settings = settings.with("history.block_age", "1s").raw("history.block_records_max", "20");
    let pair = stage.start(settings).await?;
    pair.declare_tag(Side::A, TAG).await?;
    add(&pair, "counter", COUNTER).await?;
    pair.write_config(Side::A, "objects/counter", &record("20ms")).await?;
    Ok(pair)
}

fn to_files(directory: &Path) -> Result<PairSettings> {
    let directory = directory.to_str().context("a path")?;
    let settings = PairSettings::default().with("history.sink", "parquet");
    Ok(settings.with("history.parquet.directory", directory))
}

async fn history(pair: &Pair, side: Side) -> Result<Value> {
    pair.ask(side, Request::get("/api/v1/history")).await?.ok()
}

fn figure(status: &Value, name: &str) -> Result<u64> {
    status[name].as_u64().with_context(|| format!("no {name}: {status}"))
}

/// Lets the object stand still. The number of its last step, which is the truth that the sink is held against.
async fn stand_still(pair: &Pair) -> Result<u64> {
    crate::objects::back_to_master(pair).await?;
    until_still(pair, &record("1h")).await
}

/// The master acts; the declaration has a period of an hour.
async fn until_still(pair: &Pair, declaration: &Value) -> Result<u64> {
    pair.write_config(Side::A, "objects/counter", declaration).await?;
    let step = async || {
        let shown = object(pair, Side::A, "counter").await?;
        ensure!(shown["schedule"]["period_ms"] == 3_600_000, "{shown}");
        shown["scan"].as_u64().context("a number")
    };
    let limit = patience(Duration::from_secs(10));
    let last = eventually("the object stands still", limit, step).await?;
    eventually("both nodes have its last step", limit, async || {
        let standby = object(pair, Side::B, "counter").await?;
        ensure!(standby["scan"].as_u64() == Some(last), "{standby}");
        anyhow::Ok(())
    })
    .await?;
    Ok(last)
}

/// Both nodes hold nothing, and say the same.
async fn until_drained(pair: &Pair, records: u64) -> Result<()> {
    for side in Side::BOTH {
        let what = format!("{side} holds no history any more");
        eventually(&what, patience(Duration::from_secs(30)), async || {
            let status = history(pair, side).await?;
            let done = (figure(&status, "newest")?, figure(&status, "done")?);
            let held = (figure(&status, "held_records")?, figure(&status, "lost")?);
            ensure!(done == (records, records) && held == (0, 0), "{status}");
            ensure!(figure(&status, "committed")? == records, "{status}");
            anyhow::Ok(())
        })
        .await?;
    }
    Ok(())
}

/// Every step from 1 to the last is there once, with what it counted to, under one sequence without a gap.
fn without_a_gap(rows: &[Row], last: u64) -> Result<()> {
    ensure!(rows.len() as u64 == last, "{} rows of {last} steps", rows.len());
    for (number, row) in (1..).zip(rows) {
        let numbered = (row.sequence, row.step) == (number, number);
        let is_it = row.object == "counter" && row.attribute == "count";
        let value = row.value == Kept::Int(i64::try_from(number)?);
        ensure!(numbered && is_it && value, "where step {number} must be: {row:?}");
        ensure!(row.unit.as_deref() == Some("pcs"), "{row:?}");
    }
    Ok(())
}

/// The active is killed, or hands over, again and again. The number of the object's last step.
async fn take_over(
    pair: &Pair,
    rounds: usize,
    mut meanwhile: impl FnMut(usize) -> Result<()>,
) -> Result<u64> {
    let mut scan = until_scan(pair, Side::A, 20).await?;
    for round in 0..rounds {
        let active = pair.until_settled().await?;
        let next = active.other();
        scan = until_scan(pair, active, scan + 20).await?;
        meanwhile(round)?;
        if round % 4 == 3 {
            pair.switch_to(next).await?;
        } else {
            pair.node(active).kill_all().await?;
            pair.until_active(next).await?;
            pair.node(active).start()?;
        }
        scan = until_scan(pair, next, scan + 10).await?;
    }
    let last = stand_still(pair).await?;
    until_drained(pair, last).await?;
    Ok(last)
}

async fn over_takeovers(stage: &Stage) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let pair = recording(stage, to_files(directory.path())?).await?;
    let last = take_over(&pair, stage.size(4, 100), |_| Ok(())).await?;
    let rows = read_files(directory.path(), &pair_name(), "main")?;
    without_a_gap(&rows, last)?;
    let epochs: std::collections::BTreeSet<u64> = rows.iter().map(|it| it.epoch).collect();
    ensure!(epochs.len() > 1, "they are of several terms: {epochs:?}");
    let metrics = pair.ask(Side::A, Request::get("/metrics")).await?.text();
    let line = format!("hotpair_history_committed_records_total{{engine=\"main\"}} {last}");
    ensure!(metrics.contains(&line), "{line} is missing");
    let (shown, error, status) = pair.cli(Side::B, &["history", "status"]).await?;
    ensure!(
        status == 0 && shown.contains(&format!("done up to {last} of {last}")),
        "{shown}{error}"
    );
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn in_postgresql(stage: &Stage) -> Result<()> {
    if let Some(why) = Postgres::missing() {
        return Err(anyhow::Error::new(Skip(why)));
    }
    let mut server = Postgres::start()?;
    let settings = PairSettings::default()
        .with("history.sink", "postgres")
        .with("history.postgres.host", server.socket().to_str().context("a path")?)
        .raw("history.postgres.port", &server.port().to_string())
        .with("history.postgres.database", "postgres")
        .with("history.postgres.user", Postgres::USER);
    let pair = recording(stage, settings).await?;
    let last = take_over(&pair, stage.size(4, 100), |round| {
        if round % 3 == 1 {
            server.kill()?;
            server.resume(&[])?;
        }
        Ok(())
    })
    .await?;
    let pair_name = pair_name();
    let there = server.sql(&format!(
        "select count(*), count(distinct sequence), min(sequence), max(sequence), \
         count(*) filter (where step = sequence and value_int = step and object = 'counter' \
         and attribute = 'count' and unit = 'pcs') from history \
         where pair = '{pair_name}' and engine = 'main'"
    ))?;
    let expected = format!("{last}|{last}|1|{last}|{last}");
    ensure!(there == expected, "the table has {there}, where {expected} must be");
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn sink_away(stage: &Stage) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let (place, away) = (directory.path().join("sink"), directory.path().join("away"));
    std::fs::create_dir(&place)?;
    let pair = recording(stage, to_files(&place)?).await?;
    let limit = patience(Duration::from_secs(20));
    eventually("something is in the sink", limit, async || {
        let status = history(&pair, Side::A).await?;
        ensure!(figure(&status, "committed")? > 0, "{status}");
        anyhow::Ok(())
    })
    .await?;
    std::fs::rename(&place, &away)?;
    for side in Side::BOTH {
        eventually(&format!("{side} holds it"), limit, async || {
            let status = history(&pair, side).await?;
            ensure!(figure(&status, "held_blocks")? > 3, "{status}");
            let fails = status["failing"]["why"].as_str().unwrap_or_default();
            ensure!(side == Side::B || fails.contains("no directory"), "{status}");
            anyhow::Ok(())
        })
        .await?;
    }
    let told = async |side| {
        let status = pair.ask(side, Request::get("/api/v1/status")).await?.ok()?;
        let alarms = status["alarms"].to_string();
        ensure!(alarms.contains("history-behind"), "{alarms}");
        anyhow::Ok(())
    };
    eventually("an alarm says so", limit, async || told(Side::A).await).await?;
    let held = figure(&history(&pair, Side::B).await?, "held_records")?;
    pair.node(Side::A).kill_all().await?;
    pair.until_active(Side::B).await?;
    eventually("the other says so, too", limit, async || told(Side::B).await).await?;
    let now = figure(&history(&pair, Side::B).await?, "held_records")?;
    ensure!(now >= held, "{held} were held by the standby, and {now} are now");
    pair.node(Side::A).start()?;
    pair.until_roles(Side::B).await?;
    std::fs::rename(&away, &place)?;
    let last = stand_still(&pair).await?;
    until_drained(&pair, last).await?;
    without_a_gap(&read_files(&place, &pair_name(), "main")?, last)?;
    ensure!(told(Side::A).await.is_err(), "the alarm stays");
    Audit::of(&pair).run().await?;
    Ok(())
}

/// Each change of this declaration records all of the texts anew.
fn talkative(period_ms: u32) -> Value {
    let text = json!({"type": "text", "initial": "x".repeat(1_000), "history": true});
    let texts = (0..60).map(|it| (format!("text-{it:02}"), text.clone()));
    let counts = ["count", "sum"].map(|it| (it.to_owned(), json!({"type": "int"})));
    let attributes: serde_json::Map<String, Value> = texts.chain(counts).collect();
    json!({
        "module": "counter",
        "period": format!("{period_ms}ms"),
        "scan_limit": "60s",
        "attributes": attributes,
    })
}

async fn beyond_its_limit(stage: &Stage) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let place = directory.path().join("sink");
    let settings = to_files(&place)?.with("history.held_max", "4 MiB");
    let pair = stage.start(settings.with("history.block_age", "1s")).await?;
    add(&pair, "counter", COUNTER).await?;
    let limit = patience(Duration::from_secs(60));
    let changes = AtomicU32::new(0);
    eventually("something was dropped", limit, async || {
        let record = talkative(20 + changes.fetch_add(1, Ordering::Relaxed) % 2);
        pair.write_config(Side::A, "objects/counter", &record).await?;
        let status = history(&pair, Side::A).await?;
        ensure!(figure(&status, "lost")? > 0, "{status}");
        ensure!(figure(&status, "held_bytes")? <= 4 * 1024 * 1024, "{status}");
        anyhow::Ok(())
    })
    .await?;
    until_still(&pair, &talkative(3_600_000)).await?;
    let lost = figure(&history(&pair, Side::A).await?, "lost")?;
    let told = async |side| {
        let status = pair.ask(side, Request::get("/api/v1/status")).await?.ok()?;
        let alarms = status["alarms"].to_string();
        ensure!(alarms.contains("history-lost"), "{alarms}");
        let status = history(&pair, side).await?;
        ensure!(figure(&status, "lost")? == lost, "{lost} were lost: {status}");
        anyhow::Ok(())
    };
    for side in Side::BOTH {
        let what = format!("{side} tells what was dropped");
        eventually(&what, limit, async || told(side).await).await?;
    }
    pair.node(Side::A).kill_all().await?;
    pair.until_active(Side::B).await?;
    told(Side::B).await?;
    pair.node(Side::A).start()?;
    pair.until_roles(Side::B).await?;
    std::fs::create_dir(&place)?;
    let newest = eventually("the rest is in the sink", limit, async || {
        let status = history(&pair, Side::B).await?;
        let (newest, done) = (figure(&status, "newest")?, figure(&status, "done")?);
        ensure!(newest == done && figure(&status, "held_records")? == 0, "{status}");
        ensure!(figure(&status, "committed")? + lost == newest, "{status}");
        anyhow::Ok(newest)
    })
    .await?;
    let rows = read_files(&place, &pair_name(), "main")?;
    let there: Vec<u64> = rows.iter().map(|it| it.sequence).collect();
    let expected: Vec<u64> = (lost + 1..=newest).collect();
    ensure!(there == expected, "{} rows where {lost} of {newest} were lost", there.len());
    for side in Side::BOTH {
        told(side).await?;
    }
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn both_acted(stage: &Stage) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let pair = recording(stage, to_files(directory.path())?).await?;
    for round in 0..2 {
        let active = pair.until_settled().await?;
        let scan = until_scan(&pair, active, 20 * round).await?;
        pair.links.cut_all()?;
        pair.until_state(active, &["active-standby-not-available"]).await?;
        pair.until_active(active.other()).await?;
        for side in Side::BOTH {
            until_scan(&pair, side, scan + 30).await?;
        }
        pair.links.heal()?;
        let winner = pair.until_settled().await?;
        let scan = until_scan(&pair, winner, scan + 60).await?;
        until_scan(&pair, winner.other(), scan).await?;
        for side in Side::BOTH {
            let status = pair.ask(side, Request::get("/api/v1/status")).await?.ok()?;
            let alarms = status["alarms"].to_string();
            ensure!(!alarms.contains("provider-failed"), "{side}: {alarms}");
        }
    }
    let last = stand_still(&pair).await?;
    for side in Side::BOTH {
        let what = format!("{side} holds no history any more");
        eventually(&what, patience(Duration::from_secs(30)), async || {
            let status = history(&pair, side).await?;
            ensure!(figure(&status, "held_records")? == 0, "{status}");
            anyhow::Ok(())
        })
        .await?;
    }
    // Each step of the history that went on is there.
    let rows = read_files(directory.path(), &pair_name(), "main")?;
    let steps: std::collections::BTreeSet<u64> = rows.iter().map(|it| it.step).collect();
    ensure!(steps.iter().copied().eq(1..=last), "{} steps of {last}", steps.len());
    Audit::of(&pair).allow_two_actives().run().await?;
    Ok(())
}
