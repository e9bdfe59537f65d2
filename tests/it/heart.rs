//! P6 to P9: the two sources themselves. A value and a record survive both directions of a switch.
use anyhow::{Result, ensure};
use hotpair_tests::{Audit, Pair, PairSettings, Request, Side, Signal};
use serde_json::json;

use crate::scenario::Scenario;
use crate::stage::Stage;

const TAG: &str = "line/memory";

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "P7",
        "p7-value-returns-to-the-master-on-request",
        "written on the acting backup, shown by the master after a requested takeover",
        |stage| Box::pin(value_returns(stage, "manual")),
    ),
    Scenario::new(
        "P7",
        "p7-value-returns-to-the-master-by-itself",
        "the same with automatic recovery",
        |stage| Box::pin(value_returns(stage, "automatic")),
    ),
    Scenario::new(
        "P8",
        "p8-cable-pulled-and-only-the-backup-writes",
        "after the heal one acts, and the backup's value is there or kept",
        |stage| Box::pin(cable_pulled(stage, false)),
    ),
    Scenario::new(
        "P8",
        "p8-cable-pulled-and-both-write",
        "after the heal one acts, and each value is there or kept",
        |stage| Box::pin(cable_pulled(stage, true)),
    ),
    Scenario::new(
        "P6",
        "p6-acting-backup-stops-and-the-master-acts",
        "recovery manual; the takeover command never vanishes",
        |stage| Box::pin(backup_leaves(stage, Leaves::Stops)),
    ),
    Scenario::new(
        "P6",
        "p6-acting-backup-dies-and-the-master-acts",
        "the same when its process is killed",
        |stage| Box::pin(backup_leaves(stage, Leaves::ProcessDies)),
    ),
    Scenario::new(
        "P6",
        "p6-acting-backup-is-lost-and-the-master-acts",
        "the same when guard and process are killed",
        |stage| Box::pin(backup_leaves(stage, Leaves::HostDies)),
    ),
    Scenario::new(
        "P9",
        "p9-records-of-the-acting-backup-reach-the-master",
        "deleted and inserted while the master was away; nothing restarts",
        |stage| Box::pin(records_return(stage)),
    ),
];

async fn value_returns(stage: &Stage, recovery: &str) -> Result<()> {
    let pair = stage.start(PairSettings::default().with("recovery.mode", recovery)).await?;
    pair.declare_tag(Side::A, TAG).await?;
    pair.write_tag(Side::A, TAG, 1).await?;
    pair.until_tag(Side::B, TAG, 1).await?;
    pair.node(Side::A).stop().await?;
    pair.until_active(Side::B).await?;
    ensure!(pair.tag(Side::B, TAG).await? == 1, "the backup shows what the master had");
    pair.write_tag(Side::B, TAG, 2).await?;
    pair.node(Side::A).start()?;
    if recovery == "manual" {
        pair.until_roles(Side::B).await?;
        ensure!(pair.tag(Side::A, TAG).await? == 2, "the ready master shows the backup's value");
        become_active(&pair, Side::A).await?;
    }
    pair.until_roles(Side::A).await?;
    for side in Side::BOTH {
        ensure!(pair.tag(side, TAG).await? == 2, "{side} shows the backup's value");
    }
    Audit::of(&pair).run().await?;
    Ok(())
}

/// "Make me responsible".
async fn become_active(pair: &Pair, side: Side) -> Result<()> {
    let answer = pair.ask(side, Request::post("/api/v1/become-active", &json!({}))).await?;
    ensure!(answer.status == 202, "become-active: {} {}", answer.status, answer.text());
    Ok(())
}

async fn cable_pulled(stage: &Stage, both_write: bool) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    pair.write_tag(Side::A, TAG, 1).await?;
    pair.until_tag(Side::B, TAG, 1).await?;
    pair.links.cut_all()?;
    pair.until_active(Side::B).await?;
    pair.write_tag(Side::B, TAG, 20).await?;
    if both_write {
        pair.write_tag(Side::A, TAG, 10).await?;
    }
    pair.links.heal()?;
    let active = Audit::of(&pair).allow_two_actives().run().await?;
    let now = pair.tag(active, TAG).await?;
    ensure!(pair.tag(active.other(), TAG).await? == now, "both show the same");
    let written = if both_write { &[10, 20][..] } else { &[20] };
    for value in written {
        let kept = pair.keeps(TAG, &json!(value)).await?;
        ensure!(now == *value || kept, "{value} is gone: the tag is {now}, and it is not kept");
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Leaves {
    Stops,
    ProcessDies,
    HostDies,
}

async fn backup_leaves(stage: &Stage, how: Leaves) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    pair.switch_to(Side::B).await?;
    pair.until_roles(Side::B).await?;
    pair.write_tag(Side::B, TAG, 7).await?;
    let allowed = pair.ask(Side::A, Request::get("/api/v1/why-not/become-active")).await?.ok()?;
    ensure!(allowed["allowed"] == true, "the takeover command is there: {allowed}");
    let node = pair.node(Side::B);
    match how {
        Leaves::Stops => node.stop().await?,
        Leaves::ProcessDies => node.signal_node(Signal::KILL)?,
        Leaves::HostDies => node.kill_all().await?,
    }
    pair.until_active(Side::A).await?;
    ensure!(pair.tag(Side::A, TAG).await? == 7, "the master has the backup's last value");
    if !node.is_started() {
        node.start()?;
    }
    pair.until_roles(Side::A).await?;
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn records_return(stage: &Stage) -> Result<()> {
    let settings = PairSettings::default().with("config.writable_on", "active");
    let pair = stage.start(settings).await?;
    for number in 0..5 {
        pair.write_config(Side::A, &format!("driver/record-{number}"), &json!({"n": number}))
            .await?;
    }
    pair.node(Side::A).stop().await?;
    pair.until_active(Side::B).await?;
    let gone = pair.ask(Side::B, Request::new("DELETE", "/api/v1/config/driver/record-3")).await?;
    gone.ok()?;
    pair.write_config(Side::B, "driver/record-9", &json!({"n": 9})).await?;
    pair.write_config(Side::B, "driver/record-1", &json!({"n": 100})).await?;
    let served = pair.status(Side::B).await?.json()["instance"].clone();
    pair.node(Side::A).start()?;
    pair.until_roles(Side::B).await?;
    let returned = pair.status(Side::A).await?.json()["instance"].clone();
    pair.switch_to(Side::A).await?;
    pair.until_roles(Side::A).await?;
    for side in Side::BOTH {
        let of = async |key: &str| pair.config(side, &format!("driver/{key}")).await;
        ensure!(of("record-3").await?.is_none(), "{side}: the deleted record is gone");
        ensure!(of("record-9").await? == Some(json!({"n": 9})), "{side}: the new one is there");
        ensure!(of("record-1").await? == Some(json!({"n": 100})), "{side}: the change is there");
        ensure!(of("record-0").await? == Some(json!({"n": 0})), "{side}: the old one is there");
    }
    ensure!(
        pair.status(Side::A).await?.json()["instance"] == returned,
        "the master did not restart"
    );
    ensure!(pair.status(Side::B).await?.json()["instance"] == served, "the backup did not restart");
    Audit::of(&pair).run().await?;
    Ok(())
}
