//! The thread for what may wait: module bytes and their compilation, older entries of journals, and
//! a slow walk over every record to find what has rotted before it is needed.
use super::{Completion, Shelf, translation};
use bytes::Bytes;
use hotpair_core::{EngineIndex, StoreTicket};
use hotpair_fsm as fsm;
use hotpair_replication as replication;
use hotpair_storage::{
    EngineReader, ModuleError, ModuleHash, ModuleStore, ModuleWriter, ScrubCursor,
};
use hotpair_types::JournalKind;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How often a piece of the store is verified.
const SCRUB_PAUSE: Duration = Duration::from_secs(1);
/// How much of it: a day for 20 GiB.
const SCRUB_BYTES: u64 = 256 << 10;

/// One thing to do.
pub(super) enum Job {
    ReadJournal {
        engine: EngineIndex,
        ticket: replication::StoreTicket,
        kind: JournalKind,
        after: u64,
        until: u64,
        bytes_max: usize,
    },
    ReadBlob {
        engine: EngineIndex,
        hash: replication::ModuleHash,
        offset: u64,
        bytes_max: usize,
    },
    WriteBlob {
        engine: EngineIndex,
        hash: replication::ModuleHash,
        offset: u64,
        bytes: Bytes,
        last: bool,
    },
    RemoveBlob {
        engine: EngineIndex,
        hash: replication::ModuleHash,
    },
    PutModule {
        engine: EngineIndex,
        bytes: Bytes,
        done: oneshot::Sender<Result<replication::ModuleHash, ModuleError>>,
    },
    Admit {
        hash: replication::ModuleHash,
    },
    LoadModule {
        hash: replication::ModuleHash,
        done: oneshot::Sender<Result<Vec<u8>, ModuleError>>,
    },
}

/// What the thread works with.
pub(super) struct Files {
    pub(super) readers: Vec<EngineReader>,
    pub(super) modules: ModuleStore,
    pub(super) shelf: Shelf,
    pub(super) completions: mpsc::UnboundedSender<Completion>,
    /// Modules on their way in.
    pub(super) writers: BTreeMap<(u8, replication::ModuleHash), ModuleWriter>,
    /// Which engines do not need a module any more.
    pub(super) unneeded: BTreeMap<replication::ModuleHash, BTreeSet<u8>>,
    pub(super) cursors: Vec<ScrubCursor>,
}

impl Files {
    /// Works until nobody can ask any more.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            match jobs.recv_timeout(SCRUB_PAUSE) {
                Ok(job) => self.work(job),
                Err(RecvTimeoutError::Timeout) => self.scrub(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn work(&mut self, job: Job) {
        match job {
            Job::ReadJournal { engine, ticket, kind, after, until, bytes_max } => {
                let input = self.read_journal(engine, ticket, kind, after, until, bytes_max);
                self.tell(engine, input);
            }
            Job::ReadBlob { engine, hash, offset, bytes_max } => {
                let input = self.read_blob(hash, offset, bytes_max);
                self.tell(engine, input);
            }
            Job::WriteBlob { engine, hash, offset, bytes, last } => {
                let input = self.write_blob(engine, hash, offset, &bytes, last);
                self.tell(engine, input);
            }
            Job::RemoveBlob { engine, hash } => self.remove_blob(engine, hash),
            Job::PutModule { engine, bytes, done } => {
                let put = self.modules.put(&bytes).map(|it| it.0);
                if let Ok(hash) = put {
                    self.unneeded.remove(&hash);
                    // Whoever added it has put it there, unless it was removed in between.
                    self.shelf.admit(hash, &bytes);
                    self.tell(engine, replication::Input::BlobHere { hash });
                }
                // Who asked may have gone.
                drop(done.send(put));
            }
            Job::Admit { hash } => {
                if let Err(error) = self.admit(hash) {
                    tracing::warn!(module = %ModuleHash(hash), %error, "cannot be read");
                }
            }
            Job::LoadModule { hash, done } => drop(done.send(self.modules.load(ModuleHash(hash)))),
        }
    }

    /// Nobody listens any more only when the node ends.
    fn say(&self, completion: Completion) {
        self.completions.send(completion).ok();
    }

    fn tell(&self, engine: EngineIndex, input: replication::Input) {
        self.say(Completion::Data { engine, input });
    }

    fn fail(&self, engine: EngineIndex, why: String) {
        // Not the answer to an operation: the state machine knows no such ticket, and hears only
        // that the storage failed.
        let ticket = StoreTicket::Machine(fsm::Ticket(u64::MAX));
        self.say(Completion::Failed { engine, ticket, why });
    }

    fn read_journal(
        &self,
        engine: EngineIndex,
        ticket: replication::StoreTicket,
        kind: JournalKind,
        after: u64,
        until: u64,
        bytes_max: usize,
    ) -> replication::Input {
        let reader = &self.readers[usize::from(engine.0)];
        let entries = match reader.entries(kind, after + 1, until, bytes_max as u64) {
            Ok(entries) => {
                entries.into_iter().map(|it| translation::entry_back(kind, it)).collect()
            }
            Err(fault) => {
                self.fail(engine, fault.to_string());
                Vec::new()
            }
        };
        replication::Input::JournalRead { ticket, entries }
    }

    fn read_blob(
        &self,
        hash: replication::ModuleHash,
        offset: u64,
        bytes_max: usize,
    ) -> replication::Input {
        let size = self.modules.have(ModuleHash(hash));
        let read = self.modules.read(ModuleHash(hash), offset, bytes_max);
        match (size, read) {
            (Ok(Some(size)), Ok(bytes)) => {
                let last = offset + bytes.len() as u64 >= size;
                replication::Input::BlobRead { hash, offset, bytes: bytes.into(), last }
            }
            (size, read) => {
                tracing::warn!(module = %ModuleHash(hash), ?size, error = ?read.err(), "cannot be read");
                replication::Input::BlobRead { hash, offset, bytes: Bytes::new(), last: true }
            }
        }
    }

    fn write_blob(
        &mut self,
        engine: EngineIndex,
        hash: replication::ModuleHash,
        offset: u64,
        bytes: &[u8],
        last: bool,
    ) -> replication::Input {
        match self.try_write_blob(engine, hash, offset, bytes, last) {
            Ok(input) => input,
            Err(error) => {
                tracing::warn!(module = %ModuleHash(hash), %error, "cannot be kept");
                self.writers.remove(&(engine.0, hash));
                replication::Input::BlobLost { hash }
            }
        }
    }

    fn try_write_blob(
        &mut self,
        engine: EngineIndex,
        hash: replication::ModuleHash,
        offset: u64,
        bytes: &[u8],
        last: bool,
    ) -> Result<replication::Input, ModuleError> {
        let place = (engine.0, hash);
        let mut writer = match self.writers.remove(&place) {
            Some(writer) if offset > 0 => writer,
            Some(_) | None => self.modules.writer(ModuleHash(hash))?,
        };
        if writer.bytes() == offset {
            writer.write(bytes)?;
            if last {
                writer.finish()?;
                self.unneeded.remove(&hash);
                // Ahead of the word that it is here: a standby is level when it could act at once.
                self.admit(hash)?;
                return Ok(replication::Input::BlobHere { hash });
            }
        }
        // Bytes that do not follow are not taken; it is told from where to send.
        let until = writer.bytes();
        self.writers.insert(place, writer);
        Ok(replication::Input::BlobWritten { hash, until })
    }

    fn admit(&self, hash: replication::ModuleHash) -> Result<(), ModuleError> {
        self.shelf.admit(hash, &self.modules.load(ModuleHash(hash))?);
        if let Some(Err(refused)) = self.shelf.get(hash) {
            tracing::warn!(module = %ModuleHash(hash), %refused, "cannot be run here");
        }
        Ok(())
    }

    fn remove_blob(&mut self, engine: EngineIndex, hash: replication::ModuleHash) {
        let unneeded = self.unneeded.entry(hash).or_default();
        unneeded.insert(engine.0);
        if unneeded.len() < self.readers.len() {
            return;
        }
        self.unneeded.remove(&hash);
        self.shelf.remove(hash);
        match self.modules.remove(ModuleHash(hash)) {
            Ok(_) => tracing::info!(module = %ModuleHash(hash), "removed: it is deployed nowhere"),
            Err(fault) => tracing::warn!(module = %ModuleHash(hash), %fault, "cannot be removed"),
        }
    }

    fn scrub(&mut self) {
        for index in 0..self.readers.len() {
            let engine = EngineIndex(u8::try_from(index).expect("at most 8 engines"));
            match self.readers[index].scrub_step(&mut self.cursors[index], SCRUB_BYTES) {
                Ok(progress) if progress.complete => tracing::debug!(?engine, "scrub complete"),
                Ok(_) => {}
                Err(fault) => {
                    // Said again with every walk until the process ends: it is not forgotten.
                    self.cursors[index] = ScrubCursor::default();
                    self.fail(engine, fault.to_string());
                }
            }
        }
    }
}
