//! What waits for the storage thread: orders in a row, and quiet ones that go along with others.
use crate::{CommitError, Op, SubmitError};
use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Batches that may wait for the disk.
pub const QUEUE_BATCHES_MAX: usize = 131_072;
/// Batches that share one commit at most: bounds the memory of a transaction.
const GROUP_BATCHES_MAX: usize = 4_096;
/// So long a quiet batch waits for another one to go along with.
pub const QUIET_PAUSE: Duration = Duration::from_millis(50);

pub(crate) enum Order {
    Commit {
        ticket: u64,
        ops: Ops,
    },
    /// Answered apart from the completions.
    CommitAndAnswer {
        ops: Ops,
        answer: SyncSender<Result<(), CommitError>>,
    },
}

pub(crate) enum Ops {
    Made(Vec<Op>),
    /// To be made on the thread.
    Make(Box<dyn FnOnce() -> Vec<Op> + Send>),
}

impl Ops {
    pub(crate) fn made(self) -> Vec<Op> {
        match self {
            Self::Made(ops) => ops,
            Self::Make(make) => make(),
        }
    }
}

impl Order {
    /// Whether it is known to write the local file: then the quiet ones cost nothing beside it.
    fn is_local(&self) -> bool {
        let (Self::Commit { ops, .. } | Self::CommitAndAnswer { ops, .. }) = self;
        match ops {
            Ops::Made(ops) => ops.iter().any(Op::is_local),
            Ops::Make(_) => false,
        }
    }
}

#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    more: Condvar,
}

#[derive(Default)]
struct Waiting {
    orders: VecDeque<Order>,
    quiet: VecDeque<Order>,
    /// When the quiet ones wait for company no longer.
    quiet_until: Option<Instant>,
    /// No more orders are taken: the thread is asked to end, or has ended.
    closed: bool,
}

impl Waiting {
    fn admit(&self) -> Result<(), SubmitError> {
        if self.closed {
            return Err(SubmitError::Closed);
        }
        if self.orders.len() + self.quiet.len() >= QUEUE_BATCHES_MAX {
            return Err(SubmitError::Overloaded);
        }
        Ok(())
    }

    /// The next group; empty when nothing is due.
    fn group(&mut self, now: Instant) -> Vec<Order> {
        let due = self.closed || self.quiet_until.is_some_and(|it| it <= now);
        let count = self.orders.len().min(GROUP_BATCHES_MAX);
        let mut group: Vec<Order> = self.orders.drain(..count).collect();
        // Where the local file is written first, so that they share that transaction.
        let company = group.iter().position(Order::is_local);
        if let Some(at) = company.or_else(|| due.then_some(group.len())) {
            group.splice(at..at, self.quiet.drain(..));
            self.quiet_until = None;
        }
        group
    }
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that holds the lock can panic half way.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, order: Order) -> Result<(), SubmitError> {
        let mut waiting = self.waiting();
        waiting.admit()?;
        waiting.orders.push_back(order);
        drop(waiting);
        self.more.notify_one();
        Ok(())
    }

    pub(crate) fn push_quietly(&self, order: Order) -> Result<(), SubmitError> {
        let mut waiting = self.waiting();
        waiting.admit()?;
        waiting.quiet.push_back(order);
        let first = waiting.quiet_until.is_none();
        waiting.quiet_until.get_or_insert_with(|| Instant::now() + QUIET_PAUSE);
        drop(waiting);
        if first {
            self.more.notify_one();
        }
        Ok(())
    }

    /// The next group; empty when it is closed and nothing waits.
    pub(crate) fn take(&self) -> Vec<Order> {
        let mut waiting = self.waiting();
        loop {
            let now = Instant::now();
            let group = waiting.group(now);
            if waiting.closed || !group.is_empty() {
                return group;
            }
            waiting = match waiting.quiet_until {
                None => self.more.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let waited = self.more.wait_timeout(waiting, until - now);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Takes no more; what waits is still given out.
    pub(crate) fn close(&self) {
        self.waiting().closed = true;
        self.more.notify_all();
    }

    /// Takes no more, and forgets what waits.
    pub(crate) fn abandon(&self) {
        let mut waiting = self.waiting();
        waiting.closed = true;
        waiting.orders.clear();
        waiting.quiet.clear();
        drop(waiting);
        self.more.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use hotpair_types::JournalKind;

    fn order(ticket: u64, op: Op) -> Order {
        Order::Commit { ticket, ops: Ops::Made(vec![op]) }
    }

    fn role(ticket: u64) -> Order {
        order(ticket, Op::PutRole(Bytes::new()))
    }

    fn entries(ticket: u64) -> Order {
        order(ticket, Op::Append { journal: JournalKind::Runtime, entries: Vec::new() })
    }

    fn tickets(group: Vec<Order>) -> Vec<u64> {
        let ticket = |it| match it {
            Order::Commit { ticket, .. } => ticket,
            Order::CommitAndAnswer { .. } => panic!("nobody waits here"),
        };
        group.into_iter().map(ticket).collect()
    }

    #[test]
    fn quiet_orders_go_with_the_next_that_is_local_and_hold_up_no_other() {
        let start = Instant::now();
        let mut waiting = Waiting { quiet_until: Some(start + QUIET_PAUSE), ..Waiting::default() };
        waiting.quiet.extend([role(1), role(2)]);
        assert!(waiting.group(start).is_empty(), "nothing is due");
        waiting.orders.push_back(entries(3));
        assert_eq!(tickets(waiting.group(start)), [3]);
        waiting.orders.extend([entries(4), role(5), entries(6)]);
        assert_eq!(tickets(waiting.group(start)), [4, 1, 2, 5, 6]);
        assert_eq!(waiting.quiet_until, None);
        assert!(waiting.group(start + 2 * QUIET_PAUSE).is_empty());
    }

    #[test]
    fn quiet_orders_go_alone_after_their_pause_and_at_the_end() {
        let start = Instant::now();
        let mut waiting = Waiting { quiet_until: Some(start + QUIET_PAUSE), ..Waiting::default() };
        waiting.quiet.push_back(role(1));
        waiting.orders.push_back(entries(2));
        assert_eq!(tickets(waiting.group(start + QUIET_PAUSE)), [2, 1]);
        waiting.quiet.push_back(role(3));
        waiting.closed = true;
        assert_eq!(tickets(waiting.group(start)), [3]);
    }
}
