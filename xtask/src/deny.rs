//! `cargo xtask deny`: what may come in from outside (`deny.toml`), checked by cargo-deny.
use std::path::{Path, PathBuf};

use crate::{step, tools};

const HOW: &str = "SKIPPED: cargo-deny is not installed, so licences, bans and sources are not checked: \
                   cargo install --locked --root target/tools cargo-deny";

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    Well,
    Badly,
    /// It could not be made, and that was said aloud. Never counts as passed.
    Skipped,
}

/// Licences, bans and sources.
pub(crate) fn deny(root: &Path) -> Checked {
    if tools::find(root, "cargo-deny").is_none() {
        println!("{HOW}");
        return Checked::Skipped;
    }
    let well = run(root, &["check", "--hide-inclusion-graph", "licenses", "bans", "sources"]);
    if well { Checked::Well } else { Checked::Badly }
}

/// Known holes of what comes from outside, when their database is here. Nothing is downloaded: a check
/// that fails because a server is not reached would soon be ignored.
pub(crate) fn advisories(root: &Path) -> Checked {
    if tools::find(root, "cargo-deny").is_none() || database().is_none() {
        println!(
            "SKIPPED: no database of advisories: where the network allows it, `cargo deny fetch` brings it"
        );
        return Checked::Skipped;
    }
    let well = run(root, &["check", "--disable-fetch", "advisories"]);
    if well { Checked::Well } else { Checked::Badly }
}

/// Where cargo-deny keeps the database.
fn database() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|it| PathBuf::from(it).join(".cargo")))?;
    let folder = home.join("advisory-dbs");
    let mut inside = std::fs::read_dir(&folder).ok()?;
    inside.next().map(|_| folder)
}

fn run(root: &Path, arguments: &[&str]) -> bool {
    let all = [&["deny"], arguments].concat();
    step::cargo_with(root, &all, &[("PATH", &tools::path(root))])
}
