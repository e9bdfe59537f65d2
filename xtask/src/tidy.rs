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

pub(crate) fn check(root: &Path) -> Vec<String> {
    let mut broken = Vec::new();
    for path in rules::files(root) {
        let name = path.display().to_string();
        if EMPTY_NAMES.iter().any(|it| path.file_stem().is_some_and(|stem| stem == *it)) {
            broken.push(format!("{name}: the name says nothing; name the concept"));
        }
        let Ok(text) = fs::read_to_string(root.join(&path)) else { continue };
        if path.extension().is_some_and(|it| it == "rs") {
            rust(&name, &text, &mut broken);
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
        if line.contains(concat!("allow(", "unsafe_code")) && !name.starts_with(UNSAFE_IN) {
            broken.push(format!("{name}:{}: unsafe code lives in {UNSAFE_IN} alone", index + 1));
        }
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
    fn a_path_of_one_machine_is_found_and_a_longer_word_is_not() {
        let path = concat!("/wo", "rk/");
        assert!(mentions(&format!("see {path}main"), path));
        assert!(!mentions(&format!("a net{}", &path[1..]), path));
        assert!(!mentions(&format!("target{path}x"), path));
    }
}
