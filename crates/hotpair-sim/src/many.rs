//! Many seeds, on all cores, and what they came to.
use crate::Choice;
use hotpair_sim::{Failure, FaultKind, Plan, Report, Tell, run};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// In so many seeds every kind of fault strikes, or the plan of faults is broken.
const EVERY_KIND_WITHIN_SEEDS: u64 = 500;

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The sum of all runs.
#[derive(Default)]
struct Sum {
    faults: BTreeMap<FaultKind, u64>,
    rules: BTreeMap<&'static str, u64>,
    simulated: Duration,
    writes: (usize, usize),
    promotions: u64,
    failures: BTreeMap<u64, Failure>,
}

impl Sum {
    fn add(&mut self, report: Report) {
        for (kind, count) in report.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        for (rule, count) in report.rules {
            *self.rules.entry(rule).or_default() += count;
        }
        self.simulated += report.simulated;
        self.writes.0 += report.writes.0;
        self.writes.1 += report.writes.1;
        self.promotions += report.promotions;
    }
}

/// A failed assertion inside a core is a failure of its seed.
fn attempt(seed: u64, plan: Plan) -> Result<Report, Failure> {
    match std::panic::catch_unwind(|| run(seed, plan)) {
        Ok(outcome) => outcome.map_err(|it| *it),
        Err(_) => {
            let text = PANIC.take();
            Err(Failure { seed, name: "a core panicked", text, last: Vec::new() })
        }
    }
}

pub(crate) fn show(failure: &Failure) {
    for line in &failure.last {
        println!("{line}");
    }
    println!("seed {} breaks {}: {}", failure.seed, failure.name, failure.text);
    println!("again: cargo xtask sim --seed {} --verbose", failure.seed);
}

/// Takes seeds until there are none, or one below has failed.
fn work(choice: &Choice, next: &AtomicU64, failed: &AtomicU64, sum: &Mutex<Sum>) {
    let mut own = Sum::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        let beyond = !choice.keep_going && seed > failed.load(Ordering::Relaxed);
        if seed >= choice.from + choice.seeds || beyond {
            break;
        }
        match attempt(seed, choice.plan) {
            Ok(report) => own.add(report),
            Err(failure) => {
                failed.fetch_min(seed, Ordering::Relaxed);
                own.failures.insert(seed, failure);
            }
        }
    }
    let mut sum = sum.lock().expect("nobody panics while it holds this");
    let Sum { faults, rules, simulated, writes, promotions, failures } = own;
    sum.add(Report { trace: 0, faults, simulated, writes, promotions, rules });
    sum.failures.extend(failures);
}

#[allow(
    clippy::disallowed_methods,
    reason = "how fast the simulator is, measured from outside the worlds"
)]
pub(crate) fn run_all(choice: &Choice) -> ExitCode {
    std::panic::set_hook(Box::new(|panic| PANIC.set(panic.to_string())));
    let began = std::time::Instant::now();
    let (next, failed) = (AtomicU64::new(choice.from), AtomicU64::new(u64::MAX));
    let sum = Mutex::new(Sum::default());
    std::thread::scope(|scope| {
        for _ in 0..choice.threads {
            scope.spawn(|| work(choice, &next, &failed, &sum));
        }
    });
    let sum = sum.into_inner().expect("nobody panics while it holds this");
    if let Some((seed, failure)) = sum.failures.first_key_value()
        && !choice.keep_going
    {
        if failure.last.is_empty() {
            // Told as it falls.
            let _ = attempt(*seed, Plan { tell: Tell::Last, ..choice.plan });
        }
        show(failure);
        println!("found after {} seeds", seed - choice.from + 1);
        return ExitCode::FAILURE;
    }
    told(choice, &sum, began.elapsed())
}

fn told(choice: &Choice, sum: &Sum, took: Duration) -> ExitCode {
    println!("faults: {} kinds", sum.faults.len());
    for (kind, count) in &sum.faults {
        println!("  {count:>8} {kind:?}");
    }
    println!("rules used: {}", sum.rules.len());
    for (rule, count) in &sum.rules {
        println!("  {count:>8} {rule}");
    }
    println!(
        "{} seeds from {}: {} of {} writes acknowledged, {} promotions, {:.0?} simulated in {took:.1?} \
         ({:.0} times real time, {} at once)",
        choice.seeds,
        choice.from,
        sum.writes.1,
        sum.writes.0,
        sum.promotions,
        sum.simulated,
        sum.simulated.as_secs_f64() / took.as_secs_f64(),
        choice.threads,
    );
    let mut by_name: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (seed, failure) in &sum.failures {
        println!("seed {seed} breaks {}: {}", failure.name, failure.text);
        by_name.entry(failure.name).or_default().push(*seed);
    }
    for (name, seeds) in &by_name {
        println!("{} seeds break {name}: {:?}", seeds.len(), &seeds[..seeds.len().min(10)]);
    }
    let missing: Vec<_> =
        FaultKind::all(choice.plan.mode).filter(|it| !sum.faults.contains_key(it)).collect();
    let idle = choice.seeds >= EVERY_KIND_WITHIN_SEEDS && !missing.is_empty();
    if idle {
        println!("faults that never struck: {missing:?}");
    }
    if sum.failures.is_empty() && !idle { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
