//! The data directory: one process at a time, and where things lie in it.
use crate::{OpenError, StorageFault, StoreFile};
use hotpair_types::EngineName;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A data directory that this process alone may touch. Whoever holds one need not ask again; the
/// lock goes with it, or with the process.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    lock: File,
}

impl DataDirectory {
    /// Makes the directory if it is not there and takes it.
    ///
    /// # Errors
    /// `OpenError::InUse` with the directory and the holder's pid when another process has it.
    pub fn lock(path: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let path = path.into();
        std::fs::create_dir_all(path.join("engines")).map_err(|it| StorageFault::io(&path, &it))?;
        let name = path.join("lock");
        let fault = |it: std::io::Error| StorageFault::io(&name, &it);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&name)
            .map_err(fault)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let read = lock.take(64).read_to_string(&mut text);
                let pid = read.ok().and_then(|_| text.trim().parse().ok());
                return Err(OpenError::InUse { directory: path, pid });
            }
            Err(TryLockError::Error(error)) => return Err(fault(error).into()),
        }
        lock.set_len(0).map_err(fault)?;
        lock.seek(SeekFrom::Start(0)).map_err(fault)?;
        writeln!(lock, "{}", std::process::id()).map_err(fault)?;
        sync_directory(&path)?;
        Ok(Self { path, lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the files of an engine are.
    #[must_use]
    pub fn engine(&self, engine: &EngineName) -> PathBuf {
        self.path.join("engines").join(engine.as_str())
    }

    /// Where one file of an engine is.
    #[must_use]
    pub fn engine_file(&self, engine: &EngineName, which: StoreFile) -> PathBuf {
        self.engine(engine).join(which.file_name())
    }

    /// What ended the writing of an engine's store the last time, if it was not closed since.
    ///
    /// # Errors
    /// `StorageFault` when that cannot be read.
    pub fn last_failure(&self, engine: &EngineName) -> Result<Option<LastFailure>, StorageFault> {
        FailedMark::of(&self.engine(engine)).read()
    }

    /// How much space the disk has left for us.
    ///
    /// # Errors
    /// `StorageFault` when the file system does not say.
    pub fn free_bytes(&self) -> Result<u64, StorageFault> {
        let found = rustix::fs::statvfs(&self.path)
            .map_err(|it| StorageFault::io(&self.path, &it.into()))?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    /// Where modules are.
    #[must_use]
    pub fn modules(&self) -> PathBuf {
        self.path.join("modules")
    }
}

impl Drop for DataDirectory {
    fn drop(&mut self) {
        // The kernel lets go of it in any case.
        let _ = self.lock.unlock();
    }
}

/// Makes new and renamed names in a directory survive a power cut.
pub(crate) fn sync_directory(path: &Path) -> Result<(), StorageFault> {
    File::open(path).and_then(|it| it.sync_all()).map_err(|it| StorageFault::io(path, &it))
}

/// Notes that a store was closed whole. Absent while a process has it, so that a kill leaves none.
#[derive(Debug)]
pub(crate) struct CleanMark(PathBuf);

impl CleanMark {
    /// Takes the mark away; says whether it was there.
    pub(crate) fn take(directory: &Path, name: &str) -> Result<(Self, bool), StorageFault> {
        let mark = Self(directory.join(name));
        match std::fs::remove_file(&mark.0) {
            Ok(()) => sync_directory(directory).map(|()| (mark, true)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok((mark, false)),
            Err(error) => Err(StorageFault::io(&mark.0, &error)),
        }
    }

    /// Puts the mark there.
    pub(crate) fn put(&self) -> Result<(), StorageFault> {
        File::create(&self.0)
            .and_then(|it| it.sync_all())
            .map_err(|it| StorageFault::io(&self.0, &it))?;
        sync_directory(self.0.parent().expect("the mark lies in a directory"))
    }
}

/// What ended the writing of an engine's store the last time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastFailure {
    /// There was no space. What is in the files is as sound as before.
    DiskFull,
    /// The disk failed: what the files hold is unknown.
    DiskError,
}

/// Notes what was met, so that the next opening does not believe what the operating system still
/// has in memory: after a failed fsync the pages count as clean there, whether they are on the
/// disk or not.
#[derive(Debug)]
pub(crate) struct FailedMark {
    error: PathBuf,
    full: PathBuf,
}

impl FailedMark {
    pub(crate) fn of(directory: &Path) -> Self {
        Self { error: directory.join("failed"), full: directory.join("disk-full") }
    }

    /// Puts the mark there as well as the disk lets us.
    pub(crate) fn put(&self, fault: &StorageFault) {
        let path = if fault.is_disk_full() { &self.full } else { &self.error };
        let written = File::create(path).and_then(|mut it| {
            // On a full disk the name alone has to do.
            writeln!(it, "{fault}").ok();
            it.sync_all()
        });
        if let Err(error) = written {
            tracing::warn!(%error, mark = %path.display(), "the failure cannot be noted");
        }
    }

    /// What was noted; the worse of both.
    pub(crate) fn read(&self) -> Result<Option<LastFailure>, StorageFault> {
        let is_there = |path: &Path| path.try_exists().map_err(|it| StorageFault::io(path, &it));
        Ok(match (is_there(&self.error)?, is_there(&self.full)?) {
            (true, _) => Some(LastFailure::DiskError),
            (false, true) => Some(LastFailure::DiskFull),
            (false, false) => None,
        })
    }

    /// Makes the next read of these files come from the disk, if something was noted.
    pub(crate) fn distrust(&self, files: &[PathBuf]) -> Result<Option<LastFailure>, StorageFault> {
        let failure = self.read()?;
        if failure.is_none() {
            return Ok(None);
        }
        for path in files {
            let forget = |file: File| {
                file.sync_all()?;
                Ok(rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?)
            };
            match File::open(path).and_then(forget) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(StorageFault::io(path, &error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(failure)
    }

    /// Takes it away: the files were read whole from the disk.
    pub(crate) fn take(&self) -> Result<(), StorageFault> {
        for path in [&self.error, &self.full] {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(StorageFault::io(path, &error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}
