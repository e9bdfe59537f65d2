//! P1 to P3, P5, P20 and P28 with a third party: a real etcd that grants the role.
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hotpair_tests::{
    Audit, Etcd, Outcome, Pair, PairSettings, Record, Side, Signal, Status, Writer,
};

use crate::crash::longest_gap;
use crate::scenario::Scenario;
use crate::stage::Stage;

const TAG: &str = "line/counter";
/// More than three leases of two seconds.
pub(crate) const LONGER_THAN_LEASES: Duration = Duration::from_secs(7);

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "P20",
        "p20-arbiter-both-channels-cut",
        "the one with the grant goes on, the other waits and says for whom; level after the heal",
        |stage| Box::pin(both_cut(stage)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P1",
        "p1-arbiter-active-process-killed",
        "the guard's word is proof: the grant of the dead is taken over at once",
        |stage| Box::pin(process_dies(stage)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P2",
        "p2-arbiter-active-host-lost",
        "the standby acts when the grant of the lost one has ended",
        |stage| Box::pin(host_dies(stage)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P3",
        "p3-arbiter-standby-host-lost",
        "the active goes on alone, and only after it is written at the arbiter",
        |stage| Box::pin(standby_dies(stage)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P5",
        "p5-arbiter-active-stopped",
        "planned handover before exit; the grant goes with it",
        |stage| Box::pin(active_stops(stage)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P28",
        "p28-arbiter-switchovers-under-load",
        "each is carried out without waiting for the end of a grant; nothing lost or doubled",
        |stage| Box::pin(switchovers(stage)),
    )
    .on_loopback_alone(),
];

/// A pair that works, with a third party and a client.
pub(crate) struct Scene {
    pub(crate) etcd: Arc<Etcd>,
    pub(crate) pair: Arc<Pair>,
    pub(crate) writer: Writer,
}

pub(crate) async fn begin(stage: &Stage) -> Result<Scene> {
    if let Some(why) = Etcd::missing() {
        return Err(Stage::skip(&why));
    }
    let etcd = Arc::new(Etcd::start().await?);
    stage.keep(etcd.clone());
    let pair = stage.start(etcd.settings(PairSettings::default())).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(10).await?;
    Ok(Scene { etcd, pair, writer })
}

impl Scene {
    /// Audits, and says what the client was told.
    pub(crate) async fn end(self, active: Side) -> Result<Vec<Record>> {
        let records = self.writer.stop().await?;
        let found = Audit::of(&self.pair).with(records.clone()).run().await?;
        ensure!(found == active, "{found} is active instead of {active}");
        self.pair.until(active, "holds the grant", holds).await?;
        Ok(records)
    }
}

pub(crate) fn grant<'a>(status: &'a Status, field: &str) -> &'a serde_json::Value {
    &status.engine("main")["grant"][field]
}

pub(crate) fn holds(status: &Status) -> bool {
    grant(status, "held") == true
}

/// Says that it waits, and for this reason.
pub(crate) fn waits_for(reasons: &'static [&'static str]) -> impl Fn(&Status) -> bool {
    move |it| {
        let id = it.engine("main")["waiting_for"]["id"].as_str().unwrap_or_default();
        !it.is_active() && reasons.contains(&id)
    }
}

async fn both_cut(stage: &Stage) -> Result<()> {
    let scene = begin(stage).await?;
    let pair = &scene.pair;
    pair.links.cut_all()?;
    pair.until_state(Side::A, &["active-standby-not-available"]).await?;
    scene.writer.until_more(20).await?;
    let waits = waits_for(&["grant-busy", "partner-went-on"]);
    pair.until(Side::B, "waits, and says for whom", waits).await?;
    pair.until(Side::B, "knows that the partner went on", waits_for(&["partner-went-on"])).await?;
    pair.stays(Side::B, "standby", LONGER_THAN_LEASES, |it| !it.is_active()).await?;
    scene.writer.until_more(20).await?;
    pair.until(Side::A, "holds the grant", holds).await?;
    let records = scene.end(Side::A).await?;
    let degraded = |it: &Record| matches!(it.outcome, Outcome::Done { degraded: true, .. });
    ensure!(records.iter().any(degraded), "alone it answers as degraded");
    Ok(())
}

async fn process_dies(stage: &Stage) -> Result<()> {
    let scene = begin(stage).await?;
    scene.pair.node(Side::A).signal_node(Signal::KILL)?;
    scene.pair.until_active(Side::B).await?;
    scene.writer.until_more(20).await?;
    scene.pair.until_roles(Side::B).await?;
    let records = scene.end(Side::B).await?;
    let gap = longest_gap(&records);
    println!("    longest gap between acknowledgements {gap:?}");
    ensure!(gap < Duration::from_secs(2), "it did not wait for the end of the lease: {gap:?}");
    Ok(())
}

async fn host_dies(stage: &Stage) -> Result<()> {
    let scene = begin(stage).await?;
    scene.pair.node(Side::A).kill_all().await?;
    let lost = Instant::now();
    scene.pair.until_active(Side::B).await?;
    println!("    the standby acts {:?} after the loss", lost.elapsed());
    scene.writer.until_more(20).await?;
    scene.pair.node(Side::A).start()?;
    scene.pair.until_roles(Side::B).await?;
    scene.writer.until_more(10).await?;
    let records = scene.end(Side::B).await?;
    println!("    longest gap between acknowledgements {:?}", longest_gap(&records));
    Ok(())
}

async fn standby_dies(stage: &Stage) -> Result<()> {
    let scene = begin(stage).await?;
    let pair = &scene.pair;
    pair.node(Side::B).kill_all().await?;
    pair.until_state(Side::A, &["active-standby-not-available"]).await?;
    scene.writer.until_more(20).await?;
    let alone = |it: &Status| grant(it, "went_alone") == Side::A.name();
    pair.until(Side::A, "written that it goes on alone", alone).await?;
    pair.node(Side::B).start()?;
    pair.until_roles(Side::A).await?;
    let over = |it: &Status| grant(it, "went_alone").is_null();
    pair.until(Side::A, "written no more", over).await?;
    scene.writer.until_more(10).await?;
    scene.end(Side::A).await?;
    Ok(())
}

async fn active_stops(stage: &Stage) -> Result<()> {
    let scene = begin(stage).await?;
    scene.pair.node(Side::A).stop().await?;
    scene.pair.until_active(Side::B).await?;
    scene.writer.until_more(20).await?;
    scene.pair.node(Side::A).start()?;
    scene.pair.until_roles(Side::B).await?;
    let records = scene.end(Side::B).await?;
    let gap = longest_gap(&records);
    println!("    longest gap between acknowledgements {gap:?}");
    ensure!(gap < Duration::from_secs(2), "it did not wait for the end of the lease: {gap:?}");
    Ok(())
}

async fn switchovers(stage: &Stage) -> Result<()> {
    let scene = begin(stage).await?;
    let mut active = Side::A;
    for _ in 0..stage.size(6, 200) {
        scene.pair.switch_to(active.other()).await?;
        active = active.other();
        scene.writer.until_more(5).await?;
        scene.pair.until_roles(active).await?;
    }
    let records = scene.end(active).await?;
    let gap = longest_gap(&records);
    println!("    longest gap between acknowledgements {gap:?}");
    ensure!(gap < Duration::from_secs(2), "it did not wait for the end of a lease: {gap:?}");
    Ok(())
}
