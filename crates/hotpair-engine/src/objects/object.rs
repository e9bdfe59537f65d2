//! One object that is scanned: its attributes, its program, and what a scan makes of them.
use super::attribute::{AttributeDeclaration, Binding};
use super::checkpoint::Checkpoint;
use super::declaration::ObjectDeclaration;
use super::fault::{Fault, FaultKind};
use super::program::{Inputs, Outputs, Program, Said};
use super::scheduler::Due;
use super::setting::{AttributeError, admitted};
use super::unit::Unit;
use crate::alarms::Observed;
use crate::history::Sample;
use crate::tags::{Quality, Reading, TagRecord, TagWrite, Value, ValueError};
use hotpair_types::NodeTime;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// One object on the node that is active. The standby has none: it has checkpoints.
pub struct Object {
    declaration: Arc<ObjectDeclaration>,
    program: Box<dyn Program>,
    /// By the place of the attribute.
    values: Vec<TagRecord>,
    /// Attributes that differ from the last unit.
    changed: Vec<bool>,
    /// What people set since the last scan.
    waiting: BTreeMap<usize, TagRecord>,
    last_scan: u64,
    /// The next unit says everything.
    whole: bool,
    /// The marked attributes, as they were recorded last; none before the first scan of this object here.
    recorded: Vec<(usize, Option<TagRecord>)>,
    fault: Option<Fault>,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = &self.declaration.name;
        f.debug_struct("Object").field("name", name).field("last_scan", &self.last_scan).finish()
    }
}

impl Object {
    /// An object that goes on from a checkpoint, or begins where there is none. What the checkpoint has
    /// and the declaration or the program has not any more is left behind, and the next unit says everything.
    ///
    /// # Errors
    /// `Fault` of the checkpoint, or of a program that cannot take its state.
    pub fn resume(
        declaration: Arc<ObjectDeclaration>,
        mut program: Box<dyn Program>,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<Self, Fault> {
        let mut values: Vec<_> =
            declaration.attributes.iter().map(AttributeDeclaration::first).collect();
        let mut whole = true;
        if let Some(checkpoint) = checkpoint {
            if let Some(fault) = &checkpoint.fault {
                return Err(fault.clone());
            }
            let mut taken = 0;
            for (attribute, value) in declaration.attributes.iter().zip(&mut values) {
                let kept = checkpoint.attributes.get(&attribute.name);
                let fits = |it: &&TagRecord| is_state(attribute) && is_legal(attribute, &it.value);
                if let Some(kept) = kept.filter(fits) {
                    value.clone_from(kept);
                    taken += 1;
                }
            }
            let same = *checkpoint.program == *program.identity();
            if same {
                program.apply(&checkpoint.state())?;
            }
            let states = declaration.attributes.iter().filter(|it| is_state(it)).count();
            whole = !same || taken != states || taken != checkpoint.attributes.len();
        }
        let changed = vec![whole; values.len()];
        let last_scan = checkpoint.map_or(0, |it| it.scan);
        let waiting = BTreeMap::new();
        let marked = declaration.attributes.iter().enumerate().filter(|it| it.1.history);
        let recorded = marked.map(|(place, _)| (place, None)).collect();
        Ok(Self {
            declaration,
            program,
            values,
            changed,
            waiting,
            last_scan,
            whole,
            recorded,
            fault: None,
        })
    }

    /// What it was declared as.
    #[must_use]
    pub const fn declaration(&self) -> &Arc<ObjectDeclaration> {
        &self.declaration
    }

    /// The value of an attribute after the last scan.
    #[must_use]
    pub fn value(&self, attribute: &str) -> Option<&TagRecord> {
        self.declaration.attribute(attribute).map(|it| &self.values[it])
    }

    /// What its program's state is state of.
    #[must_use]
    pub fn identity(&self) -> &str {
        self.program.identity()
    }

    /// Sets an attribute from outside. The next scan begins with it, and its unit carries it:
    /// whoever set it is answered when that unit is.
    ///
    /// # Errors
    /// `AttributeError` says why not.
    pub fn set(
        &mut self,
        attribute: &str,
        value: Value,
        quality: Quality,
        at: NodeTime,
    ) -> Result<(), AttributeError> {
        let (place, value) = admitted(&self.declaration, attribute, value)?;
        self.waiting.insert(place, TagRecord { value, quality, timestamp: at });
        Ok(())
    }

    /// A person set an attribute, in a step of its own that is no scan.
    pub(super) fn stepped(&mut self, place: usize, record: TagRecord) {
        self.values[place] = record;
        self.last_scan += 1;
    }

    /// Does one scan: tags in, program, unit out.
    ///
    /// # Errors
    /// `Fault`: the scan has no effect, and there is no other one with this object. It is made anew
    /// from its checkpoint when a person restarts it.
    pub fn scan(
        &mut self,
        due: &Due,
        at: NodeTime,
        read: &dyn Fn(&str) -> Option<Reading>,
    ) -> Result<Unit, Fault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let scanned = self.try_scan(due, at, read);
        self.fault = scanned.as_ref().err().cloned();
        scanned
    }

    /// What its program said in the last scan; taken. One that panics says nothing.
    pub fn said(&mut self) -> Said {
        let program = &mut self.program;
        catch_unwind(AssertUnwindSafe(|| program.said())).unwrap_or_default()
    }

    fn try_scan(
        &mut self,
        due: &Due,
        at: NodeTime,
        read: &dyn Fn(&str) -> Option<Reading>,
    ) -> Result<Unit, Fault> {
        assert_eq!(due.scan, self.last_scan + 1, "scans of one object follow each other");
        for (place, record) in std::mem::take(&mut self.waiting) {
            self.take(place, record);
        }
        for place in 0..self.values.len() {
            let attribute = &self.declaration.attributes[place];
            if let Binding::Input(tag) = &attribute.binding {
                self.values[place] = input(attribute, read(tag));
            }
        }
        let inputs = Inputs {
            scan: due.scan,
            period: self.declaration.schedule.period,
            missed: due.missed,
            at,
            attributes: &self.values,
        };
        let elapsed = inputs.elapsed();
        let program = &mut self.program;
        // A program that panics is not used again.
        let outputs = catch_unwind(AssertUnwindSafe(|| program.scan(&inputs)))
            .unwrap_or_else(|payload| Err(panicked(payload.as_ref())))?;
        self.write(outputs, at)?;
        self.last_scan = due.scan;
        let mut unit = self.unit(at, read);
        unit.observed = self.observed(elapsed);
        unit.samples = self.samples();
        Ok(unit)
    }

    fn write(&mut self, outputs: Outputs, at: NodeTime) -> Result<(), Fault> {
        for (place, value, quality) in outputs.written {
            let bad = |what: String| Fault::new(FaultKind::BadOutput, what);
            let attribute = self.declaration.attributes.get(place);
            let attribute =
                attribute.ok_or_else(|| bad(format!("there is no attribute {place}")))?;
            let name = &attribute.name;
            if let Binding::Input(_) = attribute.binding {
                return Err(bad(format!("`{name}` is an input and cannot be written")));
            }
            let (value, quality) = match attribute.declaration.admit(value) {
                Ok(value) => (value, quality),
                Err(error) => match clamped(&error) {
                    Some(value) => (value, doubted(quality)),
                    None => return Err(bad(format!("`{name}`: {error}"))),
                },
            };
            self.take(place, TagRecord { value, quality, timestamp: at });
        }
        Ok(())
    }

    /// A value that says the same as before keeps its time.
    fn take(&mut self, place: usize, record: TagRecord) {
        let held = &mut self.values[place];
        if !same(held, &record) {
            *held = record;
            self.changed[place] = true;
        }
    }

    /// The attributes that alarms watch.
    fn observed(&self, elapsed: Duration) -> Option<Observed> {
        let watched: BTreeSet<_> = self.declaration.alarms.iter().map(|it| &it.attribute).collect();
        if watched.is_empty() {
            return None;
        }
        let all = self.declaration.attributes.iter().zip(&self.values);
        let values = all.filter(|it| watched.contains(&it.0.name));
        let values = values.map(|(it, value)| (it.name.clone(), value.clone())).collect();
        Some(Observed::new(elapsed, values))
    }

    /// The marked attributes that are not as they were recorded last.
    fn samples(&mut self) -> Vec<Sample> {
        let mut samples = Vec::new();
        for (place, recorded) in &mut self.recorded {
            let value = &self.values[*place];
            if recorded.as_ref().is_some_and(|it| same(it, value)) {
                continue;
            }
            let attribute = &self.declaration.attributes[*place];
            let (name, unit) = (attribute.name.clone(), attribute.declaration.unit.clone());
            samples.push(Sample::new(name, unit, value));
            *recorded = Some(value.clone());
        }
        samples
    }

    fn unit(&mut self, at: NodeTime, read: &dyn Fn(&str) -> Option<Reading>) -> Unit {
        let whole = std::mem::replace(&mut self.whole, false);
        let object = self.declaration.name.clone();
        let mut unit = Unit::of_fault(object, self.last_scan, None);
        unit.whole = whole;
        unit.program = Some(self.program.identity().into());
        let changes = self.program.changes();
        // What is not named in a whole unit is gone, also what did not change.
        unit.chunks = if whole { self.program.state() } else { changes };
        for (place, attribute) in self.declaration.attributes.iter().enumerate() {
            let value = &self.values[place];
            if let Binding::Output(tag) = &attribute.binding {
                unit.outputs.extend(output(tag, value, at, read(tag)));
            }
            let changed = std::mem::replace(&mut self.changed[place], false);
            if changed && is_state(attribute) {
                unit.attributes.push((attribute.name.clone(), value.clone()));
            }
        }
        unit
    }
}

/// Whether its value is part of checkpoints: an input's is in its tag.
fn is_state(attribute: &AttributeDeclaration) -> bool {
    !matches!(attribute.binding, Binding::Input(_))
}

fn is_legal(attribute: &AttributeDeclaration, value: &Value) -> bool {
    attribute.declaration.admit(value.clone()).is_ok_and(|it| it.of_type() == value.of_type())
        && attribute.declaration.of_type == value.of_type()
}

/// An input as its tag is. Without a value, or with one of another type, it is bad.
fn input(attribute: &AttributeDeclaration, reading: Option<Reading>) -> TagRecord {
    let of_type = attribute.declaration.of_type;
    let Some(reading) = reading else { return attribute.first() };
    let Reading { value, quality, timestamp, .. } = reading;
    match value {
        Some(value) if value.of_type() == of_type => TagRecord { value, quality, timestamp },
        Some(_) | None => attribute.first(),
    }
}

/// What to write to the tag of an output, if it does not say that already.
fn output(
    tag: &Arc<str>,
    value: &TagRecord,
    at: NodeTime,
    reading: Option<Reading>,
) -> Option<TagWrite> {
    // Nobody has written it yet.
    if value.quality == Quality::Bad && value.timestamp == NodeTime(0) {
        return None;
    }
    let said = reading.and_then(|it| {
        let Reading { value, quality, timestamp, .. } = it;
        value.map(|value| TagRecord { value, quality, timestamp })
    });
    if said.is_some_and(|it| same(&it, value)) {
        return None;
    }
    let TagRecord { value, quality, .. } = value.clone();
    Some(TagWrite { path: (**tag).into(), value, quality, timestamp: at })
}

/// Bit for bit: a program goes on with exactly what the partner has.
fn same(one: &TagRecord, other: &TagRecord) -> bool {
    let same = match (&one.value, &other.value) {
        (Value::Float(one), Value::Float(other)) => one.to_bits() == other.to_bits(),
        (one, other) => one == other,
    };
    same && one.quality == other.quality
}

/// A number beyond its limits is taken as the limit.
fn clamped(error: &ValueError) -> Option<Value> {
    let ValueError::OutOfLimits { value, min, max } = error else { return None };
    let number = crate::alarms::as_float;
    let is_below = min.as_ref().is_some_and(|min| number(value) < number(min));
    if is_below { min.clone() } else { max.clone() }
}

fn doubted(quality: Quality) -> Quality {
    match quality {
        Quality::Good | Quality::Uncertain => Quality::Uncertain,
        Quality::Bad => Quality::Bad,
    }
}

fn panicked(payload: &(dyn std::any::Any + Send)) -> Fault {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    Fault::new(FaultKind::Trapped, format!("panicked: {}", text.unwrap_or("no message")))
}
