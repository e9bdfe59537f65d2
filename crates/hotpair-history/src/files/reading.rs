//! All history of one engine in a directory, for who checks or repairs it.
use std::path::Path;

use super::decode::decode;
use super::directory::Directory;
use super::file_name::FileName;
use crate::{Row, SinkError};

/// Reads every row of an engine, in the order of sequences; rows that stand in several files come as often.
///
/// # Errors
/// When the directory or a file of it cannot be read.
pub fn read_files(directory: &Path, pair: &str, engine: &str) -> Result<Vec<Row>, SinkError> {
    let directory = Directory::open(directory)?;
    let mut rows = Vec::new();
    for name in directory.names()? {
        let file = FileName::parse(&name);
        if file.is_some_and(|it| it.pair == pair && it.engine == engine) {
            rows.extend(decode(&directory.path_of(&name), pair, engine)?);
        }
    }
    rows.sort_by_key(|it| (it.sequence, it.epoch));
    Ok(rows)
}
