//! Plants bugs, one at a time, and sees whether the simulator or the model check finds them. What it does
//! not find it cannot be trusted to rule out.
mod judge;

use judge::{Fate, Judge};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// A bug that is not found within so many seeds is not found.
const SEEDS_MAX: u64 = 20_000;
/// Where the patches lie.
const PATCHES: &str = "tests/mutants";
/// The model check sees bugs here alone.
const MODELLED: &str = "crates/hotpair-fsm/src/";
/// What a patch says in a line of its own when the model check cannot see it, with the reason.
const UNSEEN: &str = "The model check does not see it: ";

/// A planted bug.
struct Mutant {
    name: String,
    /// Its first line: what it breaks.
    breaks: String,
    /// Why the model check does not see it.
    unseen: Option<String>,
    /// It is in what the model check drives, and nowhere else.
    modelled: bool,
    patch: PathBuf,
}

impl Mutant {
    /// Why this judge need not find it.
    fn excuse(&self, judge: Judge) -> Option<&str> {
        self.unseen.as_deref().filter(|_| judge == Judge::Model)
    }
}

struct Choice<'a> {
    check: bool,
    only: Option<&'a str>,
    judge: Judge,
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
    let wanted = |it: &&Mutant| {
        let seen = choice.judge != Judge::Model || it.modelled;
        seen && choice.only.is_none_or(|only| is_named(&it.name, only))
    };
    let mutants: Vec<_> = mutants.iter().filter(wanted).collect();
    if mutants.is_empty() {
        eprintln!("no patch in {PATCHES} is named so");
        return false;
    }
    if choice.check {
        return check(root, &mutants);
    }
    plant(root, &mutants, choice.judge)
}

fn choose(arguments: &[String]) -> Result<Choice<'_>, String> {
    let judge = Judge::Simulator { seeds: SEEDS_MAX };
    let mut choice = Choice { check: false, only: None, judge };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--check" => choice.check = true,
            "--model" => choice.judge = Judge::Model,
            "--only" => choice.only = Some(rest.next().ok_or("--only takes a name")?),
            "--seeds" => {
                let text = rest.next().ok_or("--seeds takes a number")?;
                let seeds = text.parse().map_err(|_| format!("`{text}` is no number"))?;
                choice.judge = Judge::Simulator { seeds };
            }
            unknown => {
                return Err(format!(
                    "unknown `{unknown}`; --check, --only NAME,NAME, --seeds N and --model are known"
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
        let unseen = text.lines().find_map(|it| it.strip_prefix(UNSEEN)).map(str::to_owned);
        let mut changed = text.lines().filter_map(|it| it.strip_prefix("+++ b/"));
        let modelled = changed.all(|it| it.starts_with(MODELLED));
        mutants.push(Mutant { name, breaks, unseen, modelled, patch });
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

fn plant(root: &Path, mutants: &[&Mutant], judge: Judge) -> bool {
    let tree = root.join("target/mutate/tree");
    if let Err(error) = copy(root, &tree) {
        eprintln!("cannot copy the sources to {}: {error}", tree.display());
        return false;
    }
    let mut rows = Vec::new();
    // The sound tree first: what it breaks is nobody's find.
    let begun = Instant::now();
    match judge.briefly().look(root, &tree) {
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
            let fate = judge.look(root, &tree);
            let back = apply(root, &tree, mutant, &["--reverse"]);
            assert!(back, "{} cannot be taken back", mutant.name);
            fate
        } else {
            Fate::Broken("does not apply")
        };
        println!("{}", row(mutant, &fate, begun.elapsed(), judge));
        rows.push((mutant, fate, begun.elapsed()));
    }
    println!("\n{:<40} {:>8} {:>6}  by", "planted", judge.unit(), "took");
    let (mut found, mut meant) = (0, 0);
    for (mutant, fate, took) in &rows {
        println!("{}", row(mutant, fate, *took, judge));
        let is_found = matches!(fate, Fate::Found { .. });
        found += usize::from(is_found);
        // An excuse for what is found would hide that it is found no more.
        meant += usize::from(is_found == mutant.excuse(judge).is_none());
    }
    println!("{found} of {} planted bugs found", rows.len());
    meant == rows.len()
}

fn row(mutant: &Mutant, fate: &Fate, took: Duration, judge: Judge) -> String {
    let mut line = format!("{:<40} ", mutant.name);
    let took = took.as_secs_f64();
    let words = match (fate, mutant.excuse(judge)) {
        (Fate::Found { after, by }, None) => format!("{after:>8} {took:>4.0} s  {by}"),
        (Fate::Found { after, by }, Some(_)) => {
            format!("{after:>8} {took:>4.0} s  {by}; BUT ITS PATCH SAYS IT IS NOT SEEN")
        }
        (Fate::Survived, Some(why)) => format!("{:>8} {took:>4.0} s  not seen: {why}", "-"),
        (Fate::Survived, None) => {
            format!("{:>8} {took:>4.0} s  NOT FOUND: {}", "-", mutant.breaks)
        }
        (Fate::Broken(why), _) => format!("{:>8} {took:>4.0} s  {why}", "-"),
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

fn git(root: &Path, arguments: &[&str]) -> std::io::Result<Output> {
    Command::new("git").args(arguments).current_dir(root).output()
}
