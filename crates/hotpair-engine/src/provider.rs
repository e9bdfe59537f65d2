//! The contract between the node and whatever holds live state.
use bytes::Bytes;
use hotpair_types::Position;

/// One change of one item, as it stands in the runtime journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Where the entry that carries it stands in the runtime journal. All updates of one entry
    /// share it.
    pub position: Position,
    /// The item within the provider.
    pub item: Box<str>,
    /// Its complete new value; `None`: the item is gone.
    pub value: Option<Bytes>,
}

/// One item of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The entry that last changed it.
    pub position: Position,
    /// The item within the provider.
    pub item: Box<str>,
    /// Its value.
    pub value: Bytes,
}

/// What a provider hands over to be posted: it has no position yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The item within the provider.
    pub item: Box<str>,
    /// Its complete new value; `None` removes it.
    pub value: Option<Bytes>,
}

impl Post {
    /// This change at the place the journal gave it.
    #[must_use]
    pub fn at(self, position: Position) -> Update {
        Update { position, item: self.item, value: self.value }
    }
}

/// Why a provider could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ProviderError {
    /// The item it is about, if it is about one.
    pub item: Option<Box<str>>,
    /// In words.
    pub reason: String,
}

impl ProviderError {
    /// An error that is about one item.
    #[must_use]
    pub fn of_item(item: &str, reason: impl ToString) -> Self {
        Self { item: Some(item.into()), reason: reason.to_string() }
    }
}

/// Something that holds live state: the engine's own tags, or a driver's.
///
/// The active node changes its state itself and then *posts* the change: posting sends it to the
/// partner and does **not** deliver it back here. (Config data is different: a change is posted
/// first, then executed.) On the standby, [`apply`](Self::apply) is called with what the active
/// posted, in the order of the journal. So a change is made in two places by two ways:
///
/// ```text
/// active:   change own state -> post(item, value) ---.
/// standby:                                           '--> apply(update) changes the state
/// ```
///
/// A value carries the whole new state of its item, so that applying the newest one is enough.
/// A provider may write to this node's local tables while it applies; it must not post then.
///
/// The calls come from one thread at a time, but a provider is usually shared with the program
/// that owns the state, hence `&self`.
pub trait RuntimeStateProvider: Send + Sync {
    /// The name under which its items travel. Does not change. Letters, digits, `-`, `_`, `.`.
    fn name(&self) -> &str;

    /// Takes one update from the partner.
    ///
    /// # Errors
    /// When the update cannot be applied. The node reports the provider and the item, and heals
    /// it by a snapshot.
    fn apply(&self, update: &Update) -> Result<(), ProviderError>;

    /// Takes all updates of one entry. A provider whose readers must never see half an entry does
    /// this in one step.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    fn apply_entry(&self, updates: &[Update]) -> Result<(), ProviderError> {
        updates.iter().try_for_each(|it| self.apply(it))
    }

    /// Gives the whole state, as items and values.
    ///
    /// # Errors
    /// When it cannot be given now.
    fn snapshot(&self) -> Result<Vec<(Box<str>, Bytes)>, ProviderError>;

    /// Replaces the whole state by that of the journal at `at`. Items that are not in it are gone.
    ///
    /// # Errors
    /// When an item cannot be restored; the rest should be restored all the same.
    fn restore(&self, at: Position, items: &[Item]) -> Result<(), ProviderError>;
}
