//! Who follows an engine by a name, and how far each has come: known on both nodes, so that the one that
//! takes over knows who was there and is still missing.
use crate::tags::DecodeError;
use crate::{Item, Post, ProviderError, RuntimeStateProvider, Update};
use bytes::Bytes;
use hotpair_types::{NodeTime, Position};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

/// The provider under whose name this travels.
pub const PROVIDER: &str = "subscribers";
/// How many are known of one engine.
pub const SUBSCRIBERS_MAX: usize = 1_024;
/// The longest name.
pub const NAME_BYTES_MAX: usize = 64;
/// Who has been away for longer is forgotten.
pub const AWAY_MAX: Duration = Duration::from_hours(24);

/// The first byte of a record. A change of the rest is another version; old ones stay readable.
const VERSION: u8 = 1;

/// What is known of one subscriber.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriber {
    /// The tags that it follows begin so.
    pub prefix: Box<str>,
    /// The number of the epoch of `sequence`.
    pub epoch: u64,
    /// How far in the runtime journal it has come.
    pub sequence: u64,
    /// It said so itself. Otherwise this was written to its connection, and may not have arrived.
    pub is_confirmed: bool,
    /// The node that it was connected to.
    pub node: Box<str>,
    /// It was connected when this was noted.
    pub was_connected: bool,
    /// When that was, by the clock of that node.
    pub at_millis: u64,
}

impl Subscriber {
    /// The bytes of the newest version.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let bytes = postcard::to_extend(self, vec![VERSION]);
        bytes.expect("a vector takes any number of bytes").into()
    }

    /// Reads the bytes of any version.
    ///
    /// # Errors
    /// `DecodeError` for whatever `encode` could not have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (&version, rest) = bytes.split_first().ok_or(DecodeError::Empty)?;
        if version != VERSION {
            return Err(DecodeError::Version { version });
        }
        let malformed = |reason| DecodeError::Malformed { reason };
        match postcard::take_from_bytes::<Self>(rest) {
            Ok((subscriber, [])) => Ok(subscriber),
            Ok(_) => Err(malformed("bytes after the record")),
            Err(_) => Err(malformed("not the record of a subscriber")),
        }
    }

    fn is_forgotten_at(&self, now: NodeTime) -> bool {
        let away = now.0.saturating_sub(self.at_millis);
        !self.was_connected && u128::from(away) > AWAY_MAX.as_millis()
    }
}

/// Whether a text can be a subscriber's name: letters, digits, `_`, `-`, `.`.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let legal = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-' | b'.');
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(legal)
}

/// All named subscribers of one engine, by name.
#[derive(Debug, Default)]
pub struct Subscribers {
    known: RwLock<BTreeMap<Box<str>, Subscriber>>,
}

impl Subscribers {
    /// Nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is known of one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Subscriber> {
        self.read().get(name).cloned()
    }

    /// All of them, by name.
    #[must_use]
    pub fn list(&self) -> Vec<(Box<str>, Subscriber)> {
        self.read().iter().map(|(name, it)| (name.clone(), it.clone())).collect()
    }

    /// Whether one more can be known: there is room, or this one is known.
    #[must_use]
    pub fn has_room_for(&self, name: &str) -> bool {
        let known = self.read();
        known.len() < SUBSCRIBERS_MAX || known.contains_key(name)
    }

    /// On the active: what is to be posted, so that the list says how far those are who are connected here,
    /// of the others that they are away, and nothing more of who was away too long. Changes nothing:
    /// what is posted is then applied here as at the partner.
    #[must_use]
    pub fn news(&self, here: &BTreeMap<Box<str>, Subscriber>, now: NodeTime) -> Vec<Post> {
        let known = self.read();
        let set =
            |name: &str, it: &Subscriber| Post { item: name.into(), value: Some(it.encode()) };
        let mut posts = Vec::new();
        for (name, old) in known.iter() {
            match here.get(name) {
                Some(new) if Subscriber { at_millis: old.at_millis, ..new.clone() } == *old => {}
                Some(new) => posts.push(set(name, new)),
                None if old.is_forgotten_at(now) => {
                    posts.push(Post { item: name.clone(), value: None });
                }
                None if old.was_connected => {
                    let away = Subscriber { was_connected: false, at_millis: now.0, ..old.clone() };
                    posts.push(set(name, &away));
                }
                None => {}
            }
        }
        let room = SUBSCRIBERS_MAX.saturating_sub(known.len());
        let new = here.iter().filter(|(name, _)| !known.contains_key(&**name)).take(room);
        posts.extend(new.map(|(name, it)| set(name, it)));
        posts
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<Box<str>, Subscriber>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn decoded(item: &str, value: &Bytes) -> Result<Subscriber, ProviderError> {
    if !is_name(item) {
        return Err(ProviderError::of_item(item, "no name of a subscriber"));
    }
    Subscriber::decode(value).map_err(|error| ProviderError::of_item(item, error))
}

impl RuntimeStateProvider for Subscribers {
    fn name(&self) -> &str {
        PROVIDER
    }

    fn apply(&self, update: &Update) -> Result<(), ProviderError> {
        let record = update.value.as_ref().map(|it| decoded(&update.item, it)).transpose()?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match record {
            Some(record) => drop(known.insert(update.item.clone(), record)),
            None => drop(known.remove(&update.item)),
        }
        Ok(())
    }

    fn snapshot(&self) -> Result<Vec<(Box<str>, Bytes)>, ProviderError> {
        Ok(self.read().iter().map(|(name, it)| (name.clone(), it.encode())).collect())
    }

    fn restore(&self, _at: Position, items: &[Item]) -> Result<(), ProviderError> {
        let mut all = BTreeMap::new();
        let mut failed = None;
        for Item { item, value, .. } in items {
            match decoded(item, value) {
                Ok(record) => drop(all.insert(item.clone(), record)),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = all;
        failed.map_or(Ok(()), Err)
    }
}
