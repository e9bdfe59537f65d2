//! Files that appear whole or not at all, in a directory that two nodes may share.
//!
//! A file is written under a name of our own that no reader of `*.parquet` sees, made durable, and then
//! put in its place without replacing anything. While it is written it is locked, so that whoever finds it
//! knows whether it is a leftover.
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::SinkError;

/// Around the name that a file will have.
const UNFINISHED: (&str, &str) = (".hotpair-history.", ".tmp");

/// The directory of a sink, which is there.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
}

/// What became of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// It is durable.
    New,
    /// A file of this name is there.
    OtherWasFirst,
}

impl Directory {
    /// # Errors
    /// [`SinkError::DirectoryMissing`], [`SinkError::Io`].
    pub(super) fn open(path: &Path) -> Result<Self, SinkError> {
        match fs::metadata(path) {
            Ok(there) if there.is_dir() => Ok(Self { path: path.to_owned() }),
            Ok(_) => Err(SinkError::DirectoryMissing { path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(SinkError::DirectoryMissing { path: path.to_owned() })
            }
            Err(source) => Err(SinkError::io("open", path, source)),
        }
    }

    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Every name in it that is text.
    pub(super) fn names(&self) -> Result<Vec<String>, SinkError> {
        let failed = |source| SinkError::io("list", &self.path, source);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            names.extend(entry.map_err(failed)?.file_name().into_string().ok());
        }
        Ok(names)
    }

    /// Removes what was left unfinished, and nobody works on.
    pub(super) fn sweep(&self) -> Result<(), SinkError> {
        for name in self.names()? {
            if name.starts_with(UNFINISHED.0) && name.ends_with(UNFINISHED.1) {
                let path = self.path_of(&name);
                if remove_leftover(&path)? {
                    tracing::info!(path = %path.display(), "removed a file that was left unfinished");
                }
            }
        }
        Ok(())
    }

    /// Puts a file there, durably.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> Result<Placed, SinkError> {
        let mut unfinished = Unfinished::create(self.unfinished(name))?;
        unfinished.write(bytes)?;
        let path = self.path_of(name);
        match place(&unfinished.path, &path) {
            Ok(()) => unfinished.placed = true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Ok(Placed::OtherWasFirst);
            }
            Err(source) => return Err(SinkError::io("put in its place", &path, source)),
        }
        self.sync()?;
        Ok(Placed::New)
    }

    /// Whether something can be written, made durable and removed.
    pub(super) fn probe(&self) -> Result<(), SinkError> {
        Unfinished::create(self.unfinished("probe"))?.write(b"probe")?;
        self.sync()
    }

    /// Makes names durable.
    pub(super) fn sync(&self) -> Result<(), SinkError> {
        Self::sync_file(&self.path)
    }

    /// Makes contents durable, also of what another process wrote.
    pub(super) fn sync_file(path: &Path) -> Result<(), SinkError> {
        let synced = File::open(path).and_then(|it| it.sync_all());
        synced.map_err(|source| SinkError::io("make durable", path, source))
    }

    fn unfinished(&self, name: &str) -> PathBuf {
        self.path_of(&format!("{}{name}{}", UNFINISHED.0, UNFINISHED.1))
    }
}

/// A file that is being written. Whatever happens, its name does not stay.
struct Unfinished {
    path: PathBuf,
    file: File,
    /// Its name is gone; another process may use it again.
    placed: bool,
}

impl Unfinished {
    fn create(path: PathBuf) -> Result<Self, SinkError> {
        let create = || OpenOptions::new().write(true).create_new(true).open(&path);
        let file = match create() {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !remove_leftover(&path)? {
                    return Err(SinkError::Busy { path });
                }
                create()
            }
            created => created,
        };
        let file = file.map_err(|source| SinkError::io("create", &path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path, file, placed: false }),
            // Somebody takes it for a leftover, between the two calls, and removes it.
            Err(TryLockError::WouldBlock) => Err(SinkError::Busy { path }),
            Err(TryLockError::Error(source)) => {
                let error = SinkError::io("lock", &path, source);
                fs::remove_file(&path).ok();
                Err(error)
            }
        }
    }

    fn write(&self, bytes: &[u8]) -> Result<(), SinkError> {
        let mut file = &self.file;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        written.map_err(|source| SinkError::io("write", &self.path, source))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.placed {
            return;
        }
        match fs::remove_file(&self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "cannot remove an unfinished file");
            }
        }
    }
}

/// `false`: somebody works on it.
fn remove_leftover(path: &Path) -> Result<bool, SinkError> {
    let file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(source) => return Err(SinkError::io("open", path, source)),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(false),
        Err(TryLockError::Error(source)) => return Err(SinkError::io("lock", path, source)),
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(SinkError::io("remove", path, error))
        }
        Ok(()) | Err(_) => Ok(true),
    }
}

/// Renames without replacing. A file system that cannot (NFS) gets a second link instead.
fn place(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        }
        renamed => Ok(renamed?),
    }
}
