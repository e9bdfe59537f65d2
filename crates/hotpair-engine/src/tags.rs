//! Tags: named values of one engine, declared in config data, living in runtime data.
//!
//! A write goes: [`Tags::prepare`] (checked, encoded) -> the node posts it and gets a position ->
//! [`Tags::commit`] (visible here). The partner's write comes in through the provider interface.
//! The cost of a write does not depend on how many tags there are.

mod value;
mod declaration;
mod encoding;
mod reading;
mod changes;
mod subscription;
mod error;
mod table;

pub use declaration::{
    Declaration, DeclarationError, Limits, PATH_BYTES_MAX, TAGS_MAX, UNIT_BYTES_MAX, is_path,
};
pub use encoding::{DecodeError, TagRecord};
pub(crate) use encoding::{QualityV1, ValueV1};
pub use error::TagError;
pub use reading::Reading;
pub use subscription::{Delivery, Filter, ResumeFrom, Subscription};
pub use value::{Quality, TEXT_BYTES_MAX, TagType, Value, ValueError};

use crate::{Item, Post, ProviderError, RuntimeStateProvider, Update};
use bytes::Bytes;
use changes::ChangeRing;
use error::shortened;
use hotpair_types::{NodeTime, Position};
use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Arc, OnceLock, RwLock};

/// The provider under whose name tags travel.
pub const PROVIDER: &str = "tags";
/// Config records with this prefix declare tags.
pub const CONFIG_PREFIX: &str = "tags/";
/// How many tags one batch may write.
pub const BATCH_TAGS_MAX: usize = 10_000;

/// One tag to write.
#[derive(Clone, Debug, PartialEq)]
pub struct TagWrite {
    /// Which.
    pub path: Box<str>,
    /// The new value. A whole number is taken for a float tag.
    pub value: Value,
    /// How far it can be trusted.
    pub quality: Quality,
    /// When, by the clock of whoever writes; for people.
    pub timestamp: NodeTime,
}

/// What a changed config record did to the tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigEffect {
    /// The key is no tag's.
    NotATag,
    /// The tag is new.
    Added,
    /// Declared anew, of the same type.
    Changed,
    /// Declared anew with another type: the old value is hidden. The active posts this.
    TypeChanged(Post),
    /// Not declared any more. The active posts this, so that its value goes too.
    Removed(Post),
}

/// All tags of one engine. Shared: the driver changes them, everybody reads.
#[derive(Default)]
pub struct Tags {
    table: RwLock<Table>,
    on_change: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

#[derive(Default)]
struct Table {
    // Declarations and values come by different journals, in either order: neither needs the other.
    tags: HashMap<Arc<str>, Tag>,
    declared: BTreeSet<Arc<str>>,
    ring: ChangeRing,
}

#[derive(Default)]
struct Tag {
    declaration: Option<Arc<Declaration>>,
    record: Option<(Position, TagRecord)>,
}

impl std::fmt::Debug for Tags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tags").field("declared", &self.len()).finish()
    }
}

impl Tags {
    /// No tags.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Called after every change of a value, without any lock held, so that subscriptions can be
    /// asked again. Must be quick. Can be set once; later ones are ignored.
    pub fn set_on_change(&self, call: impl Fn() + Send + Sync + 'static) {
        let _ = self.on_change.set(Box::new(call));
    }

    /// How many tags are declared.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read_lock().declared.len()
    }

    /// Whether no tag is declared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes a changed config record; `None`: the record is gone.
    ///
    /// # Errors
    /// `DeclarationError` when it declares no sound tag; the tag is then as it was before.
    pub fn config_changed(
        &self,
        key: &str,
        record: Option<&[u8]>,
    ) -> Result<ConfigEffect, DeclarationError> {
        let Some(path) = key.strip_prefix(CONFIG_PREFIX) else {
            return Ok(ConfigEffect::NotATag);
        };
        match record {
            Some(json) => self.declare(path, Declaration::from_json(path, json)?),
            None => Ok(self.undeclare(path)),
        }
    }

    fn declare(&self, path: &str, new: Declaration) -> Result<ConfigEffect, DeclarationError> {
        let mut table = self.write_lock();
        if table.declared.len() >= TAGS_MAX && !table.declared.contains(path) {
            return Err(DeclarationError::TooMany);
        }
        let path: Arc<str> = table.key(path);
        let tag = table.tags.entry(Arc::clone(&path)).or_default();
        let old = tag.declaration.replace(Arc::new(new));
        let kept = tag.declaration.as_ref().expect("declared in the line above");
        let effect = match old {
            None => ConfigEffect::Added,
            Some(old) if old.of_type == kept.of_type => ConfigEffect::Changed,
            Some(_) => ConfigEffect::TypeChanged(Post { item: (*path).into(), value: None }),
        };
        table.declared.insert(path);
        Ok(effect)
    }

    fn undeclare(&self, path: &str) -> ConfigEffect {
        let mut table = self.write_lock();
        table.declared.remove(path);
        if let Some(tag) = table.tags.get_mut(path) {
            tag.declaration = None;
        }
        table.drop_if_empty(path);
        ConfigEffect::Removed(Post { item: path.into(), value: None })
    }

    /// Takes the whole set of declarations, for example after a restart. Tags that are not in it
    /// are not declared any more. Goes on after a bad record; the bad ones are given back.
    pub fn replace_declarations<'a>(
        &self,
        records: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Vec<(Box<str>, DeclarationError)> {
        let mut keep = BTreeSet::new();
        let mut bad = Vec::new();
        for (key, json) in records {
            match self.config_changed(key, Some(json)) {
                Ok(_) => {}
                Err(error) => bad.push((key.into(), error)),
            }
            keep.insert(key.strip_prefix(CONFIG_PREFIX).unwrap_or(key));
        }
        let gone: Vec<_> = {
            let table = self.read_lock();
            table.declared.iter().filter(|it| !keep.contains(&***it)).cloned().collect()
        };
        for path in gone {
            self.undeclare(&path);
        }
        bad
    }

    /// The declaration of a tag.
    #[must_use]
    pub fn declaration(&self, path: &str) -> Option<Arc<Declaration>> {
        self.read_lock().tags.get(path)?.declaration.clone()
    }

    /// Checks a write and gives what to post. Nothing is changed yet.
    ///
    /// # Errors
    /// `TagError` says what is wrong with it.
    pub fn prepare(
        &self,
        path: &str,
        value: Value,
        quality: Quality,
        timestamp: NodeTime,
    ) -> Result<Post, TagError> {
        self.read_lock().prepare(path, value, quality, timestamp)
    }

    /// Checks a batch: all of it or nothing.
    ///
    /// # Errors
    /// The first thing wrong with it.
    pub fn prepare_batch(&self, writes: Vec<TagWrite>) -> Result<Vec<Post>, TagError> {
        if writes.len() > BATCH_TAGS_MAX {
            return Err(TagError::BatchTooLarge { count: writes.len() });
        }
        let mut seen = std::collections::HashSet::with_capacity(writes.len());
        if let Some(twice) = writes.iter().find(|it| !seen.insert(&*it.path)) {
            return Err(TagError::Twice { path: shortened(&twice.path).into() });
        }
        drop(seen);
        let table = self.read_lock();
        let prepare = |it: TagWrite| table.prepare(&it.path, it.value, it.quality, it.timestamp);
        writes.into_iter().map(prepare).collect()
    }

    /// Makes what was posted visible here, at the position the journal gave it.
    ///
    /// # Errors
    /// As the provider's `apply`: when a value is not one of ours.
    pub fn commit(&self, position: Position, posts: Vec<Post>) -> Result<(), ProviderError> {
        let updates: Vec<_> = posts.into_iter().map(|it| it.at(position)).collect();
        self.apply_entry(&updates)
    }

    /// What a tag says now; `None` when it is not declared.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<Reading> {
        let table = self.read_lock();
        let (path, tag) = table.tags.get_key_value(path)?;
        tag.reading(path)
    }

    /// Tags in order of their paths, those that begin with `prefix` and come after `after`.
    #[must_use]
    pub fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Vec<Reading> {
        let table = self.read_lock();
        let after = after.filter(|it| *it >= prefix);
        let from = after.map_or(Bound::Included(prefix), Bound::Excluded);
        table
            .declared
            .range::<str, _>((from, Bound::Unbounded))
            .take_while(|it| it.starts_with(prefix))
            .filter_map(|it| table.tags.get(it)?.reading(it))
            .take(limit)
            .collect()
    }

    /// Begins to follow changes.
    #[must_use]
    pub fn subscribe(&self, filter: Filter, from: ResumeFrom) -> Subscription {
        Subscription::begin(filter, from, &self.read_lock().ring)
    }

    /// The runtime journal went on to here, perhaps with entries of other providers only. Keeps a
    /// subscriber that knows this place from being sent all values again.
    pub fn journal_at(&self, position: Position) {
        if self.read_lock().ring.is_behind(position) {
            self.write_lock().ring.go_on(position);
        }
    }

    /// The next changes of a subscription, about `limit` of them (an entry is never split), or the
    /// next `limit` values of a snapshot. Never leaves something out in silence: whoever is too far
    /// behind gets a snapshot. Writers wait no longer than for one such part.
    #[must_use]
    pub fn next(&self, subscription: &mut Subscription, limit: usize) -> Delivery {
        subscription.next(limit, &self.read_lock())
    }

    /// Values whose tag is not declared, or declared with another type. The active posts their
    /// removal; a standby leaves them alone (their declaration may be on its way).
    #[must_use]
    pub fn orphans(&self) -> Vec<Post> {
        let table = self.read_lock();
        let orphan = |(path, tag): (&Arc<str>, &Tag)| {
            let (_, record) = tag.record.as_ref()?;
            let fits =
                tag.declaration.as_ref().is_some_and(|it| it.of_type == record.value.of_type());
            (!fits).then(|| Post { item: (**path).into(), value: None })
        };
        let mut orphans: Vec<_> = table.tags.iter().filter_map(orphan).collect();
        orphans.sort_by(|one, other| one.item.cmp(&other.item));
        orphans
    }

    fn read_lock(&self) -> std::sync::RwLockReadGuard<'_, Table> {
        self.table.read().expect(UNPOISONED)
    }

    fn write_lock(&self) -> std::sync::RwLockWriteGuard<'_, Table> {
        self.table.write().expect(UNPOISONED)
    }
}

const UNPOISONED: &str = "no code panics while it holds this lock";

impl RuntimeStateProvider for Tags {
    fn name(&self) -> &str {
        PROVIDER
    }

    fn apply(&self, update: &Update) -> Result<(), ProviderError> {
        self.apply_entry(std::slice::from_ref(update))
    }

    fn apply_entry(&self, updates: &[Update]) -> Result<(), ProviderError> {
        // Decoded before anything is changed: an entry is visible as a whole or not at all.
        let decoded: Vec<_> = updates.iter().map(decoded).collect::<Result<_, _>>()?;
        let mut table = self.write_lock();
        for (update, record) in updates.iter().zip(decoded) {
            table.set(update.position, &update.item, record);
        }
        drop(table);
        self.changed();
        Ok(())
    }

    fn snapshot(&self) -> Result<Vec<(Box<str>, Bytes)>, ProviderError> {
        let table = self.read_lock();
        let encode = |(path, tag): (&Arc<str>, &Tag)| {
            tag.record.as_ref().map(|(_, record)| ((**path).into(), record.encode()))
        };
        let mut items: Vec<(Box<str>, Bytes)> = table.tags.iter().filter_map(encode).collect();
        items.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(items)
    }

    fn restore(&self, at: Position, items: &[Item]) -> Result<(), ProviderError> {
        let mut first_error = None;
        let mut table = self.write_lock();
        for tag in table.tags.values_mut() {
            tag.record = None;
        }
        for item in items {
            match checked_path(&item.item).and_then(|()| decode(&item.item, &item.value)) {
                Ok(record) => {
                    let path = table.key(&item.item);
                    table.tags.entry(path).or_default().record = Some((item.position, record));
                }
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        table.tags.retain(|_, it| it.declaration.is_some() || it.record.is_some());
        table.ring.reset(at);
        drop(table);
        self.changed();
        first_error.map_or(Ok(()), Err)
    }
}

impl Tags {
    fn changed(&self) {
        if let Some(call) = self.on_change.get() {
            call();
        }
    }
}

fn decoded(update: &Update) -> Result<Option<TagRecord>, ProviderError> {
    checked_path(&update.item)?;
    update.value.as_ref().map(|it| decode(&update.item, it)).transpose()
}

fn decode(path: &str, bytes: &Bytes) -> Result<TagRecord, ProviderError> {
    TagRecord::decode(bytes)
        .map_err(|error| ProviderError::of_item(path, format!("tag `{path}`: {error}")))
}

fn checked_path(path: &str) -> Result<(), ProviderError> {
    if is_path(path) {
        return Ok(());
    }
    let path = shortened(path);
    Err(ProviderError::of_item(&path, format!("{path:?} is no path of a tag")))
}
