//! Programs that cargo installs: in `target/tools/`, which caches keep, or on the path.
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where a program is; `None` when it is not installed.
pub(crate) fn find(root: &Path, program: &str) -> Option<PathBuf> {
    folders(root).map(|it| it.join(program)).find(|it| it.is_file())
}

/// The path with the tools before it.
pub(crate) fn path(root: &Path) -> String {
    let joined: OsString = std::env::join_paths(folders(root)).unwrap_or_default();
    joined.to_string_lossy().into_owned()
}

fn folders(root: &Path) -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let others: Vec<PathBuf> = std::env::split_paths(&path).collect();
    std::iter::once(root.join("target/tools/bin")).chain(others)
}
