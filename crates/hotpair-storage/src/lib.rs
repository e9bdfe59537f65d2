//! What a node remembers: replicated and local redb files, journals, divergence store, modules.
//!
//! ```text
//! <data_dir>/
//!   lock                       held by the one process that may touch the rest
//!   node.redb                  the instance count and other facts of the node
//!   engines/<engine>/
//!     replicated.redb          both journals: items, newest entries, keys, lineage and chain
//!     local.redb               record of the state machine, changes of role, divergence store,
//!                              local tables
//!     set-aside/<date>-<file>  damaged files, never deleted
//!   modules/<blake3>           module bytes, named by their hash
//! ```
//!
//! What stands in `replicated.redb` may travel to the partner, what stands in `local.redb` never
//! does: two files, so that no operation on one can reach the other. Nothing here decides; the
//! callers hand in plain values and get plain values back. No type of redb and no type that is
//! encoded on disk is public.
//!
//! What holds (docs/design/states.md, S5, S6, S8, S10, S11):
//! - a batch is durable when `commit` returns, whole or not at all per file, local before
//!   replicated; batches become durable in the order in which they were given;
//! - after one failed write everything fails until the files are opened again, and the failed one
//!   has an unknown outcome; it is never tried again;
//! - every record carries a checksum of ours over its table, key and value; one that fails is
//!   reported as [`Damaged`], never returned; nor is anything from a page of an open file that is
//!   not as this process wrote it or first read it.
//!
//! The modules below are in reading order.

#![warn(missing_docs)]

mod fault;
mod directory;
mod disk;
mod pages;
mod seal;
mod entry;
mod role_change;
mod divergence;
mod batch;
mod format;
mod table;
mod vault;
mod commit;
mod options;
mod engine_store;
mod engine_reader;
mod loaded;
mod scrub;
mod order_queue;
mod storage_thread;
mod node_store;
mod config_table;
mod local_table;
mod set_aside;
mod module_store;
#[cfg(feature = "aging")]
pub mod aging;

pub use batch::{Op, Swap};
pub use config_table::{ConfigTable, TableError};
pub use directory::{DataDirectory, LastFailure};
pub use disk::Disk;
pub use divergence::{Conflict, DivergenceId, DivergenceRecord, DivergenceUsage, Fate, Winning};
pub use engine_reader::EngineReader;
pub use engine_store::{EngineDisks, EngineStore, FileOrigin, OpenReport};
pub use entry::{Change, Entry, Head, Item, KeptKey, WriteKey};
pub use fault::{CommitError, Damaged, OpenError, Outcome, Refusal, StorageFault};
pub use loaded::{Loaded, LoadedJournal};
pub use local_table::{LocalError, LocalTable};
pub use module_store::{MODULE_BYTES_MAX, ModuleError, ModuleHash, ModuleStore, ModuleWriter};
pub use node_store::NodeStore;
pub use options::Options;
pub use order_queue::{QUEUE_BATCHES_MAX, QUIET_PAUSE};
pub use role_change::RoleChange;
pub use scrub::{ScrubCursor, ScrubProgress};
pub use set_aside::set_aside;
pub use storage_thread::{Completion, StorageHandle, StorageThread, SubmitError, WaitError};
pub use table::StoreFile;
