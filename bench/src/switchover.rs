//! `switchover`: the longest time without an acknowledgement during a planned handover under load.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hotpair_tests::{Request, Target, eventually, patience};
use serde_json::json;
use tokio::task::JoinSet;

use crate::bare;
use crate::bench_pair::{self, TAG};
use crate::connection::Connection;
use crate::report::{Report, percentile};

/// Writes a second, over some connections.
const RATE: u64 = 1000;
const CONNECTIONS: u64 = 10;
/// A write that is not acknowledged within this is an error, not a sample.
const GIVE_UP: Duration = Duration::from_secs(20);

pub(crate) async fn switchover(rounds: usize) -> Result<Vec<Report>> {
    let pair = bench_pair::start(0).await?;
    let folder = tempfile::tempdir()?;
    let mut measured = Vec::new();
    for round in 0..rounds {
        let active = pair.until_settled().await?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        let begin = tokio::time::Instant::now();
        for client in 0..CONNECTIONS {
            let mut targets = pair.targets();
            targets.rotate_left(usize::from(active == hotpair_tests::Side::B));
            let name = format!("switch-{round}-{client}");
            // One after the other: all at once would be a gap of its own between two bursts.
            let begin = begin + Duration::from_micros(1_000_000 * client / RATE);
            clients.spawn(load(targets, name, begin, stop.clone()));
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        let answer = pair.ask(active, Request::post("/api/v1/switchover", &json!({}))).await?;
        ensure!(answer.status == 202, "switchover: {}", answer.text());
        let limit = patience(Duration::from_secs(5));
        let now = async || match pair.until_settled().await? {
            it if it == active => Err(anyhow::anyhow!("not yet")),
            _ => Ok(()),
        };
        eventually("the other acts", limit, now).await?;
        stop.store(true, Ordering::Release);
        let mut ends = Vec::new();
        while let Some(done) = clients.join_next().await {
            ends.extend(done??);
        }
        ends.sort();
        let gap = ends.windows(2).map(|it| it[1] - it[0]).max().unwrap_or_default();
        let trip = round_trip().await?;
        let bare = trip * 2 + bare::sync_once(folder.path())? * 2;
        measured.push((gap.as_secs_f64() * 1e3, bare.as_secs_f64() * 1e3));
    }
    let p99 = percentile(measured.iter().map(|it| it.0), 99);
    Ok(vec![Report {
        name: format!("switchover: longest gap at {RATE} writes/s"),
        unit: "ms",
        beside: "bare: two round trips and two fsyncs".into(),
        rounds: measured,
        note: format!("p99 {p99:.1} ms"),
    }])
}

/// When each write was acknowledged; each write is retried until it is.
async fn load(
    targets: [Target; 2],
    name: String,
    begin: tokio::time::Instant,
    stop: Arc<AtomicBool>,
) -> Result<Vec<Instant>> {
    let mut ends = Vec::new();
    let mut at = 0;
    let mut connection = Connection::open(targets[at].api).await?;
    let period = Duration::from_micros(1_000_000 * CONNECTIONS / RATE);
    let mut ticks = tokio::time::interval_at(begin, period);
    for number in 0_u64.. {
        if stop.load(Ordering::Acquire) {
            break;
        }
        ticks.tick().await;
        let key = format!("{name}-{number}");
        let begun = Instant::now();
        loop {
            match connection.write(TAG, "replicated", &key, number).await {
                Ok((200, _)) => break,
                refused => {
                    ensure!(begun.elapsed() < GIVE_UP, "never acknowledged; last: {refused:?}");
                    at = 1 - at;
                    connection = Connection::open(targets[at].api).await?;
                    tokio::time::sleep(Duration::from_micros(200)).await;
                }
            }
        }
        ends.push(Instant::now());
    }
    Ok(ends)
}

/// One round trip of a few bytes between two bare processes, median of some.
async fn round_trip() -> Result<Duration> {
    let pair = bare::Bare::start(false, 0).await?;
    let mut connection = Connection::open(pair.front_api).await?;
    let mut times = Vec::new();
    for _ in 0..50 {
        let begun = Instant::now();
        connection.write(TAG, "replicated", "trip", 1).await?;
        times.push(begun.elapsed());
    }
    times.sort();
    // Client to front and front to back: two trips.
    Ok(times[times.len() / 2] / 2)
}
