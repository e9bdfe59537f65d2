//! V1 to V5: virtual addresses. Hosts with interfaces of their own are needed: network namespaces.
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hotpair_tests::{
    Audit, Namespaces, Pair, PairSettings, Side, Signal, Status, eventually, patience,
};

use crate::scenario::Scenario;
use crate::stage::Stage;

const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 1, 50);
const BOTH: &str = "[\"10.77.1.50/24@primary\", \"fd77::50/64@primary\"]";
const TAG: &str = "line/level";

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "V1",
        "v1-address-moves-with-the-role",
        "killed, switched over, cable pulled: it is where the active is, and a third host knows",
        |stage| Box::pin(moves(stage)),
    ),
    Scenario::new(
        "V2",
        "v2-address-of-a-stranger-is-left-to-him",
        "not claimed, an alarm names who has it; claimed when he is gone",
        |stage| Box::pin(duplicate(stage)),
    ),
    Scenario::new(
        "V3",
        "v3-frozen-active-and-its-address",
        "taken over from it; it announces nothing after waking, and takes its own off",
        |stage| Box::pin(frozen(stage)),
    ),
    Scenario::new(
        "V4",
        "v4-left-over-address-is-taken-off",
        "node and guard killed: the next start takes it off and the partner keeps it",
        |stage| Box::pin(left_over(stage)),
    ),
    Scenario::new(
        "V5",
        "v5-frozen-active-under-a-lease",
        "its kernel falls silent before the partner acts, and says nothing after it wakes",
        |stage| Box::pin(leased(stage)),
    ),
];

async fn start(stage: &Stage, addresses: &str) -> Result<Arc<Pair>> {
    prepare(stage, PairSettings::default().raw("virtual_addresses.addresses", addresses)).await
}

async fn prepare(stage: &Stage, settings: PairSettings) -> Result<Arc<Pair>> {
    let pair = stage.prepare(settings).await?;
    if pair.links.namespaces().is_none() {
        let why = "no interfaces of its own on loopback: cargo xtask pair-test --netns, as root";
        return Err(Stage::skip(why));
    }
    Ok(pair)
}

fn hosts(pair: &Pair) -> Result<&Namespaces> {
    pair.links.namespaces().context("looked at before the start")
}

fn v6() -> IpAddr {
    "fd77::50".parse().expect("an address")
}

/// By its own word.
fn holds_all(status: &Status) -> bool {
    let all = status.json()["outputs"]["addresses"].as_array();
    all.is_some_and(|it| !it.is_empty() && it.iter().all(|it| it["state"] == "held"))
}

/// It holds all of them, the other host has none, and a third host that asks nobody knows.
async fn until_moved(pair: &Pair, to: Side) -> Result<()> {
    let hosts = hosts(pair)?;
    let status = pair.until(to, "has the addresses", holds_all).await?;
    // It was off the other host before this one heard that it may act.
    ensure!(!status.has_alarm("address-duplicate"), "{:?}", status.json()["alarms"]);
    let expected = hosts.hardware(to)?;
    let limit = patience(Duration::from_secs(2));
    for address in [ADDRESS.into(), v6()] {
        ensure!(hosts.stands_at(to, address)?, "{address} stands at {to}");
        let gone = async || {
            ensure!(!hosts.stands_at(to.other(), address)?, "it stands there");
            anyhow::Ok(())
        };
        eventually(&format!("{address} is gone from {}", to.other()), limit, gone).await?;
        let knows = async || {
            let believed = hosts.believed(address)?;
            ensure!(believed == expected, "{believed} instead of {expected}");
            anyhow::Ok(())
        };
        eventually(&format!("a third host finds {address} at {to}"), limit, knows).await?;
    }
    Ok(())
}

async fn moves(stage: &Stage) -> Result<()> {
    let pair = start(stage, BOTH).await?;
    pair.start_both().await?;
    let hosts = hosts(&pair)?;
    pair.until(Side::A, "has the addresses", holds_all).await?;
    let fencing = pair.status(Side::A).await?.json()["outputs"]["fencing"].clone();
    ensure!(fencing == "guard", "the level of fencing is {fencing}");
    for address in [ADDRESS.into(), v6()] {
        hosts.call(address).await?;
    }
    until_moved(&pair, Side::A).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(5).await?;

    pair.node(Side::A).signal_node(Signal::KILL)?;
    until_moved(&pair, Side::B).await?;
    pair.until_roles(Side::B).await?;

    pair.switch_to(Side::A).await?;
    until_moved(&pair, Side::A).await?;
    pair.until_roles(Side::A).await?;

    hosts.set_primary_cable(Side::A, false)?;
    until_moved(&pair, Side::B).await?;
    hosts.set_primary_cable(Side::A, true)?;
    pair.until_roles(Side::B).await?;

    pair.node(Side::B).stop().await?;
    until_moved(&pair, Side::A).await?;
    pair.node(Side::B).start()?;
    pair.until_roles(Side::A).await?;
    until_moved(&pair, Side::A).await?;
    Audit::of(&pair).with(writer.stop().await?).run().await?;
    Ok(())
}

async fn duplicate(stage: &Stage) -> Result<()> {
    let pair = start(stage, "[\"10.77.1.50/24@primary\"]").await?;
    let hosts = hosts(&pair)?;
    hosts.set_third("10.77.1.50/32", true)?;
    let stranger = hosts.third_hardware()?;
    pair.start_both().await?;
    let told = |it: &Status| {
        let alarms = it.json()["alarms"].to_string();
        it.has_alarm("address-duplicate") && alarms.contains(&stranger)
    };
    pair.until(Side::A, "tells who has the address", told).await?;
    // Asked again, and still there: no fight.
    pair.stays(Side::A, "without it", Duration::from_secs(5), |it| {
        it.is_active() && !holds_all(it)
    })
    .await?;
    ensure!(!hosts.stands_at(Side::A, ADDRESS.into())?, "left to the stranger");
    hosts.set_third("10.77.1.50/32", false)?;
    pair.until(Side::A, "has it when he is gone", holds_all).await?;
    ensure!(hosts.stands_at(Side::A, ADDRESS.into())?, "claimed");
    // Somebody turns up later: told, and answered with few words.
    hosts.count_frames(Side::A, ADDRESS)?;
    hosts.set_third("10.77.1.50/32", true)?;
    hosts.claim_third(ADDRESS).await?;
    pair.until(Side::A, "tells of the conflict", told).await?;
    ensure!(hosts.stands_at(Side::A, ADDRESS.into())?, "kept");
    let few = hosts.frames(Side::A)?.announcements;
    ensure!(few <= 10, "{few} announcements");
    hosts.set_third("10.77.1.50/32", false)?;
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn frozen(stage: &Stage) -> Result<()> {
    let pair = start(stage, "[\"10.77.1.50/24@primary\"]").await?;
    let hosts = hosts(&pair)?;
    pair.start_both().await?;
    pair.until(Side::A, "has the address", holds_all).await?;
    pair.node(Side::A).signal_all(Signal::STOP)?;
    // The kernel of the frozen host goes on answering; that keeps nobody from taking over.
    pair.until_active(Side::B).await?;
    let status = pair.until(Side::B, "has the address", holds_all).await?;
    let text = status.json()["alarms"].to_string();
    ensure!(text.contains("the partner's host"), "told of the other one: {text}");
    hosts.count_frames(Side::A, ADDRESS)?;
    pair.node(Side::A).signal_all(Signal::CONT)?;
    let gone = async || {
        ensure!(!hosts.stands_at(Side::A, ADDRESS.into())?, "it stands there");
        anyhow::Ok(())
    };
    eventually("the woken host takes it off", patience(Duration::from_secs(1)), gone).await?;
    pair.until_roles(Side::B).await?;
    let sent = hosts.frames(Side::A)?.announcements;
    ensure!(sent == 0, "the woken node announced the address {sent} times");
    ensure!(hosts.stands_at(Side::B, ADDRESS.into())?, "the active keeps it");
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn left_over(stage: &Stage) -> Result<()> {
    let pair = start(stage, "[\"10.77.1.50/24@primary\"]").await?;
    let hosts = hosts(&pair)?;
    pair.start_both().await?;
    pair.until(Side::A, "has the address", holds_all).await?;
    pair.node(Side::A).kill_all().await?;
    ensure!(hosts.stands_at(Side::A, ADDRESS.into())?, "nobody was left to take it off");
    pair.until_active(Side::B).await?;
    pair.until(Side::B, "has the address", holds_all).await?;
    pair.node(Side::A).start()?;
    pair.until_roles(Side::B).await?;
    ensure!(!hosts.stands_at(Side::A, ADDRESS.into())?, "taken off at the start");
    ensure!(hosts.stands_at(Side::B, ADDRESS.into())?, "the active keeps it");
    let log = pair.node(Side::A).log();
    ensure!(log.contains("were left here by an earlier process"), "said so");
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn leased(stage: &Stage) -> Result<()> {
    let settings = PairSettings::default()
        .raw("virtual_addresses.addresses", "[\"10.77.1.50/24@primary\"]")
        .raw("virtual_addresses.lease", "true");
    let pair = prepare(stage, settings).await?;
    let hosts = hosts(&pair)?;
    pair.start_both().await?;
    let status = pair.until(Side::A, "has the address", holds_all).await?;
    let fencing = &status.json()["outputs"]["fencing"];
    ensure!(fencing == "kernel-lease", "the level of fencing is {fencing}");
    hosts.count_frames(Side::A, ADDRESS)?;
    let knocking = hosts.keep_knocking(ADDRESS.into());
    let answers = async || {
        let frames = hosts.frames(Side::A)?;
        ensure!(frames.all > 10, "{frames:?}");
        anyhow::Ok(())
    };
    eventually("the active host answers", patience(Duration::from_secs(2)), answers).await?;

    let frozen_at = Instant::now();
    pair.node(Side::A).signal_all(Signal::STOP)?;
    let mut frames = hosts.frames(Side::A)?;
    let mut last_frame = Duration::ZERO;
    let acts_at = loop {
        let looked_at = frozen_at.elapsed();
        let now = hosts.frames(Side::A)?;
        if now != frames {
            (frames, last_frame) = (now, looked_at);
        }
        if pair.status(Side::B).await?.is_active() {
            break frozen_at.elapsed();
        }
        ensure!(looked_at < patience(Duration::from_secs(2)), "nobody took over");
    };
    println!(
        "    the last frame {last_frame:.2?} after the freeze, the partner acts {acts_at:.2?} after it"
    );
    let status = pair.until(Side::B, "has the address", holds_all).await?;
    // With the frozen host silent there is no duplicate to be told of.
    ensure!(!status.has_alarm("address-duplicate"), "an alarm without a duplicate");
    let before = hosts.frames(Side::A)?;
    ensure!(before == frames, "sent after the partner acted: {frames:?}, then {before:?}");
    tokio::time::sleep(Duration::from_secs(3).saturating_sub(frozen_at.elapsed())).await;
    pair.node(Side::A).signal_all(Signal::CONT)?;
    pair.until_roles(Side::B).await?;
    let after = hosts.frames(Side::A)?;
    ensure!(after == before, "sent after waking: {before:?}, then {after:?}");
    ensure!(!hosts.stands_at(Side::A, ADDRESS.into())?, "taken off");
    // And it can act again.
    pair.switch_to(Side::A).await?;
    pair.until(Side::A, "has the address", holds_all).await?;
    let answers = async || {
        let frames = hosts.frames(Side::A)?;
        ensure!(frames.all > after.all, "{frames:?}");
        anyhow::Ok(())
    };
    eventually("the host answers again", patience(Duration::from_secs(2)), answers).await?;
    drop(knocking);
    Audit::of(&pair).run().await?;
    Ok(())
}
