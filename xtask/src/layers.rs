//! Which crate may import which. The table is the architecture (docs/design/architecture.md); the test keeps it true.
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::rules;

/// `(crate, which of ours it may import)`, lowest layer first. Whatever is not listed is forbidden.
const LAYERS: &[(&str, &[&str])] = &[
    ("hotpair-types", &[]),
    ("hotpair-os", &[]),
    ("hotpair-fsm", &["hotpair-types"]),
    ("hotpair-replication", &["hotpair-types"]),
    ("hotpair-protocol", &["hotpair-types"]),
    ("hotpair-storage", &["hotpair-types"]),
    ("hotpair-engine", &["hotpair-types"]),
    ("hotpair-api", &["hotpair-types"]),
    ("hotpair-client", &["hotpair-types"]),
    ("hotpair-arbiter", &[]),
    ("hotpair-address", &["hotpair-os"]),
    ("hotpair-modbus", &["hotpair-types", "hotpair-engine"]),
    ("hotpair-history", &[]),
    ("hotpair-transport", &["hotpair-types", "hotpair-protocol"]),
    ("hotpair-model", &["hotpair-types", "hotpair-fsm"]),
    ("hotpair-core", &["hotpair-types", "hotpair-fsm", "hotpair-replication"]),
    ("hotpair-node", EVERY),
    (
        "hotpair-sim",
        &["hotpair-types", "hotpair-fsm", "hotpair-replication", "hotpair-core", "hotpair-storage"],
    ),
    (
        "hotpair-tests",
        &[
            "hotpair-types",
            "hotpair-history",
            "hotpair-client",
            "hotpair-protocol",
            "hotpair-transport",
            "hotpair-storage",
        ],
    ),
    ("hotpair-bench", BENCH),
    ("hotpair-fuzz", FUZZ),
    ("hotpair-fuzz-targets", &["hotpair-fuzz"]),
    ("xtask", &[]),
];

const EVERY: &[&str] = &[
    "hotpair-types",
    "hotpair-fsm",
    "hotpair-replication",
    "hotpair-core",
    "hotpair-protocol",
    "hotpair-storage",
    "hotpair-transport",
    "hotpair-engine",
    "hotpair-api",
    "hotpair-client",
    "hotpair-arbiter",
    "hotpair-address",
    "hotpair-modbus",
    "hotpair-history",
    "hotpair-os",
];

/// A bench uses the harness of the tests, and the node as a library.
const BENCH: &[&str] = &[
    "hotpair-types",
    "hotpair-client",
    "hotpair-tests",
    "hotpair-transport",
    "hotpair-engine",
    "hotpair-api",
    "hotpair-node",
];

/// Whoever takes bytes from outside is fuzzed.
const FUZZ: &[&str] = &[
    "hotpair-types",
    "hotpair-protocol",
    "hotpair-fsm",
    "hotpair-replication",
    "hotpair-core",
    "hotpair-storage",
    "hotpair-transport",
    "hotpair-api",
    "hotpair-engine",
    "hotpair-address",
    "hotpair-node",
];

/// Imports for tests alone, beyond the table above.
const FOR_TESTS: &[(&str, &[&str])] = &[];

/// Pure crates: what they may import from outside, too. No clock, socket, thread or randomness
/// comes with any of these.
const PURE: &[(&str, &[&str])] = &[
    ("hotpair-types", &["thiserror", "serde"]),
    ("hotpair-fsm", &["thiserror", "serde"]),
    ("hotpair-replication", &["thiserror", "bytes", "blake3"]),
    ("hotpair-core", &["thiserror", "bytes"]),
];

/// Crates from outside that belong to one of ours (`deny.toml` has those that come through others, too).
const OWNED: &[(&str, &str)] = &[
    ("libc", "hotpair-os"),
    ("redb", "hotpair-storage"),
    ("quinn", "hotpair-transport"),
    ("wasmi", "hotpair-engine"),
    ("mimalloc", "hotpair-sim"),
    ("tokio-modbus", "hotpair-modbus"),
    ("parquet", "hotpair-history"),
    ("tokio-postgres", "hotpair-history"),
    ("libfuzzer-sys", "hotpair-fuzz-targets"),
];

/// What the `clippy.toml` of a crate that decides must ban.
const BANS: &[&str] = &[
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::thread::spawn",
    "std::collections::HashMap",
    "std::collections::HashSet",
];

/// Crates that decide: `clippy.toml` of their own.
const DECIDE: &[&str] = &["hotpair-fsm", "hotpair-replication", "hotpair-core"];

pub(crate) fn check(root: &Path) -> Vec<String> {
    let mut broken = Vec::new();
    for path in manifests(root) {
        let text = fs::read_to_string(root.join(&path)).expect("a tracked manifest is readable");
        let manifest = Manifest::read(&text);
        let name = &manifest.name;
        if path.starts_with("crates") && !path.ends_with(Path::new(name).join("Cargo.toml")) {
            broken.push(format!("{}: folder and crate have two names", path.display()));
        }
        let Some(allowed) = row(LAYERS, name) else {
            broken.push(format!("{name}: not in LAYERS (xtask/src/layers.rs)"));
            continue;
        };
        let for_tests = row(FOR_TESTS, name).unwrap_or_default();
        broken.extend(imports(name, &manifest, allowed, for_tests));
        if DECIDE.contains(&name.as_str()) {
            let bans = fs::read_to_string(root.join(&path).with_file_name("clippy.toml"));
            let bans = bans.unwrap_or_default();
            for missing in BANS.iter().filter(|it| !bans.contains(**it)) {
                broken.push(format!("crates/{name}/clippy.toml does not ban {missing}"));
            }
        }
    }
    broken
}

fn row<'a>(table: &[(&str, &'a [&'a str])], name: &str) -> Option<&'a [&'a str]> {
    table.iter().find(|(it, _)| *it == name).map(|(_, allowed)| *allowed)
}

fn imports(name: &str, manifest: &Manifest, allowed: &[&str], for_tests: &[&str]) -> Vec<String> {
    let ours = |it: &str| it.starts_with("hotpair-") || it == "xtask";
    let mut broken = Vec::new();
    for import in &manifest.normal {
        if ours(import) && !allowed.contains(&import.as_str()) {
            broken.push(format!("{name} may not import {import} (xtask/src/layers.rs)"));
        }
        if row(PURE, name).is_some_and(|it| !ours(import) && !it.contains(&import.as_str())) {
            broken
                .push(format!("{name} is pure and may not import {import} (xtask/src/layers.rs)"));
        }
    }
    for import in manifest.normal.iter().chain(&manifest.for_tests) {
        let owner = OWNED.iter().find(|(it, _)| it == import).map(|it| it.1);
        if owner.is_some_and(|it| it != name) {
            broken.push(format!(
                "{name} may not import {import}, its owner may (xtask/src/layers.rs)"
            ));
        }
    }
    for import in manifest.for_tests.iter().filter(|it| ours(it)) {
        if !allowed.contains(&import.as_str()) && !for_tests.contains(&import.as_str()) {
            broken.push(format!("{name}'s tests may not import {import} (xtask/src/layers.rs)"));
        }
    }
    broken
}

fn manifests(root: &Path) -> Vec<PathBuf> {
    let is_member = |it: &PathBuf| it.ends_with("Cargo.toml") && it.components().count() > 1;
    rules::files(root).into_iter().filter(is_member).collect()
}

/// The part of a `Cargo.toml` that says who imports whom.
#[derive(Debug, Default)]
struct Manifest {
    name: String,
    normal: Vec<String>,
    for_tests: Vec<String>,
}

impl Manifest {
    fn read(text: &str) -> Self {
        let mut found = BTreeMap::<&str, Vec<String>>::new();
        let mut manifest = Self::default();
        let mut section = "";
        for line in text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'))
        {
            if let Some(header) = line.strip_prefix('[') {
                section = header.trim_matches(['[', ']']);
                // [dependencies.name]
                if let Some((kind, name)) = section.rsplit_once('.')
                    && kind.ends_with("dependencies")
                {
                    found.entry(kind).or_default().push(name.into());
                }
                continue;
            }
            let key = line.split(['.', '=', ' ']).next().unwrap_or_default();
            if section == "package" && key == "name" {
                manifest.name = line.split('"').nth(1).unwrap_or_default().into();
            }
            if section.ends_with("dependencies") {
                found.entry(section).or_default().push(key.into());
            }
        }
        for (section, imports) in found {
            let list = if section.ends_with("dev-dependencies") {
                &mut manifest.for_tests
            } else {
                &mut manifest.normal
            };
            list.extend(imports);
        }
        manifest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_from_outside_stays_with_its_owner() {
        let manifest = Manifest::read("[dev-dependencies]\nlibc.workspace = true\n");
        assert_eq!(imports("hotpair-node", &manifest, &[], &[]).len(), 1);
        assert_eq!(imports("hotpair-os", &manifest, &[], &[]).len(), 0);
    }

    #[test]
    fn an_import_that_the_table_does_not_name_is_found() {
        let text = "[package]\nname = \"hotpair-fsm\"\n[dependencies]\nhotpair-types.workspace = true\n\
                    tokio = \"1\"\nhotpair-storage = { path = \"..\" }\n[dev-dependencies]\nexpect-test = \"1\"\n\
                    [dependencies.hotpair-os]\npath = \"..\"\n";
        let manifest = Manifest::read(text);
        assert_eq!(manifest.for_tests, ["expect-test"]);
        let allowed = row(LAYERS, "hotpair-fsm").unwrap();
        assert_eq!(
            imports("hotpair-fsm", &manifest, allowed, &[]),
            [
                "hotpair-fsm is pure and may not import tokio (xtask/src/layers.rs)",
                "hotpair-fsm may not import hotpair-storage (xtask/src/layers.rs)",
                "hotpair-fsm may not import hotpair-os (xtask/src/layers.rs)",
            ]
        );
    }
}
