//! What a vault stands on: a file or a given disk, and what is known of its pages.
use crate::Disk;
use crate::disk::DiskBackend;
use crate::pages::{CheckedPages, FirstDamage};
use redb::backends::FileBackend;
use redb::{Builder, Database, DatabaseError};
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;

/// What a vault stands on.
pub(crate) enum Ground {
    File,
    Disk(Box<dyn Disk>),
}

impl Ground {
    /// Opens the database on it. `new`: a file that is not there is made.
    pub(super) fn open(
        self,
        path: &Path,
        builder: &Builder,
        new: bool,
    ) -> Result<(Database, Arc<FirstDamage>), DatabaseError> {
        match self {
            Self::File => {
                let mut options = OpenOptions::new();
                options.read(true).write(true).create(new).truncate(false);
                let file = FileBackend::new(options.open(path)?)?;
                let (pages, damage) = CheckedPages::new(file);
                Ok((builder.create_with_backend(pages)?, damage))
            }
            Self::Disk(disk) => {
                let (pages, damage) = CheckedPages::new(DiskBackend(disk));
                Ok((builder.create_with_backend(pages)?, damage))
            }
        }
    }
}
