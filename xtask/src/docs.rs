//! Whether the pages keep step with the tree: pages that must be there, links, citations, versions.
use std::fs;
use std::path::{Path, PathBuf};

use crate::rules;

/// Pages that code and people rely on.
const PAGES: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "docs/SUMMARY.md",
    "docs/design/architecture.md",
    "docs/design/states.md",
    "docs/design/state-diagram.md",
    "docs/design/replication.md",
    "docs/design/interfaces.md",
    "docs/design/faults.md",
];

/// A newcomer reads it in one sitting.
const ARCHITECTURE_LINES_MAX: usize = 200;

pub(crate) fn check(root: &Path) -> Vec<String> {
    let files = rules::files(root);
    let mut broken: Vec<String> = PAGES
        .iter()
        .filter(|it| !root.join(it).is_file())
        .map(|it| format!("{it}: missing"))
        .collect();
    let read = |path: &Path| fs::read_to_string(root.join(path)).unwrap_or_default();
    for path in &files {
        let kind = path.extension().and_then(|it| it.to_str());
        match kind {
            Some("md") => broken.extend(dead_links(root, path, &read(path))),
            Some("rs" | "toml") => broken.extend(dead_citations(root, path, &read(path))),
            Some(_) | None => {}
        }
    }
    let summary = read(Path::new("docs/SUMMARY.md"));
    for page in
        files.iter().filter(|it| it.starts_with("docs") && it.extension() == Some("md".as_ref()))
    {
        let inside = page.strip_prefix("docs").expect("filtered").display().to_string();
        if inside != "SUMMARY.md" && !summary.contains(&format!("({inside})")) {
            broken.push(format!("docs/{inside}: not in docs/SUMMARY.md"));
        }
    }
    if read(Path::new("ARCHITECTURE.md")).lines().count() > ARCHITECTURE_LINES_MAX {
        broken.push(format!("ARCHITECTURE.md: more than {ARCHITECTURE_LINES_MAX} lines"));
    }
    let faults = read(Path::new("docs/design/faults.md"));
    for file in files.iter().filter(|it| it.starts_with("tests/it")) {
        for row in rows(&read(file)).filter(|it| !faults.contains(&format!("\n| {it} | "))) {
            broken.push(format!("{}: no row {row} in docs/design/faults.md", file.display()));
        }
    }
    let manifest = read(Path::new("Cargo.toml"));
    let version = manifest.lines().find_map(|it| it.strip_prefix("version = "));
    let version = version.map(|it| it.trim_matches('"')).unwrap_or_default();
    if !read(Path::new("CHANGELOG.md")).contains(&format!("## {version}")) {
        broken.push(format!("CHANGELOG.md: no `## {version}`, the version of the workspace"));
    }
    broken
}

/// The rows of the fault table that scenarios of a file name: `"P7"`, `"V1"`, `"X13"`.
fn rows(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').filter(|it| {
        let number = it.strip_prefix(['P', 'V', 'X']).unwrap_or_default();
        !number.is_empty() && number.chars().all(|it| it.is_ascii_digit())
    })
}

/// Relative links of a page that lead nowhere.
fn dead_links(root: &Path, page: &Path, text: &str) -> Vec<String> {
    let folder = page.parent().unwrap_or_else(|| Path::new(""));
    let mut broken = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        fenced ^= line.trim_start().starts_with("```");
        for target in line.match_indices("](").filter(|_| !fenced).filter_map(|(at, _)| {
            let rest = &line[at + 2..];
            rest.split_once(')').map(|(target, _)| target)
        }) {
            let target = target.split('#').next().unwrap_or_default();
            let outside =
                target.is_empty() || target.contains("://") || target.starts_with("mailto:");
            if !outside && !root.join(folder).join(target).exists() {
                broken.push(format!("{}:{}: no `{target}`", page.display(), index + 1));
            }
        }
    }
    broken
}

/// Pages that code cites and that are not there.
fn dead_citations(root: &Path, file: &Path, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for (at, _) in line.match_indices("docs/") {
            let part = |it: char| it.is_ascii_alphanumeric() || "/-_.".contains(it);
            let cited: String = line[at..].chars().take_while(|it| part(*it)).collect();
            let cited = PathBuf::from(cited.trim_end_matches('.'));
            if cited.extension() == Some("md".as_ref()) && !root.join(&cited).is_file() {
                broken.push(format!("{}:{}: no `{}`", file.display(), index + 1, cited.display()));
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_link_is_found_and_one_in_code_is_not() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = "[a](Cargo.toml) [b](nowhere.md#x)\n```\n[c](nowhere.md)\n```\n[d](https://example.org)\n";
        assert_eq!(dead_links(root, Path::new("page.md"), text), ["page.md:1: no `nowhere.md`"]);
    }

    #[test]
    fn a_scenario_names_its_row() {
        let text = "Scenario::new(\"P7\", \"p7-value\", \"Px\"), (\"X13\",";
        assert_eq!(rows(text).collect::<Vec<_>>(), ["P7", "X13"]);
    }

    #[test]
    fn a_citation_of_a_missing_page_is_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let gone = concat!("//! See docs", "/design/gone.md, \"Rules\".");
        assert_eq!(
            dead_citations(root, Path::new("a.rs"), gone),
            [concat!("a.rs:1: no `docs", "/design/gone.md`")]
        );
    }
}
