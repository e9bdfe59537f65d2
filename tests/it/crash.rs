//! P1 to P5, P36: processes and hosts that die or stop under load.
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hotpair_tests::{
    Audit, Outcome, Pair, PairSettings, Record, Side, Signal, Status, eventually, patience,
};

use crate::scenario::Scenario;
use crate::stage::Stage;

const TAG: &str = "line/counter";

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "P1",
        "p1-active-process-killed",
        "the guard says Fenced, the standby acts at once, the client goes on",
        |stage| Box::pin(active_dies(stage, true)),
    ),
    Scenario::new(
        "P2",
        "p2-active-process-and-guard-killed",
        "hint and silence lead to the same",
        |stage| Box::pin(active_dies(stage, false)),
    ),
    Scenario::new(
        "P3",
        "p3-standby-killed",
        "writes go on, marked degraded; the standby returns and is level",
        |stage| Box::pin(standby_dies(stage)),
    ),
    Scenario::new(
        "P4",
        "p4-guard-killed",
        "the node closes its outputs and ends, the partner acts",
        |stage| Box::pin(guard_dies(stage)),
    ),
    Scenario::new(
        "P5",
        "p5-active-stopped",
        "planned handover before exit: nothing lost",
        |stage| Box::pin(active_stops(stage)),
    ),
    Scenario::new(
        "P36",
        "p36-active-restarted-within-the-detection-bound",
        "the other acts, the restarted one follows; never nobody",
        |stage| Box::pin(restarted_quickly(stage)),
    ),
];

async fn active_dies(stage: &Stage, guard_lives: bool) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(20).await?;
    let node = pair.node(Side::A);
    if guard_lives {
        node.signal_node(Signal::KILL)?;
    } else {
        node.kill_all().await?;
    }
    pair.until_active(Side::B).await?;
    writer.until_more(20).await?;
    let cause = takeover_cause(&pair, Side::B).await?;
    if guard_lives {
        ensure!(
            cause.contains("fenced"),
            "the takeover rests on the guard's word, not on `{cause}`"
        );
    } else {
        ensure!(!cause.contains("fenced"), "no guard was left to say Fenced");
        node.start()?;
    }
    pair.until_roles(Side::B).await?;
    writer.until_more(20).await?;
    let records = writer.stop().await?;
    println!("    longest gap between acknowledgements {:?}; cause {cause}", longest_gap(&records));
    Audit::of(&pair).with(records).run().await?;
    Ok(())
}

async fn standby_dies(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(10).await?;
    pair.node(Side::B).kill_all().await?;
    pair.until_state(Side::A, &["active-standby-not-available"]).await?;
    writer.until_more(20).await?;
    let degraded = |it: &Record| matches!(it.outcome, Outcome::Done { degraded: true, .. });
    ensure!(writer.records().iter().any(degraded), "writes without a standby are marked degraded");
    pair.node(Side::B).start()?;
    pair.until_roles(Side::A).await?;
    writer.until_more(10).await?;
    let records = writer.stop().await?;
    ensure!(records.last().is_some_and(|it| !degraded(it)), "and are not when it is back");
    Audit::of(&pair).with(records).run().await?;
    Ok(())
}

async fn guard_dies(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(10).await?;
    let node = pair.node(Side::A);
    node.signal_guard(Signal::KILL)?;
    node.ended().await.context("the node ends with its guard")?;
    pair.until_active(Side::B).await?;
    writer.until_more(10).await?;
    node.start()?;
    pair.until_roles(Side::B).await?;
    Audit::of(&pair).with(writer.stop().await?).run().await?;
    Ok(())
}

async fn active_stops(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(20).await?;
    pair.node(Side::A).stop().await?;
    pair.until_active(Side::B).await?;
    // It left; nobody died. Its guard, which is gone as well by now, has not said otherwise.
    let left = |it: &Status| it.partner_state() == "unknown";
    pair.stays(Side::B, "without a failed partner", Duration::from_millis(500), left).await?;
    writer.until_more(20).await?;
    pair.node(Side::A).start()?;
    pair.until_roles(Side::B).await?;
    let records = writer.stop().await?;
    println!("    longest gap between acknowledgements {:?}", longest_gap(&records));
    Audit::of(&pair).with(records).run().await?;
    Ok(())
}

async fn restarted_quickly(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(10).await?;
    let before = pair.status(Side::A).await?.epoch();
    pair.node(Side::A).kill_all().await?;
    pair.node(Side::A).start()?;
    pair.until_settled().await?;
    writer.until_more(10).await?;
    let active = Audit::of(&pair).with(writer.stop().await?).run().await?;
    ensure!(active == Side::B, "the standby that was ready acts, not the restarted one");
    ensure!(pair.status(active).await?.epoch() > before, "and under an epoch of its own");
    Ok(())
}

/// The cause of the event with which a node came to act.
async fn takeover_cause(pair: &Pair, side: Side) -> Result<String> {
    let limit = patience(Duration::from_secs(2));
    eventually("an event says why it acts", limit, async || {
        let events = pair.events(side).await?;
        let switched = |it: &&serde_json::Value| it["to"] == "switching-to-active";
        let event = events.iter().rev().find(switched).context("no such event")?;
        Ok::<_, anyhow::Error>(event["cause"].as_str().unwrap_or_default().to_owned())
    })
    .await
}

pub(crate) fn longest_gap(records: &[Record]) -> Duration {
    let done = |it: &&Record| matches!(it.outcome, Outcome::Done { .. });
    let ends: Vec<_> = records.iter().filter(done).map(|it| it.ended).collect();
    ends.windows(2).map(|it| it[1] - it[0]).max().unwrap_or_default()
}
