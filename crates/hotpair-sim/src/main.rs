//! `hotpair-sim`: runs seeds, and says how to see a failure again.
mod fork_runs;
mod many;

use hotpair_sim::{Plan, Tell, run};
use hotpair_types::Mode;
use std::process::ExitCode;

/// A core makes and drops many small things with every input.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HELP: &str = "\
hotpair-sim [--seeds N] [--from S] [--seed S [--verbose]] [--mode MODE] [--keep-going]
  --seeds N     run N seeds (1000), on all cores
  --from S      the first of them (0)
  --seed S      run one seed and print its trace hash; --verbose: print every event
  --mode MODE   availability, no-split, manual or arbiter; drawn from the seed otherwise
  --keep-going  do not stop at the first failure
  --threads N   how many seeds at once (as many as there are cores)
hotpair-sim forks [--count N] [--from S] [--threads N]
  brings N forked histories together, with crashes at any durable step (10000)";

struct Choice {
    seeds: u64,
    from: u64,
    seed: Option<u64>,
    plan: Plan,
    keep_going: bool,
    threads: usize,
    /// Forks, and no whole worlds.
    forks: bool,
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
        None if choice.forks => fork_runs::run_all(choice.from, choice.seeds, choice.threads),
        None => many::run_all(&choice),
    }
}

fn choose(arguments: &[String]) -> Result<Choice, String> {
    let plan = Plan { mode: None, tell: Tell::Nothing };
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    let forks = arguments.first().is_some_and(|it| it == "forks");
    let seeds = if forks { 10_000 } else { 1_000 };
    let (from, seed, keep_going) = (0, None, false);
    let mut choice = Choice { seeds, from, seed, plan, keep_going, threads, forks };
    let mut rest = arguments[usize::from(forks)..].iter();
    while let Some(argument) = rest.next() {
        let mut number = || -> Result<u64, String> {
            let text = rest.next().ok_or_else(|| format!("{argument} takes a number"))?;
            text.parse().map_err(|_| format!("{argument} takes a number, not `{text}`"))
        };
        match argument.as_str() {
            "--seeds" | "--count" => choice.seeds = number()?,
            "--from" => choice.from = number()?,
            "--seed" => choice.seed = Some(number()?),
            "--threads" => choice.threads = usize::try_from(number()?.clamp(1, 1_024)).unwrap_or(1),
            "--verbose" => choice.plan.tell = Tell::All,
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
    match run(seed, plan) {
        Ok(report) => {
            println!(
                "seed {seed} holds: trace {:016x}, {:?} simulated, {} of {} writes acknowledged, \
                 {} promotions",
                report.trace, report.simulated, report.writes.1, report.writes.0, report.promotions
            );
            ExitCode::SUCCESS
        }
        Err(failure) => {
            many::show(&failure);
            ExitCode::FAILURE
        }
    }
}
