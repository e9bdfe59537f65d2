//! The alarms of all objects of an engine, as a runtime state provider like any other.
use super::alarm::{AlarmRecord, Command};
use super::declaration::AlarmDeclaration;
use super::error::AlarmError;
use super::observed::Observed;
use super::state::AlarmState;
use super::word::Word;
use crate::objects::Name;
use crate::{Item, Post, ProviderError, RuntimeStateProvider, Update};
use bytes::Bytes;
use hotpair_types::{NodeTime, Position};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock, RwLock};
use std::time::Duration;

/// The provider under whose name alarms travel.
pub const PROVIDER: &str = "alarms";

/// All alarms of one engine.
///
/// The active goes, as with checkpoints: what is to be posted is prepared, the node posts it, and with
/// the place that the journal gave it is committed. What was not posted did not happen. The partner
/// takes it through the provider interface.
#[derive(Default)]
pub struct Alarms {
    objects: RwLock<Objects>,
    on_change: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl fmt::Debug for Alarms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Alarms").field(&self.objects).finish()
    }
}

type Objects = BTreeMap<Name, BTreeMap<Name, Alarm>>;

#[derive(Clone, Debug, Default)]
struct Alarm {
    // Declarations and records come by different journals, in either order.
    declaration: Option<Arc<AlarmDeclaration>>,
    held: Option<Held>,
}

#[derive(Clone, Debug)]
struct Held {
    record: AlarmRecord,
    /// The entry of its last change that people want to know of.
    told_at: Position,
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
    /// The entry of its last change that people want to know of; [`Position::START`] before the first.
    pub told_at: Position,
}

impl Default for Held {
    fn default() -> Self {
        Self { record: AlarmRecord::default(), told_at: Position::START }
    }
}

impl Alarms {
    /// No alarms.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Called after every change that people want to know of, without any lock held. Must be quick. Can
    /// be set once; later ones are ignored.
    pub fn set_on_change(&self, call: impl Fn() + Send + Sync + 'static) {
        let _ = self.on_change.set(Box::new(call));
    }

    fn changed(&self) {
        if let Some(call) = self.on_change.get() {
            call();
        }
    }

    /// Takes what an object declares; an undeployed one declares nothing. Alarms of the same name go on
    /// as they are, but when they watch something else: then their old condition is over with the next
    /// scan. The records of others wait for [`removals`](Self::removals).
    pub fn declare(&self, object: &str, declared: &[AlarmDeclaration]) {
        let Some(object) = Name::new(object) else { return };
        let mut objects = self.objects.write().expect(UNPOISONED);
        let alarms = objects.entry(object).or_default();
        alarms.values_mut().for_each(|it| it.declaration = None);
        for it in declared {
            alarms.entry(it.name.clone()).or_default().declaration = Some(Arc::new(it.clone()));
        }
        drop_empty(&mut objects);
        drop(objects);
        self.changed();
    }

    /// Forgets every declaration, and no record.
    pub fn undeclare_all(&self) {
        let mut objects = self.objects.write().expect(UNPOISONED);
        objects.values_mut().flat_map(BTreeMap::values_mut).for_each(|it| it.declaration = None);
        drop_empty(&mut objects);
    }

    /// Records of alarms that are not declared: what to post so that nothing of them stays. `is_read`
    /// says of an object whether what it declares is known: it is gone, or its record is sound.
    #[must_use]
    pub fn removals(&self, is_read: impl Fn(&str) -> bool) -> Vec<Post> {
        let objects = self.objects.read().expect(UNPOISONED);
        let mut posts = Vec::new();
        for (object, alarms) in objects.iter().filter(|it| is_read(it.0.as_str())) {
            let gone =
                alarms.iter().filter(|(_, it)| it.declaration.is_none() && it.held.is_some());
            posts.extend(gone.map(|it| Post { item: item(object, it.0), value: None }));
        }
        posts
    }

    /// What a step of an object makes of its alarms: what to post in the entry of the step's unit.
    #[must_use]
    pub fn observed(&self, object: &str, step: &Observed, at: NodeTime) -> Vec<Post> {
        let objects = self.objects.read().expect(UNPOISONED);
        let Some((name, alarms)) = objects.get_key_value(object) else { return Vec::new() };
        posts(name, alarms, |declaration, record| {
            record.observed(declaration, step.value(&declaration.attribute), step.elapsed, at)
        })
    }

    /// Time went by: what to post. What is left on a shelf is known to the partner as exactly as this
    /// is called often; every second is enough.
    #[must_use]
    pub fn passed(&self, elapsed: Duration, at: NodeTime) -> Vec<Post> {
        let objects = self.objects.read().expect(UNPOISONED);
        let pass = |(object, alarms): (&Name, &BTreeMap<Name, Alarm>)| {
            posts(object, alarms, |_, record| record.passed(elapsed, at))
        };
        objects.iter().flat_map(pass).collect()
    }

    /// What a person or a rule wants of an alarm: what to post. Whoever asked is answered when that is
    /// where the answer says.
    ///
    /// # Errors
    /// `AlarmError`: it is not declared, or refuses.
    pub fn commanded(
        &self,
        object: &str,
        alarm: &str,
        command: &Command,
        by: Word,
        at: NodeTime,
    ) -> Result<Post, AlarmError> {
        let it = self.get(object, alarm).ok_or_else(|| AlarmError::unknown(object, alarm))?;
        let AlarmShown { object, alarm, record, .. } = it;
        match record.commanded(command, by, at) {
            Ok(record) => Ok(post(&object, &alarm, &record)),
            Err(refusal) => Err(AlarmError::Refused { object, alarm, refusal }),
        }
    }

    /// Makes what was posted the state here, at the position the journal gave it.
    ///
    /// # Errors
    /// As the provider's `apply_entry`.
    pub fn commit(&self, position: Position, posts: Vec<Post>) -> Result<(), ProviderError> {
        let updates: Vec<_> = posts.into_iter().map(|it| it.at(position)).collect();
        self.apply_entry(&updates)
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
        self.list("", None, usize::MAX)
    }

    /// At most `count_max` declared alarms in the order of objects and alarms: those whose
    /// `OBJECT/ALARM` begins with `prefix` and that come after this one.
    #[must_use]
    pub fn list(&self, prefix: &str, after: Option<&str>, count_max: usize) -> Vec<AlarmShown> {
        let after = after.map(|it| it.split_once('/').unwrap_or((it, "")));
        let objects = self.objects.read().expect(UNPOISONED);
        let each = objects.iter().flat_map(|(object, it)| it.iter().map(move |it| (object, it)));
        let wanted = |object: &Name, alarm: &Name| {
            let (object, alarm) = (object.as_str(), alarm.as_str());
            begins(object, alarm, prefix) && after.is_none_or(|after| (object, alarm) > after)
        };
        let shown = each.filter(|(object, (alarm, _))| wanted(object, alarm));
        shown.filter_map(|(object, (alarm, it))| it.shown(object, alarm)).take(count_max).collect()
    }

    /// How many declared alarms are in each state, in the order of [`AlarmState::ALL`].
    #[must_use]
    pub fn counts(&self) -> [(AlarmState, u64); AlarmState::ALL.len()] {
        let objects = self.objects.read().expect(UNPOISONED);
        let alarms = objects.values().flat_map(BTreeMap::values);
        let mut counts = AlarmState::ALL.map(|it| (it, 0));
        for it in alarms.filter(|it| it.declaration.is_some()) {
            let state = it.held.as_ref().map_or(AlarmState::Normal, |it| it.record.state());
            counts.iter_mut().filter(|it| it.0 == state).for_each(|it| it.1 += 1);
        }
        counts
    }
}

/// Whether `OBJECT/ALARM` begins so.
fn begins(object: &str, alarm: &str, prefix: &str) -> bool {
    match prefix.split_once('/') {
        None => object.starts_with(prefix),
        Some((whole, rest)) => object == whole && alarm.starts_with(rest),
    }
}

fn posts(
    object: &Name,
    alarms: &BTreeMap<Name, Alarm>,
    next: impl Fn(&AlarmDeclaration, &AlarmRecord) -> Option<AlarmRecord>,
) -> Vec<Post> {
    let first = AlarmRecord::default();
    let mut posts = Vec::new();
    for (name, alarm) in alarms {
        let Some(declaration) = &alarm.declaration else { continue };
        let record = alarm.held.as_ref().map_or(&first, |it| &it.record);
        posts.extend(next(declaration, record).map(|it| post(object, name, &it)));
    }
    posts
}

fn post(object: &Name, alarm: &Name, record: &AlarmRecord) -> Post {
    Post { item: item(object, alarm), value: Some(record.encode()) }
}

impl Alarm {
    fn shown(&self, object: &Name, alarm: &Name) -> Option<AlarmShown> {
        let declaration = Arc::clone(self.declaration.as_ref()?);
        let Held { record, told_at } = self.held.clone().unwrap_or_default();
        let (object, alarm) = (object.clone(), alarm.clone());
        Some(AlarmShown { object, alarm, declaration, record, told_at })
    }

    /// Whether people want to know of it.
    fn take(&mut self, position: Position, record: Option<AlarmRecord>) -> bool {
        let before = self.held.take().unwrap_or_default();
        self.held = record.map(|record| {
            let same = before.record.tells_the_same(&record);
            Held { record, told_at: if same { before.told_at } else { position } }
        });
        self.held.as_ref().is_none_or(|it| it.told_at != before.told_at)
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
            let held = objects.get(&object).and_then(|it| it.get(&alarm)?.held.as_ref());
            let held = held.map_or(0, |it| it.record.change);
            if let Some(record) = record.as_ref().filter(|it| it.change <= held) {
                let reason = format!("change {} after change {held}", record.change);
                return Err(ProviderError::of_item(&update.item, reason));
            }
            taken.push((object, alarm, update.position, record));
        }
        let mut told = false;
        for (object, alarm, position, record) in taken {
            let alarm = objects.entry(object).or_default().entry(alarm).or_default();
            told |= alarm.take(position, record);
        }
        if updates.iter().any(|it| it.value.is_none()) {
            drop_empty(&mut objects);
        }
        drop(objects);
        if told {
            self.changed();
        }
        Ok(())
    }

    fn snapshot(&self) -> Result<Vec<(Box<str>, Bytes)>, ProviderError> {
        let objects = self.objects.read().expect(UNPOISONED);
        let mut items = Vec::new();
        for (object, alarms) in objects.iter() {
            for (alarm, it) in alarms {
                let held = it.held.as_ref();
                items.extend(held.map(|it| (item(object, alarm), it.record.encode())));
            }
        }
        Ok(items)
    }

    fn restore(&self, _at: Position, items: &[Item]) -> Result<(), ProviderError> {
        let mut objects = self.objects.write().expect(UNPOISONED);
        objects.values_mut().flat_map(BTreeMap::values_mut).for_each(|it| it.held = None);
        let mut failed = None;
        for it in items {
            match decoded(&it.item, Some(&it.value)) {
                Ok((object, alarm, record)) => {
                    let alarm = objects.entry(object).or_default().entry(alarm).or_default();
                    alarm.take(it.position, record);
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        drop_empty(&mut objects);
        drop(objects);
        self.changed();
        failed.map_or(Ok(()), Err)
    }
}

fn drop_empty(objects: &mut Objects) {
    for alarms in objects.values_mut() {
        alarms.retain(|_, it| it.declaration.is_some() || it.held.is_some());
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
