//! X19: settings that change while the pair runs (SIGHUP).
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hotpair_tests::{Audit, Pair, PairSettings, Side, Signal, Status, eventually, patience};

use crate::scenario::Scenario;
use crate::stage::Stage;

const TAG: &str = "line/counter";

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "X19",
        "x19-settings-change-while-running",
        "what may change does, at once and without a change of role; the rest is named",
        |stage| Box::pin(changed(stage)),
    ),
    Scenario::new(
        "X19",
        "x19-a-bad-file-at-sighup",
        "changes nothing, and the log names file, line and what is allowed",
        |stage| Box::pin(bad_file(stage)),
    ),
];

/// Sends SIGHUP as a service manager does, and waits for lines of the log written since.
async fn hang_up(pair: &Pair, side: Side, lines: &[&[&str]]) -> Result<()> {
    let node = pair.node(side);
    let before = node.log().len();
    node.signal_guard(Signal::HUP)?;
    let what = format!("{side} logs {lines:?}");
    eventually(&what, patience(Duration::from_secs(5)), async || {
        let log = node.log();
        let new = log.get(before..).context("a log only grows")?;
        let has =
            |words: &&[&str]| new.lines().any(|it| words.iter().all(|word| it.contains(word)));
        ensure!(lines.iter().all(has), "not yet: {new}");
        Ok::<_, anyhow::Error>(())
    })
    .await
}

async fn changed(stage: &Stage) -> Result<()> {
    let old = PairSettings::default().with("recovery.hold", "0s");
    let pair = stage.start(old.clone()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    pair.node(Side::A).signal_node(Signal::KILL)?;
    pair.until_roles(Side::B).await?;

    // The master does not take over again by itself, until the settings say so.
    let new = old.with("recovery.mode", "automatic").with("heartbeat.interval", "120ms");
    pair.reconfigure(new.clone())?;
    let applied: &[&str] = &["applied", "recovery.mode", "manual", "automatic"];
    let restart: &[&str] = &["needs a restart", "heartbeat.interval", "100ms", "120ms"];
    hang_up(&pair, Side::A, &[applied, restart]).await?;
    // Only one of the two knows it yet: both say so, and the standby is none the less ready.
    for side in Side::BOTH {
        let told = |it: &Status| it.mentions("settings-differ") && it.mentions("recovery.mode");
        pair.until(side, "the difference is told", told).await?;
    }
    let ready = |it: &Status| it.state() == "standby-ready";
    pair.stays(Side::A, "ready", Duration::from_secs(1), ready).await?;
    hang_up(&pair, Side::B, &[applied, restart]).await?;
    pair.until_roles(Side::A).await?;
    for side in Side::BOTH {
        let told = |it: &Status| !it.mentions("settings-differ");
        pair.until(side, "no difference is left", told).await?;
    }

    // Writes without a standby are degraded, until the settings refuse them.
    pair.node(Side::B).stop().await?;
    pair.until_state(Side::A, &["active-standby-not-available"]).await?;
    let answer = pair.write_tag(Side::A, TAG, 1).await?;
    ensure!(answer["degraded"] == true, "answered as degraded: {answer}");
    let strict = new.with("heartbeat.interval", "100ms").raw("writes.require_standby", "true");
    pair.reconfigure(strict)?;
    hang_up(&pair, Side::A, &[&["applied", "writes.require_standby", "true"]]).await?;
    let refused = pair.write_tag(Side::A, TAG, 2).await;
    ensure!(refused.is_err(), "refused without a standby: {refused:?}");
    pair.node(Side::B).start()?;
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn bad_file(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    let file = pair.node(Side::A).settings_file();
    let good = std::fs::read_to_string(&file)?;
    let bad = good
        .replace("mode = \"manual\"", "mode = \"automatic\"")
        .replace("handover_timeout = \"3s\"", "handover_timeout = \"never\"");
    ensure!(bad != good, "the file is another");
    let line = bad.lines().position(|it| it.contains("never")).context("it is there")? + 1;
    std::fs::write(&file, bad)?;
    let place = format!("node.toml:{line}");
    let said: [&[&str]; 4] =
        [&["the old ones stay"], &[&place], &["pair.handover_timeout"], &["allowed: 100ms to 10m"]];
    hang_up(&pair, Side::A, &said).await?;
    ensure!(!pair.node(Side::A).log().contains("recovery.mode"), "not even what is right in it");
    std::fs::write(&file, good)?;
    hang_up(&pair, Side::A, &[&["as they were"]]).await?;
    Audit::of(&pair).run().await?;
    Ok(())
}
