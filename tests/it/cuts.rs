//! P16, P19 to P21, P38: links that are cut, both ways or one way, in each mode.
use std::time::Duration;

use anyhow::{Result, ensure};
use hotpair_tests::{Audit, Channel, PairSettings, Side, Status};

use crate::scenario::Scenario;
use crate::stage::Stage;

const TAGS: [&str; 2] = ["line/written-at-a", "line/written-at-b"];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "P16",
        "p16-redundancy-channel-cut",
        "no role change; Missed Heartbeats, then Ready with the channel degraded and named",
        |stage| Box::pin(redundancy_cut(stage)),
    ),
    Scenario::new(
        "P19",
        "p19-both-channels-cut-availability",
        "both act and say isolated; one wins after the heal, the loser's entries are kept",
        |stage| Box::pin(both_cut_availability(stage)),
    ),
    Scenario::new(
        "P20",
        "p20-both-channels-cut-no-split",
        "the active closes its outputs before the standby acts",
        |stage| Box::pin(both_cut_no_split(stage)),
    ),
    Scenario::new(
        "P20",
        "p20-both-channels-cut-manual",
        "nobody moves; a person is asked",
        |stage| Box::pin(both_cut_manual(stage)),
    ),
    Scenario::new(
        "P21",
        "p21-standby-cannot-hear-availability",
        "one-way shown as one-way; one acts in the end",
        |stage| Box::pin(one_way(stage, Side::A, "availability")),
    ),
    Scenario::new(
        "P21",
        "p21-active-cannot-hear-availability",
        "the active goes on, the standby that hears it does not act",
        |stage| Box::pin(one_way(stage, Side::B, "availability")),
    ),
    Scenario::new(
        "P21",
        "p21-standby-cannot-hear-no-split",
        "never two with open outputs",
        |stage| Box::pin(one_way(stage, Side::A, "no-split")),
    ),
    Scenario::new(
        "P21",
        "p21-active-cannot-hear-no-split",
        "it closes its outputs and says why; never two",
        |stage| Box::pin(one_way(stage, Side::B, "no-split")),
    ),
    Scenario::new(
        "P38",
        "p38-active-that-cannot-hear-writes-and-dies",
        "the standby does not act on old data by itself",
        |stage| Box::pin(old_data_waits(stage)),
    ),
];

async fn redundancy_cut(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAGS[0]).await?;
    let writer = pair.writer(TAGS[0]);
    writer.until_more(10).await?;
    let epoch = pair.status(Side::A).await?.epoch();
    pair.links.cut(Channel::Redundancy)?;
    let missed = ["standby-missed-heartbeats"];
    pair.until_state(Side::B, &missed).await?;
    let degraded =
        |it: &Status| it.state() == "standby-ready" && it.channel("redundancy")["health"] == "down";
    pair.until(Side::B, "ready again, redundancy down", degraded).await?;
    writer.until_more(20).await?;
    pair.links.heal()?;
    for side in Side::BOTH {
        let up = |it: &Status| it.channel("redundancy")["health"] == "up";
        pair.until(side, "redundancy up again", up).await?;
    }
    let active = Audit::of(&pair).with(writer.stop().await?).run().await?;
    ensure!(active == Side::A && pair.status(Side::A).await?.epoch() == epoch, "no role change");
    Ok(())
}

async fn both_cut_availability(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    for tag in TAGS {
        pair.declare_tag(Side::A, tag).await?;
    }
    pair.until_roles(Side::A).await?;
    let at_a = pair.writer_at(Side::A, TAGS[0], 1);
    at_a.until_more(5).await?;
    pair.links.cut_all()?;
    for side in Side::BOTH {
        let alone = |it: &Status| it.is_active() && it.engine("main")["isolated"] == true;
        pair.until(side, "active and isolated", alone).await?;
    }
    let at_b = pair.writer_at(Side::B, TAGS[1], 1);
    at_a.until_more(10).await?;
    at_b.until_more(10).await?;
    let mut records = at_a.stop().await?;
    records.extend(at_b.stop().await?);
    let active = Audit::of(&pair).allow_two_actives().with(records).run().await?;
    let loser = if active == Side::A { TAGS[1] } else { TAGS[0] };
    let kept = pair.divergences(active).await?;
    ensure!(kept.iter().any(|it| it.to_string().contains(loser)), "the loser's entries are listed");
    Ok(())
}

async fn both_cut_no_split(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default().mode("no-split")).await?;
    pair.declare_tag(Side::A, TAGS[0]).await?;
    let writer = pair.writer(TAGS[0]);
    writer.until_more(10).await?;
    pair.links.cut_all()?;
    pair.until_state(Side::A, &["determining-failover-status"]).await?;
    pair.until_active(Side::B).await?;
    writer.until_more(10).await?;
    let records = writer.stop().await?;
    let active = Audit::of(&pair).with(records).run().await?;
    ensure!(active == Side::B, "who had to close follows");
    Ok(())
}

async fn both_cut_manual(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default().mode("manual")).await?;
    pair.declare_tag(Side::A, TAGS[0]).await?;
    let writer = pair.writer(TAGS[0]);
    writer.until_more(10).await?;
    pair.links.cut_all()?;
    let asks = |it: &Status| {
        it.state() == "standby-missed-heartbeats" && !it.engine("main")["waiting_for"].is_null()
    };
    pair.until(Side::B, "waits for a person, and says so", asks).await?;
    let waits = |it: &Status| !it.is_active();
    pair.stays(Side::B, "standby", Duration::from_secs(4), waits).await?;
    pair.until_active(Side::A).await?;
    writer.until_more(10).await?;
    let active = Audit::of(&pair).with(writer.stop().await?).run().await?;
    ensure!(active == Side::A, "nobody moved");
    Ok(())
}

/// What `mute` sends is lost on both channels.
async fn one_way(stage: &Stage, mute: Side, mode: &str) -> Result<()> {
    let pair = stage.start(PairSettings::default().mode(mode)).await?;
    pair.declare_tag(Side::A, TAGS[0]).await?;
    let writer = pair.writer(TAGS[0]);
    writer.until_more(10).await?;
    for channel in Channel::BOTH {
        pair.links.cut_one_way(channel, mute)?;
    }
    // Who hears is told that it is not heard.
    let one_way = |it: &Status| it.channel("redundancy")["health"] == "not-heard";
    pair.until(mute, "one-way shown as one-way", one_way).await?;
    match (mode, mute) {
        ("availability", Side::B) => {
            pair.until_state(Side::A, &["active-standby-not-available"]).await?;
            let waits = |it: &Status| !it.is_active();
            pair.stays(Side::B, "standby", Duration::from_secs(3), waits).await?;
            writer.until_more(10).await?;
        }
        ("no-split", Side::B) => {
            // The active must close, and tells so; the standby that hears it is not heard, and
            // without an answer it has no right to act. Nobody, until a channel works both ways.
            let closed = |it: &Status| {
                it.state() == "determining-failover-status"
                    && !it.engine("main")["waiting_for"].is_null()
            };
            pair.until(Side::A, "closed, and says why", closed).await?;
            pair.links.heal()?;
            writer.until_more(10).await?;
        }
        (_, _) => {
            // The standby hears nothing and acts; a master that still hears it yields.
            pair.until_active(Side::B).await?;
            pair.until(Side::A, "not active", |it| !it.is_active()).await?;
            writer.until_more(10).await?;
        }
    }
    let mut audit = Audit::of(&pair).with(writer.stop().await?);
    if mode == "availability" {
        // S1 promises one active while a channel works both ways; here none does.
        audit = audit.allow_two_actives();
    }
    audit.run().await?;
    Ok(())
}

async fn old_data_waits(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAGS[0]).await?;
    pair.until_roles(Side::A).await?;
    for channel in Channel::BOTH {
        pair.links.cut_one_way(channel, Side::B)?;
    }
    pair.until_state(Side::A, &["active-standby-not-available"]).await?;
    let degraded = pair.write_tag_durably(Side::A, TAGS[0], 9).await?;
    ensure!(degraded["degraded"] == true, "the write is degraded: {degraded}");
    let behind = |it: &Status| it.engine("main")["marks"]["stale"] == true;
    pair.until(Side::B, "knows that the active went on without it", behind).await?;
    pair.node(Side::A).kill_all().await?;
    pair.links.heal()?;
    let waits = |it: &Status| !it.is_active();
    pair.stays(Side::B, "standby, on old data", Duration::from_secs(5), waits).await?;
    pair.node(Side::A).start()?;
    let active = Audit::of(&pair).run().await?;
    ensure!(active == Side::A, "the newer data acts");
    ensure!(pair.tag(Side::B, TAGS[0]).await? == 9, "and is on both");
    Ok(())
}
