//! P14, P15: an active that stands still and wakes up.
use std::time::Duration;

use anyhow::{Result, ensure};
use hotpair_tests::{Audit, Outcome, PairSettings, Side, Signal};

use crate::scenario::Scenario;
use crate::stage::Stage;

const TAG: &str = "line/counter";

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "P14",
        "p14-active-frozen-and-woken",
        "taken over; the frozen one sends nothing after waking and becomes standby",
        |stage| Box::pin(frozen(stage)),
    ),
    Scenario::new("P15", "p15-active-frozen-shortly-again-and-again", "no takeover", |stage| {
        Box::pin(short_freezes(stage))
    }),
];

async fn frozen(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    for tag in [TAG, "line/stubborn"] {
        pair.declare_tag(Side::A, tag).await?;
    }
    let writer = pair.writer(TAG);
    // One client that never asks anybody else.
    let stubborn = pair.writer_at(Side::A, "line/stubborn", 1);
    stubborn.until_more(10).await?;
    writer.until_more(10).await?;
    let old = pair.status(Side::A).await?.epoch();
    pair.node(Side::A).signal_all(Signal::STOP)?;
    let frozen_at = std::time::Instant::now();
    pair.until_active(Side::B).await?;
    writer.until_more(10).await?;
    tokio::time::sleep(Duration::from_secs(3).saturating_sub(frozen_at.elapsed())).await;
    let woken_at = std::time::Instant::now();
    pair.node(Side::A).signal_all(Signal::CONT)?;
    pair.until_roles(Side::B).await?;
    let late = stubborn.stop().await?.into_iter().filter(|it| it.ended > woken_at);
    for record in late {
        let stale = matches!(record.outcome, Outcome::Done { epoch, .. } if epoch == old);
        ensure!(!stale, "acknowledged after waking, under the old epoch: {record:?}");
    }
    Audit::of(&pair).with(writer.stop().await?).run().await?;
    Ok(())
}

async fn short_freezes(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    let epoch = pair.status(Side::A).await?.epoch();
    for _ in 0..6 {
        pair.node(Side::A).signal_all(Signal::STOP)?;
        // Half of ten beats of 100 ms.
        tokio::time::sleep(Duration::from_millis(500)).await;
        pair.node(Side::A).signal_all(Signal::CONT)?;
        tokio::time::sleep(Duration::from_millis(1500)).await;
        writer.until_more(5).await?;
    }
    pair.until_roles(Side::A).await?;
    ensure!(pair.status(Side::A).await?.epoch() == epoch, "nobody took over");
    Audit::of(&pair).with(writer.stop().await?).run().await?;
    Ok(())
}
