//! `hotpair-model`: walks on demand, and the table of what the modes promise.
use hotpair_model::{
    Plan, Row, Seen, edges, everything, hunts, not_reached, pairs, plans, tell_edge, wander,
};
use hotpair_types::Mode;
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Instant;

/// The length of a random walk.
const STEPS: usize = 200;
/// How many random walks of a kind a test run takes.
const WALKS: u64 = 300;
/// How many worlds a walk on demand looks at.
const WORLDS_MAX: usize = 3_000_000;
/// The same of each of many.
const HUNT_WORLDS_MAX: usize = 150_000;
const HELP: &str = "\
hotpair-model table                       what the modes promise, found by looking
hotpair-model walk [NAME] [--worlds N]    every walk whose name contains NAME
hotpair-model hunt [NAME]                 from everywhere rare, in every mode, with one fault of any kind
hotpair-model find                        every walk of a test run; stops at the first broken promise
hotpair-model way FROM TO RULE [NAME]     the shortest way to that edge, in states by number
hotpair-model wander [N]                  N random walks of each kind, far beyond those bounds
  HOTPAIR_MODEL_FAULTS=N                  with N faults more than in a test run";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["table"] => {
            for &mode in Mode::ALL {
                let row = Row::find(mode);
                println!("{}  {} pairs, {} worlds", row.tell(), row.pairs, row.worlds);
            }
            ExitCode::SUCCESS
        }
        ["walk"] => walk_all(walks(), "", WORLDS_MAX),
        ["walk", name] => walk_all(walks(), name, WORLDS_MAX),
        ["walk", name, "--worlds", worlds] => match worlds.parse() {
            Ok(worlds) => walk_all(walks(), name, worlds),
            Err(error) => {
                eprintln!("--worlds takes a number, not `{worlds}`: {error}");
                ExitCode::from(2)
            }
        },
        ["wander"] => wander_all(1_000),
        ["wander", walks] => match walks.parse() {
            Ok(walks) => wander_all(walks),
            Err(error) => {
                eprintln!("wander takes a number, not `{walks}`: {error}");
                ExitCode::from(2)
            }
        },
        ["hunt"] => walk_all(hunts(1 + more()), "", HUNT_WORLDS_MAX),
        ["hunt", name] => walk_all(hunts(1 + more()), name, HUNT_WORLDS_MAX),
        ["find"] => find(),
        ["way", from, to, rule] => way(&format!("{from} -> {to} by {rule}"), ""),
        ["way", from, to, rule, name] => way(&format!("{from} -> {to} by {rule}"), name),
        _ => {
            eprintln!("{HELP}");
            ExitCode::from(2)
        }
    }
}

/// How many faults more than in a test run.
fn more() -> u8 {
    std::env::var("HOTPAIR_MODEL_FAULTS").map_or(0, |it| it.parse().unwrap_or(0))
}

fn walks() -> Vec<Plan> {
    plans(more()).into_iter().chain(pairs(more())).collect()
}

fn walk_all(plans: Vec<Plan>, name: &str, worlds_max: usize) -> ExitCode {
    let mut broken = 0;
    let mut edges = BTreeSet::new();
    for mut plan in plans.into_iter().filter(|it| it.name.contains(name)) {
        let begun = Instant::now();
        plan.bounds.worlds_max = worlds_max;
        let seen = match plan.walk() {
            Ok(seen) => seen,
            // Those of a test run all lead somewhere: the test sees to it.
            Err(why) => {
                println!("{}: {why}", plan.name);
                continue;
            }
        };
        if !plan.prelude.is_empty() && seen.worlds > 0 {
            println!("from {}", plan.start().tell());
        }
        let end = if seen.given_up { "given up" } else { "to the end" };
        println!(
            "{:40} {:>8} worlds {:>9} steps depth {:>4} {:>7.1} s {end}{}",
            plan.name,
            seen.worlds,
            seen.steps,
            seen.depth,
            begun.elapsed().as_secs_f64(),
            if seen.two_open { ", two open" } else { "" }
        );
        edges.extend(seen.edges);
        if let Some(story) = seen.broken {
            broken += 1;
            println!("{story}");
        }
    }
    if name.is_empty() {
        println!("not reached: {}", not_reached(&edges).join("; "));
    }
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// For bugs that were planted: `cargo xtask mutate --model` reads the first line.
fn find() -> ExitCode {
    let mut worlds = 0;
    let mut found = |name: &str, seen: &Seen| {
        worlds += if seen.worlds > 0 { seen.worlds } else { seen.steps };
        let Some(story) = &seen.broken else { return false };
        println!("found after {worlds} worlds by {name}: {story}");
        true
    };
    for plan in plans(0) {
        match plan.walk() {
            Ok(seen) if found(&plan.name, &seen) => return ExitCode::FAILURE,
            Ok(_) => {}
            Err(why) => println!("{}: {why}", plan.name),
        }
    }
    for plan in everything() {
        let seen = wander(&plan.start(), &plan.bounds, WALKS, STEPS);
        if found(&plan.name, &seen) {
            return ExitCode::FAILURE;
        }
    }
    println!("nothing is broken");
    ExitCode::SUCCESS
}

fn way(edge: &str, name: &str) -> ExitCode {
    let Some(sought) = edges().find(|it| tell_edge(*it) == edge) else {
        eprintln!("no edge `{edge}` in the machine's table");
        return ExitCode::from(2);
    };
    for mut plan in plans(0).into_iter().filter(|it| it.name.contains(name)) {
        plan.bounds.seek = Some(sought);
        plan.bounds.worlds_max = WORLDS_MAX;
        if let Ok(Seen { way: Some(way), worlds, .. }) = plan.walk() {
            println!("{}, after {worlds} worlds\n{way}", plan.name);
            return ExitCode::SUCCESS;
        }
    }
    println!("not reached");
    ExitCode::FAILURE
}

fn wander_all(walks: u64) -> ExitCode {
    let mut broken = 0;
    let mut edges = BTreeSet::new();
    for plan in everything() {
        let begun = Instant::now();
        let seen = wander(&plan.start(), &plan.bounds, walks, STEPS);
        let took = begun.elapsed().as_secs_f64();
        println!("{:40} {:>9} steps {took:>7.1} s", plan.name, seen.steps);
        edges.extend(seen.edges);
        if let Some(story) = seen.broken {
            broken += 1;
            println!("{story}");
        }
    }
    println!("not reached: {}", not_reached(&edges).join("; "));
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
