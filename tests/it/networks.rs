//! P17, P18: one host alone loses its ordinary network. Cables are needed: network namespaces.
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hotpair_tests::{Audit, Channel, Pair, PairSettings, Side, Status};

use crate::scenario::Scenario;
use crate::stage::Stage;

const TAG: &str = "line/level";

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "P17",
        "p17-active-loses-its-primary-network",
        "a planned handover over the redundancy channel; nothing lost",
        |stage| Box::pin(active_loses(stage)),
    ),
    Scenario::new(
        "P18",
        "p18-standby-loses-its-primary-network",
        "no switch; not ready, with the reason; ready again with the cable",
        |stage| Box::pin(standby_loses(stage)),
    ),
    Scenario::new(
        "P18",
        "p18-primary-network-cut-in-the-middle",
        "nobody has lost it: no switch, the standby stays ready",
        |stage| Box::pin(cut_in_the_middle(stage)),
    ),
    Scenario::new(
        "P18",
        "p18-not-required-is-not-missed",
        "without `required` a lost cable moves nobody",
        |stage| Box::pin(not_required(stage)),
    ),
];

/// A pair whose hosts have cables.
async fn start_with_cables(stage: &Stage, settings: PairSettings) -> Result<Arc<Pair>> {
    let pair = stage.prepare(settings).await?;
    if pair.links.namespaces().is_none() {
        let why = "no cable to pull on loopback: cargo xtask pair-test --netns, as root";
        return Err(Stage::skip(why));
    }
    pair.start_both().await?;
    Ok(pair)
}

fn pull(pair: &Pair, side: Side) -> Result<()> {
    set_cable(pair, side, false)
}

fn plug_in(pair: &Pair, side: Side) -> Result<()> {
    set_cable(pair, side, true)
}

fn set_cable(pair: &Pair, side: Side, plugged: bool) -> Result<()> {
    let namespaces = pair.links.namespaces().context("looked at before the start")?;
    namespaces.set_primary_cable(side, plugged)
}

fn alarms(status: &Status) -> String {
    status.json()["alarms"].to_string()
}

async fn active_loses(stage: &Stage) -> Result<()> {
    let pair = start_with_cables(stage, PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(10).await?;
    pull(&pair, Side::A)?;
    pair.until_active(Side::B).await?;
    let waits = |it: &Status| {
        it.state() == "standby-not-ready"
            && it.engine("main")["waiting_for"]["id"] == "network"
            && alarms(it).contains("network-lost")
            && it.channel("primary")["own_end"] == "no-carrier"
    };
    pair.until(Side::A, "not ready, with the reason", waits).await?;
    writer.until_more(10).await?;
    let events = pair.events(Side::A).await?;
    let why = |it: &&serde_json::Value| it["rule"] == "hand-over-network";
    ensure!(events.iter().any(|it| why(&it)), "handed over for want of its network: {events:?}");
    // The cable is back: ready again, and recovery being manual nobody moves.
    plug_in(&pair, Side::A)?;
    pair.until_roles(Side::B).await?;
    let lowered = |it: &Status| !alarms(it).contains("network-lost");
    pair.until(Side::A, "no alarm any more", lowered).await?;
    let active = Audit::of(&pair).with(writer.stop().await?).run().await?;
    ensure!(active == Side::B, "nobody hands back");
    Ok(())
}

async fn standby_loses(stage: &Stage) -> Result<()> {
    let pair = start_with_cables(stage, PairSettings::default()).await?;
    pull(&pair, Side::B)?;
    let waits = |it: &Status| {
        it.state() == "standby-not-ready"
            && it.engine("main")["waiting_for"]["id"] == "network"
            && alarms(it).contains("network-lost")
    };
    pair.until(Side::B, "not ready, with the reason", waits).await?;
    pair.until(Side::A, "goes on", Status::is_active).await?;
    let goes_on = |it: &Status| it.is_active() && !alarms(it).contains("network-lost");
    pair.stays(Side::A, "active", Duration::from_secs(3), goes_on).await?;
    plug_in(&pair, Side::B)?;
    pair.until_roles(Side::A).await?;
    let active = Audit::of(&pair).run().await?;
    ensure!(active == Side::A, "nobody moved");
    Ok(())
}

async fn cut_in_the_middle(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.links.cut(Channel::Primary)?;
    let down = |it: &Status| it.channel("primary")["health"] == "down";
    for side in Side::BOTH {
        pair.until(side, "the primary channel is down", down).await?;
    }
    pair.until_roles(Side::A).await?;
    let stays = |it: &Status| it.is_active() && !alarms(it).contains("network-lost");
    pair.stays(Side::A, "active", Duration::from_secs(3), stays).await?;
    pair.links.heal()?;
    let active = Audit::of(&pair).run().await?;
    ensure!(active == Side::A, "nobody moved");
    Ok(())
}

async fn not_required(stage: &Stage) -> Result<()> {
    let settings = PairSettings::default().raw("channels.primary.required", "false");
    let pair = start_with_cables(stage, settings).await?;
    pull(&pair, Side::A)?;
    let down = |it: &Status| {
        let primary = it.channel("primary");
        primary["health"] == "down" && primary["own_end"] == "no-carrier"
    };
    pair.until(Side::A, "the primary channel is down", down).await?;
    pair.until_roles(Side::A).await?;
    pair.stays(Side::A, "active", Duration::from_secs(3), Status::is_active).await?;
    plug_in(&pair, Side::A)?;
    let active = Audit::of(&pair).run().await?;
    ensure!(active == Side::A, "nobody moved");
    Ok(())
}
