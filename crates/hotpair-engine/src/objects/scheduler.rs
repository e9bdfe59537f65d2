//! Decides which object is scanned when. It reads no clock: times come in, and what is due comes out.
//!
//! An object's slots lie on a grid: the start of the schedule, its phase, its period. The grid does
//! not move, so nothing drifts. A slot that passed while the scan before it ran, or while others
//! kept the threads busy, is left out and counted; it is never caught up in a burst.

use super::declaration::Schedule;
use super::fault::Fault;
use super::name::Name;
use super::statistics::Statistics;
use hotpair_types::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// One scan that is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Of which object.
    pub object: Name,
    /// Its number: one more than the last of this object, on whichever node that was.
    pub scan: u64,
    /// Tells this run from every other one of this schedule; given back with [`Scheduler::ended`].
    pub run: u64,
    /// The slot, by the schedule.
    pub slot: Time,
    /// Slots left out since the last scan.
    pub missed: u32,
}

/// What the schedule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// This scan, now. [`Scheduler::ended`] has to follow.
    Scan(Due),
    /// Nothing now; ask again then, and after every `ended`.
    Wait(Time),
    /// Nothing, as long as nothing ends and nothing is changed.
    Idle,
}

/// What becomes of a scan that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It counts: its unit is posted.
    Keep,
    /// It has no effect; the object is in fault.
    Fault(Fault),
    /// Nobody waits for it: the object went into fault, was changed or undeployed meanwhile.
    Stale,
}

/// An object's place in the schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// When it is scanned.
    pub schedule: Schedule,
    /// The number of its last scan.
    pub last_scan: u64,
    /// Why it does not run, if it does not.
    pub fault: Option<Fault>,
    /// Whether a scan is under way.
    pub is_running: bool,
    /// Slots left out, since it was deployed here.
    pub overruns: u64,
    /// How long its scans took.
    pub scan_time: Statistics,
    /// How long after their slots they began.
    pub jitter: Statistics,
}

/// The schedule of one engine's objects. Made anew when the node becomes active.
#[derive(Clone, Debug)]
pub struct Scheduler {
    start: Time,
    runs: u64,
    objects: BTreeMap<Name, Entry>,
    /// The next slots of those that may run.
    slots: BTreeSet<(Time, Name)>,
    /// When those that are running have taken too long.
    limits: BTreeSet<(Time, Name)>,
}

#[derive(Clone, Debug)]
struct Entry {
    shown: Shown,
    /// The next one.
    slot: Time,
    /// Left out since the last scan.
    missed: u32,
    running: Option<Running>,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    run: u64,
    slot: Time,
    began: Time,
}

impl Scheduler {
    /// An empty schedule whose grid begins now.
    #[must_use]
    pub fn new(start: Time) -> Self {
        let (slots, limits) = (BTreeSet::new(), BTreeSet::new());
        Self { start, runs: 0, objects: BTreeMap::new(), slots, limits }
    }

    /// Puts an object into the schedule, or changes when it is scanned. Its first slot is the next
    /// one of its grid. `last_scan` and `fault` are those of its checkpoint, 0 and none where it never
    /// ran. A scan that is under way is stale from now on, and its number is used again.
    pub fn deploy(
        &mut self,
        now: Time,
        object: Name,
        schedule: Schedule,
        last_scan: u64,
        fault: Option<Fault>,
    ) {
        assert!(!schedule.period.is_zero(), "a period of zero");
        let slot = next_slot(self.start, &schedule, now);
        let old = self.take(object.as_str()).map(|(_, it)| it.shown);
        let mut shown = old.unwrap_or_else(|| Shown {
            schedule,
            last_scan,
            fault: None,
            is_running: false,
            overruns: 0,
            scan_time: Statistics::default(),
            jitter: Statistics::default(),
        });
        shown.schedule = schedule;
        shown.last_scan = last_scan;
        shown.fault = fault;
        shown.is_running = false;
        self.put(object, Entry { shown, slot, missed: 0, running: None });
    }

    /// Takes an object out.
    pub fn undeploy(&mut self, object: &str) {
        drop(self.take(object));
    }

    /// Lets an object in fault run again from its next slot. Gives the number of this step, which
    /// is one of its scans' numbers: the unit that tells the partner carries it. Nothing when the object
    /// is not in fault, or not here.
    pub fn restart(&mut self, now: Time, object: &str) -> Option<u64> {
        self.objects.get(object)?.shown.fault.as_ref()?;
        let (name, mut entry) = self.take(object)?;
        entry.shown.fault = None;
        entry.shown.last_scan += 1;
        entry.slot = next_slot(self.start, &entry.shown.schedule, now);
        let scan = entry.shown.last_scan;
        self.put(name, entry);
        Some(scan)
    }

    /// A step that is no scan. Gives its number; nothing when the object is being scanned, or not here.
    pub fn step(&mut self, object: &str) -> Option<u64> {
        let (name, mut entry) = self.take(object)?;
        let is_idle = entry.running.is_none();
        entry.shown.last_scan += u64::from(is_idle);
        let scan = entry.shown.last_scan;
        self.put(name, entry);
        is_idle.then_some(scan)
    }

    /// Puts an object into fault for a reason from outside of its scans. Gives the number of the step, as
    /// `restart` does. Nothing when it is in fault already, or not here.
    pub fn fault(&mut self, object: &str, fault: Fault) -> Option<u64> {
        if self.objects.get(object)?.shown.fault.is_some() {
            return None;
        }
        let (name, mut entry) = self.take(object)?;
        // The number of a scan under way is this step's: that scan is stale from now on.
        if entry.running.take().is_none() {
            entry.shown.last_scan += 1;
        }
        entry.shown.is_running = false;
        entry.shown.fault = Some(fault);
        let scan = entry.shown.last_scan;
        self.put(name, entry);
        Some(scan)
    }

    /// Scans that take longer than their objects may, and are not back: their objects are in fault
    /// from now on, with the number that the scan had. The threads they hold are the caller's worry.
    pub fn give_up(&mut self, now: Time) -> Vec<(Name, u64, Fault)> {
        let mut given_up = Vec::new();
        while let Some((_, name)) = self.limits.first().filter(|it| it.0 <= now) {
            let name = name.clone();
            let (name, mut entry) = self.take(name.as_str()).expect("what has a limit is here");
            let limit = entry.shown.schedule.scan_limit;
            let running = entry.running.take().expect("what has a limit is running");
            let fault = Fault::overran(now.since(running.began), limit);
            entry.shown.is_running = false;
            entry.shown.fault = Some(fault.clone());
            given_up.push((name.clone(), entry.shown.last_scan, fault));
            self.put(name, entry);
        }
        given_up
    }

    /// The next scan: of those that are due, the one whose slot is earliest, by name where two are equal.
    pub fn next(&mut self, now: Time) -> Next {
        while let Some((_, name)) = self.slots.first().filter(|it| it.0 <= now) {
            let name = name.clone();
            let (name, mut entry) = self.take(name.as_str()).expect("what has a slot is here");
            // With its newest slot another one may be earlier.
            if entry.leave_out(now) {
                self.put(name, entry);
                continue;
            }
            self.runs += 1;
            let due = entry.begin(&name, now, self.runs);
            self.put(name, entry);
            return Next::Scan(due);
        }
        let next = self.slots.first().into_iter().chain(self.limits.first()).map(|it| it.0).min();
        next.map_or(Next::Idle, Next::Wait)
    }

    /// A scan ended, well or not.
    pub fn ended(
        &mut self,
        now: Time,
        object: &str,
        run: u64,
        result: Result<(), Fault>,
    ) -> Verdict {
        let running = self.objects.get(object).and_then(|it| it.running);
        let Some(running) = running.filter(|it| it.run == run) else { return Verdict::Stale };
        let (name, mut entry) = self.take(object).expect("it is running");
        entry.running = None;
        let took = now.since(running.began);
        let shown = &mut entry.shown;
        shown.is_running = false;
        shown.scan_time.add(took);
        shown.jitter.add(running.began.since(running.slot));
        let limit = shown.schedule.scan_limit;
        let fault = result.err().or_else(|| (took > limit).then(|| Fault::overran(took, limit)));
        shown.fault.clone_from(&fault);
        self.put(name, entry);
        fault.map_or(Verdict::Keep, Verdict::Fault)
    }

    /// How an object does.
    #[must_use]
    pub fn shown(&self, object: &str) -> Option<&Shown> {
        self.objects.get(object).map(|it| &it.shown)
    }

    /// How all of them do, in the order of their names.
    pub fn all(&self) -> impl Iterator<Item = (&Name, &Shown)> {
        self.objects.iter().map(|(name, it)| (name, &it.shown))
    }

    /// Out of all three; every change of an entry is between this and `put`.
    fn take(&mut self, object: &str) -> Option<(Name, Entry)> {
        let (name, entry) = self.objects.remove_entry(object)?;
        let key = |at| (at, name.clone());
        self.slots.remove(&key(entry.slot));
        if let Some(at) = entry.given_up_at() {
            self.limits.remove(&key(at));
        }
        Some((name, entry))
    }

    fn put(&mut self, name: Name, entry: Entry) {
        if entry.may_run() {
            self.slots.insert((entry.slot, name.clone()));
        }
        if let Some(at) = entry.given_up_at() {
            self.limits.insert((at, name.clone()));
        }
        self.objects.insert(name, entry);
    }
}

impl Entry {
    fn may_run(&self) -> bool {
        self.shown.fault.is_none() && self.running.is_none()
    }

    /// Slots that are over make room for the one that is not; whether there were any.
    fn leave_out(&mut self, now: Time) -> bool {
        let late = now.since(self.slot).as_micros() / self.shown.schedule.period.as_micros();
        let late = u32::try_from(late).unwrap_or(u32::MAX);
        self.slot = self.slot + self.shown.schedule.period * late;
        self.missed = self.missed.saturating_add(late);
        self.shown.overruns += u64::from(late);
        late > 0
    }

    fn begin(&mut self, name: &Name, now: Time, run: u64) -> Due {
        let slot = self.slot;
        self.slot = slot + self.shown.schedule.period;
        self.running = Some(Running { run, slot, began: now });
        self.shown.is_running = true;
        self.shown.last_scan += 1;
        let missed = std::mem::take(&mut self.missed);
        Due { object: name.clone(), scan: self.shown.last_scan, run, slot, missed }
    }

    /// When a scan under way takes too long.
    fn given_up_at(&self) -> Option<Time> {
        let limit = self.shown.schedule.scan_limit;
        self.running.map(|it| it.began + limit + Duration::from_micros(1))
    }
}

/// The first slot that is not before `now`.
fn next_slot(start: Time, schedule: &Schedule, now: Time) -> Time {
    let first = start + schedule.phase;
    let Some(late) = now.0.checked_sub(first.0) else { return first };
    let period = u64::try_from(schedule.period.as_micros()).unwrap_or(u64::MAX);
    Time(first.0.saturating_add(late.div_ceil(period).saturating_mul(period)))
}
