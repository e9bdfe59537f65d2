//! The status page in front of a node without an inside: `cargo run -p hotpair-api --example page
//! [PORT] [trouble|sync|two]`. For work on the page.
#![allow(
    clippy::unwrap_used,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "an example over the tests' node"
)]
#[path = "../tests/it/fake/mod.rs"]
mod fake;

use fake::{FakeNode, now_ms, tag};
use hotpair_api::face::{
    Alarm, ChannelHealth, EventKind, Evidence, FeedItem, Reason, SyncProgress,
};
use hotpair_api::{ListenerSettings, serve};
use hotpair_types::StateId;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

#[tokio::main]
async fn main() {
    let port: u16 = std::env::args().nth(1).map_or(8650, |it| it.parse().unwrap());
    let kind = std::env::args().nth(2).unwrap_or_default();
    let listen = format!("127.0.0.1:{port}").parse().unwrap();
    let node = FakeNode::new();
    node.change(|it| {
        it.api = format!("http://127.0.0.1:{port}");
        it.partner_api = Some(format!("http://127.0.0.1:{}", port ^ 1));
    });
    plant(&node);
    history(&node);
    match kind.as_str() {
        "trouble" => trouble(&node),
        "sync" => sync(&node),
        "two" => node.change(|it| {
            let mut second = it.engines[0].clone();
            second.name = "line-2".into();
            second.designation = second.designation.other();
            it.engines.push(second);
        }),
        _ => {}
    }
    let (_shutdown, stop) = watch::channel(false);
    let settings = ListenerSettings::new(listen, None, None).unwrap();
    let handle = serve(settings, Arc::clone(&node) as _, stop).await.unwrap();
    println!("{}", handle.base());
    let mut step = 0_u32;
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        step += 1;
        let time = f64::from(step) / 10.0;
        node.set_tag("plant/tank-1/level", json!(50.0 + 30.0 * (time / 9.0).sin()));
        node.set_tag("plant/tank-1/inflow", json!(12.0 + 4.0 * (time / 3.0).sin()));
        node.set_tag("plant/tank-1/temperature", json!(64.0 + (time / 17.0).cos()));
        node.set_tag("plant/tank-1/pump/running", json!((time / 9.0).cos() > 0.0));
        node.set_tag("plant/counter", json!(step));
        node.change(|it| {
            it.at_ms = now_ms();
            let engine = &mut it.engines[0];
            engine.in_state_for_ms += 100;
            engine.active_for_ms = engine.active_for_ms.map(|it| it + 100);
            engine.positions.runtime.sequence += 5;
            if let Some(partner) = &mut engine.partner {
                partner.positions.runtime.sequence += 5;
            }
            if let Some(sync) = &mut engine.sync {
                sync.bytes_done = (sync.bytes_done + 4_000_000) % sync.bytes_total;
            }
        });
    }
}

fn plant(node: &FakeNode) {
    node.with(|it| {
        it.tags.clear();
        for made in [
            tag("plant/tank-1/level", json!(50), "float", Some("%")),
            tag("plant/tank-1/inflow", json!(12), "float", Some("l/s")),
            tag("plant/tank-1/temperature", json!(64), "float", Some("°C")),
            tag("plant/tank-1/pump/running", json!(true), "bool", None),
            tag("plant/tank-1/recipe", json!("Maische 3 <b>not bold</b>"), "string", None),
            tag("plant/counter", json!(0), "int", None),
            tag("plant/operator", json!("A. Vogel"), "string", None),
        ] {
            it.tags.insert(made.path.clone(), made);
        }
    });
}

fn history(node: &FakeNode) {
    node.with(|it| {
        let first = it.events[0].clone();
        let mut back = first.clone();
        back.number = 8;
        back.kind = EventKind::State;
        back.at_ms = now_ms() - 61_000;
        back.from = Some(StateId::ActiveStandbyNotAvailable);
        back.to = Some(StateId::Active);
        back.cause = "partner-standby".into();
        back.rule = "3 -> 2: partner standby and reachable".into();
        back.text = "The standby is back and level.".into();
        back.evidence = vec![Evidence::new("missing entries sent", 1_204)];
        back.epoch_before = 3;
        let mut channel = back.clone();
        channel.number = 9;
        channel.kind = EventKind::Channel;
        channel.at_ms = now_ms() - 30_000;
        channel.cause = "beats-back".into();
        channel.rule = "8: beats on a channel that was degraded".into();
        channel.text = "The primary channel is up again.".into();
        channel.evidence = vec![Evidence::new("missed beats on primary", 3).against(5)];
        it.events.extend([back, channel]);
    });
    let event = node.with(|it| it.events[0].clone());
    node.publish(&FeedItem::Event { event });
}

fn trouble(node: &FakeNode) {
    node.change(|it| {
        it.channels.redundancy.health = ChannelHealth::Down;
        it.channels.redundancy.missed = 212;
        it.channels.redundancy.carries_data = false;
        it.channels.redundancy.detail = Some("silent for 21 s; 212 beats missed".into());
        it.channels.primary.health = ChannelHealth::NotHeard;
        it.channels.primary.detail = Some("the partner says it heard us 4.1 s ago".into());
        it.alarms.push(Alarm {
            id: "certificate-expires".into(),
            text: "The certificate of gw-b expires in 6 days.".into(),
            since_ms: now_ms() - 3_600_000,
        });
        let engine = &mut it.engines[0];
        engine.state = Some(StateId::ActiveStandbyNotAvailable);
        engine.state_name = StateId::ActiveStandbyNotAvailable.display_name().into();
        engine.partner_state = StateId::Unknown;
        engine.partner_state_name = StateId::Unknown.display_name().into();
        engine.isolated = true;
        engine.marks.unverified = true;
        engine.marks.sole = true;
        engine.paused = true;
        engine.degraded = true;
        engine.divergence_entries = 17;
        engine.blockers = vec![
            Reason::new("standby-unknown", "The partner is Unknown, not Standby - Ready.")
                .with(Evidence::new("missed beats on redundancy", 212).against(5)),
            Reason::new("paused", "The pair is paused."),
        ];
    });
}

fn sync(node: &FakeNode) {
    node.change(|it| {
        it.channels.redundancy.health = ChannelHealth::Missing;
        it.channels.redundancy.missed = 2;
        let engine = &mut it.engines[0];
        engine.partner_state = StateId::StandbySyncingData;
        engine.partner_state_name = StateId::StandbySyncingData.display_name().into();
        engine.sync = Some(SyncProgress {
            phase: "snapshot".into(),
            bytes_done: 431_000_000,
            bytes_total: 1_073_741_824,
            bytes_per_second: 41_000_000,
            left_ms: Some(15_600),
        });
        if let Some(partner) = &mut engine.partner {
            partner.positions.runtime.sequence -= 1_204;
        }
        engine.blockers = vec![
            Reason::new("standby-syncing", "The standby is Standby - Syncing Data.")
                .with(Evidence::new("bytes to go", 642_741_824).against(0)),
        ];
    });
}
