//! Replays the kept corpus of every target, and random mutations of it.
//!
//! `HOTPAIR_FUZZ_SEED` gives other mutations, `HOTPAIR_FUZZ_RUNS` more of them. An input that breaks
//! a promise is left in `target/fuzz-found/`: keep it in `fuzz/corpus/` with the mend.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use hotpair_fuzz::{Dice, Target, corpus_folder, kept, mutated, target};
use std::fmt::Write as _;
use std::panic::catch_unwind;
use std::path::PathBuf;

/// How many mutations each target is given on every test run.
const RUNS: u64 = 3_000;
/// The kept corpus stays small: it is in every clone.
const CORPUS_BYTES_MAX: usize = 1 << 20;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|it| it.parse().ok()).unwrap_or(otherwise)
}

fn check(name: &str) {
    let target = target(name).unwrap();
    let kept = kept(name).unwrap();
    assert!(kept.len() >= 5, "{name}: only {} kept inputs", kept.len());
    for (file, input) in &kept {
        run(target, input, &format!("fuzz/corpus/{name}/{file}"));
    }
    let inputs: Vec<_> = kept.into_iter().map(|it| it.1).collect();
    let seed = number("HOTPAIR_FUZZ_SEED", 1);
    let mut dice = Dice::new(seed);
    for round in 0..number("HOTPAIR_FUZZ_RUNS", RUNS) {
        let input = mutated(&inputs, &mut dice);
        run(target, &input, &format!("mutation {round} of HOTPAIR_FUZZ_SEED={seed}"));
    }
}

fn run(target: &Target, input: &[u8], origin: &str) {
    if catch_unwind(|| (target.run)(input)).is_ok() {
        return;
    }
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/fuzz-found");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join(target.name);
    std::fs::write(&file, input).unwrap();
    let mut hex = String::new();
    input.iter().for_each(|it| write!(hex, "{it:02x}").unwrap());
    panic!(
        "{}: {origin} breaks \"{}\"; left in {}\n{hex}",
        target.name,
        target.promise,
        file.display()
    );
}

macro_rules! targets {
    ($($name:ident),+) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })+

        /// What is tested here.
        const TESTED: &[&str] = &[$(stringify!($name)),+];
    };
}

targets!(frame, message, handshake, snapshot, settings, api, module, sandbox, identity, neighbour);

#[test]
fn every_target_has_its_test_its_program_and_its_corpus() {
    let names: Vec<_> = hotpair_fuzz::TARGETS.iter().map(|it| it.name).collect();
    assert_eq!(names, TESTED);
    let mut bytes = 0;
    for name in names {
        let program = corpus_folder(name).join(format!("../../fuzz_targets/{name}.rs"));
        assert!(program.is_file(), "{} is missing", program.display());
        bytes += kept(name).unwrap().iter().map(|it| it.1.len()).sum::<usize>();
    }
    assert!(bytes <= CORPUS_BYTES_MAX, "the corpus has {bytes} bytes");
}
