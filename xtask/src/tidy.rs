//! What every file keeps: a first line that says what it is, a length, names that mean something.
use std::fs;
use std::path::Path;

use crate::rules;

const LINES_MAX: usize = 400;

/// Names that say nothing of what is inside.
const EMPTY_NAMES: &[&str] = &["utils", "util", "common", "helpers", "helper", "manager", "misc"];

/// Places of one machine, and hosts that packages come from: neither belongs in a file that travels.
const FOREIGN: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/fa", "rm/"),
    concat!("/tmp/", "hp/"),
    concat!("/tmp/", "bash_jobs"),
    concat!("crates", ".io/api"),
    concat!("static.", "crates.io"),
    concat!("index.", "crates.io"),
    concat!("pypi", ".org"),
    concat!("registry.", "npmjs"),
    concat!("deb.", "debian.org"),
];

/// The only crate that may allow unsafe code.
const UNSAFE_IN: &str = "crates/hotpair-os/";
/// What is compiled for the sandbox declares its imports so; it is part of no crate.
const OF_MODULES: &str = "examples/modules/rust/";

pub(crate) fn check(root: &Path) -> Vec<String> {
    let mut broken = Vec::new();
    // Inputs that were found, and files that programs wrote.
    for path in rules::files(root).into_iter().filter(|it| !is_data(it)) {
        let name = path.display().to_string();
        if EMPTY_NAMES.iter().any(|it| path.file_stem().is_some_and(|stem| stem == *it)) {
            broken.push(format!("{name}: the name says nothing; name the concept"));
        }
        let Ok(text) = fs::read_to_string(root.join(&path)) else { continue };
        if path.extension().is_some_and(|it| it == "rs") {
            rust(&name, &text, &mut broken);
        }
        if path.ends_with("Cargo.toml") {
            manifest(&name, &text, &mut broken);
        }
        if path.extension().is_none_or(|it| it != "lock") {
            foreign(&name, &text, &mut broken);
        }
        if !text.is_empty() && !text.ends_with('\n') {
            broken.push(format!("{name}: no newline at the end"));
        }
    }
    broken
}

fn is_data(path: &Path) -> bool {
    path.starts_with("fuzz/corpus") || path.starts_with("crates/hotpair-storage/tests/data")
}

fn rust(name: &str, text: &str, broken: &mut Vec<String>) {
    if !text.starts_with("//! ") {
        broken.push(format!("{name}:1: say what this file is, in one `//!` line"));
    }
    // Tests of the one concept may stand below it.
    let lines = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text).lines().count();
    if lines > LINES_MAX {
        broken
            .push(format!("{name}: {lines} lines, more than {LINES_MAX}; name its second concept"));
    }
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let module = line.trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        let named = module.strip_prefix("mod ").map(|it| it.trim_end_matches([';', ' ', '{']));
        if named.is_some_and(|it| EMPTY_NAMES.contains(&it)) {
            broken.push(format!("{name}:{}: `{line}` names no concept", index + 1));
        }
        if is_unsafe(line) && ![UNSAFE_IN, OF_MODULES].iter().any(|it| name.starts_with(it)) {
            broken.push(format!("{name}:{}: unsafe code lives in {UNSAFE_IN} alone", index + 1));
        }
    }
}

/// Unsafe code, or leave for it. The lint `unsafe_code` sees more, but only where a crate keeps to the
/// lints of the workspace.
fn is_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let leave = concat!("unsafe", "_code");
    let word = concat!("uns", "afe ");
    ["allow(", "expect(", "warn("].iter().any(|it| code.contains(&format!("{it}{leave}")))
        || ["{", "fn ", "impl ", "trait ", "extern "]
            .iter()
            .any(|it| code.contains(&format!("{word}{it}")))
}

/// A crate of the workspace keeps to its lints, unsafe code among them.
fn manifest(name: &str, text: &str, broken: &mut Vec<String>) {
    let keeps = text.contains("\n[lints]\nworkspace = true\n");
    if text.contains("\nversion.workspace = true\n") && !keeps {
        broken.push(format!(
            "{name}: without `[lints] workspace = true` it may do what others may not"
        ));
    }
}

fn foreign(name: &str, text: &str, broken: &mut Vec<String>) {
    for (index, line) in text.lines().enumerate() {
        for found in FOREIGN.iter().filter(|it| mentions(line, it)) {
            broken.push(format!("{name}:{}: `{found}` is of one machine", index + 1));
        }
    }
}

/// Whether the text stands there by itself and not inside a longer path or word.
fn mentions(line: &str, what: &str) -> bool {
    line.match_indices(what).any(|(at, _)| {
        !line[..at].ends_with(|before: char| before.is_alphanumeric() || "_-.$}".contains(before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_its_first_line_is_named() {
        let mut broken = Vec::new();
        rust("a.rs", "mod utils;\n", &mut broken);
        assert_eq!(broken.len(), 2, "{broken:?}");
    }

    #[test]
    fn unsafe_code_is_found_outside_of_the_one_crate() {
        let found = |name: &str, text: &str| {
            let mut broken = Vec::new();
            rust(name, text, &mut broken);
            broken.len()
        };
        let leave = format!("//! x\n#[expect({}, reason = \"\")]\n", concat!("unsafe", "_code"));
        let block = format!("//! x\nlet y = {}{{ z() }};\n", concat!("uns", "afe "));
        for text in [&leave, &block] {
            assert_eq!(found("crates/hotpair-node/src/a.rs", text), 1, "{text}");
            assert_eq!(found("crates/hotpair-os/src/a.rs", text), 0, "{text}");
        }
        assert_eq!(found("a.rs", "//! x\n// it would be unsafe { so }\n"), 0);
    }

    #[test]
    fn a_crate_that_leaves_the_lints_of_the_workspace_is_found() {
        let mut broken = Vec::new();
        let package = "[package]\nname = \"x\"\nversion.workspace = true\n";
        manifest("Cargo.toml", package, &mut broken);
        assert_eq!(broken.len(), 1);
        manifest("Cargo.toml", &format!("{package}\n[lints]\nworkspace = true\n"), &mut broken);
        assert_eq!(broken.len(), 1);
    }

    #[test]
    fn a_path_of_one_machine_is_found_and_a_longer_word_is_not() {
        let path = concat!("/wo", "rk/");
        assert!(mentions(&format!("see {path}main"), path));
        assert!(!mentions(&format!("a net{}", &path[1..]), path));
        assert!(!mentions(&format!("target{path}x"), path));
    }
}
