//! The alarms of all objects of an engine, as a runtime state provider like any other.
use super::alarm::{AlarmRecord, AlarmRefusal, Command};
use super::declaration::AlarmDeclaration;
use super::word::Word;
use crate::objects::Name;
use crate::tags::TagRecord;
use crate::{Item, Post, ProviderError, RuntimeStateProvider, Update};
use bytes::Bytes;
use hotpair_types::{NodeTime, Position};
use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

/// The provider under whose name alarms travel.
pub const PROVIDER: &str = "alarms";

/// All alarms of one engine. The active changes them and posts what it is given; the partner takes that
/// through the provider interface.
#[derive(Debug, Default)]
pub struct Alarms {
    objects: RwLock<Objects>,
}

type Objects = BTreeMap<Name, BTreeMap<Name, Alarm>>;

#[derive(Clone, Debug, Default)]
struct Alarm {
    // Declarations and records come by different journals, in either order.
    declaration: Option<Arc<AlarmDeclaration>>,
    record: Option<AlarmRecord>,
}

/// One alarm as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmShown {
    /// Of which object.
    pub object: Name,
    /// Which of its alarms.
    pub alarm: Name,
    /// What it watches, and how.
    pub declaration: Arc<AlarmDeclaration>,
    /// What is known of it.
    pub record: AlarmRecord,
}

/// Why a command does nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlarmError {
    /// Not declared.
    #[error("object `{object}` has no alarm `{alarm}`")]
    Unknown {
        /// The object, shortened.
        object: Box<str>,
        /// The alarm, shortened.
        alarm: Box<str>,
    },
    /// It refuses.
    #[error("alarm `{object}/{alarm}`: {refusal}")]
    Refused {
        /// The object.
        object: Name,
        /// The alarm.
        alarm: Name,
        /// Why.
        #[source]
        refusal: AlarmRefusal,
    },
}

impl Alarms {
    /// No alarms.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what an object declares; an undeployed one declares nothing. Alarms that are declared still go on as they
    /// are. The active posts what is given: the records of those that are not.
    pub fn declare(&self, object: &Name, declared: &[AlarmDeclaration]) -> Vec<Post> {
        let mut objects = self.objects.write().expect(UNPOISONED);
        let alarms = objects.entry(object.clone()).or_default();
        alarms.values_mut().for_each(|it| it.declaration = None);
        for it in declared {
            alarms.entry(it.name.clone()).or_default().declaration = Some(Arc::new(it.clone()));
        }
        let gone = alarms.iter().filter(|(_, it)| it.declaration.is_none());
        let posts =
            gone.map(|(alarm, _)| Post { item: item(object, alarm), value: None }).collect();
        alarms.retain(|_, it| it.declaration.is_some());
        objects.retain(|_, it| !it.is_empty());
        posts
    }

    /// An object was scanned. Gives what to post, best in the entry of the scan's unit.
    pub fn scanned(
        &self,
        object: &str,
        elapsed: Duration,
        at: NodeTime,
        value: &dyn Fn(&str) -> Option<TagRecord>,
    ) -> Vec<Post> {
        let mut objects = self.objects.write().expect(UNPOISONED);
        let Some(name) = objects.get_key_value(object).map(|it| it.0.clone()) else {
            return Vec::new();
        };
        let alarms = objects.get_mut(&name).expect("found in the line above");
        step(&name, alarms, |declaration, record| {
            let value = value(declaration.attribute.as_str());
            record.observed(declaration, value.as_ref(), elapsed, at)
        })
    }

    /// Time went by. Gives what to post. What is left on a shelf is known to the partner as exactly as this is called
    /// often; every second is enough.
    pub fn passed(&self, elapsed: Duration, at: NodeTime) -> Vec<Post> {
        let mut objects = self.objects.write().expect(UNPOISONED);
        let pass = |(object, alarms): (&Name, &mut BTreeMap<Name, Alarm>)| {
            step(object, alarms, |_, record| record.passed(elapsed, at))
        };
        objects.iter_mut().flat_map(pass).collect()
    }

    /// Does what a person or a rule wants. Gives what to post: whoever asked is answered when that is
    /// where the answer says.
    ///
    /// # Errors
    /// `AlarmError`: it is not declared, or refuses.
    pub fn command(
        &self,
        object: &str,
        alarm: &str,
        command: &Command,
        by: Word,
        at: NodeTime,
    ) -> Result<Post, AlarmError> {
        let short = |it: &str| it.chars().take(80).collect::<String>().into();
        let mut objects = self.objects.write().expect(UNPOISONED);
        let names = Name::new(object).zip(Name::new(alarm));
        let unknown = || AlarmError::Unknown { object: short(object), alarm: short(alarm) };
        let (object, alarm) = names.ok_or_else(unknown)?;
        let found = objects.get_mut(&object).and_then(|it| it.get_mut(&alarm));
        let found = found.filter(|it| it.declaration.is_some()).ok_or_else(unknown)?;
        let record = found.record.clone().unwrap_or_default();
        match record.commanded(command, by, at) {
            Ok(record) => Ok(found.take(&object, &alarm, record)),
            Err(refusal) => Err(AlarmError::Refused { object, alarm, refusal }),
        }
    }

    /// One alarm.
    #[must_use]
    pub fn get(&self, object: &str, alarm: &str) -> Option<AlarmShown> {
        let objects = self.objects.read().expect(UNPOISONED);
        let (object, alarms) = objects.get_key_value(object)?;
        let (alarm, it) = alarms.get_key_value(alarm)?;
        it.shown(object, alarm)
    }

    /// All declared alarms, in the order of their names.
    #[must_use]
    pub fn all(&self) -> Vec<AlarmShown> {
        let objects = self.objects.read().expect(UNPOISONED);
        let each = objects.iter().flat_map(|(object, it)| it.iter().map(move |it| (object, it)));
        each.filter_map(|(object, (alarm, it))| it.shown(object, alarm)).collect()
    }
}

fn step(
    object: &Name,
    alarms: &mut BTreeMap<Name, Alarm>,
    next: impl Fn(&AlarmDeclaration, &AlarmRecord) -> Option<AlarmRecord>,
) -> Vec<Post> {
    let first = AlarmRecord::default();
    let mut posts = Vec::new();
    for (name, alarm) in alarms {
        let Some(declaration) = &alarm.declaration else { continue };
        if let Some(record) = next(declaration, alarm.record.as_ref().unwrap_or(&first)) {
            posts.push(alarm.take(object, name, record));
        }
    }
    posts
}

impl Alarm {
    fn take(&mut self, object: &Name, alarm: &Name, record: AlarmRecord) -> Post {
        let post = Post { item: item(object, alarm), value: Some(record.encode()) };
        self.record = Some(record);
        post
    }

    fn shown(&self, object: &Name, alarm: &Name) -> Option<AlarmShown> {
        let declaration = Arc::clone(self.declaration.as_ref()?);
        let record = self.record.clone().unwrap_or_default();
        Some(AlarmShown { object: object.clone(), alarm: alarm.clone(), declaration, record })
    }
}

impl RuntimeStateProvider for Alarms {
    fn name(&self) -> &str {
        PROVIDER
    }

    fn apply(&self, update: &Update) -> Result<(), ProviderError> {
        self.apply_entry(std::slice::from_ref(update))
    }

    fn apply_entry(&self, updates: &[Update]) -> Result<(), ProviderError> {
        let mut objects = self.objects.write().expect(UNPOISONED);
        let mut taken = Vec::with_capacity(updates.len());
        for update in updates {
            let (object, alarm, record) = decoded(&update.item, update.value.as_ref())?;
            let held = objects.get(&object).and_then(|it| it.get(&alarm)?.record.as_ref());
            let held = held.map_or(0, |it| it.change);
            if let Some(record) = record.as_ref().filter(|it| it.change <= held) {
                let reason = format!("change {} after change {held}", record.change);
                return Err(ProviderError::of_item(&update.item, reason));
            }
            taken.push((object, alarm, record));
        }
        for (object, alarm, record) in taken {
            objects.entry(object).or_default().entry(alarm).or_default().record = record;
        }
        drop_empty(&mut objects);
        Ok(())
    }

    fn snapshot(&self) -> Result<Vec<(Box<str>, Bytes)>, ProviderError> {
        let objects = self.objects.read().expect(UNPOISONED);
        let mut items = Vec::new();
        for (object, alarms) in objects.iter() {
            for (alarm, it) in alarms {
                items.extend(it.record.as_ref().map(|it| (item(object, alarm), it.encode())));
            }
        }
        Ok(items)
    }

    fn restore(&self, _at: Position, items: &[Item]) -> Result<(), ProviderError> {
        let mut objects = self.objects.write().expect(UNPOISONED);
        objects.values_mut().flat_map(BTreeMap::values_mut).for_each(|it| it.record = None);
        let mut failed = None;
        for it in items {
            match decoded(&it.item, Some(&it.value)) {
                Ok((object, alarm, record)) => {
                    objects.entry(object).or_default().entry(alarm).or_default().record = record;
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        drop_empty(&mut objects);
        failed.map_or(Ok(()), Err)
    }
}

fn drop_empty(objects: &mut Objects) {
    for alarms in objects.values_mut() {
        alarms.retain(|_, it| it.declaration.is_some() || it.record.is_some());
    }
    objects.retain(|_, it| !it.is_empty());
}

fn item(object: &Name, alarm: &Name) -> Box<str> {
    format!("{object}/{alarm}").into()
}

type Decoded = (Name, Name, Option<AlarmRecord>);

fn decoded(item: &str, value: Option<&Bytes>) -> Result<Decoded, ProviderError> {
    let names = item.split_once('/');
    let names = names.and_then(|(object, alarm)| Name::new(object).zip(Name::new(alarm)));
    let (object, alarm) =
        names.ok_or_else(|| ProviderError::of_item(item, "no item of an alarm"))?;
    let record = value.map(|it| AlarmRecord::decode(it)).transpose();
    Ok((object, alarm, record.map_err(|error| ProviderError::of_item(item, error))?))
}

const UNPOISONED: &str = "no code panics while it holds this lock";
