//! P35: a client that was connected to the active when it died.
use anyhow::{Result, ensure};
use hotpair_tests::{Audit, PairSettings, Side, Signal, Subscriber};

use crate::scenario::Scenario;
use crate::stage::Stage;

const TAG: &str = "line/counter";

pub(crate) const SCENARIOS: &[Scenario] = &[Scenario::new(
    "P35",
    "p35-subscription-survives-the-death-of-the-active",
    "resumes from the last sequence: no gap, no double",
    |stage| Box::pin(subscription_survives(stage)),
)];

async fn subscription_survives(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(5).await?;
    let subscriber = Subscriber::start(pair.targets().to_vec(), TAG);
    let value = |count: usize| i64::try_from(count).expect("a small number");
    subscriber.until(value(writer.acknowledged())).await?;
    writer.until_more(20).await?;
    pair.node(Side::A).signal_node(Signal::KILL)?;
    pair.until_active(Side::B).await?;
    writer.until_more(20).await?;
    let records = writer.stop().await?;
    let last = records.last().map_or(0, |it| it.value);
    subscriber.until(last).await?;
    let arrived = subscriber.arrived();
    ensure!(arrived.iter().any(|it| it.from == Side::B), "it went on at the other node");
    for two in arrived.windows(2) {
        ensure!(two[1].sequence > two[0].sequence, "a double: {two:?}");
        ensure!(two[1].value == two[0].value + 1, "a gap: {two:?}");
    }
    Audit::of(&pair).with(records).run().await?;
    Ok(())
}
