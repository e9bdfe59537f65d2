//! `takeover-crash`, `takeover-host`: from the loss of the active to the first acknowledged write on the other.
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hotpair_tests::{Signal, patience};

use crate::bare::Bare;
use crate::bench_pair::{self, TAG};
use crate::connection::Connection;
use crate::report::{Report, percentile};

const STATE_MIB: usize = 64;

/// Tries again and again, on an open connection, until a write is acknowledged.
async fn first_acknowledged(at: SocketAddr, key: &str, begun: Instant) -> Result<Duration> {
    let limit = patience(Duration::from_secs(10));
    let mut connection = Connection::open(at).await?;
    let mut last = String::new();
    while begun.elapsed() < limit {
        match connection.write(TAG, "replicated", key, 7).await {
            Ok((200, _)) => return Ok(begun.elapsed()),
            Ok((status, body)) => {
                last = format!("{status} {}", String::from_utf8_lossy(&body));
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
            Err(error) => {
                last = format!("{error:#}");
                connection = Connection::open(at).await?;
            }
        }
    }
    anyhow::bail!("no write was acknowledged in {limit:?}; last: {last}")
}

pub(crate) async fn crash(rounds: usize) -> Result<Vec<Report>> {
    let pair = bench_pair::start(STATE_MIB).await?;
    let mut measured = Vec::new();
    for round in 0..rounds {
        let active = pair.until_settled().await?;
        let standby = pair.target(active.other()).api;
        let pid = pair.node(active).node_pid();
        ensure!(pid.is_some(), "the active runs");
        let key = format!("crash-{round}");
        let begun = Instant::now();
        pair.node(active).signal_node(Signal::KILL)?;
        let hotpair = first_acknowledged(standby, &key, begun).await?;

        let mut bare = Bare::start(false, STATE_MIB).await?;
        let mut warm = Connection::open(bare.front_api).await?;
        ensure!(warm.write(TAG, "replicated", "warm", 1).await?.0 == 200);
        let begun = bare.kill_front()?;
        let limit = first_acknowledged(bare.back_api, &key, begun).await?;
        measured.push((hotpair.as_secs_f64() * 1e3, limit.as_secs_f64() * 1e3));
    }
    let p99 = percentile(measured.iter().map(|it| it.0), 99);
    Ok(vec![Report {
        name: "takeover-crash: kill -9 to the first acknowledged write".into(),
        unit: "ms",
        beside: "bare, on a closed connection alone".into(),
        rounds: measured,
        note: format!("p99 {p99:.1} ms; state {STATE_MIB} MiB; the guard restarts the killed node"),
    }])
}

pub(crate) async fn host(rounds: usize) -> Result<Vec<Report>> {
    let pair = bench_pair::start(0).await?;
    let bound = Duration::from_millis(100) * 5;
    let mut measured = Vec::new();
    for round in 0..rounds {
        let active = pair.until_settled().await?;
        let standby = pair.target(active.other()).api;
        let begun = Instant::now();
        // Frozen: the kernel says nothing for it, as with a host that is gone.
        pair.node(active).signal_all(Signal::STOP)?;
        let taken = first_acknowledged(standby, &format!("host-{round}"), begun).await?;
        pair.node(active).signal_all(Signal::KILL)?;
        pair.node(active).ended().await?;
        pair.node(active).start()?;
        measured.push((taken.as_secs_f64() * 1e3, bound.as_secs_f64() * 1e3));
    }
    Ok(vec![Report {
        name: "takeover-host: host lost to the first acknowledged write".into(),
        unit: "ms",
        beside: "the silence that must pass, 100 ms x 5".into(),
        rounds: measured,
        note: String::new(),
    }])
}
