//! A program outside as a runtime state provider (docs/design/replication.md).
use super::{Lagged, Reply, WriteOptions, WriteOutcome};
use hotpair_types::StateId;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc;

/// How values look in the client's messages. The node keeps bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderEncoding {
    /// Any JSON value; its text is what is kept.
    #[default]
    Json,
    /// A string in base64; its bytes are what is kept.
    Base64,
}

/// One item with its complete value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderItem {
    /// The item's name.
    pub item: String,
    /// Its value.
    pub value: Vec<u8>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderOp {
    /// The item has this value now.
    Set(ProviderItem),
    /// The item is gone.
    Remove {
        /// The item's name.
        item: String,
    },
    /// These are all items; others are gone.
    ReplaceAll(Vec<ProviderItem>),
}

/// Changes that travel together or not at all. The caller has applied them already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderPost {
    /// The changes, in order.
    pub ops: Vec<ProviderOp>,
    /// How the acknowledgement is wanted.
    pub options: WriteOptions,
}

/// What the node tells a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderEvent {
    /// The partner's changes: apply them.
    Apply {
        /// The changes, in order.
        ops: Vec<ProviderOp>,
        /// The sequence of their entry.
        sequence: u64,
        /// The number of the epoch that wrote them.
        epoch: u64,
    },
    /// The whole state: forget yours and take this.
    Restore {
        /// All items.
        items: Vec<ProviderItem>,
        /// The sequence it stands at.
        sequence: u64,
        /// The number of the epoch.
        epoch: u64,
    },
    /// The journal has nothing of this provider, and its engine is active here: give what there is
    /// with `ProviderSession::snapshot` and this id. Comes in place of the first `Restore`.
    SnapshotWanted {
        /// To be repeated in the answer.
        id: u64,
    },
    /// The engine's state on this node; only an active one may post.
    Role {
        /// The state.
        state: StateId,
        /// The number of the epoch.
        epoch: u64,
    },
    /// The node ends the session.
    Close {
        /// One sentence.
        reason: String,
    },
}

/// A registered provider. Dropping it takes the registration back.
pub trait ProviderSession: Send + Sync + 'static {
    /// Sends changes to the partner. Not delivered back here.
    fn post(&self, post: ProviderPost) -> Reply<'_, WriteOutcome>;

    /// Answers `ProviderEvent::SnapshotWanted`.
    fn snapshot(&self, id: u64, items: Vec<ProviderItem>) -> Reply<'_, ()>;
}

/// What a registration gives.
pub struct ProviderStart {
    /// The way to the node.
    pub session: Box<dyn ProviderSession>,
    /// The way from the node. Begins with `Role`, and `Restore` or `SnapshotWanted`.
    pub events: ProviderEvents,
}

/// The way of events to a program, bounded. A program that does not keep up has missed something,
/// so its session ends.
#[derive(Debug)]
pub struct ProviderEvents {
    first: VecDeque<ProviderEvent>,
    events: mpsc::Receiver<ProviderEvent>,
    lagged: Arc<AtomicBool>,
}

/// The node's end of it.
#[derive(Clone, Debug)]
pub struct ProviderEventSender {
    events: mpsc::Sender<ProviderEvent>,
    lagged: Arc<AtomicBool>,
}

/// Why the events of a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderEnd {
    /// The node ended the session.
    Node,
    /// The program did not keep up: it has missed events, and must begin again with a restore.
    Lagged,
}

impl ProviderEvents {
    /// At most `events_max` of them wait.
    #[must_use]
    pub fn new(events_max: usize) -> (ProviderEventSender, Self) {
        let (sender, events) = mpsc::channel(events_max);
        let lagged = Arc::new(AtomicBool::new(false));
        let sender = ProviderEventSender { events: sender, lagged: Arc::clone(&lagged) };
        (sender, Self { first: VecDeque::new(), events, lagged })
    }

    /// These come before those that were sent.
    #[must_use]
    pub fn begin_with(mut self, first: impl IntoIterator<Item = ProviderEvent>) -> Self {
        self.first.extend(first);
        self
    }

    /// The next one; `None` at the end. What still waits for a program that did not keep up is
    /// thrown away: it cannot be used without what is missing.
    pub async fn next(&mut self) -> Option<ProviderEvent> {
        if self.end() == ProviderEnd::Lagged {
            return None;
        }
        if let Some(first) = self.first.pop_front() {
            return Some(first);
        }
        self.events.recv().await
    }

    /// Why it ended; meaningful after `next` gave `None`.
    #[must_use]
    pub fn end(&self) -> ProviderEnd {
        if self.lagged.load(Ordering::Acquire) { ProviderEnd::Lagged } else { ProviderEnd::Node }
    }
}

impl ProviderEventSender {
    /// Gives an event to the program, never waits.
    ///
    /// # Errors
    /// `Lagged` when too many wait or the program is gone: the session is over.
    pub fn offer(&self, event: ProviderEvent) -> Result<(), Lagged> {
        if self.lagged.load(Ordering::Acquire) {
            return Err(Lagged);
        }
        self.events.try_send(event).map_err(|_| {
            self.lagged.store(true, Ordering::Release);
            Lagged
        })
    }

    /// Whether the program is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.events.is_closed()
    }
}

impl std::fmt::Debug for ProviderStart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderStart").finish_non_exhaustive()
    }
}
