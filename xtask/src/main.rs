//! `cargo xtask <task>`: everything this repository does that cargo does not. Imports none of our crates.

mod deny;
mod docs;
mod fuzz;
mod layers;
mod mutate;
mod rules;
mod step;
mod tidy;
mod tools;

use deny::Checked;
use std::path::Path;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <task>

  ci                   everything that must hold, but the tests: format, clippy, tidy, layers,
                       docs in step, licences and bans, seeds of the simulator. Never writes
  fix                  formats, applies what clippy can mend, redraws the diagram. Writes
  tidy                 the rules of the repository alone: tidy, layers, docs in step
  pair-test [--list] [--scenario NAME] [--netns] [--long] [--repeat N]
                       scenarios of docs/design/faults.md on pairs of the real binary
  sim [--seeds N] [--seed S] ...
                       the simulator, optimised; arguments go to it
  fuzz [--seconds N] [--keep] [TARGET] ...
                       goes on with libFuzzer where the tests stop; --keep adds what is new to
                       fuzz/corpus/
  deny                 what may come in from outside: licences, bans, sources, advisories
  mutate [--check] [--only NAME,NAME] [--seeds N] [--model]
                       plants the bugs of tests/mutants one at a time; the simulator must find
                       each. --model: the model check those in the state machine, but for what
                       a patch says that it cannot see. --check: only that all patches apply
  bench [NAME] ...     measurements in release, see docs/benches.md
  diagram              redraws docs/design/state-diagram.md from the table of edges
";

/// How many seeds `ci` runs.
const SIM_SEEDS: &str = "5000";

fn main() -> ExitCode {
    let root = root();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((task, rest)) = arguments.split_first() else {
        print!("{HELP}");
        return ExitCode::from(2);
    };
    let done = match task.as_str() {
        "ci" => ci(root),
        "fix" => fix(root),
        "tidy" => report(&rules::broken(root)),
        "pair-test" => pair_test(root, rest),
        "sim" => sim(root, rest),
        "mutate" => mutate::run(root, rest),
        "bench" => bench(root, rest),
        "fuzz" => fuzz::fuzz(root, rest),
        "deny" => (deny::deny(root) != Checked::Badly) & (deny::advisories(root) != Checked::Badly),
        "diagram" => diagram(root),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            true
        }
        unknown => {
            eprintln!("no task `{unknown}`\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask/ lies in the root")
}

/// Runs every step even after one failed, so that one run shows all there is to mend.
fn ci(root: &Path) -> bool {
    let done = |well: bool| if well { Checked::Well } else { Checked::Badly };
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    let results = [
        ("rules", done(report(&rules::broken(root)))),
        ("format", done(formatted(root))),
        ("clippy", done(step::cargo(root, &clippy))),
        ("planted bugs", done(mutate::check_all(root))),
        ("deny", deny::deny(root)),
        ("advisories", deny::advisories(root)),
        ("sim", done(sim(root, &["--seeds".into(), SIM_SEEDS.into()]))),
    ];
    println!();
    for (name, checked) in &results {
        let word = match checked {
            Checked::Well => "ok",
            Checked::Badly => "FAILED",
            Checked::Skipped => "SKIPPED, see above",
        };
        println!("{name:>12}: {word}");
    }
    results.iter().all(|(_, checked)| *checked != Checked::Badly)
}

/// Also the programs for libFuzzer, which are a workspace of their own.
fn formatted(root: &Path) -> bool {
    let fuzz = ["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"];
    step::cargo(root, &["fmt", "--all", "--check"]) & step::cargo(root, &fuzz)
}

fn fix(root: &Path) -> bool {
    let mended = step::cargo(
        root,
        &["clippy", "--workspace", "--all-targets", "--fix", "--allow-dirty", "--allow-staged"],
    );
    mended & diagram(root) & step::cargo(root, &["fmt", "--all"])
}

fn diagram(root: &Path) -> bool {
    step::cargo_with(root, &["test", "-p", "hotpair-fsm", "diagram"], &[("UPDATE_EXPECT", "1")])
}

fn sim(root: &Path, rest: &[String]) -> bool {
    let mut all =
        vec!["run", "--profile", "sim", "-p", "hotpair-sim", "--bin", "hotpair-sim", "--"];
    all.extend(rest.iter().map(String::as_str));
    // Each world fills the memory of the one before: none is given back in between.
    step::cargo_with(root, &all, &[("MIMALLOC_PURGE_DELAY", "-1")])
}

fn bench(root: &Path, rest: &[String]) -> bool {
    // The benches start the real binary, which must be the release one too.
    let built = step::cargo(root, &["build", "--release", "-p", "hotpair-node"]);
    let mut all = vec!["run", "--release", "-p", "hotpair-bench", "--"];
    all.extend(rest.iter().map(String::as_str));
    built && step::cargo(root, &all)
}

fn pair_test(root: &Path, rest: &[String]) -> bool {
    let mut all = vec!["test", "-p", "hotpair-tests", "--test", "it", "--"];
    let mut rest = rest.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--scenario" => {
                let Some(name) = rest.next() else {
                    eprintln!("--scenario needs a name; see --list");
                    return false;
                };
                all.extend(["--exact", name]);
            }
            passed => all.push(passed),
        }
    }
    step::cargo(root, &all)
}

fn report(broken: &[String]) -> bool {
    for line in broken {
        eprintln!("{line}");
    }
    if broken.is_empty() {
        println!("rules of the repository: all hold");
    } else {
        eprintln!("{} rules broken", broken.len());
    }
    broken.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(broken: Vec<String>) {
        assert!(broken.is_empty(), "{}", broken.join("\n"));
    }

    #[test]
    fn every_file_keeps_the_house_style() {
        check(tidy::check(root()));
    }

    #[test]
    fn crates_import_only_what_the_architecture_allows() {
        check(layers::check(root()));
    }

    #[test]
    fn the_docs_keep_step() {
        check(docs::check(root()));
    }
}
