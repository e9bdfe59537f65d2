//! Module blobs: read, written, kept and removed on the thread of files.
use super::files::Job;
use super::{Shelf, Store};
use bytes::Bytes;
use hotpair_core::EngineIndex;
use hotpair_replication as replication;
use hotpair_storage::{ModuleError, ModuleHash};
use tokio::sync::oneshot;

impl Store {
    /// Reads bytes of a module, then reports `BlobRead`.
    pub fn read_blob(
        &self,
        engine: EngineIndex,
        hash: replication::ModuleHash,
        offset: u64,
        bytes_max: usize,
    ) {
        self.ask(Job::ReadBlob { engine, hash, offset, bytes_max });
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
        self.ask(Job::WriteBlob { engine, hash, offset, bytes, last });
    }

    /// Deletes a module's bytes when no engine needs them any more.
    pub fn remove_blob(&self, engine: EngineIndex, hash: replication::ModuleHash) {
        self.ask(Job::RemoveBlob { engine, hash });
    }

    /// Keeps the bytes of a module durably, reports `BlobHere` to the engine, then answers with
    /// their hash: for `module add`.
    pub fn put_module(
        &self,
        engine: EngineIndex,
        bytes: Bytes,
    ) -> oneshot::Receiver<Result<replication::ModuleHash, ModuleError>> {
        let (done, answer) = oneshot::channel();
        self.ask(Job::PutModule { engine, bytes, done });
        answer
    }

    /// Reads a module whole; what is returned has the hash.
    pub fn load_module(
        &self,
        hash: replication::ModuleHash,
    ) -> oneshot::Receiver<Result<Vec<u8>, ModuleError>> {
        let (done, answer) = oneshot::channel();
        self.ask(Job::LoadModule { hash, done });
        answer
    }

    /// Modules as they can be run here.
    #[must_use]
    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// Whether a module's bytes are here, for `module list`.
    #[must_use]
    pub fn has_blob(&self, hash: replication::ModuleHash) -> bool {
        matches!(self.modules.have(ModuleHash(hash)), Ok(Some(_)))
    }
}
