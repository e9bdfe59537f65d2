//! P31: the third party stops, freezes or is out of reach of one side, and what may happen meanwhile.
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hotpair_tests::{Audit, Etcd, Request, Side, Signal, Status, eventually, patience};
use serde_json::json;

use crate::arbiter::{LONGER_THAN_LEASES, begin, grant, holds, waits_for};
use crate::scenario::Scenario;
use crate::stage::Stage;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "P31",
        "p31-arbiter-stopped",
        "roles are kept while the partner acknowledges, and work goes on; then all as before",
        |stage| Box::pin(away(stage, Away::Stopped)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P31",
        "p31-arbiter-frozen",
        "roles are kept while the partner acknowledges, and work goes on; then all as before",
        |stage| Box::pin(away(stage, Away::Frozen)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P31",
        "p31-arbiter-out-of-reach-of-the-active",
        "the standby, which reaches it, does not act while the active lives",
        |stage| Box::pin(away(stage, Away::From(Side::A))),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P31",
        "p31-arbiter-out-of-reach-of-the-standby",
        "roles are kept; no handover to a node that could get no grant",
        |stage| Box::pin(away(stage, Away::From(Side::B))),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P31",
        "p31-arbiter-stopped-and-the-active-lost",
        "nobody acts, in words that say who decides; when it is back the standby acts",
        |stage| Box::pin(away_and_active_lost(stage)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P31",
        "p31-arbiter-stopped-and-both-channels-cut",
        "the active closes within the fence; nobody acts until one is back",
        |stage| Box::pin(away_and_cut(stage)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P31",
        "p31-arbiter-partner-went-on-alone-and-died",
        "no grant for old data; a person promotes, and the loser's writes are kept",
        |stage| Box::pin(old_data_waits(stage)),
    )
    .on_loopback_alone(),
];

/// Written by the active while it is alone, and by nobody else.
const ALONE: &str = "arbiter/alone";

#[derive(Clone, Copy, PartialEq)]
enum Away {
    Stopped,
    Frozen,
    From(Side),
}

impl Away {
    fn begin(self, etcd: &Etcd) -> Result<()> {
        match self {
            Self::Stopped => etcd.stop(),
            Self::Frozen => etcd.signal(Signal::STOP),
            Self::From(side) => {
                etcd.cut(side);
                Ok(())
            }
        }
    }

    async fn end(self, etcd: &Etcd) -> Result<()> {
        match self {
            Self::Stopped => etcd.resume().await,
            Self::Frozen => etcd.signal(Signal::CONT),
            Self::From(side) => {
                etcd.heal(side);
                Ok(())
            }
        }
    }

    fn hits(self, side: Side) -> bool {
        self == Self::From(side) || matches!(self, Self::Stopped | Self::Frozen)
    }
}

fn is_away(status: &Status) -> bool {
    grant(status, "arbiter") == "away" && status.has_alarm("arbiter-away")
}

async fn away(stage: &Stage, how: Away) -> Result<()> {
    let scene = begin(stage).await?;
    let pair = &scene.pair;
    let epoch = pair.status(Side::A).await?.epoch();
    how.begin(&scene.etcd)?;
    for side in Side::BOTH.into_iter().filter(|it| how.hits(*it)) {
        pair.until(side, "says that the arbiter is away", is_away).await?;
    }
    let until = Instant::now() + LONGER_THAN_LEASES;
    while Instant::now() < until {
        scene.writer.until_more(10).await?;
        ensure!(pair.status(Side::A).await?.is_active(), "the active goes on");
        ensure!(!pair.status(Side::B).await?.is_active(), "the standby stays one");
    }
    let refused = pair.ask(Side::A, Request::post("/api/v1/switchover", &json!({}))).await?;
    if how == Away::From(Side::B) {
        // The active cannot know; the standby does not take it, and the active goes on.
        pair.until_active(Side::A).await?;
    } else {
        ensure!(
            refused.status == 409 && refused.text().contains("arbiter"),
            "no handover without an arbiter, and says so: {} {}",
            refused.status,
            refused.text()
        );
    }
    how.end(&scene.etcd).await?;
    pair.until(Side::A, "holds the grant again", holds).await?;
    for side in Side::BOTH {
        pair.until(side, "says so no more", |it| !it.has_alarm("arbiter-away")).await?;
    }
    pair.until_roles(Side::A).await?;
    if how != Away::From(Side::B) {
        ensure!(pair.status(Side::A).await?.epoch() == epoch, "nobody moved");
    }
    pair.switch_to(Side::B).await?;
    scene.writer.until_more(10).await?;
    pair.until_roles(Side::B).await?;
    scene.end(Side::B).await?;
    Ok(())
}

async fn away_and_active_lost(stage: &Stage) -> Result<()> {
    let scene = begin(stage).await?;
    let pair = &scene.pair;
    scene.etcd.stop()?;
    pair.until(Side::B, "says that the arbiter is away", is_away).await?;
    pair.node(Side::A).kill_all().await?;
    pair.until(Side::B, "says who decides", waits_for(&["arbiter-away"])).await?;
    pair.stays(Side::B, "standby", LONGER_THAN_LEASES, |it| !it.is_active()).await?;
    scene.etcd.resume().await?;
    pair.until_active(Side::B).await?;
    scene.writer.until_more(10).await?;
    pair.node(Side::A).start()?;
    pair.until_roles(Side::B).await?;
    scene.end(Side::B).await?;
    Ok(())
}

async fn away_and_cut(stage: &Stage) -> Result<()> {
    let scene = begin(stage).await?;
    let pair = &scene.pair;
    scene.etcd.stop()?;
    for side in Side::BOTH {
        pair.until(side, "says that the arbiter is away", is_away).await?;
    }
    // Longer than the lease: from here on it acts on acknowledgement alone.
    let frozen = |it: &Status| it.is_active() && grant(it, "frozen") == true;
    pair.until(Side::A, "acts without a grant, acknowledged", frozen).await?;
    pair.links.cut_all()?;
    pair.until_state(Side::A, &["determining-failover-status"]).await?;
    pair.stays(Side::B, "standby", Duration::from_secs(4), |it| !it.is_active()).await?;
    ensure!(!pair.status(Side::A).await?.is_active(), "and the old one stays closed");
    scene.etcd.resume().await?;
    // Either may get it now; both have everything.
    eventually("one of them acts", patience(Duration::from_secs(20)), async || {
        for side in Side::BOTH {
            if pair.status(side).await?.is_active() {
                return Ok(());
            }
        }
        anyhow::bail!("nobody acts")
    })
    .await?;
    scene.writer.until_more(10).await?;
    let records = scene.writer.stop().await?;
    Audit::of(pair).with(records).run().await?;
    Ok(())
}

async fn old_data_waits(stage: &Stage) -> Result<()> {
    let scene = begin(stage).await?;
    let pair = &scene.pair;
    pair.declare_tag(Side::A, ALONE).await?;
    pair.links.cut_all()?;
    pair.until_state(Side::A, &["active-standby-not-available"]).await?;
    scene.writer.until_more(20).await?;
    // What was answered degraded dies with the process until it is on the disk; this is there.
    let written = pair.write_tag_durably(Side::A, ALONE, 7).await?;
    ensure!(written["degraded"] == true, "the active is alone: {written}");
    pair.node(Side::A).kill_all().await?;
    let went_on = waits_for(&["partner-went-on"]);
    pair.until(Side::B, "says that the partner went on", went_on).await?;
    pair.stays(Side::B, "standby", LONGER_THAN_LEASES, |it| !it.is_active()).await?;
    let promote = Request::post("/api/v1/promote", &json!({"accept_data_loss": true}));
    let answer = pair.ask(Side::B, promote).await?;
    ensure!(answer.status == 202, "promote: {} {}", answer.status, answer.text());
    pair.until_active(Side::B).await?;
    pair.until(Side::B, "holds the grant", holds).await?;
    pair.node(Side::A).start()?;
    pair.links.heal()?;
    pair.until_roles(Side::B).await?;
    ensure!(pair.keeps(ALONE, &json!(7)).await?, "what the loser wrote alone is kept");
    scene.writer.until_more(10).await?;
    scene.end(Side::B).await?;
    Ok(())
}
