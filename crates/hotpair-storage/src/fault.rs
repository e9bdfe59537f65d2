//! What can go wrong between us and the disk, with the evidence.
use crate::StoreFile;
use std::fmt;
use std::path::PathBuf;

/// Something that does not hold what was written to it. Never served: S11.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// The file.
    pub file: PathBuf,
    /// Which one of the store it is.
    pub which: StoreFile,
    /// The table in it, when it is known.
    pub table: Option<&'static str>,
    /// The key of the record, readable, when it is known.
    pub key: Option<String>,
    /// What was found.
    pub found: String,
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is damaged", self.file.display())?;
        if let Some(table) = self.table {
            write!(f, ", table {table}")?;
        }
        if let Some(key) = &self.key {
            write!(f, ", record {key}")?;
        }
        write!(f, ": {}", self.found)
    }
}

/// Why reading or writing failed. Names the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageFault {
    /// No space is left.
    #[error("{}: the disk is full", file.display())]
    DiskFull {
        /// The file.
        file: PathBuf,
    },
    /// The operating system said no.
    #[error("{}: {detail}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The kind of error.
        kind: std::io::ErrorKind,
        /// The error in words.
        detail: String,
    },
    /// What is there is not what was written.
    #[error("{0}")]
    Damaged(Damaged),
    /// An error came before; the file must be opened again.
    #[error("{}: closed to writes by an earlier error", file.display())]
    Closed {
        /// The file.
        file: PathBuf,
    },
}

impl StorageFault {
    pub(crate) fn io(file: &std::path::Path, error: &std::io::Error) -> Self {
        let file = file.to_path_buf();
        let kind = error.kind();
        if matches!(kind, std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded) {
            return Self::DiskFull { file };
        }
        Self::Io { file, kind, detail: error.to_string() }
    }

    /// Whether it may go away by itself when space is freed.
    #[must_use]
    pub const fn is_disk_full(&self) -> bool {
        matches!(self, Self::DiskFull { .. })
    }

    /// The damage, if that is what it is.
    #[must_use]
    pub const fn damaged(&self) -> Option<&Damaged> {
        match self {
            Self::Damaged(it) => Some(it),
            Self::DiskFull { .. } | Self::Io { .. } | Self::Closed { .. } => None,
        }
    }
}

/// Why a store could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Another process works in the directory.
    #[error("{} is in use by another process{}", directory.display(), holder(*pid))]
    InUse {
        /// The data directory.
        directory: PathBuf,
        /// Who holds it, when it could be read.
        pid: Option<u32>,
    },
    /// One file is missing although the others are there.
    #[error("{} is missing although the rest of the engine's data is there", file.display())]
    Missing {
        /// The file that is not there.
        file: PathBuf,
        /// Which one of the store it is.
        which: StoreFile,
    },
    /// A newer hotpair wrote it; the older never overwrites the newer.
    #[error(
        "{} has data schema {found}, and release {} knows up to {known}: a newer release wrote it, and \
         nothing in it is changed. Start that release again; or take the records along (`hotpair config export` \
         there, `hotpair config import` here, with an empty data directory); or, when the partner runs \
         this release and has all that is wanted, move {} away: everything is copied from the partner, as \
         by `hotpair reinit`",
        file.display(),
        env!("CARGO_PKG_VERSION"),
        file.parent().unwrap_or(file).display()
    )]
    TooNew {
        /// The file.
        file: PathBuf,
        /// The schema in the file.
        found: u32,
        /// The newest schema this build knows.
        known: u32,
    },
    /// The file belongs to something else.
    #[error("{} is {found:?}, expected {expected:?}", file.display())]
    Misplaced {
        /// The file.
        file: PathBuf,
        /// What it says it is.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// It cannot be read, or is not what was written.
    #[error(transparent)]
    Fault(#[from] StorageFault),
}

impl OpenError {
    /// Which file must be set aside before the store can be opened again, if that would help.
    #[must_use]
    pub const fn to_set_aside(&self) -> Option<StoreFile> {
        match self {
            Self::Missing { which, .. }
            | Self::Fault(StorageFault::Damaged(Damaged { which, .. })) => Some(*which),
            Self::InUse { .. } | Self::TooNew { .. } | Self::Misplaced { .. } | Self::Fault(_) => {
                None
            }
        }
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map(|it| format!(" (pid {it})")).unwrap_or_default()
}

/// What is known about a batch that was not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing of it is on the disk.
    NotDone,
    /// It may be there after the next opening, or not.
    Unknown,
}

/// Why a batch was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// It makes no sense with what is stored. Nothing was written; others go on.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// The disk failed while it was being written. It may be there after the next opening, or not.
    #[error("the outcome is unknown: {0}")]
    Unknown(StorageFault),
    /// It was not tried, because an earlier one failed.
    #[error("not tried after an earlier failure: {0}")]
    NotTried(StorageFault),
}

impl CommitError {
    /// What is known about the batch.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Refused(_) | Self::NotTried(_) => Outcome::NotDone,
            Self::Unknown(_) => Outcome::Unknown,
        }
    }

    /// The fault of the disk, unless the batch was refused.
    #[must_use]
    pub const fn fault(&self) -> Option<&StorageFault> {
        match self {
            Self::Refused(_) => None,
            Self::Unknown(it) | Self::NotTried(it) => Some(it),
        }
    }
}

/// Why a batch makes no sense with what is stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Entries must follow each other.
    #[error("entry {found} does not follow {last}")]
    Gap {
        /// The last sequence of the journal.
        last: u64,
        /// The sequence of the entry.
        found: u64,
    },
    /// An entry of an epoch below the journal's.
    #[error("an entry of {found} after {last}")]
    EpochWentBack {
        /// The epoch the journal ends in.
        last: hotpair_types::Epoch,
        /// The epoch of the entry.
        found: hotpair_types::Epoch,
    },
    /// A record beyond `RECORD_BYTES_MAX`.
    #[error("a record of {bytes} bytes; at most {max}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// A key beyond `KEY_BYTES_MAX`.
    #[error("a key of {bytes} bytes; at most {max}")]
    KeyTooLong {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
}
