//! P40: alarms of objects over changes of role.
use std::cell::Cell;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hotpair_tests::{Audit, Pair, PairSettings, Request, Side, eventually, patience};
use serde_json::{Value, json};

use crate::scenario::Scenario;
use crate::stage::Stage;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "P40",
        "p40-an-acknowledgement-survives-the-active",
        "acknowledged by the same person with the same words; a delay goes on where it was",
        |stage| Box::pin(survives(stage)),
    )
    // A command that is passed on finds no way into another namespace.
    .on_loopback_alone(),
    Scenario::new(
        "P40",
        "p40-commands-to-alarms-while-roles-change",
        "what was answered stands on whichever node acts, and nothing is done twice",
        |stage| Box::pin(while_roles_change(stage)),
    )
    // A command that is passed on finds no way into another namespace.
    .on_loopback_alone(),
];

const TAG: &str = "line/level";
/// Longer than a takeover, so that a delay that began anew would be seen.
const DELAY: Duration = Duration::from_secs(8);

/// It does nothing: its alarms watch an input.
const IDLE: &str = r#"(module (memory (export "memory") 1) (func (export "hotpair_v1_scan")))"#;

fn record(with_slow: bool) -> Value {
    let mut record = json!({
        "module": "idle",
        "period": "20ms",
        "scan_limit": "60s",
        "attributes": {"level": {"type": "float", "unit": "m"}},
        "inputs": {"level": TAG},
        "alarms": {
            "high": {"attribute": "level", "when": "high", "limit": 3, "unit": "m", "deadband": 0.5,
                     "priority": "high", "message": "Nearly full"},
        },
    });
    if with_slow {
        let delay = format!("{}s", DELAY.as_secs());
        record["alarms"]["slow"] =
            json!({"attribute": "level", "when": "high", "limit": 3, "on_delay": delay});
    }
    record
}

/// A pair on which an object watches a level.
async fn watching(stage: &Stage) -> Result<std::sync::Arc<Pair>> {
    let pair = stage.start(PairSettings::default()).await?;
    let tag = json!({"type": "float", "unit": "m", "initial": 1});
    pair.write_config(Side::A, &format!("tags/{TAG}"), &tag).await?;
    let request = Request::new("PUT", "/api/v1/modules/idle");
    let bytes = wat::parse_str(IDLE)?;
    pair.ask(Side::A, request.body("application/wasm", bytes)).await?.ok()?;
    pair.write_config(Side::A, "objects/tank", &record(true)).await?;
    Ok(pair)
}

async fn level(pair: &Pair, side: Side, level: f64) -> Result<()> {
    let request = Request::put(&format!("/api/v1/tags/{TAG}"), &json!({"value": level}));
    pair.ask(side, request).await?.ok()?;
    Ok(())
}

async fn alarm(pair: &Pair, side: Side, name: &str) -> Result<Value> {
    pair.ask(side, Request::get(&format!("/api/v1/alarms/tank/{name}"))).await?.ok()
}

async fn until_state(pair: &Pair, side: Side, name: &str, state: &str) -> Result<Value> {
    let what = format!("{name} is {state} at {side}");
    eventually(&what, patience(Duration::from_secs(20)), async || {
        let shown = alarm(pair, side, name).await?;
        ensure!(shown["state"] == state, "{shown}");
        anyhow::Ok(shown)
    })
    .await
}

/// A command that has to be refused, with these words.
async fn refused(pair: &Pair, side: Side, arguments: &[&str], words: &str) -> Result<()> {
    let (out, error, status) = pair.cli(side, arguments).await?;
    ensure!(status != 0 && error.contains(words), "{arguments:?}: {status} {out} {error}");
    Ok(())
}

async fn survives(stage: &Stage) -> Result<()> {
    let pair = watching(stage).await?;
    until_state(&pair, Side::A, "high", "normal").await?;
    let ack = ["alarm", "ack", "tank", "high", "--comment", "on my way", "--who", "ann"];
    refused(&pair, Side::A, &ack, "the alarm is normal: nothing waits for a person").await?;
    refused(&pair, Side::A, &["alarm", "ack", "tank", "gone"], "has no alarm `gone`").await?;
    level(&pair, Side::A, 3.5).await?;
    for side in Side::BOTH {
        until_state(&pair, side, "high", "unacknowledged").await?;
    }
    // The standby passes it on.
    let (out, error, status) = pair.cli(Side::B, &ack).await?;
    ensure!(status == 0 && out.contains("replicated"), "{status} {out} {error}");
    ensure!(!out.contains("degraded"), "{out}");
    let before = alarm(&pair, Side::A, "high").await?;
    let runs = async || {
        let slow = alarm(&pair, Side::B, "slow").await?;
        let over = slow["delay_ms"].as_u64().filter(|it| *it >= 1_000);
        over.with_context(|| format!("its delay runs: {slow}"))
    };
    let limit = patience(Duration::from_secs(10));
    let over = eventually("some of the delay is over", limit, runs).await?;
    pair.node(Side::A).kill_all().await?;
    pair.until_active(Side::B).await?;
    let after = until_state(&pair, Side::B, "high", "acknowledged").await?;
    ensure!(after == before, "{after}\nwas {before}");
    let word = &after["acknowledgement"];
    ensure!(word["who"] == "ann" && word["comment"] == "on my way", "{after}");
    let slow = alarm(&pair, Side::B, "slow").await?;
    let goes_on = slow["delay_ms"].as_u64().is_none_or(|it| it >= over);
    ensure!(goes_on && slow["bad"] == false, "{over} ms were over: {slow}");
    refused(&pair, Side::B, &ack, "the alarm is acknowledged").await?;
    until_state(&pair, Side::B, "slow", "unacknowledged").await?;
    let (out, error, status) = pair.cli(Side::B, &["alarm", "ack", "tank", "slow"]).await?;
    ensure!(status == 0 && out.contains("degraded"), "no standby, and it says so: {out} {error}");
    level(&pair, Side::B, 1.0).await?;
    until_state(&pair, Side::B, "high", "normal").await?;
    pair.node(Side::A).start()?;
    pair.until_settled().await?;
    undeploy(&pair).await
}

/// What is declared still goes on, what is not goes; and in the end nothing is left.
async fn undeploy(pair: &Pair) -> Result<()> {
    if pair.until_settled().await? == Side::B {
        pair.switch_to(Side::A).await?;
        pair.until_roles(Side::A).await?;
    }
    for side in Side::BOTH {
        let kept = until_state(pair, side, "high", "normal").await?;
        ensure!(kept["acknowledgement"]["who"] == "ann", "{side}: {kept}");
    }
    pair.write_config(Side::A, "objects/tank", &record(false)).await?;
    let listed = async |side| pair.ask(side, Request::get("/api/v1/alarms")).await?.ok();
    for side in Side::BOTH {
        eventually(
            &format!("{side} has one alarm"),
            patience(Duration::from_secs(10)),
            async || {
                let listed = listed(side).await?;
                ensure!(listed["alarms"].as_array().is_some_and(|it| it.len() == 1), "{listed}");
                anyhow::Ok(())
            },
        )
        .await?;
        let kept = alarm(pair, side, "high").await?;
        ensure!(kept["acknowledgement"]["who"] == "ann", "{side}: {kept}");
    }
    let (out, error, status) = pair.cli(Side::A, &["object", "undeploy", "tank", "--yes"]).await?;
    ensure!(status == 0, "undeploy: {out} {error}");
    Audit::of(pair).run().await?;
    for side in Side::BOTH {
        ensure!(listed(side).await?["alarms"] == json!([]), "nothing is left at {side}");
        let metrics = pair.ask(side, Request::get("/metrics")).await?.text();
        let none = r#"hotpair_object_alarms{engine="main",state="normal"} 0"#;
        ensure!(metrics.contains(none), "{side}: {none} is missing");
    }
    Ok(())
}

/// Does it on whichever node acts. What may have happened is asked again, with the same key.
async fn act(pair: &Pair, action: &str, key: &str) -> Result<()> {
    let path = format!("/api/v1/alarms/tank/high/{action}");
    eventually(action, patience(Duration::from_secs(10)), async || {
        let mut last = anyhow::anyhow!("nobody was asked");
        for side in Side::BOTH {
            let request = Request::post(&path, &json!({"who": "bob"}));
            let answer = pair.ask(side, request.header("idempotency-key", key)).await?;
            match answer.status {
                200 => return Ok(Ok(())),
                421 | 503 | 504 => last = anyhow::anyhow!("{side}: {}", answer.text()),
                _ => return Ok(Err(anyhow::anyhow!("{action} at {side}: {}", answer.text()))),
            }
        }
        Err(last)
    })
    .await?
}

async fn take_out_and_put_back(pair: &Pair, round: usize) -> Result<()> {
    act(pair, "out-of-service", &format!("out-{round}")).await?;
    act(pair, "in-service", &format!("in-{round}")).await
}

async fn while_roles_change(stage: &Stage) -> Result<()> {
    let pair = watching(stage).await?;
    // It rises now and then, so that scans write its record between the commands.
    let rounds = stage.size(4, 40);
    let done = Cell::new(0_usize);
    let limit = patience(Duration::from_secs(10));
    let roles = async {
        for round in 0..rounds {
            let next = pair.until_settled().await?.other();
            pair.switch_to(next).await?;
            let value = if round % 2 == 0 { 3.5 } else { 1.0 };
            level(&pair, next, value).await?;
            let before = done.get();
            let more = async || (done.get() > before).then_some(()).ok_or("none was answered");
            eventually("a command between two changes of role", limit, more).await?;
        }
        pair.until_settled().await
    };
    tokio::pin!(roles);
    let active = loop {
        tokio::select! {
            biased;
            active = &mut roles => break active?,
            acted = take_out_and_put_back(&pair, done.get()) => {
                // Whatever was answered stands, so that neither is ever refused.
                acted.with_context(|| format!("after {} rounds", done.get()))?;
                done.set(done.get() + 1);
            }
        }
    };
    // The last one may have been cut off in the middle.
    if alarm(&pair, active, "high").await?["state"] == "out-of-service" {
        act(&pair, "in-service", "last").await?;
    }
    act(&pair, "shelve", "no-time").await.expect_err("it needs a time");
    let (out, error, status) =
        pair.cli(active.other(), &["alarm", "shelve", "tank", "high", "--for", "1h"]).await?;
    ensure!(status == 0, "{out} {error}");
    let next = active.other();
    pair.switch_to(next).await?;
    let shelved = until_state(&pair, next, "high", "shelved").await?;
    let left = shelved["shelf_ms"].as_u64().context("time is left")?;
    ensure!((3_500_000..=3_600_000).contains(&left), "{shelved}");
    let (listed, _, _) = pair.cli(next, &["alarm", "list", "--state", "shelved"]).await?;
    ensure!(listed.contains("tank/high") && !listed.contains("tank/slow"), "{listed}");
    for side in Side::BOTH {
        let alarms =
            pair.ask(side, Request::get("/api/v1/status")).await?.ok()?["alarms"].to_string();
        ensure!(!alarms.contains("provider-failed"), "{side}: {alarms}");
    }
    Audit::of(&pair).run().await?;
    Ok(())
}
