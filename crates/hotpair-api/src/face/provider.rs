//! A program outside as a runtime state provider (docs/design/replication.md).
use super::{Reply, WriteOptions, WriteOutcome};
use hotpair_types::StateId;
use serde::{Deserialize, Serialize};
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
    /// Give a snapshot: answer with `ProviderSession::snapshot` and this id.
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
    /// The way from the node; bounded by the node. Begins with `Role` and `Restore`.
    pub events: mpsc::Receiver<ProviderEvent>,
}

impl std::fmt::Debug for ProviderStart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderStart").finish_non_exhaustive()
    }
}
