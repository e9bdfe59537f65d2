//! One redb file: opened with every doubt, read and written record by record, sealed.
mod ground;
mod reader;

pub(crate) use ground::Ground;
pub(crate) use reader::{ALL, Reader};

use crate::format::{Identity, Record, Unreadable, key};
use crate::pages::FirstDamage;
use crate::seal;
use crate::table::Table;
use crate::{Damaged, OpenError, StorageFault, StoreFile};
use redb::{ReadableDatabase, ReadableTable};
use std::any::Any;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The newest layout of tables and records this build knows.
pub(crate) const SCHEMA: u32 = 1;
pub(crate) const IDENTITY_KEY: &[u8] = b"identity";
/// Below this not even redb's own header fits.
const FILE_BYTES_MIN: u64 = 4096;

/// How a vault is opened and written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// Whether the last process that had it said goodbye.
    pub(crate) stopped_cleanly: bool,
    /// Whether redb commits in two phases and keeps what makes reopening quick.
    pub(crate) quick_repair: bool,
    /// Whether redb commits in two phases.
    pub(crate) two_phase: bool,
    /// Bytes of pages that redb keeps in memory.
    pub(crate) cache_bytes: usize,
}

/// A file that was there.
pub(crate) struct Found {
    pub(crate) vault: Vault,
    /// It was made in place of another.
    pub(crate) replaced: bool,
    /// The newest commit did not verify, and the one before was taken.
    pub(crate) went_back: bool,
}

/// One file.
pub(crate) struct Vault {
    database: redb::Database,
    /// Of the pages that changed behind our back.
    damage: Arc<FirstDamage>,
    pub(crate) which: StoreFile,
    pub(crate) path: PathBuf,
    manner: Manner,
}

impl Vault {
    /// Makes a new file, or initialises an empty disk. It says what it is from the first commit.
    pub(crate) fn create(
        path: &Path,
        ground: Ground,
        which: StoreFile,
        of: &str,
        replaced: bool,
        manner: Manner,
    ) -> Result<Self, OpenError> {
        let (database, damage) = guarded(path, which, || {
            let mut builder = redb::Builder::new();
            builder.set_cache_size(manner.cache_bytes);
            ground.open(path, &builder, true).map_err(|error| open_error(path, which, error))
        })?;
        let vault = Self { database, damage, which, path: path.into(), manner };
        let identity = Identity { schema: SCHEMA, of: format!("{of}, {which}"), replaced };
        vault.write(|writer| {
            for &table in which.tables() {
                writer.table(table)?;
            }
            writer.put(Table::Identity, IDENTITY_KEY, &identity)
        })?;
        Ok(vault)
    }

    /// Opens a file that must be there, whole, ours and of `of`.
    pub(crate) fn open(
        path: &Path,
        ground: Ground,
        which: StoreFile,
        of: &str,
        manner: Manner,
    ) -> Result<Found, OpenError> {
        let bytes = match &ground {
            Ground::File => std::fs::metadata(path).map(|it| it.len()),
            Ground::Disk(disk) => disk.len(),
        };
        let bytes = match bytes {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(OpenError::Missing { file: path.into(), which });
            }
            bytes => bytes.map_err(|error| StorageFault::io(path, &error))?,
        };
        if bytes < FILE_BYTES_MIN {
            let found = format!("{bytes} bytes long");
            return Err(damaged(path, which, found).into());
        }
        let went_back = Arc::new(AtomicBool::new(false));
        let (database, damage) = guarded(path, which, || {
            let mut builder = redb::Builder::new();
            builder.set_cache_size(manner.cache_bytes);
            // The only way of opening for which redb promises an error instead of a panic on a
            // file that something else changed. Reads the whole file.
            builder.set_check_integrity_on_open(true);
            let clean = manner.stopped_cleanly;
            let noted = Arc::clone(&went_back);
            builder.set_repair_callback(move |session| {
                // The step at 0.3 is reported only when the newest commit does not verify. After a
                // power cut that is, as a rule, a torn commit that nobody was told of; redb goes
                // back to the one before, and we say so. After a clean stop it is damage.
                if (0.2..0.5).contains(&session.progress()) {
                    noted.store(true, Ordering::Relaxed);
                    if clean {
                        session.abort();
                    }
                }
            });
            ground.open(path, &builder, false).map_err(|error| open_error(path, which, error))
        })?;
        let vault = Self { database, damage, which, path: path.into(), manner };
        let identity = vault
            .read(|reader| reader.get::<Identity>(Table::Identity, IDENTITY_KEY))?
            .ok_or_else(|| {
                vault.damaged(Some(Table::Identity), None, "it does not say what it is")
            })?;
        if identity.schema > SCHEMA {
            let file = path.into();
            return Err(OpenError::TooNew { file, found: identity.schema, known: SCHEMA });
        }
        let expected = format!("{of}, {which}");
        if identity.of != expected {
            return Err(OpenError::Misplaced { file: path.into(), found: identity.of, expected });
        }
        let went_back = went_back.load(Ordering::Relaxed);
        Ok(Found { vault, replaced: identity.replaced, went_back })
    }

    /// Does all of `work` in one durable transaction, or nothing of it.
    ///
    /// After an error it may be there when the file is opened again, or not.
    pub(crate) fn write(
        &self,
        work: impl FnOnce(&mut Writer<'_>) -> Result<(), StorageFault>,
    ) -> Result<(), StorageFault> {
        guarded(&self.path, self.which, || {
            let mut transaction = self.database.begin_write().map_err(|it| self.fault(it))?;
            transaction.set_two_phase_commit(self.manner.two_phase);
            transaction.set_quick_repair(self.manner.quick_repair);
            let mut writer = Writer {
                vault: self,
                transaction: &transaction,
                tables: BTreeMap::new(),
                scratch: Vec::new(),
            };
            work(&mut writer)?;
            drop(writer);
            transaction.commit().map_err(|it| self.fault(it))
        })
    }

    /// Reads from one consistent state.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Reader<'_>) -> Result<T, StorageFault>,
    ) -> Result<T, StorageFault> {
        guarded(&self.path, self.which, || {
            let transaction = self.database.begin_read().map_err(|it| self.fault(it))?;
            work(&Reader { vault: self, transaction: &transaction })
        })
    }

    /// Says goodbye to the file.
    pub(crate) fn close(self) -> Result<(), StorageFault> {
        let (path, which) = (self.path.clone(), self.which);
        guarded(&path, which, || {
            self.database.close().map_err(|error| fault(&path, which, error.into()))
        })
    }

    fn fault(&self, error: impl Into<redb::Error>) -> StorageFault {
        match (fault(&self.path, self.which, error.into()), self.damage.found()) {
            // redb says no more than that there was an error before: it is still that damage.
            (StorageFault::Closed { .. }, Some(found)) => self.damaged(None, None, found),
            (fault, _) => fault,
        }
    }

    pub(crate) fn damaged(
        &self,
        table: Option<Table>,
        record: Option<&[u8]>,
        found: impl Into<String>,
    ) -> StorageFault {
        StorageFault::Damaged(Damaged {
            file: self.path.clone(),
            which: self.which,
            table: table.map(Table::name),
            key: record.map(key::readable),
            found: found.into(),
        })
    }
}

fn damaged(path: &Path, which: StoreFile, found: impl Into<String>) -> StorageFault {
    let found = found.into();
    StorageFault::Damaged(Damaged { file: path.into(), which, table: None, key: None, found })
}

/// redb may panic on pages that were changed behind its back: that is damage, too.
fn guarded<T, E: From<StorageFault>>(
    path: &Path,
    which: StoreFile,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|payload| Err(damaged(path, which, words(payload.as_ref())).into()))
}

fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    format!("its pages make no sense: {}", text.unwrap_or("no reason given"))
}

fn fault(path: &Path, which: StoreFile, error: redb::Error) -> StorageFault {
    use std::io::ErrorKind;
    if let redb::Error::Io(error) = &error
        && !matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof)
    {
        return StorageFault::io(path, error);
    }
    if matches!(error, redb::Error::PreviousIo | redb::Error::DatabaseClosed) {
        return StorageFault::Closed { file: path.into() };
    }
    damaged(path, which, error.to_string())
}

fn open_error(path: &Path, which: StoreFile, error: redb::DatabaseError) -> OpenError {
    use redb::DatabaseError::{DatabaseAlreadyOpen, LockProtocolMismatch, RepairAborted};
    if matches!(error, DatabaseAlreadyOpen | LockProtocolMismatch) {
        return OpenError::InUse { directory: path.into(), pid: None };
    }
    if matches!(error, RepairAborted) {
        let found = "the newest commit does not verify although it was closed cleanly";
        return damaged(path, which, found).into();
    }
    fault(path, which, error.into()).into()
}

type OpenTable<'a> = redb::Table<'a, &'static [u8], &'static [u8]>;

/// One transaction that writes.
pub(crate) struct Writer<'a> {
    vault: &'a Vault,
    transaction: &'a redb::WriteTransaction,
    tables: BTreeMap<Table, OpenTable<'a>>,
    scratch: Vec<u8>,
}

impl<'a> Writer<'a> {
    fn table(&mut self, table: Table) -> Result<&mut OpenTable<'a>, StorageFault> {
        use std::collections::btree_map::Entry;
        match self.tables.entry(table) {
            Entry::Occupied(it) => Ok(it.into_mut()),
            Entry::Vacant(it) => {
                let opened = self.transaction.open_table(table.definition());
                Ok(it.insert(opened.map_err(|error| self.vault.fault(error))?))
            }
        }
    }

    /// Writes a record. Says how many bytes it takes now, and took before.
    pub(crate) fn put_with(
        &mut self,
        table: Table,
        key: &[u8],
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(u64, Option<u64>), StorageFault> {
        let mut record = std::mem::take(&mut self.scratch);
        record.clear();
        encode(&mut record);
        seal::seal(table.name(), key, &mut record);
        let vault = self.vault;
        let before = self
            .table(table)?
            .insert(key, record.as_slice())
            .map_err(|error| vault.fault(error))?
            .map(|it| (key.len() + it.value().len()) as u64);
        let now = (key.len() + record.len()) as u64;
        self.scratch = record;
        Ok((now, before))
    }

    /// Writes a record.
    pub(crate) fn put(
        &mut self,
        table: Table,
        key: &[u8],
        record: &impl Record,
    ) -> Result<(), StorageFault> {
        self.put_with(table, key, |to| record.write(to)).map(drop)
    }

    /// Removes a record. Says how many bytes it took.
    pub(crate) fn remove(&mut self, table: Table, key: &[u8]) -> Result<Option<u64>, StorageFault> {
        let vault = self.vault;
        let removed = self.table(table)?.remove(key).map_err(|error| vault.fault(error))?;
        Ok(removed.map(|it| (key.len() + it.value().len()) as u64))
    }

    /// Removes every record from `from` on, up to but without `to`, as long as `go_on` says so; it
    /// is told the bytes of each, and its body without a check. Says how many went and their bytes.
    pub(crate) fn remove_range(
        &mut self,
        table: Table,
        from: &[u8],
        to: Option<&[u8]>,
        mut go_on: impl FnMut(u64, &[u8]) -> bool,
    ) -> Result<(u64, u64), StorageFault> {
        let vault = self.vault;
        let fault = |error: redb::StorageError| vault.fault(error);
        let table = self.table(table)?;
        let end = to.map_or(Bound::Unbounded, Bound::Excluded);
        let (mut count, mut bytes, mut end_of_it) = (0, 0, None);
        for record in table.range::<&[u8]>((Bound::Included(from), end)).map_err(fault)? {
            let (key, value) = record.map_err(fault)?;
            let size = (key.value().len() + value.value().len()) as u64;
            let body = value.value().split_last_chunk::<{ seal::CHECKSUM_BYTES }>();
            if !go_on(size, body.map_or(&[], |it| it.0)) {
                end_of_it = Some(key.value().to_vec());
                break;
            }
            count += 1;
            bytes += size;
        }
        if count > 0 {
            let end = end_of_it.as_deref().map_or(end, Bound::Excluded);
            table
                .retain_in::<&[u8], _>((Bound::Included(from), end), |_, _| false)
                .map_err(fault)?;
        }
        Ok((count, bytes))
    }
}

fn opened<T>(
    vault: &Vault,
    table: Table,
    key: &[u8],
    record: &[u8],
    decode: impl FnOnce(&[u8]) -> Result<T, Unreadable>,
) -> Result<T, StorageFault> {
    let body = seal::open(table.name(), key, record)
        .ok_or_else(|| vault.damaged(Some(table), Some(key), "its checksum is wrong"))?;
    decode(body).map_err(|Unreadable| {
        vault.damaged(Some(table), Some(key), "its checksum is right, but it cannot be decoded")
    })
}
