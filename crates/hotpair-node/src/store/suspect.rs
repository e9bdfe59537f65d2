//! Remembers over a restart that a commit failed: what the file holds is unknown then, even if it
//! verifies, and a partner has it all (docs/design/states.md, S10).
use hotpair_types::EngineName;
use std::path::{Path, PathBuf};

const FILE: &str = "suspect";

fn file(data_dir: &Path, engine: &EngineName) -> PathBuf {
    data_dir.join("engines").join(engine.as_str()).join(FILE)
}

/// Notes it; the next start sets the engine's replicated data aside.
///
/// # Errors
/// Whatever the disk says, which may be the one that failed.
pub(crate) fn mark(data_dir: &Path, engine: &EngineName) -> std::io::Result<()> {
    let file = file(data_dir, engine);
    std::fs::File::create(&file)?.sync_all()?;
    let directory = file.parent().expect("it lies in the directory of the engine");
    std::fs::File::open(directory)?.sync_all()
}

/// Whether the last process noted it.
pub(super) fn is_marked(data_dir: &Path, engine: &EngineName) -> bool {
    file(data_dir, engine).exists()
}

/// Forgets it, once the data is set aside.
///
/// # Errors
/// Whatever the disk says.
pub(super) fn clear(data_dir: &Path, engine: &EngineName) -> std::io::Result<()> {
    std::fs::remove_file(file(data_dir, engine))
}
