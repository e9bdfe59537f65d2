//! X6: data that differs on the two nodes without a trace in their histories.
use std::time::Duration;

use anyhow::{Result, ensure};
use hotpair_tests::{Audit, Pair, PairSettings, Side, confuse, eventually, patience};
use hotpair_types::{ItemKey, JournalKind};
use serde_json::json;

use crate::scenario::Scenario;
use crate::stage::Stage;

pub(crate) const SCENARIOS: &[Scenario] = &[Scenario::new(
    "X6",
    "x6-a-silent-difference",
    "found by comparing digests, named on both, healed while running; what is overwritten is kept",
    |stage| Box::pin(silent_difference(stage)),
)];

/// The alarm and the event of a node name the item.
async fn is_named(pair: &Pair, side: Side, kind: JournalKind, item: &str) -> Result<()> {
    let status = pair.status(side).await?;
    let text = status.json().to_string();
    ensure!(text.contains("inconsistency"), "{side} raises no alarm: {text}");
    let why = pair.ask(side, hotpair_tests::Request::get("/api/v1/why?last=50")).await?.ok()?;
    let events: Vec<String> = why["events"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|it| it["cause"] == "inconsistency")
        .map(|it| it["text"].to_string())
        .collect();
    let named = |it: &String| it.contains(&format!("{kind} data")) && it.contains(item);
    ensure!(events.iter().any(named), "`why` of {side} does not name {item}: {events:?}");
    Ok(())
}

async fn silent_difference(stage: &Stage) -> Result<()> {
    let settings = PairSettings::default().with("writes.compare_interval", "1s");
    let pair = stage.start(settings).await?;
    for (tag, value) in [("line/one", 1), ("line/two", 2), ("line/counter", 0)] {
        pair.declare_tag(Side::A, tag).await?;
        pair.write_tag(Side::A, tag, value).await?;
    }
    for number in 0..600 {
        pair.write_config(Side::A, &format!("record/{number}"), &json!({"n": number})).await?;
    }
    let writer = pair.writer("line/counter");
    writer.until_more(10).await?;
    let epoch = pair.status(Side::A).await?.epoch();
    let tag = |name: &str| ItemKey::new("tags", name);
    let record = |number: u32| ItemKey::config(&format!("record/{number}"));
    let cases = [
        (JournalKind::Config, record(417), record(3)),
        (JournalKind::Runtime, tag("line/one"), tag("line/two")),
    ];
    for (kind, item, with) in cases {
        pair.node(Side::B).stop().await?;
        confuse(&pair.node(Side::B).data_dir(), kind, &item, &with)?;
        pair.node(Side::B).start()?;
        let what = format!("the difference in {item} is found and healed");
        eventually(&what, patience(Duration::from_secs(20)), async || {
            for side in Side::BOTH {
                is_named(&pair, side, kind, &item.item).await?;
            }
            let one = pair.tag(Side::B, "line/one").await?;
            ensure!(one == 1, "line/one is {one} on the standby");
            let found = pair.config(Side::B, "record/417").await?;
            ensure!(found == Some(json!({"n": 417})), "record/417 is {found:?} on the standby");
            Ok(())
        })
        .await?;
        pair.until_roles(Side::A).await?;
        writer.until_more(20).await?;
    }
    ensure!(pair.keeps("record/417", &json!({"n": 3})).await?, "the overwritten record is kept");
    let kept = pair.divergences(Side::B).await?;
    let text = serde_json::to_string(&kept)?;
    ensure!(text.contains("line/one"), "the overwritten value is kept: {text}");
    ensure!(text.contains("their contents were not"), "with its rule: {text}");
    Audit::of(&pair).with(writer.stop().await?).run().await?;
    ensure!(pair.status(Side::A).await?.epoch() == epoch, "the active was not disturbed");
    Ok(())
}
