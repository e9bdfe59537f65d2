//! P26, P27, P37: killed or cut off in the middle of a sync, a promotion, a handover.
use std::time::Duration;

use anyhow::{Result, ensure};
use hotpair_tests::{Audit, Impairment, Pair, PairSettings, Request, Side, Status, Writer};
use serde_json::json;

use crate::scenario::Scenario;
use crate::stage::Stage;

const TAG: &str = "line/counter";

/// Records that a full sync must carry; with `SLOW`, some seconds of it.
const RECORDS: usize = 150;
const RECORD_BYTES: usize = 16 * 1024;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "P26",
        "p26-active-killed-in-the-middle-of-a-full-sync",
        "the standby never promotes half-synced data by itself",
        |stage| Box::pin(killed_while_syncing(stage)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P27",
        "p27-killed-during-a-promotion",
        "one owner of each epoch; converges",
        |stage| Box::pin(killed_while_promoting(stage)),
    ),
    Scenario::new(
        "P27",
        "p27-old-active-killed-during-a-handover",
        "one owner of each epoch; converges",
        |stage| Box::pin(killed_while_handing_over(stage, Side::A)),
    ),
    Scenario::new(
        "P27",
        "p27-new-active-killed-during-a-handover",
        "one owner of each epoch; converges",
        |stage| Box::pin(killed_while_handing_over(stage, Side::B)),
    ),
    Scenario::new(
        "P28",
        "p28-switchovers-under-many-writers",
        "each is carried out; nothing lost or doubled",
        |stage| Box::pin(under_many_writers(stage)),
    ),
    Scenario::new(
        "P37",
        "p37-messages-lost-during-a-handover",
        "one acts; nothing lost or doubled",
        |stage| Box::pin(lossy_handover(stage)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P37",
        "p37-both-channels-cut-in-the-middle-of-a-handover",
        "one acts, or a person is asked; nothing lost or doubled",
        |stage| Box::pin(cut_while_handing_over(stage)),
    ),
];

async fn killed_while_syncing(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    let text = "x".repeat(RECORD_BYTES);
    for number in 0..RECORDS {
        pair.write_config(Side::A, &format!("bulk/{number}"), &json!(text)).await?;
    }
    for delay in [0, 30, 100, 300] {
        pair.node(Side::B).kill_all().await?;
        // An empty node needs all of it.
        let data = pair.node(Side::B).data_dir();
        for entry in std::fs::read_dir(&data)? {
            let path = entry?.path();
            if path.is_dir() {
                std::fs::remove_dir_all(path)?;
            }
        }
        pair.until_state(Side::A, &["active-standby-not-available"]).await?;
        pair.links.delay(Duration::from_millis(10))?;
        pair.node(Side::B).start()?;
        let syncing = |it: &Status| it.state().starts_with("standby-syncing");
        pair.until(Side::B, "syncing", syncing).await?;
        tokio::time::sleep(Duration::from_millis(delay)).await;
        pair.node(Side::A).kill_all().await?;
        // It may have become level in the last moment, and acts rightly then: its own record says whether.
        let events = pair.events(Side::B).await?;
        let level = events.iter().any(|it| it["to"] == "standby-ready");
        if !level {
            let waits = |it: &Status| !it.is_active();
            pair.stays(Side::B, "standby, half-synced", Duration::from_secs(3), waits).await?;
        }
        pair.node(Side::A).start()?;
        let active = Audit::of(&pair).run().await?;
        for side in Side::BOTH {
            let last = pair.config(side, &format!("bulk/{}", RECORDS - 1)).await?;
            ensure!(last == Some(json!(text)), "{side} has the last record");
        }
        if active == Side::B {
            pair.switch_to(Side::A).await?;
            pair.until_roles(Side::A).await?;
        }
    }
    Ok(())
}

async fn writing(stage: &Stage) -> Result<(std::sync::Arc<Pair>, Writer)> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(10).await?;
    Ok((pair, writer))
}

async fn killed_while_promoting(stage: &Stage) -> Result<()> {
    let (pair, writer) = writing(stage).await?;
    for delay in [0, 2, 5, 10, 20] {
        let active = pair.until_settled().await?;
        let next = active.other();
        pair.node(active).kill_all().await?;
        // The closed connection is a hint: the promotion begins within the next moments.
        let begun = |it: &Status| it.state() == "switching-to-active" || it.is_active();
        pair.until(next, "promoting", begun).await?;
        tokio::time::sleep(Duration::from_millis(delay)).await;
        pair.node(next).kill_all().await?;
        for side in Side::BOTH {
            pair.node(side).start()?;
        }
        pair.until_settled().await?;
        writer.until_more(5).await?;
    }
    Audit::of(&pair).with(writer.stop().await?).run().await?;
    Ok(())
}

async fn under_many_writers(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    let mut writers = Vec::new();
    for number in 0..8 {
        let tag = format!("line/counter-{number}");
        pair.declare_tag(Side::A, &tag).await?;
        writers.push(pair.writer(&tag));
    }
    for _ in 0..stage.size(6, 1000) {
        let active = pair.until_settled().await?;
        for writer in &writers {
            writer.until_more(10).await?;
        }
        pair.switch_to(active.other()).await?;
        pair.until_roles(active.other()).await?;
    }
    let mut records = Vec::new();
    for writer in writers {
        records.extend(writer.stop().await?);
    }
    Audit::of(&pair).with(records).run().await?;
    Ok(())
}

async fn ask_for_switchover(pair: &Pair, active: Side) -> Result<()> {
    let answer = pair.ask(active, Request::post("/api/v1/switchover", &json!({}))).await?;
    ensure!(answer.status == 202, "switchover: {} {}", answer.status, answer.text());
    Ok(())
}

async fn killed_while_handing_over(stage: &Stage, victim: Side) -> Result<()> {
    let (pair, writer) = writing(stage).await?;
    for delay in [0, 2, 5, 10, 20] {
        let active = pair.until_settled().await?;
        let dies = if victim == Side::A { active } else { active.other() };
        ask_for_switchover(&pair, active).await?;
        tokio::time::sleep(Duration::from_millis(delay)).await;
        pair.node(dies).kill_all().await?;
        if dies == active {
            pair.until_active(dies.other()).await?;
        }
        // A new active that died after it had opened may have acknowledged what the old one has
        // not: then nobody acts until it is back.
        pair.node(dies).start()?;
        pair.until_settled().await?;
        writer.until_more(5).await?;
    }
    Audit::of(&pair).with(writer.stop().await?).run().await?;
    Ok(())
}

async fn lossy_handover(stage: &Stage) -> Result<()> {
    let (pair, writer) = writing(stage).await?;
    let bad = Impairment {
        loss_permille: 250,
        duplicate_permille: 100,
        reorder_permille: 200,
        reorder_by: Duration::from_millis(40),
        ..Impairment::default()
    };
    for _ in 0..4 {
        let active = pair.until_settled().await?;
        pair.links.impair_all(bad)?;
        // Refused is an answer too, when a beat was missed just now.
        let answer = pair.ask(active, Request::post("/api/v1/switchover", &json!({}))).await?;
        ensure!([202, 409].contains(&answer.status), "{} {}", answer.status, answer.text());
        writer.until_more(5).await?;
        pair.links.heal()?;
        pair.until_settled().await?;
    }
    Audit::of(&pair).with(writer.stop().await?).run().await?;
    Ok(())
}

async fn cut_while_handing_over(stage: &Stage) -> Result<()> {
    let (pair, writer) = writing(stage).await?;
    for delay in [0, 2, 5, 10] {
        let active = pair.until_settled().await?;
        ask_for_switchover(&pair, active).await?;
        tokio::time::sleep(Duration::from_millis(delay)).await;
        pair.links.cut_all()?;
        // Long enough for every time-out to be over.
        tokio::time::sleep(Duration::from_secs(4)).await;
        writer.until_more(1).await?;
        pair.links.heal()?;
        pair.until_settled().await?;
        writer.until_more(5).await?;
    }
    Audit::of(&pair).allow_two_actives().with(writer.stop().await?).run().await?;
    Ok(())
}
