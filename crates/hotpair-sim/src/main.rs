//! `hotpair-sim`: runs seeds, and says how to see a failure again.
use hotpair_sim::{FaultKind, Plan, World};
use hotpair_types::Mode;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
hotpair-sim [--seeds N] [--from S] [--seed S [--verbose]] [--mode MODE] [--keep-going]
  --seeds N     run N seeds (1000)
  --from S      the first of them (0)
  --seed S      run one seed and print its trace hash; --verbose: print every event
  --mode MODE   availability, no-split or manual; drawn from the seed otherwise
  --keep-going  do not stop at the first failure";

struct Choice {
    seeds: u64,
    from: u64,
    seed: Option<u64>,
    plan: Plan,
    keep_going: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let choice = match choose(&arguments) {
        Ok(choice) => choice,
        Err(error) => {
            eprintln!("{error}\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match choice.seed {
        Some(seed) => one(seed, choice.plan),
        None => many(&choice),
    }
}

fn choose(arguments: &[String]) -> Result<Choice, String> {
    let plan = Plan { mode: None, verbose: false };
    let mut choice = Choice { seeds: 1_000, from: 0, seed: None, plan, keep_going: false };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut number = || -> Result<u64, String> {
            let text = rest.next().ok_or_else(|| format!("{argument} takes a number"))?;
            text.parse().map_err(|_| format!("{argument} takes a number, not `{text}`"))
        };
        match argument.as_str() {
            "--seeds" => choice.seeds = number()?,
            "--from" => choice.from = number()?,
            "--seed" => choice.seed = Some(number()?),
            "--verbose" => choice.plan.verbose = true,
            "--keep-going" => choice.keep_going = true,
            "--mode" => {
                let text = rest.next().ok_or("--mode takes a mode")?;
                let mode = Mode::ALL.iter().find(|it| it.as_str() == text);
                choice.plan.mode = Some(*mode.ok_or_else(|| format!("no mode `{text}`"))?);
            }
            _ => return Err(format!("unknown argument `{argument}`")),
        }
    }
    Ok(choice)
}

fn one(seed: u64, plan: Plan) -> ExitCode {
    match World::new(seed, plan).run() {
        Ok(report) => {
            let hash: String = report.trace.iter().take(8).map(|it| format!("{it:02x}")).collect();
            println!(
                "seed {seed} holds: trace {hash}, {:?} simulated, {} of {} writes acknowledged, \
                 {} promotions",
                report.simulated, report.writes.1, report.writes.0, report.promotions
            );
            ExitCode::SUCCESS
        }
        Err(failure) => {
            show(&failure);
            ExitCode::FAILURE
        }
    }
}

fn show(failure: &hotpair_sim::Failure) {
    for line in &failure.last {
        println!("{line}");
    }
    println!("seed {} breaks {}: {}", failure.seed, failure.name, failure.text);
    println!("again: cargo xtask sim --seed {} --verbose", failure.seed);
}

#[allow(
    clippy::disallowed_methods,
    reason = "how fast the simulator is, measured from outside the worlds"
)]
fn many(choice: &Choice) -> ExitCode {
    let began = std::time::Instant::now();
    let mut faults: BTreeMap<FaultKind, u64> = BTreeMap::new();
    let mut rules: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut failures: BTreeMap<&'static str, Vec<u64>> = BTreeMap::new();
    let (mut simulated, mut writes, mut acknowledged, mut promotions) = (Duration::ZERO, 0, 0, 0);
    for seed in choice.from..choice.from + choice.seeds {
        // A failed assertion inside a core is a failure of its seed.
        let outcome = std::panic::catch_unwind(|| World::new(seed, choice.plan).run());
        match outcome {
            Ok(Ok(report)) => {
                for (kind, count) in report.faults {
                    *faults.entry(kind).or_default() += count;
                }
                for (rule, count) in report.rules {
                    *rules.entry(rule).or_default() += count;
                }
                simulated += report.simulated;
                writes += report.writes.0;
                acknowledged += report.writes.1;
                promotions += report.promotions;
            }
            Ok(Err(failure)) => {
                failures.entry(failure.name).or_default().push(seed);
                if !choice.keep_going {
                    show(&failure);
                    return ExitCode::FAILURE;
                }
                println!("seed {seed} breaks {}: {}", failure.name, failure.text);
            }
            Err(_) => {
                failures.entry("a core panicked").or_default().push(seed);
                println!("again: cargo xtask sim --seed {seed} --verbose");
                if !choice.keep_going {
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    let took = began.elapsed();
    println!("faults:");
    for (kind, count) in &faults {
        println!("  {count:>8} {kind:?}");
    }
    println!("rules used: {}", rules.len());
    for (rule, count) in &rules {
        println!("  {count:>8} {rule}");
    }
    println!(
        "{} seeds from {}: {acknowledged} of {writes} writes acknowledged, {promotions} promotions, \
         {simulated:.0?} simulated in {took:.1?} ({:.0} times real time)",
        choice.seeds,
        choice.from,
        simulated.as_secs_f64() / took.as_secs_f64()
    );
    for (name, seeds) in &failures {
        println!("{} seeds break {name}: {:?}", seeds.len(), &seeds[..seeds.len().min(10)]);
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
