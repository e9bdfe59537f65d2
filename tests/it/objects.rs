//! P39, X15: objects that go on at the partner, and objects that cannot go on.
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hotpair_tests::{
    Arrived, Audit, Pair, PairSettings, Request, Side, Signal, Subscriber, eventually, patience,
};
use serde_json::{Value, json};

use crate::scenario::Scenario;
use crate::stage::Stage;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "P39",
        "p39-objects-go-on-at-the-partner",
        "with the next scan and the whole state; no scan has its effect twice",
        |stage| Box::pin(go_on(stage)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P39",
        "p39-an-active-that-was-frozen-scans-no-more",
        "the other goes on; what the frozen one had begun has no effect",
        |stage| Box::pin(frozen(stage)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "X15",
        "x15-what-traps-loops-or-grows-is-in-fault",
        "the object in fault with the reason; the others, and both nodes, go on",
        |stage| Box::pin(in_fault(stage)),
    ),
    Scenario::new(
        "X15",
        "x15-objects-without-effect-say-so",
        "no standby and one is required: waiting with the reason, an alarm, and no scan done twice",
        |stage| Box::pin(without_effect(stage)),
    ),
    Scenario::new(
        "X15",
        "x15-an-unsound-object-is-refused",
        "with everything that is wrong, before it is recorded",
        |stage| Box::pin(unsound(stage)),
    ),
];

pub(crate) const TAG: &str = "line/counter";

/// Counts its scans in a global, and leaves a trace of each in memory: `sum` is right only with both.
pub(crate) const COUNTER: &str = r#"(module
    (import "hotpair_v1" "write_int" (func $write (param i32 i64)))
    (@custom "hotpair_v1_ports" "out count int\nout sum int\n")
    (memory (export "memory") 1)
    (global $count (mut i64) (i64.const 0))
    (func (export "hotpair_v1_scan") (local $at i32) (local $sum i64)
        (global.set $count (i64.add (global.get $count) (i64.const 1)))
        (i64.store
            (i32.mul (i32.rem_u (i32.wrap_i64 (global.get $count)) (i32.const 4096)) (i32.const 8))
            (global.get $count))
        (loop $next
            (local.set $sum (i64.add (local.get $sum)
                (i64.load (i32.mul (local.get $at) (i32.const 8)))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $at) (i32.const 4096))))
        (call $write (i32.const 0) (global.get $count))
        (call $write (i32.const 1) (local.get $sum))))"#;

/// What cannot go on, with the fault that comes of it.
const HOSTILE: [(&str, &str, &str); 3] = [
    ("loops", "(loop $l (br $l))", "out-of-budget"),
    ("traps", "unreachable", "trapped"),
    ("grows", "(drop (memory.grow (i32.const 1000)))", "out-of-memory"),
];

pub(crate) async fn add(pair: &Pair, name: &str, text: &str) -> Result<()> {
    let bytes = wat::parse_str(text)?;
    let request = Request::new("PUT", &format!("/api/v1/modules/{name}"));
    pair.ask(Side::A, request.body("application/wasm", bytes)).await?.ok()?;
    Ok(())
}

/// A pair on which an object counts.
async fn counting(stage: &Stage) -> Result<std::sync::Arc<Pair>> {
    counting_with(stage, PairSettings::default()).await
}

async fn counting_with(stage: &Stage, settings: PairSettings) -> Result<std::sync::Arc<Pair>> {
    let pair = stage.start(settings).await?;
    pair.declare_tag(Side::A, TAG).await?;
    add(&pair, "counter", COUNTER).await?;
    let record = json!({
        "module": "counter",
        "period": "20ms",
        "scan_limit": "60s",
        "attributes": {"count": {"type": "int"}, "sum": {"type": "int"}},
        "outputs": {"count": TAG},
    });
    pair.write_config(Side::A, "objects/counter", &record).await?;
    Ok(pair)
}

/// Config data is written there.
pub(crate) async fn back_to_master(pair: &Pair) -> Result<()> {
    if pair.until_settled().await? == Side::B {
        pair.switch_to(Side::A).await?;
        pair.until_roles(Side::A).await?;
    }
    Ok(())
}

pub(crate) async fn object(pair: &Pair, side: Side, name: &str) -> Result<Value> {
    pair.ask(side, Request::get(&format!("/api/v1/objects/{name}"))).await?.ok()
}

pub(crate) fn attribute(object: &Value, name: &str) -> Option<i64> {
    let mut attributes = object["attributes"].as_array()?.iter();
    attributes.find(|it| it["name"] == name)?["value"].as_i64()
}

/// The number of the object's last step, when its state is that of just as many scans.
fn whole(object: &Value) -> Result<i64> {
    let scan = object["scan"].as_i64().context("a number")?;
    let count = attribute(object, "count").context("a count")?;
    ensure!(count == scan, "{count} scans had an effect, and {scan} were numbered: {object}");
    let sum = attribute(object, "sum").context("a sum")?;
    ensure!(scan >= 4096 || sum == scan * (scan + 1) / 2, "the memory is not whole: {object}");
    Ok(scan)
}

/// Waits until an object has done so many scans, and was whole all the way.
pub(crate) async fn until_scan(pair: &Pair, side: Side, scan: i64) -> Result<i64> {
    let what = format!("{side} shows scan {scan}");
    let done = eventually(&what, patience(Duration::from_secs(10)), async || {
        let shown = object(pair, side, "counter").await?;
        match whole(&shown) {
            Ok(now) if now < scan => anyhow::bail!("scan {now}"),
            done => anyhow::Ok(done),
        }
    });
    done.await?
}

/// Nothing was skipped, and nothing came twice.
fn without_a_gap(arrived: &[Arrived]) -> Result<()> {
    for pair in arrived.windows(2) {
        let [before, after] = [&pair[0], &pair[1]];
        let next = after.value == before.value + 1;
        // A subscription that had to begin anew says first what is there.
        let anew = !after.resumed && after.value >= before.value;
        ensure!(next || anew, "{after:?} after {before:?}");
    }
    Ok(())
}

async fn go_on(stage: &Stage) -> Result<()> {
    let pair = counting(stage).await?;
    let subscriber = Subscriber::start(pair.targets().to_vec(), TAG);
    let mut scan = until_scan(&pair, Side::A, 20).await?;
    ensure!(object(&pair, Side::A, "counter").await?["state"] == "running");
    // The standby shows what it would go on from.
    until_scan(&pair, Side::B, scan).await?;
    ensure!(object(&pair, Side::B, "counter").await?["state"] == "standby");
    for round in 0..stage.size(4, 40) {
        let active = pair.until_settled().await?;
        let next = active.other();
        scan = until_scan(&pair, active, scan + 10).await?;
        if round % 2 == 0 {
            pair.node(active).kill_all().await?;
            pair.until_active(next).await?;
            scan = until_scan(&pair, next, scan + 10).await?;
            pair.node(active).start()?;
        } else {
            pair.switch_to(next).await?;
            scan = until_scan(&pair, next, scan + 10).await?;
        }
    }
    let active = pair.until_settled().await?;
    scan = until_scan(&pair, active, scan + 10).await?;
    subscriber.until(scan).await?;
    without_a_gap(&subscriber.arrived())?;
    let metrics = pair.ask(active, Request::get("/metrics")).await?.text();
    for figure in ["scan_seconds_count", "scan_jitter_seconds_count", "scan_overruns_total"] {
        let line = format!("hotpair_{figure}{{engine=\"main\",object=\"counter\"}}");
        ensure!(metrics.contains(&line), "{line} is missing");
    }
    undeploy(&pair).await
}

async fn frozen(stage: &Stage) -> Result<()> {
    let pair = counting(stage).await?;
    let subscriber = Subscriber::start(pair.targets().to_vec(), TAG);
    let scan = until_scan(&pair, Side::A, 20).await?;
    pair.node(Side::A).signal_all(Signal::STOP)?;
    pair.until_active(Side::B).await?;
    let scan = until_scan(&pair, Side::B, scan + 20).await?;
    pair.node(Side::A).signal_all(Signal::CONT)?;
    pair.until_roles(Side::B).await?;
    ensure!(object(&pair, Side::A, "counter").await?["state"] == "standby");
    let scan = until_scan(&pair, Side::B, scan + 20).await?;
    until_scan(&pair, Side::A, scan).await?;
    subscriber.until(scan).await?;
    without_a_gap(&subscriber.arrived())?;
    undeploy(&pair).await
}

/// Nothing of the object stays, on either node.
async fn undeploy(pair: &Pair) -> Result<()> {
    back_to_master(pair).await?;
    let arguments = ["object", "undeploy", "counter", "--yes"];
    let (out, error, status) = pair.cli(Side::A, &arguments).await?;
    ensure!(status == 0, "undeploy: {out} {error}");
    Audit::of(pair).run().await?;
    for side in Side::BOTH {
        let answer = pair.ask(side, Request::get("/api/v1/objects/counter")).await?;
        ensure!(answer.status == 404, "{side} still has it: {}", answer.text());
    }
    Ok(())
}

/// Waits until an object is in fault, for this reason.
async fn until_fault(pair: &Pair, side: Side, name: &str, reason: &str) -> Result<i64> {
    let what = format!("{name} is in fault at {side}");
    eventually(&what, patience(Duration::from_secs(10)), async || {
        let shown = object(pair, side, name).await?;
        ensure!(shown["state"] == "fault" && shown["reasons"][0]["id"] == reason, "{shown}");
        shown["scan"].as_i64().context("a number")
    })
    .await
}

async fn in_fault(stage: &Stage) -> Result<()> {
    let pair = counting(stage).await?;
    for (name, code, _) in HOSTILE {
        let text = format!(
            r#"(module
                (import "hotpair_v1" "log" (func $log (param i32 i32)))
                (memory (export "memory") 1)
                (data (i32.const 0) "last words\1b[2J")
                (func (export "hotpair_v1_scan")
                    (call $log (i32.const 0) (i32.const 14)) {code}))"#
        );
        add(&pair, name, &text).await?;
        let record = json!({"module": name, "period": "20ms", "scan_limit": "60s"});
        pair.write_config(Side::A, &format!("objects/{name}"), &record).await?;
    }
    for (name, _, reason) in HOSTILE {
        for side in Side::BOTH {
            ensure!(until_fault(&pair, side, name, reason).await? == 1, "{name}: its first scan");
        }
    }
    let scan = until_scan(&pair, Side::A, 1).await?;
    until_scan(&pair, Side::A, scan + 20).await?;
    // Its module is taken away under it.
    add(&pair, "short", COUNTER).await?;
    let attributes = json!({"count": {"type": "int"}, "sum": {"type": "int"}});
    let record = json!({"module": "short", "period": "50ms", "attributes": attributes});
    pair.write_config(Side::A, "objects/short", &record).await?;
    let gone = pair.ask(Side::A, Request::new("DELETE", "/api/v1/modules/short")).await?;
    gone.ok()?;
    until_fault(&pair, Side::A, "short", "not-loaded").await?;
    // What it said before it trapped is there for whoever looks for the reason, and moves no cursor.
    let (shown, ..) = pair.cli(Side::A, &["object", "show", "traps"]).await?;
    ensure!(shown.contains(r"last words\u{1b}[2J"), "{shown}");
    eventually("the log has it", patience(Duration::from_secs(10)), async || {
        pair.node(Side::A).log().contains(r"last words\u{1b}[2J").then_some(()).ok_or("not yet")
    })
    .await?;
    // A person tries again: in fault again, and again the others go on.
    let (out, error, status) = pair.cli(Side::A, &["object", "restart", "traps"]).await?;
    ensure!(status == 0, "restart: {out} {error}");
    let again = eventually("it trapped again", patience(Duration::from_secs(10)), async || {
        let scan = until_fault(&pair, Side::A, "traps", "trapped").await?;
        ensure!(scan == 3, "one step of the restart, and one of the fault: {scan}");
        anyhow::Ok(scan)
    });
    again.await?;
    let refused = pair.cli(Side::A, &["object", "restart", "counter"]).await?;
    ensure!(refused.2 == 4 && refused.1.contains("not in fault"), "{refused:?}");
    // Who takes over does not run what is in fault.
    let scan = until_scan(&pair, Side::A, 1).await?;
    pair.switch_to(Side::B).await?;
    until_scan(&pair, Side::B, scan + 20).await?;
    for (name, _, reason) in HOSTILE {
        let expected = if name == "traps" { 3 } else { 1 };
        ensure!(until_fault(&pair, Side::B, name, reason).await? == expected, "{name} ran again");
    }
    let (listed, _, _) = pair.cli(Side::B, &["object", "list"]).await?;
    for (name, _, reason) in HOSTILE {
        ensure!(listed.contains(name) && listed.contains(reason), "{listed}");
    }
    let alarms =
        pair.ask(Side::B, Request::get("/api/v1/status")).await?.ok()?["alarms"].to_string();
    ensure!(alarms.contains("object-fault"), "{alarms}");
    back_to_master(&pair).await?;
    for name in ["counter", "loops", "traps", "grows", "short"] {
        let path = format!("/api/v1/config/objects/{name}");
        pair.ask(Side::A, Request::new("DELETE", &path)).await?.ok()?;
    }
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn without_effect(stage: &Stage) -> Result<()> {
    let settings = PairSettings::default().raw("writes.require_standby", "true");
    let pair = counting_with(stage, settings).await?;
    until_scan(&pair, Side::A, 5).await?;
    pair.node(Side::B).stop().await?;
    let limit = patience(Duration::from_secs(10));
    let waits = async || {
        let now = object(&pair, Side::A, "counter").await?;
        let why = now["reasons"].to_string();
        ensure!(now["state"] == "waiting" && why.contains("no standby is ready"), "{now}");
        whole(&now)
    };
    let scan = eventually("the object says why it stands still", limit, waits).await?;
    let told = async || {
        let status = pair.ask(Side::A, Request::get("/api/v1/status")).await?.ok()?;
        let alarms = status["alarms"].to_string();
        ensure!(alarms.contains("objects-without-effect"), "{alarms}");
        anyhow::Ok(())
    };
    eventually("an alarm says so", limit, told).await?;
    let now = whole(&object(&pair, Side::A, "counter").await?)?;
    ensure!(now == scan, "scan {now} after {scan}, and the journal took none");
    pair.node(Side::B).start()?;
    until_scan(&pair, Side::A, scan + 20).await?;
    let over = async || match told().await {
        Err(_) => Ok(()),
        Ok(()) => Err("it stays"),
    };
    eventually("the alarm ends", limit, over).await?;
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn unsound(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    add(&pair, "counter", COUNTER).await?;
    let record = json!({
        "module": "counter",
        "period": "1ms",
        "colour": "blue",
        "attributes": {"count": {"type": "float"}},
        "outputs": {"count": TAG, "level": "line/level"},
    });
    let answer = pair.ask(Side::A, Request::put("/api/v1/config/objects/bad", &record)).await?;
    let problem = answer.json();
    ensure!(answer.status == 422, "{problem}");
    ensure!(problem["type"] == "urn:hotpair:problem:object-refused", "{problem}");
    let reasons = problem["reasons"].as_array().context("reasons")?;
    let fields: Vec<_> = reasons.iter().map(|it| it["evidence"][0]["name"].to_string()).collect();
    for field in ["period", "colour", "attributes.count", "attributes.sum", "outputs.level"] {
        ensure!(fields.contains(&format!("{field:?}")), "{field} is not among {fields:?}");
    }
    let file = pair.folder(Side::A).join("bad.json");
    std::fs::write(&file, record.to_string())?;
    let file = file.to_str().context("a path")?;
    let (_, error, status) = pair.cli(Side::A, &["object", "deploy", "bad", file]).await?;
    ensure!(status == 4 && error.contains("colour") && error.contains("period"), "{error}");
    for side in Side::BOTH {
        let listed = pair.ask(side, Request::get("/api/v1/objects")).await?.ok()?;
        ensure!(listed["objects"] == json!([]), "nothing is recorded: {listed}");
    }
    Audit::of(&pair).run().await?;
    Ok(())
}
