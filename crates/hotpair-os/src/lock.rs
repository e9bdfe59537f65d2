//! One process per data directory (docs/design/faults.md, X8).
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

/// Holds a lock on a file as long as it lives. The kernel frees it when the process ends, however.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

/// Why a file could not be locked.
#[derive(Debug)]
pub enum LockError {
    /// Another process has it.
    Held {
        /// Which, if it could be found out.
        by: Option<u32>,
    },
    /// The file cannot be made, or be locked.
    Io(io::Error),
}

impl std::fmt::Display for LockError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Held { by: Some(pid) } => write!(f, "held by process {pid}"),
            Self::Held { by: None } => f.write_str("held by another process"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LockError {}

impl From<io::Error> for LockError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl FileLock {
    /// Makes the file if need be, locks it, and writes our number into it. Does not wait.
    ///
    /// # Errors
    /// `LockError::Held` names the process that has it.
    pub fn take(path: &Path) -> Result<Self, LockError> {
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let read = file.take(16).read_to_string(&mut text);
                let by = read.ok().and_then(|_| text.trim().parse().ok());
                return Err(LockError::Held { by });
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_refused_and_told_who_has_it() {
        let name = format!("hotpair-lock-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let first = FileLock::take(&path).unwrap();
        match FileLock::take(&path) {
            Err(LockError::Held { by }) => assert_eq!(by, Some(std::process::id())),
            other => panic!("{other:?}"),
        }
        drop(first);
        FileLock::take(&path).unwrap();
        std::fs::remove_file(path).unwrap();
    }
}
