//! A simulated host: a core while its process lives, a disk that outlives it, a clock of its own.
use crate::agenda::sooner;
use crate::answers::Answer;
use crate::disk::Disk;
use crate::{Fault, FaultKind, Rng};
use hotpair_core::{Core, EngineIndex, Input, Output};
use hotpair_fsm::Command;
use hotpair_types::{Channel, Epoch, Instance, NodeTime, PerChannel, Time};
use std::collections::VecDeque;
use std::time::Duration;

const MILLION: i64 = 1_000_000;
/// How long a healthy guard takes to learn something, and a healthy disk to store it.
pub(crate) const GUARD_DELAY_MAX: Duration = Duration::from_millis(2);
pub(crate) const DISK_DELAY_MAX: Duration = Duration::from_millis(4);

/// One host.
#[derive(Debug)]
pub(crate) struct Node {
    /// The process; `None`: dead.
    pub(crate) core: Option<Core>,
    /// One disk for each engine.
    pub(crate) disks: Vec<Disk>,
    /// How often it was started, as its disk knows.
    pub(crate) starts: u64,
    /// By engine: a person stopped it here, as its disk knows.
    pub(crate) undeployed: Vec<bool>,
    /// The last start.
    pub(crate) instance: Instance,
    /// When the process was started, by the world's clock.
    pub(crate) started: Time,
    /// How much faster its clock runs, in parts per million.
    pub(crate) rate_ppm: i64,
    /// Stopped by SIGSTOP.
    pub(crate) paused: bool,
    /// It stops so when it is about to answer.
    pub(crate) stands_at_answer: Option<Fault>,
    /// What it had decided to answer when it stopped.
    pub(crate) held: Vec<Answer>,
    /// What came while it was stopped.
    pub(crate) inbox: VecDeque<Input>,
    /// By engine: outputs are open under this epoch.
    pub(crate) gates: Vec<Option<Epoch>>,
    /// By engine: what the guard was told last.
    pub(crate) behind: Vec<bool>,
    /// The connection over which a Hello came.
    pub(crate) greeted: PerChannel<u64>,
    /// Commands without an answer yet.
    pub(crate) commands: Vec<(EngineIndex, u64, Time, Command)>,
    /// It shall not be started again by its guard: it left, or nobody wants it.
    pub(crate) stays_down: bool,
    /// By engine: the disk refused a record and is sound again soon.
    pub(crate) record_refused: Vec<bool>,
    /// Which guard it has: another after the old one died.
    pub(crate) guard: u64,
    /// It was asked to leave.
    pub(crate) leaving: bool,
    /// Its own end of the primary network is down.
    pub(crate) end_down: bool,
    /// Objects cannot be prepared.
    pub(crate) objects_fail: bool,
    /// How long its guard may take to learn something.
    pub(crate) guard_delay_max: Duration,
    /// How long its disk may take.
    pub(crate) disk_delay_max: Duration,
    /// Its disk does nothing before this time.
    pub(crate) hung_until: Time,
    /// It dies at the next moment of this kind.
    pub(crate) armed: Option<FaultKind>,
    /// When it must be woken, if that is known: looked up once after each change.
    deadline: Option<Option<Time>>,
}

impl Node {
    pub(crate) fn new(engines: usize) -> Self {
        Self {
            core: None,
            disks: (0..engines).map(|_| Disk::new()).collect(),
            starts: 0,
            undeployed: vec![false; engines],
            instance: Instance::default(),
            started: Time::ZERO,
            rate_ppm: 0,
            paused: false,
            stands_at_answer: None,
            held: Vec::new(),
            inbox: VecDeque::new(),
            gates: vec![None; engines],
            behind: vec![false; engines],
            greeted: PerChannel::default(),
            commands: Vec::new(),
            stays_down: false,
            record_refused: vec![false; engines],
            guard: 0,
            leaving: false,
            end_down: false,
            objects_fail: false,
            guard_delay_max: GUARD_DELAY_MAX,
            disk_delay_max: DISK_DELAY_MAX,
            hung_until: Time::ZERO,
            armed: None,
            deadline: None,
        }
    }

    /// Its own clock at a moment of the world.
    pub(crate) fn local(&self, world: Time) -> Time {
        let passed = i64::try_from(world.0.saturating_sub(self.started.0)).unwrap_or(i64::MAX);
        Time(scaled(passed, MILLION + self.rate_ppm, MILLION))
    }

    /// The moment of the world when its clock shows `local`, at the earliest.
    pub(crate) fn world(&self, local: Time) -> Time {
        let local = i64::try_from(local.0).unwrap_or(i64::MAX);
        let passed = scaled(local, MILLION, MILLION + self.rate_ppm).saturating_add(1);
        Time(self.started.0.saturating_add(passed))
    }

    /// Something was done that may change when it must be woken.
    pub(crate) const fn touch(&mut self) {
        self.deadline = None;
    }

    /// When something that is given to its disk now is safe.
    pub(crate) fn safe_at(&self, now: Time, rng: &mut Rng) -> Time {
        let delay = rng.between(Duration::from_micros(200), self.disk_delay_max);
        (now + delay).max(self.hung_until)
    }

    /// When it must be woken.
    pub(crate) fn deadline(&mut self) -> Option<Time> {
        match self.deadline {
            Some(known) => known,
            None => {
                let deadline = self.find_deadline();
                self.deadline = Some(deadline);
                deadline
            }
        }
    }

    fn find_deadline(&self) -> Option<Time> {
        if self.paused {
            return None;
        }
        let core = self.core.as_ref()?;
        let timer = Some(self.world(core.next_deadline()));
        self.disks.iter().fold(timer, |due, disk| sooner(due, disk.next_at()))
    }

    /// Lets it decide.
    pub(crate) fn handle(&mut self, world: Time, input: Input, out: &mut Vec<Output>) {
        let local = self.local(world);
        // The wall clocks are far apart on purpose: nothing may be decided by them.
        let wall = NodeTime(1_700_000_000_000 + self.instance.count * 3_600_000 + world.0 / 1_000);
        self.touch();
        if let Some(core) = &mut self.core {
            core.handle(local, wall, input, out);
        }
    }

    /// Whether its process lives and does not stand still.
    pub(crate) const fn is_running(&self) -> bool {
        self.core.is_some() && !self.paused
    }

    /// Whether its outputs can reach the world now.
    pub(crate) fn acts(&self, engine: usize) -> Option<Epoch> {
        if self.is_running() { self.gates[engine] } else { None }
    }

    /// The process is gone. What was written and not synced survives in part.
    pub(crate) fn die(&mut self, kept: impl FnMut(usize) -> usize) {
        let mut kept = kept;
        self.touch();
        self.core = None;
        self.paused = false;
        self.stands_at_answer = None;
        self.held.clear();
        self.inbox.clear();
        self.commands.clear();
        self.gates.fill(None);
        self.greeted = PerChannel::from_fn(|_: Channel| 0);
        self.leaving = false;
        self.record_refused.fill(false);
        for disk in &mut self.disks {
            let count = kept(disk.waiting() + 1);
            disk.lose(count);
        }
    }
}

/// A time by another clock; what is beyond all runs is never.
fn scaled(micros: i64, by: i64, of: i64) -> u64 {
    micros.checked_mul(by).map_or(u64::MAX, |it| u64::try_from(it / of).unwrap_or(0))
}
