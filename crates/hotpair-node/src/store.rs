//! What the driver needs of storage: everything an engine starts from, operations with tickets,
//! completions. Translates between the values of the deciding crates and those of the disk.
mod files;
mod opening;
mod role;
mod blobs;
mod shelf;
pub(crate) mod suspect;
#[cfg(test)]
mod tests;
mod translation;

use crate::settings::Settings;
use bytes::Bytes;
use files::{Files, Job};
use hotpair_core::{EngineIndex, StoreOp, StoreTicket};
use hotpair_fsm as fsm;
use hotpair_replication as replication;
use hotpair_storage::{
    self as storage, DataDirectory, ModuleStore, NodeStore, StorageThread, StoreFile, SubmitError,
};
use hotpair_types::{EngineName, Instance, NodeTime};
pub use shelf::Shelf;
use std::collections::BTreeMap;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use tokio::sync::mpsc;

/// What one engine starts from.
#[derive(Debug)]
pub struct OpenedEngine {
    /// Its name.
    pub name: EngineName,
    /// What the state machine kept.
    pub record: fsm::Record,
    /// The data.
    pub data: replication::Boot,
    /// Stopped by a person before the process ended.
    pub undeployed: bool,
    /// What was found that a person should know, for example files that were set aside.
    pub remarks: Vec<String>,
    /// The changes of role that were kept, oldest first.
    pub changes: Vec<KeptChange>,
}

/// A change of role as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptChange {
    /// On the wall clock of this node.
    pub at: NodeTime,
    /// Which start of this node.
    pub instance: Instance,
    /// What was recorded.
    pub change: hotpair_storage::RoleChange,
}

/// What storage reports.
#[derive(Debug)]
pub enum Completion {
    /// An operation is durable.
    Stored {
        /// Of which engine.
        engine: EngineIndex,
        /// Which.
        ticket: StoreTicket,
    },
    /// An operation failed; whether it is on disk is unknown.
    Failed {
        /// Of which engine.
        engine: EngineIndex,
        /// Which.
        ticket: StoreTicket,
        /// Why, in words.
        why: String,
    },
    /// An answer for the replica: a journal read, a blob.
    Data {
        /// Of which engine.
        engine: EngineIndex,
        /// What to tell it.
        input: replication::Input,
    },
}

/// Where completions arrive.
pub type Completions = mpsc::UnboundedReceiver<Completion>;

/// Why the store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct OpenError(pub String);

/// The storage of a node: one writing thread per engine, and one for what may wait.
#[derive(Debug)]
pub struct Store {
    engines: Vec<StorageThread>,
    jobs: Sender<Job>,
    files: JoinHandle<()>,
    completions: mpsc::UnboundedSender<Completion>,
    instance: Instance,
    node: NodeStore,
    modules: ModuleStore,
    shelf: Shelf,
    /// Held to the end: nobody else may touch the directory.
    data: DataDirectory,
}

/// How a ticket goes through storage: the number and, in the lowest bits, whose it is.
mod ticket {
    use super::{StoreTicket, fsm};

    const MACHINE: u64 = 0;
    const REPLICA: u64 = 1;
    /// Nobody waits for it.
    pub(super) const NOBODY: u64 = 2;

    pub(super) const fn number(ticket: StoreTicket) -> u64 {
        match ticket {
            StoreTicket::Machine(it) => it.0 << 2 | MACHINE,
            StoreTicket::Replica(it) => it << 2 | REPLICA,
        }
    }

    pub(super) const fn of(number: u64) -> Option<StoreTicket> {
        match number & 3 {
            MACHINE => Some(StoreTicket::Machine(fsm::Ticket(number >> 2))),
            REPLICA => Some(StoreTicket::Replica(number >> 2)),
            _ => None,
        }
    }
}

impl Store {
    /// Opens the data directory: counts this start, opens every engine, verifies every module.
    /// Damaged files are set aside and made anew; the remarks of the engine say so.
    ///
    /// # Errors
    /// When another process has it open, or a file can be neither read nor set aside.
    pub fn open(
        settings: &Settings,
        tag: u64,
    ) -> Result<(Self, Vec<OpenedEngine>, Completions), OpenError> {
        let now = crate::clock::Clock::start().wall();
        let data = DataDirectory::lock(&settings.node.data_dir).map_err(words)?;
        let mut remarks = Vec::new();
        let mut node = open_node(&data, now, &mut remarks)?;
        let instance = node.next_instance(tag).map_err(words)?;
        let modules = ModuleStore::open(&data).map_err(words)?;
        let sound = sound_modules(&modules, &mut remarks)?;
        let options = storage::Options {
            config_journal_bytes_max: settings.config.journal_max_bytes,
            ..storage::Options::DEFAULT
        };
        let (sender, completions) = mpsc::unbounded_channel();
        let (mut threads, mut readers, mut opened) = (Vec::new(), Vec::new(), Vec::new());
        for (index, engine) in crate::boot::engines(settings).iter().enumerate() {
            let opening::Opened { store, engine: mut it } =
                opening::open(&data, engine, instance, &sound, options, now)?;
            // What concerns the node is said once.
            it.remarks.splice(0..0, remarks.drain(..));
            readers.push(store.reader());
            let index = EngineIndex(u8::try_from(index).expect("at most 8 engines"));
            let sender = sender.clone();
            let completed = move |them| report(&sender, index, them);
            threads.push(StorageThread::spawn(store, completed).map_err(words)?);
            opened.push(it);
        }
        let cursors = vec![storage::ScrubCursor::default(); readers.len()];
        let shelf = Shelf::default();
        let files = Files {
            readers,
            shelf: shelf.clone(),
            modules: ModuleStore::open(&data).map_err(words)?,
            completions: sender.clone(),
            writers: BTreeMap::new(),
            unneeded: BTreeMap::new(),
            cursors,
        };
        let (jobs, inbox) = std::sync::mpsc::channel();
        let files = std::thread::Builder::new()
            .name("hotpair-files".to_owned())
            .spawn(move || files.run(&inbox))
            .map_err(words)?;
        // Compiled while the node begins.
        for &hash in &sound {
            jobs.send(Job::Admit { hash }).map_err(words)?;
        }
        let store = Self {
            engines: threads,
            jobs,
            files,
            completions: sender,
            instance,
            node,
            modules,
            shelf,
            data,
        };
        Ok((store, opened, completions))
    }

    /// This start of the node.
    #[must_use]
    pub const fn instance(&self) -> Instance {
        self.instance
    }

    /// The directory that is held.
    #[must_use]
    pub const fn data(&self) -> &DataDirectory {
        &self.data
    }

    /// Carries out an operation, in the order of the calls per engine.
    pub fn submit(&self, engine: EngineIndex, ticket: StoreTicket, op: StoreOp) {
        let number = ticket::number(ticket);
        let handle = self.engines[usize::from(engine.0)].handle();
        let submitted = match op {
            StoreOp::Record(record) => {
                let bytes = Bytes::from(role::encode(&record));
                handle.submit(number, vec![storage::Op::PutRole(bytes)])
            }
            // Translated where the disk is waited for anyway.
            StoreOp::Data(op) => handle.submit_with(number, move || translation::data_ops(op)),
        };
        if let Err(error) = submitted {
            // Nothing of it is on the disk; for the replica an unknown outcome is as good.
            let failed = Completion::Failed { engine, ticket, why: error.to_string() };
            self.completions.send(failed).ok();
        }
    }

    /// Keeps a change of role for ever.
    pub fn keep_change(&self, engine: EngineIndex, change: KeptChange) {
        let ops = vec![storage::Op::AppendRoleChange(change.change)];
        // It must not stand before the epoch, or the entries, that a change of role waits for.
        log_refusal(self.handle(engine).submit_quietly(ticket::NOBODY, ops));
    }

    /// Remembers over restarts that a person stopped an engine here.
    pub fn keep_undeployed(&self, engine: EngineIndex, undeployed: bool) {
        let (table, key) = (opening::NODE_TABLE.into(), opening::UNDEPLOYED_KEY.into());
        let op = if undeployed {
            storage::Op::PutLocal { table, key, value: Bytes::from_static(b"1") }
        } else {
            storage::Op::RemoveLocal { table, key }
        };
        log_refusal(self.handle(engine).submit(ticket::NOBODY, vec![op]));
    }

    /// Reads journal entries, then reports `replication::Input::JournalRead`.
    pub fn read_journal(
        &self,
        engine: EngineIndex,
        ticket: replication::StoreTicket,
        kind: hotpair_types::JournalKind,
        after: u64,
        until: u64,
        bytes_max: usize,
    ) {
        self.ask(Job::ReadJournal { engine, ticket, kind, after, until, bytes_max });
    }

    /// Handles of the storage of an engine, for local tables.
    #[must_use]
    pub fn handle(&self, engine: EngineIndex) -> &storage::StorageHandle {
        self.engines[usize::from(engine.0)].handle()
    }

    fn ask(&self, job: Job) {
        self.jobs.send(job).expect("the thread lives as long as somebody can ask");
    }

    /// Waits until everything submitted is durable and closes the files.
    ///
    /// # Panics
    /// When one of the threads did.
    pub fn close(self) {
        let Self { engines, jobs, files, node, data, .. } = self;
        drop(jobs);
        // Its readers would keep the files open.
        if let Err(panic) = files.join() {
            std::panic::resume_unwind(panic);
        }
        for engine in engines {
            if let Err(fault) = engine.close() {
                tracing::warn!(%fault, "a file could not be closed");
            }
        }
        if let Err(fault) = node.close() {
            tracing::warn!(%fault, "a file could not be closed");
        }
        drop(data);
    }
}

/// For what nobody waits for. A failure of the disk shows with the next operation.
fn log_refusal(submitted: Result<(), SubmitError>) {
    if let Err(error @ (SubmitError::Overloaded | SubmitError::Closed)) = submitted {
        tracing::warn!(%error, "not recorded");
    }
}

fn report(
    completions: &mpsc::UnboundedSender<Completion>,
    engine: EngineIndex,
    them: Vec<storage::Completion>,
) {
    for it in them {
        let Some(ticket) = ticket::of(it.ticket()) else {
            if let storage::Completion::Failed { error, .. } = it {
                tracing::warn!(%error, "not recorded");
            }
            continue;
        };
        // Nobody listens any more only when the node ends.
        completions
            .send(match it {
                storage::Completion::Stored { .. } => Completion::Stored { engine, ticket },
                storage::Completion::Failed { error, .. } => {
                    Completion::Failed { engine, ticket, why: error.to_string() }
                }
            })
            .ok();
    }
}

fn open_node(
    data: &DataDirectory,
    now: NodeTime,
    remarks: &mut Vec<String>,
) -> Result<NodeStore, OpenError> {
    let broken = match NodeStore::open(data) {
        Ok((node, _)) => return Ok(node),
        Err(error) if error.to_set_aside() == Some(StoreFile::Node) => error,
        Err(error) => return Err(words(error)),
    };
    // The count of starts begins again: the partner sees that and takes us for rolled back.
    remarks.push(format!("{broken}; it was set aside"));
    storage::set_aside(data, &EngineName::default(), StoreFile::Node, now).map_err(words)?;
    NodeStore::open(data).map(|it| it.0).map_err(words)
}

/// Modules that are still what their names say. Others are fetched again when they are needed.
fn sound_modules(
    modules: &ModuleStore,
    remarks: &mut Vec<String>,
) -> Result<Vec<replication::ModuleHash>, OpenError> {
    let mut sound = Vec::new();
    for hash in modules.list().map_err(words)? {
        match modules.verify(hash) {
            Ok(()) => sound.push(hash.0),
            Err(error) => remarks.push(format!("module {hash}: {error}")),
        }
    }
    Ok(sound)
}

fn words(error: impl std::fmt::Display) -> OpenError {
    OpenError(error.to_string())
}
