//! The checkpoints of all objects of an engine, as a runtime state provider like any other.
use super::checkpoint::{Change, Checkpoint};
use super::fault::Fault;
use super::name::Name;
use super::program::CHUNK_BYTES_MAX;
use super::unit::{Head, IDENTITY_BYTES_MAX, Part, UNIT_BYTES_MAX, Unit, item, part};
use crate::{Item, Post, ProviderError, RuntimeStateProvider, Update};
use bytes::Bytes;
use hotpair_types::Position;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::RwLock;

/// The provider under whose name checkpoints travel.
pub const PROVIDER: &str = "objects";

/// The last checkpoint of every object.
///
/// The active goes: [`prepare`](Self::prepare) (checked, encoded) -> the node posts it, with the tags of
/// the unit in the same entry -> [`commit`](Self::commit). The partner takes the entry through the
/// provider interface. Both check the same, and take a unit whole or not at all.
#[derive(Debug, Default)]
pub struct Checkpoints {
    held: RwLock<BTreeMap<Name, Checkpoint>>,
}

/// Why a unit is not taken. Nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// It does not follow the last one.
    #[error("step {scan} of object `{object}` does not follow step {last}")]
    OutOfOrder {
        /// Whose.
        object: Name,
        /// Its number.
        scan: u64,
        /// The number of the last one here; 0 when there is none.
        last: u64,
    },
    /// It is too large for one entry.
    #[error(
        "step {scan} of object `{object}` changes {bytes} bytes, at most {UNIT_BYTES_MAX} are possible"
    )]
    TooLarge {
        /// Whose.
        object: Name,
        /// Its number.
        scan: u64,
        /// Names and values of what it changes.
        bytes: usize,
    },
    /// It is none that could be read again.
    #[error("object `{object}`: {reason}")]
    Unsound {
        /// Whose.
        object: Name,
        /// Why.
        reason: String,
    },
}

impl Checkpoints {
    /// No checkpoints.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The last checkpoint of an object. The bytes in it are shared, not copied.
    #[must_use]
    pub fn get(&self, object: &str) -> Option<Checkpoint> {
        self.held.read().expect(UNPOISONED).get(object).cloned()
    }

    /// The objects that have one, and the number of their last step.
    #[must_use]
    pub fn scans(&self) -> Vec<(Name, u64)> {
        let held = self.held.read().expect(UNPOISONED);
        held.iter().map(|(name, it)| (name.clone(), it.scan)).collect()
    }

    /// The number of an object's last step, 0 before the first, and why it does not run, if it does not.
    #[must_use]
    pub fn step(&self, object: &str) -> (u64, Option<Fault>) {
        let held = self.held.read().expect(UNPOISONED);
        held.get(object).map_or((0, None), |it| (it.scan, it.fault.clone()))
    }

    /// Checks a unit and gives what to post. Nothing is changed yet.
    ///
    /// # Errors
    /// `UnitError` when it does not follow the last one, or is none.
    pub fn prepare(&self, unit: &Unit) -> Result<Vec<Post>, UnitError> {
        let held = self.held.read().expect(UNPOISONED);
        prepare(held.get(&unit.object), unit)
    }

    /// What to post when an object is undeployed: nothing of it stays.
    #[must_use]
    pub fn removal(&self, object: &Name) -> Vec<Post> {
        let held = self.held.read().expect(UNPOISONED);
        let Some(checkpoint) = held.get(object) else { return Vec::new() };
        let parts = std::iter::once(Part::Head).chain(parts(checkpoint));
        parts.map(|it| Post { item: item(object, &it), value: None }).collect()
    }

    /// Makes what was posted the checkpoint here, at the position the journal gave it.
    ///
    /// # Errors
    /// As the provider's `apply_entry`.
    pub fn commit(&self, position: Position, posts: Vec<Post>) -> Result<(), ProviderError> {
        let updates: Vec<_> = posts.into_iter().map(|it| it.at(position)).collect();
        self.apply_entry(&updates)
    }
}

impl RuntimeStateProvider for Checkpoints {
    fn name(&self) -> &str {
        PROVIDER
    }

    fn apply(&self, update: &Update) -> Result<(), ProviderError> {
        self.apply_entry(std::slice::from_ref(update))
    }

    fn apply_entry(&self, updates: &[Update]) -> Result<(), ProviderError> {
        let mut units = BTreeMap::<Name, Incoming>::new();
        for update in updates {
            let refuse = |reason: &str| ProviderError::of_item(&update.item, reason);
            let (object, part) =
                part(&update.item).ok_or_else(|| refuse("no item of an object"))?;
            let unit = units.entry(object).or_insert_with(|| Incoming::at(update.position));
            if !unit.seen.insert(part.clone()) {
                return Err(refuse("twice in one entry"));
            }
            match Change::decode(part, update.value.clone()) {
                Ok(change) => unit.changes.push(change),
                Err(reason) => return Err(refuse(&reason)),
            }
        }
        let mut held = self.held.write().expect(UNPOISONED);
        // All are checked before the first is taken.
        for (object, unit) in &units {
            unit.check(held.get(object))
                .map_err(|reason| ProviderError::of_item(object.as_str(), reason))?;
        }
        for (object, unit) in units {
            unit.take(object, &mut held);
        }
        Ok(())
    }

    fn snapshot(&self) -> Result<Vec<(Box<str>, Bytes)>, ProviderError> {
        let held = self.held.read().expect(UNPOISONED);
        let mut items = Vec::new();
        for (object, it) in held.iter() {
            items.push((item(object, &Part::Head), head_of(it, 0).encode()));
            for (name, record) in &it.attributes {
                items.push((item(object, &Part::Attribute(name.clone())), record.encode()));
            }
            for (at, bytes) in &it.chunks {
                items.push((item(object, &Part::Chunk(*at)), bytes.clone()));
            }
        }
        Ok(items)
    }

    fn restore(&self, _at: Position, items: &[Item]) -> Result<(), ProviderError> {
        let mut whole = BTreeMap::<Name, (Position, Vec<(Part, Bytes)>)>::new();
        let mut failed = None;
        for it in items {
            let Some((object, part)) = part(&it.item) else {
                failed = failed
                    .or_else(|| Some(ProviderError::of_item(&it.item, "no item of an object")));
                continue;
            };
            let (position, parts) = whole.entry(object).or_default();
            if part == Part::Head {
                *position = it.position;
            }
            parts.push((part, it.value.clone()));
        }
        let mut held = BTreeMap::new();
        for (object, (position, parts)) in whole {
            match Checkpoint::from_parts(position, parts) {
                Ok(checkpoint) => drop(held.insert(object, checkpoint)),
                Err(reason) => {
                    let error = ProviderError::of_item(object.as_str(), reason);
                    failed = failed.or(Some(error));
                }
            }
        }
        *self.held.write().expect(UNPOISONED) = held;
        failed.map_or(Ok(()), Err)
    }
}

/// What an entry says of one object.
#[derive(Debug)]
struct Incoming {
    position: Position,
    seen: BTreeSet<Part>,
    changes: Vec<Change>,
}

impl Incoming {
    const fn at(position: Position) -> Self {
        Self { position, seen: BTreeSet::new(), changes: Vec::new() }
    }

    fn head(&self) -> Option<&Head> {
        self.changes.iter().find_map(|it| match it {
            Change::Head(head) => Some(head),
            Change::Attribute(..) | Change::Chunk(..) | Change::Gone => None,
        })
    }

    fn check(&self, held: Option<&Checkpoint>) -> Result<(), String> {
        let Some(head) = self.head() else {
            if !self.seen.contains(&Part::Head) {
                return Err("part of a unit without its head".into());
            }
            let stays = |it: &Change| match it {
                Change::Attribute(_, it) => it.is_some(),
                Change::Chunk(_, it) => it.is_some(),
                Change::Head(_) | Change::Gone => false,
            };
            let mut left = held.into_iter().flat_map(parts).filter(|it| !self.seen.contains(it));
            if self.changes.iter().any(stays) || left.next().is_some() {
                return Err("removed, but for a part of it".into());
            }
            return Ok(());
        };
        let last = held.map_or(0, |it| it.scan);
        if head.scan != last + 1 {
            return Err(format!("step {} does not follow step {last}", head.scan));
        }
        let parts = self.changes.len() - 1;
        if parts != head.parts as usize {
            return Err(format!("{parts} parts of step {}, which has {}", head.scan, head.parts));
        }
        let there = self.counts_after(held);
        let said = (head.attributes as usize, head.chunks as usize);
        if there != said {
            return Err(format!(
                "{there:?} attributes and chunks after it, where it says {said:?}"
            ));
        }
        Ok(())
    }

    /// How many attributes and chunks there are after this.
    fn counts_after(&self, held: Option<&Checkpoint>) -> (usize, usize) {
        let mut counts = held.map_or((0, 0), |it| (it.attributes.len(), it.chunks.len()));
        for change in &self.changes {
            let (count, part, stays) = match change {
                Change::Head(_) | Change::Gone => continue,
                Change::Attribute(name, it) => {
                    (&mut counts.0, Part::Attribute(name.clone()), it.is_some())
                }
                Change::Chunk(at, it) => (&mut counts.1, Part::Chunk(*at), it.is_some()),
            };
            match (held.is_some_and(|it| has(it, &part)), stays) {
                (false, true) => *count += 1,
                (true, false) => *count -= 1,
                (true, true) | (false, false) => {}
            }
        }
        counts
    }

    fn take(self, object: Name, held: &mut BTreeMap<Name, Checkpoint>) {
        let Some(head) = self.head().cloned() else {
            held.remove(&object);
            return;
        };
        let checkpoint = held.entry(object).or_insert_with(|| Checkpoint {
            position: self.position,
            scan: 0,
            program: "".into(),
            fault: None,
            attributes: BTreeMap::new(),
            chunks: BTreeMap::new(),
        });
        for change in self.changes {
            match change {
                Change::Attribute(name, Some(it)) => drop(checkpoint.attributes.insert(name, it)),
                Change::Attribute(name, None) => drop(checkpoint.attributes.remove(&name)),
                Change::Chunk(at, Some(it)) => drop(checkpoint.chunks.insert(at, it)),
                Change::Chunk(at, None) => drop(checkpoint.chunks.remove(&at)),
                Change::Head(_) | Change::Gone => {}
            }
        }
        checkpoint.position = self.position;
        checkpoint.scan = head.scan;
        checkpoint.program.clone_from(&head.program);
        checkpoint.fault.clone_from(&head.fault);
        assert_eq!(checkpoint.counted(&head), Ok(()), "checked before it was taken");
    }
}

fn prepare(held: Option<&Checkpoint>, unit: &Unit) -> Result<Vec<Post>, UnitError> {
    let object = &unit.object;
    let last = held.map_or(0, |it| it.scan);
    if unit.scan != last + 1 {
        return Err(UnitError::OutOfOrder { object: object.clone(), scan: unit.scan, last });
    }
    let unsound = |reason: String| UnitError::Unsound { object: object.clone(), reason };
    if unit.program.as_ref().is_some_and(|it| it.len() > IDENTITY_BYTES_MAX) {
        return Err(unsound(format!(
            "its program's identity is longer than {IDENTITY_BYTES_MAX} bytes"
        )));
    }
    let mut changes = BTreeMap::new();
    for (name, record) in &unit.attributes {
        changes.insert(Part::Attribute(name.clone()), Some(record.encode()));
    }
    for chunk in &unit.chunks {
        if let Some(bytes) = chunk.bytes.as_ref().filter(|it| it.len() > CHUNK_BYTES_MAX) {
            let (at, bytes) = (chunk.at, bytes.len());
            return Err(unsound(format!(
                "piece {at} of its state has {bytes} bytes, at most {CHUNK_BYTES_MAX} are possible"
            )));
        }
        changes.insert(Part::Chunk(chunk.at), chunk.bytes.clone());
    }
    if unit.whole {
        for gone in held.into_iter().flat_map(parts) {
            changes.entry(gone).or_insert(None);
        }
    }
    let is_there = |part: &Part| held.is_some_and(|it| has(it, part));
    // What is not there cannot go.
    changes.retain(|part, value| value.is_some() || is_there(part));
    let mut head = held.map_or_else(Head::first, |it| head_of(it, 0));
    for (part, value) in &changes {
        let count = match part {
            Part::Attribute(_) => &mut head.attributes,
            Part::Chunk(_) | Part::Head => &mut head.chunks,
        };
        match (is_there(part), value.is_some()) {
            (false, true) => *count += 1,
            (true, false) => *count -= 1,
            (true, true) | (false, false) => {}
        }
    }
    head.scan = unit.scan;
    head.parts = saturated(changes.len());
    if let Some(program) = &unit.program {
        head.program.clone_from(program);
    }
    head.fault.clone_from(&unit.fault);
    let mut posts = vec![Post { item: item(object, &Part::Head), value: Some(head.encode()) }];
    posts
        .extend(changes.into_iter().map(|(part, value)| Post { item: item(object, &part), value }));
    let bytes_of = |it: &Post| it.item.len() + it.value.as_ref().map_or(0, Bytes::len);
    let bytes = posts.iter().map(bytes_of).sum();
    if bytes > UNIT_BYTES_MAX {
        return Err(UnitError::TooLarge { object: object.clone(), scan: unit.scan, bytes });
    }
    Ok(posts)
}

fn has(checkpoint: &Checkpoint, part: &Part) -> bool {
    match part {
        Part::Head => true,
        Part::Attribute(name) => checkpoint.attributes.contains_key(name),
        Part::Chunk(at) => checkpoint.chunks.contains_key(at),
    }
}

fn parts(checkpoint: &Checkpoint) -> impl Iterator<Item = Part> + '_ {
    let attributes = checkpoint.attributes.keys().cloned().map(Part::Attribute);
    attributes.chain(checkpoint.chunks.keys().copied().map(Part::Chunk))
}

fn head_of(checkpoint: &Checkpoint, parts: u32) -> Head {
    Head {
        scan: checkpoint.scan,
        parts,
        attributes: saturated(checkpoint.attributes.len()),
        chunks: saturated(checkpoint.chunks.len()),
        program: checkpoint.program.clone(),
        fault: checkpoint.fault.clone(),
    }
}

fn saturated(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

const UNPOISONED: &str = "no code panics while it holds this lock";
