//! P10 to P13: who may write, and who acts after a start.
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hotpair_tests::{Audit, Pair, PairSettings, Request, Response, Side};
use serde_json::json;

use crate::scenario::Scenario;
use crate::stage::Stage;

const TAG: &str = "line/counter";

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "P10",
        "p10-config-write-in-the-wrong-place",
        "refused with the reason and the right address",
        |stage| Box::pin(wrong_place(stage)),
    ),
    Scenario::new(
        "P11",
        "p11-older-data-started-alone-proven",
        "stays deciding, says why, promote shows the loss",
        |stage| Box::pin(older_alone_proven(stage)),
    ),
    Scenario::new(
        "P11",
        "p11-older-data-started-alone-assume",
        "acts, shown as unverified; the newer data wins on return",
        |stage| Box::pin(older_alone_assume(stage)),
    ),
    Scenario::new(
        "P12",
        "p12-both-killed-and-the-older-starts-first",
        "the newer history is active",
        |stage| Box::pin(both_killed(stage, Side::B)),
    ),
    Scenario::new(
        "P12",
        "p12-both-killed-and-the-newer-starts-first",
        "the newer history is active",
        |stage| Box::pin(both_killed(stage, Side::A)),
    ),
    Scenario::new(
        "P13",
        "p13-both-started-cold",
        "the master becomes active, whoever starts first",
        |stage| Box::pin(cold(stage)),
    ),
];

async fn write_anyway(pair: &Pair, side: Side) -> Result<Response> {
    pair.ask(side, Request::put("/api/v1/config/plant/name", &json!("north"))).await
}

/// The one answer of a situation: its status, its problem, and whom it names.
fn refused(
    stage: &Stage,
    answer: &Response,
    (status, id): (u16, &str),
    right: Option<&str>,
) -> Result<()> {
    let text = answer.text();
    ensure!(answer.status == status, "{} and not {status}: {text}", answer.status);
    let problem = answer.json();
    ensure!(problem["type"] == format!("urn:hotpair:problem:{id}"), "not {id}: {text}");
    // The loopback of another host leads to whoever asks: no address is better than that one.
    let named = right.filter(|_| !stage.has_own_loopbacks());
    ensure!(problem["active"].as_str() == named, "who may is {named:?}: {text}");
    let location = answer.header("location");
    if status == 421 && named.is_some() {
        let whole = named.map(|it| format!("{it}/api/v1/config/plant/name"));
        ensure!(location == whole.as_deref(), "Location is {location:?}, not {whole:?}");
    } else {
        ensure!(location.is_none(), "{status} sends a client to {location:?}");
    }
    Ok(())
}

async fn wrong_place(stage: &Stage) -> Result<()> {
    let pair = stage.prepare(PairSettings::default().with("pair.startup_allowance", "20s")).await?;
    let address = |side| format!("http://{}", pair.target(side).api);
    pair.node(Side::B).start()?;
    pair.until_state(Side::B, &["determining-failover-status"]).await?;
    let deciding = write_anyway(&pair, Side::B).await?;
    refused(stage, &deciding, (503, "no-active"), None).context("deciding")?;
    pair.node(Side::A).start()?;
    pair.until_roles(Side::A).await?;

    let standby = write_anyway(&pair, Side::B).await?;
    let master = address(Side::A);
    refused(stage, &standby, (421, "not-active"), Some(&master)).context("standby backup")?;

    pair.switch_to(Side::B).await?;
    pair.until_roles(Side::B).await?;
    let acting = write_anyway(&pair, Side::B).await?;
    let on_master = (409, "config-on-master-only");
    refused(stage, &acting, on_master, Some(&master)).context("acting backup")?;
    ensure!(acting.text().contains("master"), "it says who may: {}", acting.text());
    let resting = write_anyway(&pair, Side::A).await?;
    let backup = address(Side::B);
    refused(stage, &resting, (421, "not-active"), Some(&backup)).context("standby master")?;
    for side in Side::BOTH {
        ensure!(pair.config(side, "plant/name").await?.is_none(), "{side} accepted none of them");
    }
    Audit::of(&pair).run().await?;
    Ok(())
}

/// The backup has 1, the master has 5 and both are dead.
async fn newer_on_the_master(
    stage: &Stage,
    settings: PairSettings,
) -> Result<std::sync::Arc<Pair>> {
    let pair = stage.start(settings).await?;
    pair.declare_tag(Side::A, TAG).await?;
    pair.write_tag(Side::A, TAG, 1).await?;
    pair.until_tag(Side::B, TAG, 1).await?;
    pair.node(Side::B).kill_all().await?;
    pair.until_state(Side::A, &["active-standby-not-available"]).await?;
    pair.write_tag_durably(Side::A, TAG, 5).await?;
    pair.node(Side::A).kill_all().await?;
    Ok(pair)
}

async fn older_alone_proven(stage: &Stage) -> Result<()> {
    let settings = PairSettings::default().with("pair.start_alone", "proven");
    let pair = newer_on_the_master(stage, settings).await?;
    pair.node(Side::B).start()?;
    let explained = |it: &hotpair_tests::Status| {
        it.state() == "determining-failover-status" && !it.engine("main")["waiting_for"].is_null()
    };
    pair.until(Side::B, "deciding, and says why", explained).await?;
    // Well beyond the startup allowance.
    let deciding = |it: &hotpair_tests::Status| it.state() == "determining-failover-status";
    pair.stays(Side::B, "deciding", Duration::from_secs(5), deciding).await?;
    let refused = pair.ask(Side::B, Request::post("/api/v1/promote", &json!({}))).await?;
    ensure!(refused.status == 409, "promote shows the loss first: {}", refused.text());
    ensure!(
        refused.text().contains("loss") || refused.text().contains("lost"),
        "{}",
        refused.text()
    );
    pair.node(Side::A).start()?;
    pair.until_roles(Side::A).await?;
    ensure!(pair.tag(Side::B, TAG).await? == 5, "the newer value is on both");
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn older_alone_assume(stage: &Stage) -> Result<()> {
    let pair = newer_on_the_master(stage, PairSettings::default()).await?;
    pair.node(Side::B).start()?;
    let shown = |it: &hotpair_tests::Status| {
        it.is_active()
            && it.engine("main")["marks"]["unverified"] == true
            && it.has_alarm("unverified")
    };
    pair.until(Side::B, "active, shown as unverified", shown).await?;
    pair.write_tag(Side::B, TAG, 3).await?;
    pair.node(Side::A).start()?;
    pair.until_roles(Side::A).await?;
    for side in Side::BOTH {
        ensure!(pair.tag(side, TAG).await? == 5, "{side} shows the newer data");
    }
    ensure!(pair.keeps(TAG, &json!(3)).await?, "the unverified entry is kept");
    let over = |it: &hotpair_tests::Status| !it.has_alarm("unverified") && !it.has_alarm("stale");
    pair.until(Side::B, "no longer alarmed: the cause is over", over).await?;
    Audit::of(&pair).allow_two_actives().run().await?;
    Ok(())
}

async fn both_killed(stage: &Stage, first: Side) -> Result<()> {
    let settings = PairSettings::default()
        .with("pair.start_alone", "proven")
        .with("pair.startup_allowance", "5s");
    let pair = newer_on_the_master(stage, settings).await?;
    pair.node(first).start()?;
    pair.until_state(first, &["determining-failover-status", "active-standby-not-available"])
        .await?;
    pair.node(first.other()).start()?;
    pair.until_roles(Side::A).await?;
    ensure!(pair.tag(Side::B, TAG).await? == 5, "the newer value is on both");
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn cold(stage: &Stage) -> Result<()> {
    for first in Side::BOTH {
        let pair = stage.prepare(PairSettings::default()).await?;
        pair.node(first).start()?;
        pair.until_state(first, &["determining-failover-status"]).await?;
        pair.node(first.other()).start()?;
        pair.until_roles(Side::A).await?;
        Audit::of(&pair).run().await?;
    }
    Ok(())
}
