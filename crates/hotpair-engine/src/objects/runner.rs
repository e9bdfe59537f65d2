//! The objects of an engine while its node acts: which scan is to be done, and what becomes of it.
//!
//! [`Runner::next`] gives a [`Job`], which any thread can run. [`Runner::ended`] takes what came of it
//! and gives the unit to post, [`Runner::posts`] checks and encodes it, and [`Runner::posted`] is told
//! what the journal said. Whatever it did not take has no effect: the object is made anew from its
//! checkpoint, and the number is used again.

use super::checkpoint::Checkpoint;
use super::checkpoints::{Checkpoints, UnitError};
use super::declaration::ObjectDeclaration;
use super::fault::{Fault, FaultKind};
use super::name::Name;
use super::object::Object;
use super::program::{Program, Said};
use super::scheduler::{Due, Next, Scheduler, Shown, Verdict};
use super::setting::{AttributeError, admitted, short};
use super::unit::Unit;
use crate::alarms::Alarms;
use crate::history::Sample;
use crate::tags::{Quality, Reading, TagRecord, Tags, Value};
use crate::{Post, ProviderError};
use hotpair_types::{NodeTime, Position, Time};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Makes the program of an object, on whichever thread scans it.
pub type MakeProgram =
    Arc<dyn Fn(&ObjectDeclaration) -> Result<Box<dyn Program>, Fault> + Send + Sync>;

/// The objects of one engine on the node that acts. Made when its outputs open, dropped when they close.
#[derive(Debug)]
pub struct Runner {
    checkpoints: Arc<Checkpoints>,
    alarms: Arc<Alarms>,
    scheduler: Scheduler,
    objects: BTreeMap<Name, Standing>,
}

struct Standing {
    declaration: Arc<ObjectDeclaration>,
    make: MakeProgram,
    /// None: being scanned, or to be made from its checkpoint.
    object: Option<Box<Object>>,
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing").field("object", &self.object).finish_non_exhaustive()
    }
}

/// What is to be done next.
#[derive(Debug)]
pub enum Begin {
    /// This scan, now. [`Runner::ended`] has to follow.
    Scan(Box<Job>),
    /// Nothing now; ask again then.
    Wait(Time),
    /// Nothing, as long as nothing ends and nothing is changed.
    Idle,
}

/// One scan, for a thread.
pub struct Job {
    due: Due,
    declaration: Arc<ObjectDeclaration>,
    make: MakeProgram,
    object: Option<Box<Object>>,
    checkpoint: Option<Checkpoint>,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("due", &self.due).finish_non_exhaustive()
    }
}

/// What came of a job.
#[derive(Debug)]
pub struct Ended {
    due: Due,
    object: Option<Box<Object>>,
    result: Result<Unit, Fault>,
    said: Said,
}

impl Ended {
    /// Whose scan it was.
    #[must_use]
    pub const fn object(&self) -> &Name {
        &self.due.object
    }

    /// What the program said; taken.
    pub fn said(&mut self) -> Said {
        std::mem::take(&mut self.said)
    }
}

/// A unit as it is posted: all of it in one entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Posts {
    /// Of which object.
    pub object: Name,
    /// The number of the step.
    pub step: u64,
    /// Items of the provider of checkpoints.
    pub checkpoint: Vec<Post>,
    /// Items of the provider of tags.
    pub tags: Vec<Post>,
    /// Items of the provider of alarms.
    pub alarms: Vec<Post>,
    /// What goes into history, where that is kept; their sequence is given when they are posted.
    pub samples: Vec<Sample>,
}

impl Job {
    /// Does the scan; makes the object first where that is still to be done.
    pub fn run(self, at: NodeTime, read: &dyn Fn(&str) -> Option<Reading>) -> Ended {
        let Self { due, declaration, make, object, checkpoint } = self;
        let made = object.map_or_else(
            || {
                let program = make(&declaration)?;
                Object::resume(declaration, program, checkpoint.as_ref()).map(Box::new)
            },
            Ok,
        );
        match made {
            Ok(mut object) => {
                let result = object.scan(&due, at, read);
                let said = object.said();
                Ended { due, object: Some(object), result, said }
            }
            Err(fault) => Ended { due, object: None, result: Err(fault), said: Said::default() },
        }
    }
}

impl Runner {
    /// Without objects; their slots are counted from now.
    #[must_use]
    pub fn new(start: Time, checkpoints: Arc<Checkpoints>, alarms: Arc<Alarms>) -> Self {
        let (scheduler, objects) = (Scheduler::new(start), BTreeMap::new());
        Self { checkpoints, alarms, scheduler, objects }
    }

    /// Puts an object into the schedule: it goes on from its checkpoint, and stays in fault if that is.
    pub fn deploy(&mut self, now: Time, declaration: Arc<ObjectDeclaration>, make: MakeProgram) {
        let name = declaration.name.clone();
        self.objects.insert(name.clone(), Standing { declaration, make, object: None });
        self.begin_anew(now, &name);
    }

    /// An object that is declared otherwise than before, or whose program is another one. Gives the unit of
    /// its restart when it was in fault.
    pub fn change(
        &mut self,
        now: Time,
        declaration: Arc<ObjectDeclaration>,
        make: MakeProgram,
    ) -> Option<Unit> {
        let name = declaration.name.clone();
        self.deploy(now, declaration, make);
        self.restart(now, name.as_str())
    }

    /// Takes an object out of the schedule; its checkpoint stays.
    pub fn withdraw(&mut self, object: &str) {
        self.scheduler.undeploy(object);
        self.objects.remove(object);
    }

    /// Checkpoints of objects that are not declared: what to post so that nothing of them stays.
    #[must_use]
    pub fn removals(&self, is_declared: impl Fn(&str) -> bool) -> Vec<Post> {
        let scans = self.checkpoints.scans();
        let gone = scans.iter().filter(|(name, _)| !is_declared(name.as_str()));
        gone.flat_map(|(name, _)| self.checkpoints.removal(name)).collect()
    }

    /// Lets an object in fault run again. Gives the unit that says so; none when it is not in fault.
    pub fn restart(&mut self, now: Time, object: &str) -> Option<Unit> {
        let scan = self.scheduler.restart(now, object)?;
        self.drop_object(object);
        Some(Unit::of_fault(Name::new(object)?, scan, None))
    }

    /// Sets an attribute, in a step of its own: an object of a long period, or in fault, takes it at once,
    /// too. Gives the unit to post. The next scan begins with it.
    ///
    /// # Errors
    /// `AttributeError`; nothing is changed then.
    pub fn set(
        &mut self,
        object: &str,
        attribute: &str,
        value: Value,
        quality: Quality,
        at: NodeTime,
    ) -> Result<Unit, AttributeError> {
        let unknown = || AttributeError::NoObject { object: short(object) };
        let standing = self.objects.get_mut(object).ok_or_else(unknown)?;
        let (place, value) = admitted(&standing.declaration, attribute, value)?;
        let Some(scan) = self.scheduler.step(object) else {
            return Err(AttributeError::Scanning { object: object.into() });
        };
        let record = TagRecord { value, quality, timestamp: at };
        if let Some(object) = &mut standing.object {
            object.stepped(place, record.clone());
        }
        let fault = self.scheduler.shown(object).and_then(|it| it.fault.clone());
        let declared = &standing.declaration;
        let mut unit = Unit::of_fault(declared.name.clone(), scan, fault);
        unit.attributes.push((declared.attributes[place].name.clone(), record));
        Ok(unit)
    }

    /// The objects whose scans take longer than they may: the units that say so.
    pub fn give_up(&mut self, now: Time) -> Vec<Unit> {
        let given_up = self.scheduler.give_up(now).into_iter();
        given_up.map(|(name, scan, fault)| Unit::of_fault(name, scan, Some(fault))).collect()
    }

    /// What is to be done now.
    pub fn next(&mut self, now: Time) -> Begin {
        loop {
            let due = match self.scheduler.next(now) {
                Next::Scan(due) => due,
                Next::Wait(at) => return Begin::Wait(at),
                Next::Idle => return Begin::Idle,
            };
            if self.checkpoints.step(due.object.as_str()).0 + 1 != due.scan {
                // The checkpoint was replaced, for example by the partner's.
                self.begin_anew(now, &due.object);
                continue;
            }
            let standing = self.objects.get_mut(&due.object).expect("what is scheduled is here");
            let object = standing.object.take();
            let checkpoint = match object {
                Some(_) => None,
                None => self.checkpoints.get(due.object.as_str()),
            };
            let (declaration, make) = (standing.declaration.clone(), standing.make.clone());
            let job = Job { due, declaration, make, object, checkpoint };
            return Begin::Scan(Box::new(job));
        }
    }

    /// A scan ended, well or not. Gives the unit to post; none when nobody waits for it any more.
    pub fn ended(&mut self, now: Time, ended: Ended) -> Option<Unit> {
        let Ended { due, object, result, said: _ } = ended;
        let how = result.as_ref().map(|_| ()).map_err(Clone::clone);
        match self.scheduler.ended(now, due.object.as_str(), due.run, how) {
            Verdict::Keep => {
                if let Some(standing) = self.objects.get_mut(&due.object) {
                    standing.object = object;
                }
                result.ok()
            }
            Verdict::Fault(fault) => Some(Unit::of_fault(due.object, due.scan, Some(fault))),
            Verdict::Stale => None,
        }
    }

    /// Checks a unit, holds the object's alarms against what it shows, and gives what to post. One that
    /// cannot be posted becomes the fault of its object.
    pub fn posts(&mut self, now: Time, at: NodeTime, unit: Unit, tags: &Tags) -> Option<Posts> {
        let object = unit.object.clone();
        match self.prepared(unit, at, tags) {
            Ok(posts) => Some(posts),
            Err(unpostable) => {
                self.begin_anew(now, &object);
                let fault = unpostable?;
                let scan = self.scheduler.fault(object.as_str(), fault.clone())?;
                let unit = Unit::of_fault(object, scan, Some(fault));
                self.prepared(unit, at, tags).ok()
            }
        }
    }

    /// `Err(None)`: it does not follow the checkpoint, and is no fault of the object.
    fn prepared(&self, unit: Unit, at: NodeTime, tags: &Tags) -> Result<Posts, Option<Fault>> {
        let checkpoint = self.checkpoints.prepare(&unit).map_err(|error| match error {
            UnitError::OutOfOrder { .. } => None,
            UnitError::TooLarge { .. } => Some(Fault::new(FaultKind::OutOfMemory, error)),
            UnitError::Unsound { .. } => Some(Fault::new(FaultKind::BadState, error)),
        })?;
        let tags = tags.prepare_batch(unit.outputs);
        let tags = tags.map_err(|error| Some(Fault::new(FaultKind::BadOutput, error)))?;
        let alarms = unit.observed.as_ref();
        let alarms = alarms.map(|it| self.alarms.observed(unit.object.as_str(), it, at));
        let (alarms, samples) = (alarms.unwrap_or_default(), unit.samples);
        Ok(Posts { object: unit.object, step: unit.scan, checkpoint, tags, alarms, samples })
    }

    /// The journal took it and gave it this place, or it did not: then the object goes on from its
    /// checkpoint. Tags, alarms and history commit their parts themselves.
    ///
    /// # Errors
    /// When what was checked cannot be taken. The object goes on from its checkpoint then, too.
    pub fn posted(
        &mut self,
        now: Time,
        posts: Posts,
        position: Option<Position>,
    ) -> Result<(), ProviderError> {
        let Posts { object, checkpoint, step: _, tags: _, alarms: _, samples: _ } = posts;
        let taken = position.map(|at| self.checkpoints.commit(at, checkpoint));
        if !matches!(taken, Some(Ok(()))) {
            self.begin_anew(now, &object);
        }
        taken.unwrap_or(Ok(()))
    }

    /// How an object does; none when it is not in the schedule.
    #[must_use]
    pub fn shown(&self, object: &str) -> Option<&Shown> {
        self.scheduler.shown(object)
    }

    /// How all of them do, in the order of their names.
    pub fn all(&self) -> impl Iterator<Item = (&Name, &Shown)> {
        self.scheduler.all()
    }

    fn drop_object(&mut self, object: &str) {
        if let Some(standing) = self.objects.get_mut(object) {
            standing.object = None;
        }
    }

    /// The number, the fault and the state are those of the checkpoint again.
    fn begin_anew(&mut self, now: Time, object: &Name) {
        self.drop_object(object.as_str());
        if let Some(standing) = self.objects.get(object) {
            let (scan, fault) = self.checkpoints.step(object.as_str());
            let schedule = standing.declaration.schedule;
            self.scheduler.deploy(now, object.clone(), schedule, scan, fault);
        }
    }
}
