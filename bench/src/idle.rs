//! `idle`: memory and CPU of a pair that has nothing to do, guards included.
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use hotpair_tests::{Pair, Side};
use rustix::process::Pid;

use crate::bench_pair;
use crate::report::Report;

const PERIOD: Duration = Duration::from_secs(10);

pub(crate) async fn idle(rounds: usize) -> Result<Vec<Report>> {
    let pair = bench_pair::start(0).await?;
    pair.until_settled().await?;
    let mut memory = Vec::new();
    let mut cpu = Vec::new();
    for _ in 0..rounds {
        let before = ticks(&pair)?;
        let begun = Instant::now();
        tokio::time::sleep(PERIOD).await;
        let seconds =
            (ticks(&pair)? - before) as f64 / rustix::param::clock_ticks_per_second() as f64;
        cpu.push((100.0 * seconds / begun.elapsed().as_secs_f64(), 0.0));
        memory.push((resident_kib(&pair)? as f64 / 1024.0, 0.0));
    }
    let report = |name: &str, unit, rounds| Report {
        name: name.into(),
        unit,
        beside: String::new(),
        rounds,
        note: "both nodes and both guards, beats every 100 ms".into(),
    };
    Ok(vec![
        report("idle: resident memory of the pair", "MiB", memory),
        report("idle: CPU of the pair", "% of a core", cpu),
    ])
}

fn processes(pair: &Pair) -> Result<Vec<Pid>> {
    let mut all = Vec::new();
    for side in Side::BOTH {
        let node = pair.node(side);
        all.push(node.node_pid().context("the node runs")?);
        all.push(node.guard_pid().context("the guard runs")?);
    }
    Ok(all)
}

/// Of user and system, since each process began.
fn ticks(pair: &Pair) -> Result<u64> {
    let mut total = 0;
    for pid in processes(pair)? {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()))?;
        // The name may hold spaces and brackets; what follows the last one does not.
        let fields = stat.rsplit_once(')').context("a name in brackets")?.1;
        let mut fields = fields.split_whitespace().skip(11);
        for _ in 0..2 {
            total += fields.next().context("a field of time")?.parse::<u64>()?;
        }
    }
    Ok(total)
}

fn resident_kib(pair: &Pair) -> Result<u64> {
    let mut total = 0;
    for pid in processes(pair)? {
        let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()))?;
        let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).context("VmRSS")?;
        total += line.trim().trim_end_matches(" kB").parse::<u64>()?;
    }
    Ok(total)
}
