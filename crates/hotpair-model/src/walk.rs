//! Walks breadth first through every world that can be reached within bounds, and tells the shortest way
//! to one that breaks a promise.
use crate::reached::Edge;
use crate::rest::tell_ways;
use crate::rules::Promises;
use crate::step::{Fault, Step};
use crate::world::World;
use hotpair_types::Mode;
use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// How far a walk goes.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Of both nodes.
    pub mode: Mode,
    /// What may go wrong.
    pub faults: Vec<Fault>,
    /// What went wrong before it begins: it counts for what the mode promises.
    pub before: Vec<Fault>,
    /// How often altogether.
    pub faults_max: u8,
    /// No epoch above this number is raised.
    pub epoch_max: u64,
    /// Each process starts so often, the first start included.
    pub starts_max: u64,
    /// The rounds that a process counts.
    pub round_max: u32,
    /// Entries that are written.
    pub entries_max: u64,
    /// Every so many worlds: faults off, and it must heal (L1), or say what it waits for (L2). 0: never.
    pub rest_every: usize,
    /// The walk is given up beyond so many worlds.
    pub worlds_max: usize,
    /// It ends where this is taken.
    pub seek: Option<Edge>,
}

impl Bounds {
    /// What is promised within them.
    #[must_use]
    pub fn promises(&self) -> Promises {
        let faults: Vec<_> = self.faults.iter().chain(&self.before).copied().collect();
        Promises::of(self.mode, &faults)
    }
}

/// What was seen on the way.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Different worlds.
    pub worlds: usize,
    /// Steps taken from them.
    pub steps: usize,
    /// The longest shortest way.
    pub depth: usize,
    /// Changes of state.
    pub edges: BTreeSet<Edge>,
    /// In some world both had their outputs open.
    pub two_open: bool,
    /// The story of a broken promise, if there is one.
    pub broken: Option<String>,
    /// The shortest way to what it sought.
    pub way: Option<String>,
    /// Not walked to the end.
    pub given_up: bool,
}

/// How each world was reached.
struct Trail(Vec<(u32, Option<Step>, u16)>);

impl Trail {
    fn path(&self, mut at: usize) -> Vec<Step> {
        let mut path = Vec::new();
        while let (before, Some(step), _) = self.0[at] {
            path.push(step);
            at = before as usize;
        }
        path.reverse();
        path
    }
}

/// A pair that is level, from where every walk begins.
#[must_use]
pub fn level_pair(mode: Mode) -> World {
    let mut world = World::new(mode);
    begin(&mut world);
    world
}

/// Starts both, and waits until one acts and the other is ready.
///
/// # Panics
/// If that never happens.
pub fn begin(world: &mut World) {
    for host in 0..2 {
        world.take(Step::Start(host));
    }
    for _ in 0..100 {
        if world.is_level_pair() {
            break;
        }
        world.pass_tick(true);
    }
    assert!(world.is_level_pair(), "two fresh nodes never get level: {}", world.tell());
    // What leads here is no part of a walk.
    for _ in 0..3 {
        world.pass_tick(true);
    }
    world.changes.clear();
}

/// Walks from a world that holds, and looks at each with `look`.
pub fn walk(start: &World, bounds: &Bounds, mut look: impl FnMut(&World)) -> Seen {
    let promises = bounds.promises();
    let mut start = start.clone();
    start.keep(promises);
    let mut seen = Seen::default();
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let mut known = BTreeSet::from([hasher.hash_one(&start)]);
    let mut trail = Trail(vec![(0, None, 0)]);
    let mut queue = VecDeque::from([(0_usize, start.clone())]);
    let mut steps = Vec::new();
    while let Some((at, world)) = queue.pop_front() {
        look(&world);
        seen.two_open |= world.is_open(0) && world.is_open(1);
        if bounds.rest_every > 0 && at.is_multiple_of(bounds.rest_every) {
            let rested = caught(|| world.heals().and_then(|()| world.rests()));
            if let Err(broken) = rested.and_then(|it| it) {
                seen.broken = Some(story(&start, &trail.path(at), &broken));
                break;
            }
        }
        choices(&world, bounds, &mut steps);
        for &step in &steps {
            let mut next = world.clone();
            seen.steps += 1;
            let taken = caught(|| next.take(step));
            if let Some(broken) = taken.err().or_else(|| next.broken(promises)) {
                let mut path = trail.path(at);
                path.push(step);
                seen.broken = Some(story(&start, &path, &broken));
                seen.worlds = known.len();
                return seen;
            }
            for (_, change) in next.changes.drain(..) {
                seen.edges.insert((change.from, change.to, change.rule));
            }
            if bounds.seek.is_some_and(|it| seen.edges.contains(&it)) {
                let mut path = trail.path(at);
                path.push(step);
                seen.way = Some(story(&start, &path, "taken"));
                seen.worlds = known.len();
                return seen;
            }
            if is_within(&next, bounds) && known.insert(hasher.hash_one(&next)) {
                let depth = trail.0[at].2 + 1;
                seen.depth = seen.depth.max(depth.into());
                let before = u32::try_from(at).expect("a walk is given up before");
                trail.0.push((before, Some(step), depth));
                queue.push_back((trail.0.len() - 1, next));
            }
        }
        if known.len() > bounds.worlds_max {
            seen.given_up = true;
            break;
        }
    }
    seen.worlds = known.len();
    seen
}

/// Wanders at random, far beyond the bounds of `walk`; the same every time. After each walk the world must
/// heal, and say what it waits for.
pub fn wander(start: &World, bounds: &Bounds, walks: u64, length: usize) -> Seen {
    let promises = bounds.promises();
    let mut seen = Seen::default();
    let mut steps = Vec::new();
    let mut start = start.clone();
    start.keep(promises);
    for number in 0..walks {
        let mut random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
        let mut roll = |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            usize::try_from(random % below as u64).expect("it is below a number of steps")
        };
        let mut world = start.clone();
        let mut path = Vec::new();
        for _ in 0..length {
            world.faults = 0;
            choices(&world, bounds, &mut steps);
            let faulty = roll(10) == 0;
            if steps.iter().any(|it| it.is_fault() == faulty) {
                steps.retain(|it| it.is_fault() == faulty);
            }
            if steps.is_empty() || !is_within(&world, bounds) {
                break;
            }
            let step = steps[roll(steps.len())];
            path.push(step);
            seen.steps += 1;
            let taken = caught(|| world.take(step));
            if let Some(broken) = taken.err().or_else(|| world.broken(promises)) {
                seen.broken = Some(story(&start, &path, &broken));
                return seen;
            }
            seen.two_open |= world.is_open(0) && world.is_open(1);
            for (_, change) in world.changes.drain(..) {
                seen.edges.insert((change.from, change.to, change.rule));
            }
        }
        let rested = caught(|| world.heals().and_then(|()| world.rests()));
        if let Err(broken) = rested.and_then(|it| it) {
            seen.broken = Some(story(&start, &path, &broken));
            return seen;
        }
    }
    seen.worlds = seen.steps;
    seen
}

/// Runs what may fail an assertion of ours.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).map_err(|it| {
        let text = it.downcast_ref::<String>().cloned();
        let text = text.or_else(|| it.downcast_ref::<&str>().map(ToString::to_string));
        format!("S12: {}", text.unwrap_or_default())
    })
}

/// All steps that can be taken.
pub fn choices(world: &World, bounds: &Bounds, steps: &mut Vec<Step>) {
    steps.clear();
    for host in 0..2 {
        world.due(host, steps);
        world.possible(host, steps);
        if world.can_tick(host) {
            steps.push(Step::Tick(host));
        }
        if world.can_start(host) && world.starts(host) < bounds.starts_max {
            steps.push(Step::Start(host));
        }
        if world.entries(host) < bounds.entries_max {
            world.writes(host, steps);
        }
        if world.faults < bounds.faults_max {
            let faults = bounds.faults.iter().filter(|it| world.can_fault(host, **it));
            steps.extend(faults.map(|it| Step::Fault(host, *it)));
        }
    }
}

/// Whether a walk goes on from here.
#[must_use]
pub fn is_within(world: &World, bounds: &Bounds) -> bool {
    (0..2).all(|host| {
        world.live(host).is_none_or(|it| {
            let epoch = it.machine.record().epoch.number;
            it.machine.view().round <= bounds.round_max && epoch <= bounds.epoch_max
        })
    })
}

/// Tells of a path that ends badly.
fn story(start: &World, path: &[Step], broken: &str) -> String {
    let mut world = start.clone();
    let mut story = format!("{broken}\nshortest way there, {} steps:\n", path.len());
    for &step in path {
        let taken = caught(|| world.take(step));
        let ways = tell_ways(&world.changes);
        world.changes.clear();
        writeln!(story, "{step:?}; {ways}   {}", world.tell()).expect("a string takes it");
        if taken.is_err() {
            break;
        }
    }
    story
}
