//! P39: attributes that a person sets while their object is scanned.
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hotpair_tests::{Audit, Pair, PairSettings, Request, Response, Side, eventually, patience};
use serde_json::{Value, json};

use crate::objects::{COUNTER, add, attribute, object};
use crate::scenario::Scenario;
use crate::stage::Stage;

pub(crate) const SCENARIOS: &[Scenario] = &[Scenario::new(
    "P39",
    "p39-an-attribute-that-a-person-set-stays-set",
    "on both nodes once it is answered, and at whoever takes over; no scan is lost by it",
    |stage| Box::pin(stays_set(stage)),
)
.on_loopback_alone()];

async fn set(
    pair: &Pair,
    side: Side,
    name: &str,
    value: &Value,
    key: Option<&str>,
) -> Result<Response> {
    let request = Request::new("PUT", &format!("/api/v1/objects/counter/attributes/{name}"));
    let body = json!({ "value": value }).to_string().into_bytes();
    let request = request.body("application/json", body);
    let request = match key {
        Some(key) => request.header("idempotency-key", key),
        None => request,
    };
    pair.ask(side, request).await
}

async fn stays_set(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    add(&pair, "counter", COUNTER).await?;
    let attributes = json!({"count": {"type": "int"}, "sum": {"type": "int"},
        "setpoint": {"type": "int", "initial": 2, "limits": {"min": 0, "max": 300}}});
    let record = json!({"module": "counter", "period": "20ms", "attributes": attributes});
    pair.write_config(Side::A, "objects/counter", &record).await?;
    pair.until_roles(Side::A).await?;
    let (out, error, status) =
        pair.cli(Side::A, &["object", "set", "counter", "setpoint=7"]).await?;
    ensure!(status == 0 && out.contains("replicated"), "{out} {error}");
    // Between scans of 20 ms, many times: each has its place.
    for value in 100..150 {
        set(&pair, Side::A, "setpoint", &json!(value), None).await?.ok()?;
    }
    // The same once more is the same.
    let first = set(&pair, Side::A, "setpoint", &json!(42), Some("k1")).await?.ok()?;
    let again = set(&pair, Side::A, "setpoint", &json!(42), Some("k1")).await?.ok()?;
    ensure!(first["sequence"] == again["sequence"], "{first} {again}");
    for (side, name, value, status) in [
        (Side::A, "setpoint", json!(301), 422),
        (Side::A, "setpoint", json!("high"), 422),
        (Side::A, "level", json!(1), 404),
        (Side::B, "setpoint", json!(1), 421),
    ] {
        let answer = set(&pair, side, name, &value, None).await?;
        ensure!(answer.status == status, "{side} {name}: {} {}", answer.status, answer.text());
    }
    // The standby shows what was answered, and whoever takes over goes on with it.
    eventually("the standby has it", patience(Duration::from_secs(10)), async || {
        let shown = object(&pair, Side::B, "counter").await?;
        ensure!(attribute(&shown, "setpoint") == Some(42), "{shown}");
        anyhow::Ok(())
    })
    .await?;
    pair.node(Side::A).kill_all().await?;
    pair.until_active(Side::B).await?;
    let scans = async || {
        let shown = object(&pair, Side::B, "counter").await?;
        let count = attribute(&shown, "count").context("a count")?;
        ensure!(attribute(&shown, "setpoint") == Some(42), "{shown}");
        anyhow::Ok((count, shown["scan"].as_i64().context("a number")?))
    };
    let (before, steps) = scans().await?;
    // 52 steps were no scans: each of the others had its effect once.
    ensure!(steps - before == 52, "{steps} steps, {before} scans");
    eventually("it is scanned there", patience(Duration::from_secs(10)), async || {
        let (count, _) = scans().await?;
        ensure!(count > before + 3, "{count} after {before}");
        anyhow::Ok(())
    })
    .await?;
    pair.node(Side::A).start()?;
    pair.until_roles(Side::B).await?;
    Audit::of(&pair).run().await?;
    Ok(())
}
