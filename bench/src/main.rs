//! `cargo xtask bench [NAME …] [--rounds N] [--json FILE]`: real pairs beside the bare limit, in one run.
//!
//! Every bench alternates round by round between the product and a bare prototype (the same hosts,
//! the same bytes, nothing in between), and reports medians and the median of the rounds' ratios
//! (docs/benches.md).

mod report;
mod connection;
mod bare;
mod bench_pair;
mod takeover;
mod switchover;
mod in_process;
mod writes;
mod next_scan;
mod idle;
mod large_reads;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};

use crate::report::Report;

type Run = fn(usize) -> Pin<Box<dyn Future<Output = Result<Vec<Report>>>>>;

/// Name, rounds unless told, what it does.
const BENCHES: &[(&str, usize, Run)] = &[
    ("takeover-crash", 15, |rounds| Box::pin(takeover::crash(rounds))),
    ("takeover-host", 7, |rounds| Box::pin(takeover::host(rounds))),
    ("takeover-scan", 15, |rounds| Box::pin(next_scan::next_scan_after_a_kill(rounds))),
    ("switchover", 15, |rounds| Box::pin(switchover::switchover(rounds))),
    ("replicated-write", 5, |rounds| Box::pin(writes::replicated(rounds))),
    ("replicated-write-in-process", 5, |rounds| Box::pin(writes::in_process(rounds))),
    ("durable-write", 5, |rounds| Box::pin(writes::durable(rounds))),
    ("large-reads", 3, |rounds| Box::pin(large_reads::large_reads(rounds))),
    ("idle", 3, |rounds| Box::pin(idle::idle(rounds))),
];

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be made");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((role, rest)) if role == bare::ROLE => runtime.block_on(bare::serve(rest)),
        Some(_) | None => runtime.block_on(run(&arguments)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &[String]) -> Result<()> {
    // A figure of a debug build is worse than none.
    ensure!(!cfg!(debug_assertions), "benches run in release: cargo xtask bench");
    let program = hotpair_tests::hotpair_binary()?;
    ensure!(
        std::env::var_os("HOTPAIR_BIN").is_some()
            || program.parent().is_some_and(|it| it.ends_with("release")),
        "{} is no release build",
        program.display()
    );
    println!("measured: {}", program.display());
    let mut names = Vec::new();
    let mut rounds = None;
    let mut json = None;
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--rounds" => rounds = Some(value()?.parse().context("--rounds needs a number")?),
            "--json" => json = Some(PathBuf::from(value()?)),
            "--list" => {
                BENCHES.iter().for_each(|(name, _, _)| println!("{name}"));
                return Ok(());
            }
            name if BENCHES.iter().any(|(it, _, _)| *it == name) => names.push(name),
            unknown => bail!("no bench `{unknown}`; see --list"),
        }
    }
    let chosen = BENCHES.iter().filter(|(name, _, _)| names.is_empty() || names.contains(name));
    let mut reports = Vec::new();
    let mut failed = Vec::new();
    for (name, default_rounds, run) in chosen {
        println!("\n== {name}");
        match run(rounds.unwrap_or(*default_rounds)).await {
            Ok(done) => {
                done.iter().for_each(|it| println!("{it}"));
                reports.extend(done);
            }
            Err(error) => {
                println!("FAILED: {error:#}");
                failed.push(*name);
            }
        }
    }
    if let Some(file) = json {
        let all: Vec<_> = reports.iter().map(Report::json).collect();
        std::fs::write(&file, serde_json::to_string_pretty(&all)?)?;
        println!("\nsamples in {}", file.display());
    }
    if !failed.is_empty() {
        bail!("not measured: {}", failed.join(", "));
    }
    Ok(())
}
