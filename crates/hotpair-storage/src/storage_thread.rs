//! The thread that writes: takes batches from a bounded queue and commits all that wait as one
//! group, so that many writers share one fsync.
use crate::order_queue::{Ops, Order, QUEUE_BATCHES_MAX, Queue};
use crate::{CommitError, EngineReader, EngineStore, Op, StorageFault};
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

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

/// Closes the queue however the thread ends, so that nobody waits for ever.
struct CloseOnEnd(Arc<Queue>);

impl Drop for CloseOnEnd {
    fn drop(&mut self) {
        self.0.abandon();
    }
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
    queue: Arc<Queue>,
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
        let queue = Arc::new(Queue::default());
        let handle = StorageHandle { queue: Arc::clone(&queue), reader: store.reader() };
        let thread = std::thread::Builder::new()
            .name("hotpair-storage".into())
            .spawn(move || run(store, &CloseOnEnd(queue), completed))?;
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
        let Self { handle: StorageHandle { queue, reader }, thread } = self;
        // The files stay open as long as a reader is about: ours goes before the thread may end.
        drop(reader);
        queue.close();
        match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl StorageHandle {
    /// Queues a batch; its completion carries the ticket. Does not wait.
    ///
    /// # Errors
    /// `SubmitError` when it was not queued.
    pub fn submit(&self, ticket: u64, ops: Vec<Op>) -> Result<(), SubmitError> {
        self.queue.push(Order::Commit { ticket, ops: Ops::Made(ops) })
    }

    /// Queues a batch that nobody waits for, all of it for the local file. It goes along with the
    /// next batch that has to be written there, or alone when none has come for
    /// `QUIET_PAUSE`: what is urgent never waits behind it. Quiet batches keep their order.
    ///
    /// # Errors
    /// `SubmitError` when it was not queued.
    ///
    /// # Panics
    /// When an operation is not for the local file.
    pub fn submit_quietly(&self, ticket: u64, ops: Vec<Op>) -> Result<(), SubmitError> {
        assert!(ops.iter().all(Op::is_local), "only what is this node's own may wait");
        self.queue.push_quietly(Order::Commit { ticket, ops: Ops::Made(ops) })
    }

    /// As `submit`, and the batch is made on the storage thread: for translations that would keep
    /// the caller from its work.
    ///
    /// # Errors
    /// `SubmitError` when it was not queued.
    pub fn submit_with(
        &self,
        ticket: u64,
        make: impl FnOnce() -> Vec<Op> + Send + 'static,
    ) -> Result<(), SubmitError> {
        self.queue.push(Order::Commit { ticket, ops: Ops::Make(Box::new(make)) })
    }

    /// Queues a batch and waits until it is durable. Not for an async task.
    ///
    /// # Errors
    /// `WaitError`.
    pub fn commit(&self, ops: Vec<Op>) -> Result<(), WaitError> {
        let (answer, answered) = sync_channel(1);
        self.queue.push(Order::CommitAndAnswer { ops: Ops::Made(ops), answer })?;
        match answered.recv() {
            Ok(result) => Ok(result?),
            Err(_) => Err(WaitError::Ended),
        }
    }

    /// Sight of the store.
    #[must_use]
    pub const fn reader(&self) -> &EngineReader {
        &self.reader
    }
}

/// Why a batch that was waited for is not known to be durable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    /// It was not queued.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// It was not stored.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The thread ended meanwhile: the outcome is unknown.
    #[error("the storage ended: the outcome is unknown")]
    Ended,
}

enum Answer {
    Completion(u64),
    Sender(SyncSender<Result<(), CommitError>>),
}

fn run(
    mut store: EngineStore,
    queue: &CloseOnEnd,
    mut completed: impl FnMut(Vec<Completion>),
) -> Result<(), StorageFault> {
    loop {
        let group = queue.0.take();
        if group.is_empty() {
            return store.close();
        }
        commit(&mut store, group, &mut completed);
    }
}

fn commit(store: &mut EngineStore, group: Vec<Order>, completed: &mut impl FnMut(Vec<Completion>)) {
    let (ops, orders): (Vec<Vec<Op>>, Vec<Answer>) = group
        .into_iter()
        .map(|order| match order {
            Order::Commit { ticket, ops } => (ops.made(), Answer::Completion(ticket)),
            Order::CommitAndAnswer { ops, answer } => (ops.made(), Answer::Sender(answer)),
        })
        .unzip();
    let batches: Vec<&[Op]> = ops.iter().map(Vec::as_slice).collect();
    let results = store.commit_group(&batches);
    let mut completions = Vec::with_capacity(results.len());
    for (order, result) in orders.into_iter().zip(results) {
        match order {
            Answer::Completion(ticket) => completions.push(match result {
                Ok(()) => Completion::Stored { ticket },
                Err(error) => Completion::Failed { ticket, error },
            }),
            // Who asked may have gone.
            Answer::Sender(sender) => drop(sender.send(result)),
        }
    }
    if !completions.is_empty() {
        completed(completions);
    }
}
