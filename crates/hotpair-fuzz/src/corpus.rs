//! The kept inputs: `fuzz/corpus/<target>/`, one a file.
use std::path::PathBuf;

/// Where the inputs of a target are kept.
#[must_use]
pub fn corpus_folder(target: &str) -> PathBuf {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");
    PathBuf::from(root).join(target)
}

/// The kept inputs of a target with their names, in the order of these.
///
/// # Errors
/// When the folder or a file cannot be read.
pub fn kept(target: &str) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut inputs = Vec::new();
    for file in std::fs::read_dir(corpus_folder(target))? {
        let file = file?;
        inputs.push((file.file_name().to_string_lossy().into_owned(), std::fs::read(file.path())?));
    }
    inputs.sort();
    Ok(inputs)
}
