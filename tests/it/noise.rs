//! P22 to P24: links that lose, double, reorder, refuse and flap, while both nodes live.
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hotpair_tests::{Audit, Channel, Impairment, Pair, PairSettings, Side, Status};

use crate::scenario::Scenario;
use crate::stage::Stage;

const TAG: &str = "line/counter";

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "P22",
        "p22-loss-duplicates-and-reordering",
        "no change of role; writes and sync go on",
        |stage| Box::pin(noisy(stage)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P23",
        "p23-connections-refused-while-the-partner-lives",
        "refused is a hint, the beats say otherwise: no takeover",
        |stage| Box::pin(refused(stage)),
    ),
    Scenario::new("P24", "p24-one-channel-flaps", "no change of role", |stage| {
        Box::pin(one_flaps(stage))
    }),
    Scenario::new(
        "P24",
        "p24-both-channels-flap",
        "the same node acts after each heal; then changes are held, with the reason, over a restart",
        |stage| Box::pin(both_flap(stage)),
    ),
];

/// Checks for a while that a node is active under one epoch.
async fn stays_active(pair: &Pair, side: Side, epoch: u64, period: Duration) -> Result<()> {
    let same = |it: &Status| it.is_active() && it.epoch() == epoch;
    pair.stays(side, &format!("active under epoch {epoch}"), period, same).await
}

async fn noisy(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(10).await?;
    let epoch = pair.status(Side::A).await?.epoch();
    pair.links.impair_all(Impairment {
        loss_permille: 300,
        duplicate_permille: 100,
        reorder_permille: 200,
        reorder_by: Duration::from_millis(40),
        ..Impairment::default()
    })?;
    let half = Duration::from_secs(stage.size(7, 300));
    stays_active(&pair, Side::A, epoch, half).await?;
    writer.until_more(5).await?;
    // A standby that comes back has to catch up through it.
    pair.node(Side::B).kill_all().await?;
    pair.until_state(Side::A, &["active-standby-not-available"]).await?;
    pair.node(Side::B).start()?;
    pair.until_roles(Side::A).await?;
    stays_active(&pair, Side::A, epoch, half).await?;
    writer.until_more(5).await?;
    let active = Audit::of(&pair).with(writer.stop().await?).run().await?;
    ensure!(active == Side::A && pair.status(Side::A).await?.epoch() == epoch, "no role change");
    Ok(())
}

async fn refused(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(10).await?;
    let epoch = pair.status(Side::A).await?.epoch();
    pair.links.impair_all(Impairment { refuse_streams: true, ..Impairment::default() })?;
    stays_active(&pair, Side::A, epoch, Duration::from_secs(4)).await?;
    // Who starts now was never connected, and is refused from its first try on.
    pair.node(Side::B).stop().await?;
    pair.node(Side::B).start()?;
    pair.until_roles(Side::A).await?;
    stays_active(&pair, Side::A, epoch, Duration::from_secs(3)).await?;
    writer.until_more(10).await?;
    let active = Audit::of(&pair).with(writer.stop().await?).run().await?;
    ensure!(active == Side::A && pair.status(Side::A).await?.epoch() == epoch, "no takeover");
    Ok(())
}

async fn one_flaps(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(10).await?;
    let epoch = pair.status(Side::A).await?.epoch();
    let end = Instant::now() + Duration::from_secs(stage.size(12, 600));
    while Instant::now() < end {
        pair.links.cut(Channel::Redundancy)?;
        // Longer than what makes a channel silent.
        stays_active(&pair, Side::A, epoch, Duration::from_millis(1300)).await?;
        pair.links.heal()?;
        stays_active(&pair, Side::A, epoch, Duration::from_millis(700)).await?;
    }
    writer.until_more(10).await?;
    let active = Audit::of(&pair).with(writer.stop().await?).run().await?;
    ensure!(active == Side::A && pair.status(Side::A).await?.epoch() == epoch, "no role change");
    Ok(())
}

fn is_held(status: &Status) -> bool {
    !status.engine("main")["suspended"].is_null() && status.has_alarm("suspended")
}

async fn both_flap(stage: &Stage) -> Result<()> {
    const CHANGES_MAX: usize = 2;
    // A window without a change ends it, so it must be longer than the flapping.
    let window = format!("{}m", stage.size(10, 30));
    let settings = PairSettings::default()
        .raw("recovery.suspend_after", &CHANGES_MAX.to_string())
        .with("recovery.suspend_window", &window);
    let pair = stage.start(settings).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer_at(Side::A, TAG, 1);
    writer.until_more(10).await?;
    let mut takeovers = 0;
    while !is_held(&pair.status(Side::B).await?) {
        ensure!(
            takeovers <= CHANGES_MAX,
            "held after {CHANGES_MAX} changes, not yet at {takeovers}"
        );
        pair.links.cut_all()?;
        pair.until_active(Side::B).await?;
        takeovers += 1;
        pair.links.heal()?;
        ensure!(pair.until_settled().await? == Side::A, "who acted longer acts on");
    }
    let follows = |it: &Status| !it.is_active();
    let end = Instant::now() + Duration::from_secs(stage.size(6, 600));
    while Instant::now() < end {
        pair.links.cut_all()?;
        // Twice what a takeover on silence takes.
        pair.stays(Side::B, "standby, held", Duration::from_secs(2), follows).await?;
        pair.links.heal()?;
        pair.until_roles(Side::A).await?;
    }
    pair.node(Side::B).stop().await?;
    pair.node(Side::B).start()?;
    pair.until_roles(Side::A).await?;
    pair.until(Side::B, "held over a restart", is_held).await?;
    pair.links.cut_all()?;
    pair.stays(Side::B, "standby, held", Duration::from_secs(3), follows).await?;
    pair.links.heal()?;
    writer.until_more(10).await?;
    let audit = Audit::of(&pair).allow_two_actives().with(writer.stop().await?);
    ensure!(audit.run().await? == Side::A, "the same node acts");
    Ok(())
}
