//! `replicated-write`, `durable-write`: acknowledged writes, alone and many at once.
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hotpair_tests::Pair;
use tokio::task::JoinSet;

use crate::bare::Bare;
use crate::bench_pair::{self, TAG};
use crate::connection::Connection;
use crate::in_process::InProcess;
use crate::report::{Report, percentile};

const ROUND: Duration = Duration::from_secs(2);
/// The HTTP interface works on 256 requests at a time and refuses more.
const HTTP_IN_FLIGHT_MAX: usize = 200;

pub(crate) async fn replicated(rounds: usize) -> Result<Vec<Report>> {
    measure(rounds, "replicated", &[1, 10, 100]).await
}

/// The same without HTTP, which stands beside it.
pub(crate) async fn in_process(rounds: usize) -> Result<Vec<Report>> {
    let pair = bench_pair::start(0).await?;
    let inside = InProcess::start().await?;
    let reports = beside_http(rounds, &inside, &pair).await;
    // A node that is dropped while it runs ends in a panic that hides the error.
    inside.stop().await;
    reports
}

async fn beside_http(rounds: usize, inside: &InProcess, pair: &Pair) -> Result<Vec<Report>> {
    let mut reports = Vec::new();
    for writers in [1, 100, 1_000] {
        let (mut measured, mut wire_bytes, mut refused) = (Vec::new(), Vec::new(), 0);
        for round in 0..rounds {
            let ours = inside.round(writers, ROUND).await?;
            let active = pair.until_settled().await?;
            let key = format!("beside-{writers}-{round}");
            let connections = writers.min(HTTP_IN_FLIGHT_MAX);
            let http = rate(pair.target(active).api, "replicated", connections, &key).await?;
            measured.push((ours.rate, http));
            wire_bytes.push(ours.wire_bytes);
            refused += ours.refused;
        }
        let wire_bytes = percentile(wire_bytes.into_iter(), 50);
        reports.push(Report {
            name: format!("replicated-write in process, {writers} in flight: writes"),
            unit: "/s",
            beside: format!("a tag over HTTP, {} in flight", writers.min(HTTP_IN_FLIGHT_MAX)),
            rounds: measured,
            note: format!(
                "100-byte values; {wire_bytes:.2} bytes over loopback for each byte of name and \
                 value, headers and acknowledgements included (whatever else is on the loopback too); \
                 {refused} writes were refused because the disk was behind, and tried again"
            ),
        });
    }
    Ok(reports)
}

pub(crate) async fn durable(rounds: usize) -> Result<Vec<Report>> {
    measure(rounds, "durable", &[1, 64]).await
}

async fn measure(rounds: usize, ack: &'static str, in_flight: &[usize]) -> Result<Vec<Report>> {
    let pair = bench_pair::start(0).await?;
    let bare = Bare::start(ack == "durable", 0).await?;
    let mut reports = Vec::new();
    for &writers in in_flight {
        let mut measured = Vec::new();
        for round in 0..rounds {
            let active = pair.until_settled().await?;
            let key = format!("{ack}-{writers}-{round}");
            let ours = rate(pair.target(active).api, ack, writers, &key).await?;
            let limit = rate(bare.front_api, ack, writers, &key).await?;
            measured.push(if writers == 1 { (1e3 / ours, 1e3 / limit) } else { (ours, limit) });
        }
        let (what, unit) =
            if writers == 1 { ("time of one write", "ms") } else { ("writes", "/s") };
        reports.push(Report {
            name: format!("{ack}-write over HTTP, {writers} in flight: {what}"),
            unit,
            beside: "bare: both processes, the same bytes".into(),
            rounds: measured,
            note: String::new(),
        });
    }
    Ok(reports)
}

/// Acknowledged writes a second.
async fn rate(at: SocketAddr, ack: &'static str, writers: usize, key: &str) -> Result<f64> {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for writer in 0..writers {
        let key = format!("{key}-{writer}");
        tasks.spawn(async move {
            let mut connection = Connection::open(at).await?;
            let mut count = 0_u64;
            while begun.elapsed() < ROUND {
                let key = format!("{key}-{count}");
                let (status, body) = connection.write(TAG, ack, &key, count).await?;
                ensure!(status == 200, "{status}: {}", String::from_utf8_lossy(&body));
                count += 1;
            }
            anyhow::Ok(count)
        });
    }
    let mut total = 0;
    while let Some(count) = tasks.join_next().await {
        total += count??;
    }
    Ok(total as f64 / begun.elapsed().as_secs_f64())
}
