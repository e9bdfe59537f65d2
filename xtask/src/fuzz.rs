//! `cargo xtask fuzz`: goes on with libFuzzer where the tests stop. The bodies are in `hotpair-fuzz`.
use std::fs;
use std::path::{Path, PathBuf};

use crate::{step, tools};

/// How long each target runs when nobody says otherwise.
const SECONDS: u32 = 120;
/// Memory of one input, in MiB: what arrives is bounded, so more is a find.
const MEMORY_MIB: u32 = 2048;
/// Seconds of one input: more is a find.
const INPUT_SECONDS: u32 = 20;
/// Longer inputs find nothing that shorter ones do not, and are slow.
const INPUT_BYTES_MAX: u32 = 4096;

const HOW: &str =
    "cargo-fuzz is not installed: cargo install --locked --root target/tools cargo-fuzz";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    seconds: u32,
    /// Keep what is new and small in `fuzz/corpus/`.
    keep: bool,
    targets: Vec<String>,
}

/// Fuzzes each target for a while. What breaks a promise is left in `target/fuzz-found/`.
pub(crate) fn fuzz(root: &Path, arguments: &[String]) -> bool {
    let all = targets(root);
    let plan = match plan(arguments, &all) {
        Ok(plan) => plan,
        Err(wrong) => {
            eprintln!("{wrong}");
            return false;
        }
    };
    if tools::find(root, "cargo-fuzz").is_none() {
        eprintln!("{HOW}");
        return false;
    }
    // Every target even after a find, so that one run shows all there is to mend.
    plan.targets.iter().fold(true, |well, target| one(root, target, &plan) & well)
}

/// The targets, by their programs.
fn targets(root: &Path) -> Vec<String> {
    let programs = fs::read_dir(root.join("fuzz/fuzz_targets")).expect("the programs are there");
    let mut names: Vec<String> =
        programs.filter_map(|it| Some(it.ok()?.path().file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    names
}

fn plan(arguments: &[String], all: &[String]) -> Result<Plan, String> {
    let mut plan = Plan { seconds: SECONDS, keep: false, targets: Vec::new() };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--seconds" => {
                let number = rest.next().and_then(|it| it.parse().ok());
                plan.seconds = number.ok_or("--seconds needs a number")?;
            }
            "--keep" => plan.keep = true,
            name if all.iter().any(|it| it == name) => plan.targets.push(name.to_owned()),
            unknown => return Err(format!("no target `{unknown}`; one of {}", all.join(", "))),
        }
    }
    if plan.targets.is_empty() {
        plan.targets = all.to_vec();
    }
    Ok(plan)
}

fn one(root: &Path, target: &str, plan: &Plan) -> bool {
    let grown = root.join("target/fuzz-corpus").join(target);
    let found = root.join("target/fuzz-found");
    for folder in [&grown, &found] {
        fs::create_dir_all(folder).expect("target/ can be written");
    }
    let kept = root.join("fuzz/corpus").join(target);
    let text = |it: &PathBuf| it.display().to_string();
    let limits = [
        format!("-max_total_time={}", plan.seconds),
        format!("-rss_limit_mb={MEMORY_MIB}"),
        format!("-timeout={INPUT_SECONDS}"),
        format!("-max_len={INPUT_BYTES_MAX}"),
        format!("-artifact_prefix={}/{target}-", text(&found)),
        "-print_final_stats=1".to_owned(),
        "-verbosity=0".to_owned(),
    ];
    let well = run(root, target, &[text(&grown), text(&kept)], &limits);
    if well && plan.keep {
        let merge = ["-merge=1".to_owned(), format!("-max_len={INPUT_BYTES_MAX}")];
        return run(root, target, &[text(&kept), text(&grown)], &merge);
    }
    well
}

/// No sanitizer: the only unsafe code of ours is not fuzzed, and panics are found without.
fn run(root: &Path, target: &str, corpora: &[String], flags: &[String]) -> bool {
    let built = root.join("target/fuzz").display().to_string();
    let mut all = vec!["fuzz", "run", "-s", "none", "--target-dir", built.as_str(), target];
    all.extend(corpora.iter().map(String::as_str));
    all.push("--");
    all.extend(flags.iter().map(String::as_str));
    let path = tools::path(root);
    step::cargo_with(root, &all, &[("RUSTC_BOOTSTRAP", "1"), ("PATH", &path)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_and_seconds_are_read_and_a_wrong_name_is_answered_with_the_right_ones() {
        let all = ["api".to_owned(), "frame".to_owned()];
        let read = |text: &str| {
            plan(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>(), &all)
        };
        let named = read("--seconds 5 frame --keep").unwrap();
        assert_eq!(named, Plan { seconds: 5, keep: true, targets: vec!["frame".to_owned()] });
        assert_eq!(read("").unwrap().targets, all);
        assert_eq!(read("frme").unwrap_err(), "no target `frme`; one of api, frame");
        assert!(read("--seconds x").is_err());
    }

    #[test]
    fn every_program_has_its_corpus() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for name in targets(root) {
            assert!(root.join("fuzz/corpus").join(&name).is_dir(), "fuzz/corpus/{name}");
        }
    }
}
