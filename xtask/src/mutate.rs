//! Plants bugs, one at a time, and sees whether the simulator finds them. What it does not find it
//! cannot be trusted to rule out.
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// A bug that is not found within so many seeds is not found.
const SEEDS_MAX: u64 = 20_000;
/// Where the patches lie.
const PATCHES: &str = "tests/mutants";

/// A planted bug.
struct Mutant {
    name: String,
    /// Its first line: what it breaks.
    breaks: String,
    patch: PathBuf,
}

/// What came of one.
enum Fate {
    Found { seeds: u64, by: String },
    Survived,
    Broken(&'static str),
}

struct Choice<'a> {
    check: bool,
    only: Option<&'a str>,
    seeds: u64,
}

pub(crate) fn run(root: &Path, arguments: &[String]) -> bool {
    let (choice, mutants) = match choose(arguments).and_then(|it| Ok((it, mutants(root)?))) {
        Ok(it) => it,
        Err(error) => {
            eprintln!("{error}");
            return false;
        }
    };
    let is_named = |it: &str, only: &str| only.split(',').any(|part| it.contains(part));
    let wanted = |it: &&Mutant| choice.only.is_none_or(|only| is_named(&it.name, only));
    let mutants: Vec<_> = mutants.iter().filter(wanted).collect();
    if mutants.is_empty() {
        eprintln!("no patch in {PATCHES} is named so");
        return false;
    }
    if choice.check {
        return check(root, &mutants);
    }
    plant(root, &mutants, choice.seeds)
}

fn choose(arguments: &[String]) -> Result<Choice<'_>, String> {
    let mut choice = Choice { check: false, only: None, seeds: SEEDS_MAX };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--check" => choice.check = true,
            "--only" => choice.only = Some(rest.next().ok_or("--only takes a name")?),
            "--seeds" => {
                let text = rest.next().ok_or("--seeds takes a number")?;
                choice.seeds = text.parse().map_err(|_| format!("`{text}` is no number"))?;
            }
            unknown => {
                return Err(format!(
                    "unknown `{unknown}`; --check, --only NAME,NAME and --seeds N are known"
                ));
            }
        }
    }
    Ok(choice)
}

fn mutants(root: &Path) -> Result<Vec<Mutant>, String> {
    let folder = root.join(PATCHES);
    let entries = fs::read_dir(&folder).map_err(|it| format!("{}: {it}", folder.display()))?;
    let mut mutants = Vec::new();
    for entry in entries {
        let patch = entry.map_err(|it| it.to_string())?.path();
        if patch.extension().is_none_or(|it| it != "patch") {
            continue;
        }
        let text = fs::read_to_string(&patch).map_err(|it| format!("{}: {it}", patch.display()))?;
        let breaks = text.lines().next().unwrap_or_default().to_owned();
        let name = patch.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        mutants.push(Mutant { name, breaks, patch });
    }
    mutants.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(mutants)
}

/// Whether every patch still applies and says what it breaks.
pub(crate) fn check_all(root: &Path) -> bool {
    run(root, &["--check".to_owned()])
}

fn check(root: &Path, mutants: &[&Mutant]) -> bool {
    let mut whole = true;
    for mutant in mutants {
        let applies = apply(root, root, mutant, &["--check"]);
        let says = !mutant.breaks.is_empty() && !mutant.breaks.starts_with("---");
        if !applies || !says {
            let why = if applies { "does not say what it breaks" } else { "does not apply" };
            eprintln!("{}: {why}", mutant.patch.display());
        }
        whole &= applies && says;
    }
    if whole {
        println!("{} planted bugs: all apply", mutants.len());
    }
    whole
}

fn plant(root: &Path, mutants: &[&Mutant], seeds: u64) -> bool {
    let tree = root.join("target/mutate/tree");
    if let Err(error) = copy(root, &tree) {
        eprintln!("cannot copy the sources to {}: {error}", tree.display());
        return false;
    }
    let mut rows = Vec::new();
    // The sound tree first: what it breaks is nobody's find.
    let begun = Instant::now();
    match simulate(root, &tree, seeds.min(500)) {
        Fate::Survived => println!("the sound sources hold, after {:.0?}", begun.elapsed()),
        Fate::Found { by, .. } => {
            eprintln!("the sound sources break {by}");
            return false;
        }
        Fate::Broken(why) => {
            eprintln!("the sound sources: {why}");
            return false;
        }
    }
    for mutant in mutants {
        let begun = Instant::now();
        let fate = if apply(root, &tree, mutant, &[]) {
            let fate = simulate(root, &tree, seeds);
            let back = apply(root, &tree, mutant, &["--reverse"]);
            assert!(back, "{} cannot be taken back", mutant.name);
            fate
        } else {
            Fate::Broken("does not apply")
        };
        println!("{}", row(mutant, &fate, begun.elapsed(), seeds));
        rows.push((mutant, fate, begun.elapsed()));
    }
    println!("\n{:<40} {:>7} {:>6}  invariant", "planted", "seeds", "took");
    let mut found = 0;
    for (mutant, fate, took) in &rows {
        println!("{}", row(mutant, fate, *took, seeds));
        found += usize::from(matches!(fate, Fate::Found { .. }));
    }
    println!("{found} of {} planted bugs found", rows.len());
    found == rows.len()
}

fn row(mutant: &Mutant, fate: &Fate, took: Duration, seeds: u64) -> String {
    let mut line = format!("{:<40} ", mutant.name);
    let words = match fate {
        Fate::Found { seeds, by } => format!("{seeds:>7} {:>4.0} s  {by}", took.as_secs_f64()),
        Fate::Survived => {
            format!("{:>7} {:>4.0} s  NOT FOUND: {}", seeds, took.as_secs_f64(), mutant.breaks)
        }
        Fate::Broken(why) => format!("{:>7} {:>4.0} s  {why}", "-", took.as_secs_f64()),
    };
    let _ = write!(line, "{words}");
    line
}

/// Copies what differs, so that cargo sees as changed only what is.
fn copy(root: &Path, tree: &Path) -> std::io::Result<()> {
    let listed = git(root, &["ls-files", "--cached", "--others", "--exclude-standard"])?;
    for name in String::from_utf8_lossy(&listed.stdout).lines() {
        let (from, to) = (root.join(name), tree.join(name));
        let Ok(bytes) = fs::read(&from) else { continue };
        if fs::read(&to).is_ok_and(|it| it == bytes) {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&to, bytes)?;
    }
    Ok(())
}

fn apply(root: &Path, tree: &Path, mutant: &Mutant, how: &[&str]) -> bool {
    let Ok(patch) = mutant.patch.canonicalize() else { return false };
    let mut command = Command::new("git");
    // A tree inside of the repository is not the repository.
    command.env("GIT_CEILING_DIRECTORIES", root.join("target/mutate"));
    command.arg("apply").args(["--unidiff-zero", "--whitespace=nowarn"]).args(how);
    let done = command.arg(patch).current_dir(tree).output();
    done.is_ok_and(|it| it.status.success())
}

/// Builds the simulator as it lies in the tree and runs it.
fn simulate(root: &Path, tree: &Path, seeds: u64) -> Fate {
    let target = root.join("target/mutate/target");
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet", "--offline", "--profile", "sim", "-p", "hotpair-sim"]);
    // Built often and run briefly.
    let settings =
        [("LTO", "off"), ("CODEGEN_UNITS", "16"), ("INCREMENTAL", "true"), ("DEBUG", "none")];
    for (name, value) in settings {
        build.env(format!("CARGO_PROFILE_SIM_{name}"), value);
    }
    build.env("CARGO_TARGET_DIR", &target).env("RUSTFLAGS", "-Awarnings").current_dir(tree);
    match build.output() {
        Ok(it) if it.status.success() => {}
        Ok(it) => {
            eprintln!("{}", String::from_utf8_lossy(&it.stderr));
            return Fate::Broken("does not build");
        }
        Err(_) => return Fate::Broken("cargo cannot be run"),
    }
    let mut run = Command::new(target.join("sim/hotpair-sim"));
    let Ok(it) = run.args(["--seeds", &seeds.to_string()]).output() else {
        return Fate::Broken("the simulator cannot be run");
    };
    if it.status.success() {
        return Fate::Survived;
    }
    read(&String::from_utf8_lossy(&it.stdout)).unwrap_or(Fate::Broken("the simulator says nothing"))
}

/// What the simulator said of a failure.
fn read(said: &str) -> Option<Fate> {
    let after = said.lines().find_map(|it| it.strip_prefix("found after "))?;
    let seeds = after.split(' ').next()?.parse().ok()?;
    let broken =
        said.lines().rev().find(|it| it.starts_with("seed ") && it.contains(" breaks "))?;
    let (_, by) = broken.split_once(" breaks ")?;
    let by = by.split(':').next()?.to_owned();
    Some(Fate::Found { seeds, by })
}

fn git(root: &Path, arguments: &[&str]) -> std::io::Result<Output> {
    Command::new("git").args(arguments).current_dir(root).output()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_find_is_read_with_its_seeds() {
        let said =
            "1 ms x\nseed 11 breaks S5 epochs grow: node 1 ...\nagain: ...\nfound after 12 seeds\n";
        let Some(Fate::Found { seeds, by }) = read(said) else { panic!("not read") };
        assert_eq!((seeds, by.as_str()), (12, "S5 epochs grow"));
        assert!(read("seed 3 holds").is_none());
    }
}
