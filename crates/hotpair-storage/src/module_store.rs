//! Module bytes, named by their BLAKE3 hash: a file that is there under its name is whole, and is
//! verified again before it is used.
use crate::StorageFault;
use crate::directory::{DataDirectory, sync_directory};
use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The largest module.
pub const MODULE_BYTES_MAX: u64 = hotpair_types::MODULE_BYTES_MAX as u64;
/// The most that is read at once.
const CHUNK_BYTES_MAX: usize = 1 << 20;

/// The BLAKE3 hash of a module's bytes; also its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleHash(pub [u8; 32]);

impl ModuleHash {
    /// The hash of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Reads 64 hex digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        blake3::Hash::from_hex(text).ok().map(|it| Self(*it.as_bytes()))
    }
}

impl fmt::Display for ModuleHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from(self.0).to_hex())
    }
}

impl fmt::Debug for ModuleHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a module could not be kept or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModuleError {
    /// The bytes are not those of the hash. Nothing was kept.
    #[error("the bytes have hash {found}, expected {expected}")]
    WrongHash {
        /// What was asked for.
        expected: ModuleHash,
        /// What came.
        found: ModuleHash,
    },
    /// Beyond `MODULE_BYTES_MAX`.
    #[error("more than {MODULE_BYTES_MAX} bytes")]
    TooLarge,
    /// It is not here.
    #[error("module {0} is not here")]
    Absent(ModuleHash),
    /// The disk.
    #[error(transparent)]
    Fault(#[from] StorageFault),
}

/// `<data_dir>/modules`.
#[derive(Debug)]
pub struct ModuleStore {
    directory: PathBuf,
    /// Numbers what is on its way in, so that two writers of one module do not meet.
    parts: AtomicU64,
}

impl ModuleStore {
    /// Makes the directory if it is not there, and clears what was never finished.
    ///
    /// # Errors
    /// `StorageFault`.
    pub fn open(data: &DataDirectory) -> Result<Self, StorageFault> {
        let directory = data.modules();
        let fault = |it: std::io::Error| StorageFault::io(&directory, &it);
        std::fs::create_dir_all(&directory).map_err(fault)?;
        sync_directory(data.path())?;
        for entry in std::fs::read_dir(&directory).map_err(fault)? {
            let path = entry.map_err(fault)?.path();
            if path.extension().is_some_and(|it| it == "part") {
                std::fs::remove_file(&path).map_err(fault)?;
            }
        }
        Ok(Self { directory, parts: AtomicU64::new(0) })
    }

    /// Where the module is, or would be.
    #[must_use]
    pub fn path(&self, hash: ModuleHash) -> PathBuf {
        self.directory.join(hash.to_string())
    }

    /// Whether it is here, and its size. Says nothing about its bytes: see `verify`.
    ///
    /// # Errors
    /// `StorageFault`.
    pub fn have(&self, hash: ModuleHash) -> Result<Option<u64>, StorageFault> {
        let path = self.path(hash);
        match std::fs::metadata(&path) {
            Ok(it) => Ok(it.is_file().then_some(it.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StorageFault::io(&path, &error)),
        }
    }

    /// Keeps a module.
    ///
    /// # Errors
    /// `ModuleError`.
    pub fn put(&self, bytes: &[u8]) -> Result<ModuleHash, ModuleError> {
        let hash = ModuleHash::of(bytes);
        let mut writer = self.writer(hash)?;
        writer.write(bytes)?;
        writer.finish()?;
        Ok(hash)
    }

    /// Begins to keep a module that comes in pieces. Several may come for one hash.
    ///
    /// # Errors
    /// `ModuleError::Fault`.
    pub fn writer(&self, hash: ModuleHash) -> Result<ModuleWriter, ModuleError> {
        let number = self.parts.fetch_add(1, Ordering::Relaxed);
        let part = self.directory.join(format!("{hash}.{number}.part"));
        let file = File::create(&part).map_err(|it| StorageFault::io(&part, &it))?;
        let (path, hasher) = (self.path(hash), blake3::Hasher::new());
        Ok(ModuleWriter { file, part, path, hash, hasher: Box::new(hasher), bytes: 0, kept: false })
    }

    /// Reads at most `bytes_max` (and 1 MiB) at `offset`; empty at the end.
    ///
    /// # Errors
    /// `ModuleError::Absent` or `ModuleError::Fault`.
    pub fn read(
        &self,
        hash: ModuleHash,
        offset: u64,
        bytes_max: usize,
    ) -> Result<Vec<u8>, ModuleError> {
        let path = self.path(hash);
        let mut file = open(&path, hash)?;
        let mut chunk = Vec::new();
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.take(bytes_max.min(CHUNK_BYTES_MAX) as u64).read_to_end(&mut chunk))
            .map_err(|it| StorageFault::io(&path, &it))?;
        Ok(chunk)
    }

    /// Reads a module whole. What is returned has the hash.
    ///
    /// # Errors
    /// `ModuleError::WrongHash` when its bytes have changed: it must be fetched again.
    pub fn load(&self, hash: ModuleHash) -> Result<Vec<u8>, ModuleError> {
        let path = self.path(hash);
        let mut bytes = Vec::new();
        open(&path, hash)?
            .take(MODULE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(|it| StorageFault::io(&path, &it))?;
        let found = ModuleHash::of(&bytes);
        if found != hash {
            return Err(ModuleError::WrongHash { expected: hash, found });
        }
        Ok(bytes)
    }

    /// Reads a module to see whether its bytes are still those of its hash.
    ///
    /// # Errors
    /// `ModuleError::WrongHash`, `ModuleError::Absent` or `ModuleError::Fault`.
    pub fn verify(&self, hash: ModuleHash) -> Result<(), ModuleError> {
        let path = self.path(hash);
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(open(&path, hash)?).map_err(|it| StorageFault::io(&path, &it))?;
        let found = ModuleHash(*hasher.finalize().as_bytes());
        if found == hash { Ok(()) } else { Err(ModuleError::WrongHash { expected: hash, found }) }
    }

    /// All modules that are here, by hash.
    ///
    /// # Errors
    /// `StorageFault`.
    pub fn list(&self) -> Result<Vec<ModuleHash>, StorageFault> {
        let fault = |it: std::io::Error| StorageFault::io(&self.directory, &it);
        let mut hashes = Vec::new();
        for entry in std::fs::read_dir(&self.directory).map_err(fault)? {
            let name = entry.map_err(fault)?.file_name();
            hashes.extend(name.to_str().and_then(ModuleHash::from_hex));
        }
        hashes.sort_unstable();
        Ok(hashes)
    }

    /// Removes a module that is no longer deployed, or is damaged; says whether it was here.
    ///
    /// # Errors
    /// `StorageFault`.
    pub fn remove(&self, hash: ModuleHash) -> Result<bool, StorageFault> {
        let path = self.path(hash);
        match std::fs::remove_file(&path) {
            Ok(()) => sync_directory(&self.directory).map(|()| true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(StorageFault::io(&path, &error)),
        }
    }

    /// Removes every module that is not in `keep`; says which.
    ///
    /// # Errors
    /// `StorageFault`.
    pub fn remove_surplus(&self, keep: &[ModuleHash]) -> Result<Vec<ModuleHash>, StorageFault> {
        let mut surplus = self.list()?;
        surplus.retain(|it| !keep.contains(it));
        for &hash in &surplus {
            self.remove(hash)?;
        }
        Ok(surplus)
    }
}

fn open(path: &Path, hash: ModuleHash) -> Result<File, ModuleError> {
    File::open(path).map_err(|error| {
        if error.kind() == ErrorKind::NotFound {
            return ModuleError::Absent(hash);
        }
        StorageFault::io(path, &error).into()
    })
}

/// A module on its way in. Dropped before `finish`, nothing is kept.
#[derive(Debug)]
pub struct ModuleWriter {
    file: File,
    part: PathBuf,
    path: PathBuf,
    hash: ModuleHash,
    hasher: Box<blake3::Hasher>,
    bytes: u64,
    kept: bool,
}

impl ModuleWriter {
    /// Takes the next piece.
    ///
    /// # Errors
    /// `ModuleError::TooLarge` or `ModuleError::Fault`.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), ModuleError> {
        self.bytes += piece.len() as u64;
        if self.bytes > MODULE_BYTES_MAX {
            return Err(ModuleError::TooLarge);
        }
        self.hasher.update(piece);
        self.file.write_all(piece).map_err(|it| StorageFault::io(&self.part, &it).into())
    }

    /// Bytes taken so far.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Keeps the module durably under its name, if it is the one that was announced.
    ///
    /// # Errors
    /// `ModuleError::WrongHash` or `ModuleError::Fault`; then nothing is kept.
    pub fn finish(mut self) -> Result<(), ModuleError> {
        let found = ModuleHash(*self.hasher.finalize().as_bytes());
        if found != self.hash {
            return Err(ModuleError::WrongHash { expected: self.hash, found });
        }
        let fault = |it: std::io::Error| StorageFault::io(&self.part, &it);
        self.file.sync_all().map_err(fault)?;
        std::fs::rename(&self.part, &self.path).map_err(fault)?;
        self.kept = true;
        sync_directory(self.path.parent().expect("a module lies in a directory"))?;
        Ok(())
    }
}

impl Drop for ModuleWriter {
    fn drop(&mut self) {
        if !self.kept {
            // What is left is cleared at the next start.
            let _ = std::fs::remove_file(&self.part);
        }
    }
}
