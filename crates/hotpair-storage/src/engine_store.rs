//! The store of one engine: its two files, opened, written in groups, read, closed.
use crate::batch::Op;
use crate::commit::{Accounts, local, replicated};
use crate::directory::{CleanMark, DataDirectory, FailedMark, sync_directory};
use crate::vault::{Ground, Manner, Vault};
use crate::{
    CommitError, Disk, DivergenceUsage, EngineReader, LastFailure, OpenError, Options,
    StorageFault, StoreFile,
};
use hotpair_types::{EngineName, History, JournalKind};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The two disks of an engine, given instead of files.
#[derive(Debug)]
pub struct EngineDisks {
    /// Instead of `replicated.redb`.
    pub replicated: Box<dyn Disk>,
    /// Instead of `local.redb`.
    pub local: Box<dyn Disk>,
    /// Whether the store was closed the last time. `false` when in doubt.
    pub stopped_cleanly: bool,
}

/// How a file came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileOrigin {
    /// It is new: this engine has never been here.
    Created,
    /// It was there.
    Opened,
    /// It was made in place of one that was set aside, and nothing was written to it since.
    Replaced,
}

/// What opening found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenReport {
    /// The replicated file.
    pub replicated: FileOrigin,
    /// The local file.
    pub local: FileOrigin,
    /// Whether the last process closed it. Every page was verified in any case.
    pub stopped_cleanly: bool,
    /// After an unclean stop the newest commit of the replicated file did not verify, and the one
    /// before was taken. As a rule it was torn by the stop and nobody was told of it; that it was
    /// acknowledged and damaged since cannot be told from here, but the partner knows.
    pub went_back: bool,
    /// What ended the writing of the last process: what was verified came from the disk itself then,
    /// and not from the memory of the operating system.
    pub after_failure: Option<LastFailure>,
}

/// The store of one engine. One thread writes; `reader` gives others sight of it.
pub struct EngineStore {
    files: Arc<Files>,
    accounts: Accounts,
    options: Options,
    failed: Option<StorageFault>,
    marks: Option<(CleanMark, FailedMark)>,
}

pub(crate) struct Files {
    replicated: Vault,
    local: Vault,
}

impl Files {
    pub(crate) const fn vault(&self, which: StoreFile) -> &Vault {
        match which {
            StoreFile::Replicated => &self.replicated,
            StoreFile::Local | StoreFile::Node => &self.local,
        }
    }
}

impl fmt::Debug for EngineStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineStore")
            .field("replicated", &self.files.replicated.path)
            .field("positions", &self.history().positions())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

impl EngineStore {
    /// Opens the store of an engine, or makes it when the engine has never been here.
    ///
    /// # Errors
    /// `OpenError` with the file's name. When `OpenError::to_set_aside` names one, `set_aside`
    /// makes room for a new file and the partner's data.
    pub fn open(
        data: &DataDirectory,
        engine: &EngineName,
        options: Options,
    ) -> Result<(Self, OpenReport), OpenError> {
        let directory = data.engine(engine);
        let of = format!("engine {engine}");
        let exists = directory.try_exists().map_err(|it| StorageFault::io(&directory, &it))?;
        if !exists {
            create_directory(&directory, &of)?;
        }
        let (mark, stopped_cleanly) = CleanMark::take(&directory, "closed")?;
        let path = |which: StoreFile| directory.join(which.file_name());
        let failed = FailedMark::of(&directory);
        let after_failure = failed.distrust(&StoreFile::OF_ENGINE.map(path))?;
        let grounds = [Ground::File, Ground::File];
        let (mut store, mut report) =
            Self::open_vaults(path, grounds, &of, options, stopped_cleanly || !exists)?;
        if !exists {
            report.local = FileOrigin::Created;
            report.replicated = FileOrigin::Created;
        }
        if after_failure.is_some() {
            failed.take()?;
        }
        report.after_failure = after_failure;
        store.marks = Some((mark, failed));
        Ok((store, report))
    }

    /// Opens a store on given disks, or makes it when both are empty.
    ///
    /// # Errors
    /// As `open`; files are called by their plain names.
    pub fn open_with_disks(
        disks: EngineDisks,
        engine: &EngineName,
        options: Options,
    ) -> Result<(Self, OpenReport), OpenError> {
        let of = format!("engine {engine}");
        let path = |which: StoreFile| PathBuf::from(which.file_name());
        let fault = |which, error: std::io::Error| StorageFault::io(&path(which), &error);
        let local_is_empty = disks.local.is_empty().map_err(|it| fault(StoreFile::Local, it))?;
        let replicated_is_empty =
            disks.replicated.is_empty().map_err(|it| fault(StoreFile::Replicated, it))?;
        let grounds = [Ground::Disk(disks.local), Ground::Disk(disks.replicated)];
        if !(local_is_empty && replicated_is_empty) {
            for (which, is_empty) in
                [(StoreFile::Local, local_is_empty), (StoreFile::Replicated, replicated_is_empty)]
            {
                if is_empty {
                    return Err(OpenError::Missing { file: path(which), which });
                }
            }
            return Self::open_vaults(path, grounds, &of, options, disks.stopped_cleanly);
        }
        let mut vaults = Vec::new();
        for (which, ground) in StoreFile::OF_ENGINE.into_iter().zip(grounds) {
            let manner = manner(which, options, true);
            vaults.push(Vault::create(&path(which), ground, which, &of, false, manner)?);
        }
        let report = OpenReport {
            replicated: FileOrigin::Created,
            local: FileOrigin::Created,
            stopped_cleanly: true,
            went_back: false,
            after_failure: None,
        };
        let replicated = vaults.pop().expect("two were made");
        let local = vaults.pop().expect("two were made");
        Ok((Self::new(Files { replicated, local }, options)?, report))
    }

    fn open_vaults(
        path: impl Fn(StoreFile) -> PathBuf,
        grounds: [Ground; 2],
        of: &str,
        options: Options,
        stopped_cleanly: bool,
    ) -> Result<(Self, OpenReport), OpenError> {
        let [local, replicated] = grounds;
        let open = |which, ground| {
            Vault::open(&path(which), ground, which, of, manner(which, options, stopped_cleanly))
        };
        let local = open(StoreFile::Local, local)?;
        let replicated = open(StoreFile::Replicated, replicated)?;
        let went_back = replicated.went_back;
        let replaced = (replicated.replaced, local.replaced);
        let files = Files { replicated: replicated.vault, local: local.vault };
        let store = Self::new(files, options)?;
        let origin = |replaced: bool, untouched: bool| {
            if replaced && untouched { FileOrigin::Replaced } else { FileOrigin::Opened }
        };
        let no_role = store.reader().role()?.is_none();
        let report = OpenReport {
            replicated: origin(replaced.0, store.history().is_empty()),
            local: origin(replaced.1, no_role),
            stopped_cleanly,
            went_back,
            after_failure: None,
        };
        Ok((store, report))
    }

    fn new(files: Files, options: Options) -> Result<Self, OpenError> {
        let accounts = Accounts::read(&files.replicated, &files.local, options)?;
        Ok(Self { files: Arc::new(files), accounts, options, failed: None, marks: None })
    }

    /// Does all of a batch durably, or nothing of it per file; local before replicated.
    ///
    /// # Errors
    /// `CommitError`. After `CommitError::Unknown` nothing is written until it is opened again.
    pub fn commit(&mut self, batch: &[Op]) -> Result<(), CommitError> {
        self.commit_group(&[batch]).pop().expect("one result for one batch")
    }

    /// Does several batches with as few transactions as their order allows. They become durable
    /// in the order in which they are given. One result for each.
    pub fn commit_group(&mut self, batches: &[&[Op]]) -> Vec<Result<(), CommitError>> {
        let mut results: Vec<Result<(), CommitError>> = Vec::with_capacity(batches.len());
        let mut planned = self.history();
        let mut accepted = Vec::with_capacity(batches.len());
        for (index, batch) in batches.iter().enumerate() {
            match crate::commit::plan(batch, &planned) {
                Ok(history) => {
                    planned = history;
                    accepted.push(index);
                    results.push(Ok(()));
                }
                Err(refusal) => results.push(Err(CommitError::Refused(refusal))),
            }
        }
        let mut rest = accepted.as_slice();
        while !rest.is_empty() {
            let (run, later) = rest.split_at(run_length(batches, rest));
            rest = later;
            if let Some(fault) = &self.failed {
                for &index in run {
                    results[index] = Err(CommitError::NotTried(fault.clone()));
                }
                continue;
            }
            let ops = || run.iter().flat_map(|&index| batches[index].iter());
            if let Err(fault) = self.commit_run(ops) {
                tracing::error!(%fault, "a commit failed: nothing more is written");
                for &index in run {
                    results[index] = Err(CommitError::Unknown(fault.clone()));
                }
                if let Some((_, mark)) = &self.marks {
                    mark.put(&fault);
                }
                self.failed = Some(fault);
            }
        }
        results
    }

    fn commit_run<'a, I>(&mut self, ops: impl Fn() -> I) -> Result<(), StorageFault>
    where
        I: Iterator<Item = &'a Op>,
    {
        let mut accounts = self.accounts.clone();
        if ops().any(Op::is_local) {
            self.files.local.write(|writer| {
                local(writer, ops().filter(|it| it.is_local()), &mut accounts, self.options)
            })?;
            self.accounts = accounts.clone();
        }
        if ops().any(|it| !it.is_local()) {
            self.files.replicated.write(|writer| {
                replicated(writer, ops().filter(|it| !it.is_local()), &mut accounts, self.options)
            })?;
            self.accounts = accounts;
        }
        Ok(())
    }

    /// Why nothing is written any more, if so.
    #[must_use]
    pub const fn failed(&self) -> Option<&StorageFault> {
        self.failed.as_ref()
    }

    /// Where the stored journals end.
    #[must_use]
    pub fn history(&self) -> History {
        self.accounts.history()
    }

    /// Bytes of the stored entries of a journal.
    #[must_use]
    pub fn journal_bytes(&self, kind: JournalKind) -> u64 {
        self.accounts[kind].bytes
    }

    /// How much the divergence store holds.
    #[must_use]
    pub const fn divergence_usage(&self) -> DivergenceUsage {
        self.accounts.divergence
    }

    /// Sight of the store for other threads; goes on working after a failed write.
    #[must_use]
    pub fn reader(&self) -> EngineReader {
        EngineReader::new(Arc::clone(&self.files))
    }

    /// Closes both files and notes it, so that the next opening knows.
    ///
    /// # Errors
    /// `StorageFault` when a file could not be closed whole. The next opening then counts as after
    /// an unclean stop, as it does when a write failed or a reader is still about.
    pub fn close(self) -> Result<(), StorageFault> {
        let Ok(files) = Arc::try_unwrap(self.files) else {
            return Ok(());
        };
        files.replicated.close()?;
        files.local.close()?;
        match (self.marks, self.failed) {
            (Some((mark, _)), None) => mark.put(),
            (_, _) => Ok(()),
        }
    }
}

/// How many of the batches fit in one local and one replicated transaction without a later one
/// becoming durable before an earlier one.
fn run_length(batches: &[&[Op]], indices: &[usize]) -> usize {
    let mut replicated_seen = false;
    for (count, &index) in indices.iter().enumerate() {
        if replicated_seen && batches[index].iter().any(Op::is_local) {
            return count;
        }
        replicated_seen |= batches[index].iter().any(|it| !it.is_local());
    }
    indices.len()
}

/// How a file is opened. The local one is always committed in two phases: going back by one commit
/// after a power cut and damage at once would bring back an epoch that was used.
pub(crate) const fn manner(which: StoreFile, options: Options, stopped_cleanly: bool) -> Manner {
    let two_phase = match which {
        StoreFile::Local | StoreFile::Node => true,
        StoreFile::Replicated => options.replicated_two_phase,
    };
    let Options { quick_repair, cache_bytes, .. } = options;
    Manner { stopped_cleanly, quick_repair, two_phase, cache_bytes }
}

/// Makes the directory of an engine with both files, at once: it appears whole under its name.
fn create_directory(directory: &Path, of: &str) -> Result<(), OpenError> {
    let fault = |it: std::io::Error| StorageFault::io(directory, &it);
    let parent = directory.parent().expect("the directory of an engine lies in another");
    let unfinished = directory.with_extension("new");
    match std::fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(fault(error).into());
        }
        Ok(()) | Err(_) => {}
    }
    std::fs::create_dir(&unfinished).map_err(fault)?;
    for which in StoreFile::OF_ENGINE {
        let path = unfinished.join(which.file_name());
        let manner = manner(which, Options::default(), true);
        Vault::create(&path, Ground::File, which, of, false, manner)?.close()?;
    }
    sync_directory(&unfinished)?;
    std::fs::rename(&unfinished, directory).map_err(fault)?;
    sync_directory(parent)?;
    Ok(())
}
