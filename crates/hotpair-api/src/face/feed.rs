//! A subscription: a bounded queue from the node to one client. Who is too slow is let go.
use super::{Event, FeedProgress, ObjectAlarm, PositionStatus, Tag};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::sync::mpsc;

/// What a client wants to follow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscribeRequest {
    /// Whether tags are wanted; those whose path begins with `prefix`.
    pub tags: bool,
    /// Which tags.
    pub prefix: String,
    /// Whether alarms of objects are wanted: all of them as they are, and then each change.
    pub alarms: bool,
    /// Whether events are wanted.
    pub events: bool,
    /// The last runtime sequence the client has. What came after it is sent first; when that is
    /// no longer known, or there is none, all values are sent.
    pub last: Option<u64>,
    /// The number of the epoch of `last`, if the client knows it: then a history that was changed
    /// meanwhile is noticed.
    pub last_epoch: Option<u64>,
    /// Events above this number are sent first; absent: only new ones.
    pub since_event: Option<u64>,
    /// Under which name both nodes are to know it. Without `last` it goes on from where it said that it is.
    pub name: Option<String>,
}

/// How a subscription begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedStart {
    /// True: what follows is exactly what came after `last`. False: all values follow first.
    pub resumed: bool,
    /// The runtime journal's end at the start.
    pub position: PositionStatus,
}

/// One message to a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FeedItem {
    /// A tag has a new value.
    Tag(Tag),
    /// A tag is no longer declared.
    TagRemoved {
        /// Its path.
        path: String,
        /// The sequence of the entry that says so.
        sequence: u64,
    },
    /// An alarm of an object is as it says here.
    Alarm(Box<ObjectAlarm>),
    /// An alarm is no longer declared.
    AlarmRemoved {
        /// The object.
        object: String,
        /// Its alarm.
        alarm: String,
    },
    /// Something happened.
    Event {
        /// What.
        event: Event,
    },
    /// Everything that was to be sent first has been sent; what follows is live.
    Level {
        /// Where the client stands now.
        position: PositionStatus,
    },
}

/// Why a feed ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedEnd {
    /// The node ended it: it stops, or the engine was undeployed.
    Node,
    /// The client did not keep up, and its queue was full.
    Lagged,
    /// The history was replaced (an election was lost): begin again with all values.
    Replaced,
}

/// The queue to this client is full: let it go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client does not keep up")]
pub struct Lagged;

/// The client's end.
#[derive(Debug)]
pub struct Feed {
    /// How it begins.
    pub start: FeedStart,
    /// How far the client has come, for the node to see.
    pub progress: FeedProgress,
    items: mpsc::Receiver<FeedItem>,
    end: Arc<AtomicU8>,
}

/// The node's end.
#[derive(Debug)]
pub struct FeedSender {
    items: mpsc::Sender<FeedItem>,
    end: Arc<AtomicU8>,
}

impl Feed {
    /// A queue of at most `items_max` items.
    #[must_use]
    pub fn new(start: FeedStart, items_max: usize) -> (FeedSender, Self) {
        let (sender, receiver) = mpsc::channel(items_max);
        let end = Arc::new(AtomicU8::new(0));
        let progress = FeedProgress::default();
        let feed = Self { start, progress, items: receiver, end: Arc::clone(&end) };
        (FeedSender { items: sender, end }, feed)
    }

    /// The next item; `None` at the end.
    pub async fn next(&mut self) -> Option<FeedItem> {
        self.items.recv().await
    }

    /// Another item that is here already.
    pub fn try_next(&mut self) -> Option<FeedItem> {
        self.items.try_recv().ok()
    }

    /// Why it ended; meaningful after `next` gave `None`.
    #[must_use]
    pub fn end(&self) -> FeedEnd {
        match self.end.load(Ordering::Acquire) {
            1 => FeedEnd::Lagged,
            2 => FeedEnd::Replaced,
            _ => FeedEnd::Node,
        }
    }
}

impl FeedSender {
    /// Gives an item to the client, never waits.
    ///
    /// # Errors
    /// `Lagged` when the queue is full or the client is gone: drop this sender.
    pub fn offer(&self, item: FeedItem) -> Result<(), Lagged> {
        self.items.try_send(item).map_err(|_| {
            self.end.store(1, Ordering::Release);
            Lagged
        })
    }

    /// Ends it because the history was replaced.
    pub fn replaced(self) {
        self.end.store(2, Ordering::Release);
    }

    /// Waits until the client is gone.
    pub async fn closed(&self) {
        self.items.closed().await;
    }
}
