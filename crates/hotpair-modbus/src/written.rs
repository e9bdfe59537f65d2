//! What the plant was told last, as live state of a provider: an example of one (docs/writing-a-provider.md).
//!
//! The active writes to a device, then changes this and posts it. The partner takes what was posted. After a
//! takeover the new active knows what the old one had written, and shows it.
use bytes::Bytes;
use hotpair_engine::tags::TagRecord;
use hotpair_engine::{Item, Post, ProviderError, RuntimeStateProvider, Update};
use hotpair_types::Position;
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

/// The provider under whose name this travels.
pub const PROVIDER: &str = "modbus";

/// The last value that each output of each device was written with, and confirmed. The items are
/// `DEVICE/TAG`, their values as those of tags.
#[derive(Debug, Default)]
pub struct Written {
    held: RwLock<BTreeMap<Box<str>, TagRecord>>,
}

impl Written {
    /// Nothing was written.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The last value of an output; none when none is known to have been written.
    #[must_use]
    pub fn get(&self, device: &str, tag: &str) -> Option<TagRecord> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.get(&*item(device, tag)).cloned()
    }

    /// Notes what a device confirmed, and gives what is to be posted.
    #[must_use]
    pub fn set(&self, device: &str, tag: &str, record: TagRecord) -> Post {
        let value = Some(record.encode());
        let item: Box<str> = item(device, tag).into();
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.insert(item.clone(), record);
        Post { item, value }
    }

    /// Forgets devices and outputs that are not declared any more, and gives what is to be posted.
    #[must_use]
    pub fn keep(&self, is_declared: impl Fn(&str, &str) -> bool) -> Vec<Post> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let gone =
            held.keys().filter(|it| !it.split_once('/').is_some_and(|it| is_declared(it.0, it.1)));
        let gone: Vec<Box<str>> = gone.cloned().collect();
        for item in &gone {
            held.remove(item);
        }
        gone.into_iter().map(|item| Post { item, value: None }).collect()
    }
}

fn item(device: &str, tag: &str) -> String {
    format!("{device}/{tag}")
}

fn decoded(item: &str, value: &Bytes) -> Result<TagRecord, ProviderError> {
    TagRecord::decode(value).map_err(|error| ProviderError::of_item(item, error))
}

impl RuntimeStateProvider for Written {
    fn name(&self) -> &str {
        PROVIDER
    }

    fn apply(&self, update: &Update) -> Result<(), ProviderError> {
        let record = update.value.as_ref().map(|it| decoded(&update.item, it)).transpose()?;
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        match record {
            Some(record) => drop(held.insert(update.item.clone(), record)),
            None => drop(held.remove(&update.item)),
        }
        Ok(())
    }

    fn snapshot(&self) -> Result<Vec<(Box<str>, Bytes)>, ProviderError> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        Ok(held.iter().map(|(item, it)| (item.clone(), it.encode())).collect())
    }

    fn restore(&self, _at: Position, items: &[Item]) -> Result<(), ProviderError> {
        let mut whole = BTreeMap::new();
        let mut failed = None;
        for Item { item, value, .. } in items {
            match decoded(item, value) {
                Ok(record) => drop(whole.insert(item.clone(), record)),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = whole;
        failed.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hotpair_engine::tags::{Quality, Value};
    use hotpair_types::NodeTime;

    fn record(value: f64) -> TagRecord {
        TagRecord { value: Value::Float(value), quality: Quality::Good, timestamp: NodeTime(7) }
    }

    #[test]
    fn the_partner_has_what_was_posted_and_a_snapshot_is_the_whole() {
        let (one, other) = (Written::new(), Written::new());
        let at = Position::default();
        for post in [
            one.set("plc", "tank/pump", record(1.0)),
            one.set("plc", "tank/pump", record(2.0)),
            one.set("old", "tank/pump", record(3.0)),
        ] {
            other.apply(&post.at(at)).expect("an update");
        }
        for post in one.keep(|device, _| device == "plc") {
            other.apply(&post.at(at)).expect("an update");
        }
        assert_eq!(other.get("plc", "tank/pump"), Some(record(2.0)));
        assert_eq!(other.get("old", "tank/pump"), None);
        let items = one.snapshot().expect("a snapshot").into_iter();
        let items: Vec<_> = items.map(|(item, value)| Item { position: at, item, value }).collect();
        let third = Written::new();
        third.apply(&third.set("gone", "a", record(9.0)).at(at)).expect("an update");
        third.restore(at, &items).expect("a snapshot");
        assert_eq!(third.snapshot(), one.snapshot());
    }

    #[test]
    fn what_is_no_value_is_refused_with_its_item() {
        let update = Update {
            position: Position::default(),
            item: "plc/tank/pump".into(),
            value: Some(Bytes::from_static(b"x")),
        };
        let error = Written::new().apply(&update).expect_err("no value");
        assert_eq!(error.item.as_deref(), Some("plc/tank/pump"));
    }
}
