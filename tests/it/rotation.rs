//! X10: certificates are replaced under load, on hosts whose clocks are an hour apart.
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, ensure};
use hotpair_tests::{Audit, Pair, PairSettings, Request, Side, Signal, Status};

use crate::scenario::Scenario;
use crate::stage::Stage;

const TAG: &str = "line/counter";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Where Debian has it; other systems say so by `HOTPAIR_FAKETIME`.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "X10",
        "x10-rotation",
        "both certificates are replaced under load; no change of role, no missed heartbeats",
        |stage| Box::pin(rotated(stage, false)),
    ),
    Scenario::new(
        "X10",
        "x10-rotation-clocks-an-hour-apart",
        "the same with the wall clock of one host an hour ahead",
        |stage| Box::pin(rotated(stage, true)),
    ),
];

fn faketime() -> Result<String> {
    let place = std::env::var("HOTPAIR_FAKETIME").unwrap_or_else(|_| FAKETIME.to_owned());
    if Path::new(&place).is_file() {
        return Ok(place);
    }
    Err(Stage::skip("libfaketime is not installed (Debian: apt-get install faketime)"))
}

fn alarms(status: &Status, id: &str) -> bool {
    let alarms = status.json()["alarms"].as_array();
    alarms.is_some_and(|it| it.iter().any(|alarm| alarm["id"] == id))
}

/// How long a node says that its own certificate is valid, in days.
async fn days_left(pair: &Pair, side: Side) -> Result<i64> {
    let text = pair.ask(side, Request::get("/metrics")).await?.text();
    let line = text.lines().find(|it| it.starts_with("hotpair_certificate_expiry_seconds"));
    let seconds = line.and_then(|it| it.rsplit(' ').next()).context("the metric is there")?;
    Ok(seconds.parse::<f64>()? as i64 / 86_400)
}

async fn rotated(stage: &Stage, apart: bool) -> Result<()> {
    let library = if apart { Some(faketime()?) } else { None };
    let pair = stage.prepare(PairSettings::default()).await?;
    for side in Side::BOTH {
        // Over since yesterday: accepted, and both nodes say so.
        pair.node(side).new_key(SystemTime::now() - 10 * DAY, 9 * DAY)?;
    }
    pair.pin_keys()?;
    pair.node(Side::A).start()?;
    match &library {
        None => pair.node(Side::B).start()?,
        Some(library) => pair.node(Side::B).start_with(&[
            ("LD_PRELOAD", library),
            ("FAKETIME", "+1h"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ])?,
    }
    pair.until_roles(Side::A).await?;
    if apart {
        let said = |status: Status| status.json()["at_ms"].as_i64().unwrap_or(0);
        let (a, b) = (said(pair.status(Side::A).await?), said(pair.status(Side::B).await?));
        ensure!((b - a - 3_600_000).abs() < 30_000, "{} ms between the clocks", b - a);
    }
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(20).await?;
    for side in Side::BOTH {
        let told = |it: &Status| alarms(it, "own-certificate") && alarms(it, "certificate");
        pair.until(side, "both certificates are told to be over", told).await?;
    }

    let epoch = pair.status(Side::A).await?.epoch();
    let begun = Instant::now();
    for side in Side::BOTH {
        rotate(&pair, side).await?;
        writer.until_more(20).await?;
    }
    let missed = pair.watch().samples().into_iter().find(|it| {
        it.asked >= begun && it.state != if it.side == Side::A { "active" } else { "standby-ready" }
    });
    ensure!(missed.is_none(), "heartbeats were missed, or a role changed: {missed:?}");
    ensure!(pair.status(Side::A).await?.epoch() == epoch, "no promotion");

    // Who connects anew is shown the new ones, by the processes that took them while they ran.
    pair.node(Side::B).signal_node(Signal::KILL)?;
    pair.until_roles(Side::A).await?;
    pair.switch_to(Side::B).await?;
    pair.until_roles(Side::B).await?;
    pair.node(Side::A).signal_node(Signal::KILL)?;
    pair.until_roles(Side::B).await?;
    for side in Side::BOTH {
        let sound = |it: &Status| !alarms(it, "certificate") && !alarms(it, "own-certificate");
        pair.until(side, "both certificates are sound", sound).await?;
    }
    writer.until_more(20).await?;
    Audit::of(&pair).with(writer.stop().await?).run().await?;
    Ok(())
}

async fn rotate(pair: &Pair, side: Side) -> Result<()> {
    let key = pair.node(side).identity()?.key();
    let settings = pair.node(side).settings_file();
    let settings = settings.to_str().context("a path in UTF-8")?;
    let (said, wrong, status) =
        pair.cli(side, &["cert", "rotate", "--yes", "-c", settings]).await?;
    ensure!(status == 0 && said.contains("reads it now"), "{status}: {said}{wrong}");
    ensure!(pair.node(side).identity()?.key() == key, "the key stays");
    let renewed = |it: &Status| !alarms(it, "own-certificate");
    pair.until(side, "the new certificate is shown", renewed).await?;
    ensure!(days_left(pair, side).await? > 3_000, "{side} counts by the new one");
    Ok(())
}
