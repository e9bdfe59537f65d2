//! The thread that writes: takes batches from a bounded queue and commits all that wait as one
//! group, so that many writers share one fsync.
use crate::{CommitError, EngineReader, EngineStore, Op, StorageFault};
use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// Batches that may wait.
pub const QUEUE_BATCHES_MAX: usize = 4_096;
/// Batches that share one commit at most: bounds the memory of a transaction.
const GROUP_BATCHES_MAX: usize = 1_024;

/// What became of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completion {
    /// It is durable.
    Stored {
        /// The ticket it was submitted with.
        ticket: u64,
    },
    /// It is not known to be durable.
    Failed {
        /// The ticket it was submitted with.
        ticket: u64,
        /// Why, and what is known about it.
        error: CommitError,
    },
}

impl Completion {
    /// The ticket of the batch.
    #[must_use]
    pub const fn ticket(&self) -> u64 {
        match self {
            Self::Stored { ticket } | Self::Failed { ticket, .. } => *ticket,
        }
    }
}

/// Why a batch was not even queued. Nothing of it is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The disk does not keep up.
    #[error("overloaded: {QUEUE_BATCHES_MAX} batches wait for the disk")]
    Overloaded,
    /// The thread has ended.
    #[error("the storage is closed")]
    Closed,
}

enum Order {
    Commit {
        ticket: u64,
        ops: Vec<Op>,
    },
    /// Answered apart from the completions.
    CommitAndAnswer {
        ops: Vec<Op>,
        answer: SyncSender<Result<(), CommitError>>,
    },
    Close,
}

/// The thread that owns a store.
#[derive(Debug)]
pub struct StorageThread {
    handle: StorageHandle,
    thread: JoinHandle<Result<(), StorageFault>>,
}

/// Hands batches to the thread. Cheap to clone.
#[derive(Clone)]
pub struct StorageHandle {
    orders: SyncSender<Order>,
    reader: EngineReader,
}

impl fmt::Debug for StorageHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StorageHandle").field(&self.reader).finish()
    }
}

impl StorageThread {
    /// Starts the thread. `completed` is called on it, in the order of the tickets, once for each
    /// group; it must not block.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread.
    pub fn spawn(
        store: EngineStore,
        completed: impl FnMut(Vec<Completion>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (orders, queue) = sync_channel(QUEUE_BATCHES_MAX);
        let handle = StorageHandle { orders, reader: store.reader() };
        let thread = std::thread::Builder::new()
            .name("hotpair-storage".into())
            .spawn(move || run(store, &queue, completed))?;
        Ok(Self { handle, thread })
    }

    /// What others submit with.
    #[must_use]
    pub const fn handle(&self) -> &StorageHandle {
        &self.handle
    }

    /// Finishes what waits, closes the files and waits for the end.
    ///
    /// # Errors
    /// `StorageFault` when a file could not be closed whole.
    ///
    /// # Panics
    /// When the thread did.
    pub fn close(self) -> Result<(), StorageFault> {
        let Self { handle: StorageHandle { orders, reader }, thread } = self;
        drop(reader);
        // An error means that the thread has ended already; joining says how.
        let _ = orders.send(Order::Close);
        drop(orders);
        match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl StorageHandle {
    /// Queues a batch; its completion carries the ticket.
    ///
    /// # Errors
    /// `SubmitError` when it was not queued.
    pub fn submit(&self, ticket: u64, ops: Vec<Op>) -> Result<(), SubmitError> {
        self.orders.try_send(Order::Commit { ticket, ops }).map_err(|error| match error {
            TrySendError::Full(_) => SubmitError::Overloaded,
            TrySendError::Disconnected(_) => SubmitError::Closed,
        })
    }

    /// Queues a batch and waits until it is durable. Not for an async task.
    ///
    /// # Errors
    /// `CommitError`, or `None` when the storage is closed: then nothing of it is on the disk, or
    /// its outcome is unknown if that happened meanwhile.
    pub fn commit(&self, ops: Vec<Op>) -> Result<(), Option<CommitError>> {
        let (answer, answered) = sync_channel(1);
        self.orders.send(Order::CommitAndAnswer { ops, answer }).map_err(|_| None)?;
        match answered.recv() {
            Ok(result) => result.map_err(Some),
            Err(_) => Err(None),
        }
    }

    /// Sight of the store.
    #[must_use]
    pub const fn reader(&self) -> &EngineReader {
        &self.reader
    }
}

fn run(
    mut store: EngineStore,
    queue: &Receiver<Order>,
    mut completed: impl FnMut(Vec<Completion>),
) -> Result<(), StorageFault> {
    let mut group = Vec::new();
    let mut close = false;
    while !close {
        match queue.recv() {
            Ok(order) => group.push(order),
            Err(_) => break,
        }
        while group.len() < GROUP_BATCHES_MAX {
            match queue.try_recv() {
                Ok(order) => group.push(order),
                Err(_) => break,
            }
        }
        if let Some(end) = group.iter().position(|it| matches!(it, Order::Close)) {
            close = true;
            group.truncate(end);
        }
        commit(&mut store, &mut group, &mut completed);
    }
    store.close()
}

fn commit(
    store: &mut EngineStore,
    group: &mut Vec<Order>,
    completed: &mut impl FnMut(Vec<Completion>),
) {
    let batches: Vec<&[Op]> = group
        .iter()
        .map(|order| match order {
            Order::Commit { ops, .. } | Order::CommitAndAnswer { ops, .. } => ops.as_slice(),
            Order::Close => &[],
        })
        .collect();
    if batches.is_empty() {
        return;
    }
    let results = store.commit_group(&batches);
    let mut completions = Vec::with_capacity(results.len());
    for (order, result) in group.drain(..).zip(results) {
        match order {
            Order::Commit { ticket, .. } => completions.push(match result {
                Ok(()) => Completion::Stored { ticket },
                Err(error) => Completion::Failed { ticket, error },
            }),
            // Who asked may have gone.
            Order::CommitAndAnswer { answer, .. } => drop(answer.send(result)),
            Order::Close => {}
        }
    }
    if !completions.is_empty() {
        completed(completions);
    }
}
