//! All rules of the repository that need no compiler.
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{docs, layers, tidy};

/// One line for each broken rule, with the file it is broken in.
pub(crate) fn broken(root: &Path) -> Vec<String> {
    [tidy::check(root), layers::check(root), docs::check(root)].concat()
}

/// Every file that is tracked or would be, relative to the root, sorted.
pub(crate) fn files(root: &Path) -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .expect("git runs: the rules are about the files it tracks");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let text = String::from_utf8(listed.stdout).expect("names of files are UTF-8 here");
    let mut files: Vec<PathBuf> = text
        .split('\0')
        .filter(|it| !it.is_empty())
        .map(PathBuf::from)
        .filter(|it| root.join(it).is_file())
        .collect();
    files.sort();
    files.dedup();
    files
}
