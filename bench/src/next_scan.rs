//! `takeover-scan`: from the loss of the active to the first scan on the other node whose effect is seen there.
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hotpair_tests::{Pair, Request, Side, Signal, patience};
use serde_json::json;

use crate::bench_pair;
use crate::connection::Connection;
use crate::report::{Report, percentile};

const COUNT: &str = "bench/scans";
const PERIOD_MS: u32 = 10;
/// What an object has to bring along: memory that is restored before its first scan.
const MEMORY_KIB: u32 = 64;

/// Counts its scans, and leaves a trace of them all over its memory.
fn module() -> Result<Vec<u8>> {
    let bytes = MEMORY_KIB * 1024;
    Ok(wat::parse_str(format!(
        r#"(module
            (import "hotpair_v1" "write_int" (func $write (param i32 i64)))
            (@custom "hotpair_v1_ports" "out count int\n")
            (memory (export "memory") {pages})
            (global $count (mut i64) (i64.const 0))
            (func (export "hotpair_v1_scan")
                (global.set $count (i64.add (global.get $count) (i64.const 1)))
                (i64.store
                    (i32.and
                        (i32.mul (i32.wrap_i64 (global.get $count)) (i32.const 4096))
                        (i32.const {last}))
                    (global.get $count))
                (call $write (i32.const 0) (global.get $count))))"#,
        pages = MEMORY_KIB.div_ceil(64),
        last = bytes - 8,
    ))?)
}

/// The epoch under which the count was written last, as this node shows it.
async fn epoch(connection: &mut Connection) -> Result<u64> {
    let body = connection.body(&format!("/api/v1/tags/{COUNT}")).await?;
    let tag: serde_json::Value = serde_json::from_slice(&body)?;
    tag["epoch"].as_u64().context("an epoch")
}

async fn next_scan(at: SocketAddr, before: u64, begun: Instant) -> Result<Duration> {
    let limit = patience(Duration::from_secs(10));
    let mut connection = Connection::open(at).await?;
    while begun.elapsed() < limit {
        if epoch(&mut connection).await? > before {
            return Ok(begun.elapsed());
        }
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    anyhow::bail!("no scan had its effect in {limit:?}")
}

async fn deployed(pair: &Pair) -> Result<()> {
    pair.declare_tag(Side::A, COUNT).await?;
    let request = Request::new("PUT", "/api/v1/modules/counter");
    pair.ask(Side::A, request.body("application/wasm", module()?)).await?.ok()?;
    let record = json!({"module": "counter", "period": format!("{PERIOD_MS}ms"),
        "attributes": {"count": {"type": "int"}}, "outputs": {"count": COUNT}});
    pair.write_config(Side::A, "objects/counter", &record).await
}

pub(crate) async fn next_scan_after_a_kill(rounds: usize) -> Result<Vec<Report>> {
    let pair = bench_pair::start(0).await?;
    deployed(&pair).await?;
    let mut measured = Vec::new();
    for _ in 0..rounds {
        let active = pair.until_settled().await?;
        let standby = pair.target(active.other()).api;
        let mut connection = Connection::open(standby).await?;
        let before = epoch(&mut connection).await?;
        ensure!(pair.node(active).node_pid().is_some(), "the active runs");
        let begun = Instant::now();
        pair.node(active).signal_node(Signal::KILL)?;
        let taken = next_scan(standby, before, begun).await?;
        measured.push((taken.as_secs_f64() * 1e3, f64::from(PERIOD_MS)));
    }
    let p99 = percentile(measured.iter().map(|it| it.0), 99);
    Ok(vec![Report {
        name: "takeover-scan: kill -9 to the first scan on the other node".into(),
        unit: "ms",
        beside: "the period of the object".into(),
        rounds: measured,
        note: format!("p99 {p99:.1} ms; {MEMORY_KIB} KiB of memory"),
    }])
}
