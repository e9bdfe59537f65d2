//! Scenarios on pairs of the real binary, one at a time; each is a row of docs/design/faults.md.
//!
//! `cargo test -p hotpair-tests --test it -- [FILTER …] [--list] [--exact] [--long] [--netns]
//! [--repeat N]`. A filter is a part of a name, or a row (`P7`).

mod arguments;
mod scenario;
mod stage;
mod heart;
mod crash;
mod starting;
mod freeze;
mod cuts;
mod arbiter;
mod arbiter_away;
mod networks;
mod addresses;
mod services;
mod handover;
mod clients;
mod modules;
mod objects;
mod attributes;
mod alarms;
mod history;
mod modbus;
mod storage;
mod faulty_disk;
mod disk;
mod silent;
mod power;
mod noise;
mod endurance;
mod bulk;
mod hostile;
mod impostor;
#[path = "../../crates/hotpair-protocol/tests/it/sample.rs"]
#[allow(clippy::unwrap_used, reason = "samples are sound")]
mod sample;
mod names;
mod refusals;
mod secrets;
mod reload;
mod versions;
mod rotation;
mod rows;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use arguments::Arguments;
use hotpair_tests::{Namespaces, hotpair_binary};
use scenario::{SCENARIOS, Scenario};
use stage::{Ground, Stage};

/// No scenario takes longer, unless it hangs.
const SCENARIO_LIMIT: Duration = Duration::from_secs(240);
const LONG_SCENARIO_LIMIT: Duration = Duration::from_secs(5400);

enum Verdict {
    Passed,
    Failed(String),
    Skipped(String),
}

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    let chosen: Vec<&Scenario> =
        SCENARIOS.iter().copied().flatten().filter(|it| arguments.choose(it)).collect();
    if arguments.list {
        for scenario in &chosen {
            println!("{}: test", scenario.name);
        }
        println!("\n{} tests, 0 benchmarks", chosen.len());
        return listed();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be made");
    let total = SCENARIOS.iter().map(|it| it.len()).sum::<usize>();
    println!("\nrunning {} scenarios", chosen.len());
    let fits = rows_fit();
    if let Err(error) = hotpair_binary() {
        eprintln!("{error:#}");
        println!("\ntest result: FAILED. 0 passed; {} failed; 0 ignored", chosen.len());
        return ExitCode::FAILURE;
    }
    if chosen.iter().any(|it| it.row == "P34")
        && let Err(error) = versions::prepare()
    {
        eprintln!("{error:#}");
    }
    let begun = Instant::now();
    let no_namespaces = if arguments.netns { Namespaces::missing() } else { None };
    let ground = if arguments.netns { Ground::Namespaces } else { Ground::Loopback };
    let mut failures = Vec::new();
    let mut skipped = Vec::new();
    let mut passed = 0;
    for round in 0..arguments.repeat {
        for scenario in &chosen {
            let started = Instant::now();
            let verdict = match &no_namespaces {
                Some(why) => Verdict::Skipped(why.clone()),
                None => runtime.block_on(play(scenario, ground, arguments.long, round)),
            };
            let took = started.elapsed().as_secs_f64();
            match verdict {
                Verdict::Passed => {
                    passed += 1;
                    println!("test {} ... ok ({took:.1} s)", scenario.name);
                }
                Verdict::Failed(why) => {
                    println!("test {} ... FAILED ({took:.1} s)", scenario.name);
                    eprintln!("{why}");
                    failures.push((scenario, why));
                }
                Verdict::Skipped(why) => {
                    println!("test {} ... ignored, SKIPPED: {why}", scenario.name);
                    skipped.push((scenario, why));
                }
            }
        }
    }
    if !skipped.is_empty() {
        println!("\nskipped, not passed:");
        for (scenario, why) in &skipped {
            println!("    {} ({}): {why}", scenario.name, scenario.title);
        }
    }
    if !failures.is_empty() {
        println!("\nfailures:");
        for (scenario, why) in &failures {
            let first = why.lines().next().unwrap_or_default();
            println!("    {} ({}): {first}", scenario.name, scenario.title);
            println!("        again: cargo xtask pair-test --scenario {}", scenario.name);
        }
    }
    println!("rows of docs/design/faults.md: {}", if fits { "all fit" } else { "see above" });
    let well = failures.is_empty() && fits;
    println!(
        "\ntest result: {}. {passed} passed; {} failed; {} ignored; 0 measured; {} filtered out; finished in {:.2}s\n",
        if well { "ok" } else { "FAILED" },
        failures.len() + usize::from(!fits),
        skipped.len(),
        total - chosen.len(),
        begun.elapsed().as_secs_f64(),
    );
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The end of a list: what has no scenario yet is said, not left out.
fn listed() -> ExitCode {
    match rows::rows() {
        Ok(rows) => {
            for row in rows::not_yet(&rows) {
                eprintln!("{} has no scenario yet: {}", row.id, row.expected);
            }
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Whether each row of the document has its scenario; each difference is a line on stderr.
fn rows_fit() -> bool {
    let misfits = rows::rows().map_or_else(|why| vec![why], |rows| rows::misfits(&rows));
    for misfit in &misfits {
        eprintln!("docs/design/faults.md: {misfit}");
    }
    misfits.is_empty()
}

async fn play(scenario: &Scenario, ground: Ground, long: bool, round: u32) -> Verdict {
    if ground == Ground::Namespaces && !scenario.in_namespaces {
        return Verdict::Skipped("is for loopback alone".into());
    }
    if scenario.long && !long {
        return Verdict::Skipped("long; runs with --long".into());
    }
    let stage = Stage::new(ground, u64::from(round), long);
    let limit = if long { LONG_SCENARIO_LIMIT } else { SCENARIO_LIMIT };
    let outcome = tokio::time::timeout(limit, (scenario.play)(&stage)).await;
    let verdict = match outcome {
        Ok(Ok(())) => Verdict::Passed,
        Ok(Err(error)) => match error.downcast_ref::<stage::Skip>() {
            Some(skip) => Verdict::Skipped(skip.to_string()),
            None => Verdict::Failed(format!("{error:#}\n{}", stage.dump().await)),
        },
        Err(_) => Verdict::Failed(format!("not done in {limit:?}\n{}", stage.dump().await)),
    };
    stage.clear();
    verdict
}
