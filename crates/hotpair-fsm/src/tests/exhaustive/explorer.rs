//! Walks breadth first through every world that can be reached, and says the shortest way to a
//! broken one.
use super::super::oddities::Odd;
use super::super::steps::{Step, TODOS};
use super::super::third::With;
use super::super::world::{OTHER, Todo, World};
use super::invariants;
use crate::{Command, Rule, Settings, Ticket, Timer};
use hotpair_types::{Mode, StateId};
use std::collections::{BTreeSet, VecDeque};
use std::hash::{Hash, Hasher};

/// Enough for a walk of some seconds.
const WORLDS_MAX: usize = 400_000;

/// What may go wrong, and how often altogether.
#[derive(Clone, Debug)]
pub(super) struct Bounds<'a> {
    pub(super) faults: &'a [Fault],
    pub(super) faults_max: u8,
    pub(super) epoch_max: u64,
    pub(super) starts_max: u64,
    pub(super) round_max: u32,
    pub(super) entries_max: u64,
    /// Steps of a sync take their time; else they happen at once.
    pub(super) patient: bool,
    /// At most one has its outputs open, always.
    pub(super) never_two: bool,
    /// Every so many worlds: faults off, and it must come to rest as one active and one ready.
    pub(super) heal_every: usize,
}

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Crash,
    Kill,
    Cut,
    Stall,
    Miss,
    Timeout,
    Late,
    Promotion,
    /// The third party cannot be reached.
    Away,
    /// A grant ends though the third party can be reached: it is slow.
    Slow,
    /// It says that the grant is lost.
    Lost,
    Odd(Odd),
    Ask(Command),
}

/// What was seen on the way.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) worlds: usize,
    pub(super) edges: BTreeSet<(StateId, StateId, Rule)>,
}

/// How each world was reached.
struct Trail(Vec<(u32, Option<Step>)>);

impl Trail {
    fn path(&self, mut at: usize) -> Vec<Step> {
        let mut path = Vec::new();
        while let (before, Some(step)) = self.0[at] {
            path.push(step);
            at = before as usize;
        }
        path.reverse();
        path
    }
}

/// Walks from a pair that is level. Panics with the shortest way to a world that breaks a rule.
pub(super) fn explore(change: impl Fn(&mut Settings), bounds: &Bounds<'_>) -> Seen {
    let mut start = World::new(change);
    start.keeps_replicated = bounds.never_two;
    start.keeps_degraded = start.settings[0].mode != Mode::Availability;
    start.take(Step::Start(0));
    start.take(Step::Start(1));
    start.run();
    let mut seen = Seen::default();
    note_edges(&mut start, &mut seen);
    normalise(&mut start);
    let initial = start.clone();
    let mut known = BTreeSet::from([key(&start, 0)]);
    let mut trail = Trail(vec![(0, None)]);
    let mut queue = VecDeque::from([(0_usize, start, 0_u8)]);
    while let Some((at, world, faults)) = queue.pop_front() {
        if bounds.heal_every > 0 && at % bounds.heal_every == 0 {
            let healed = std::panic::catch_unwind(|| invariants::heals(world.clone()));
            let broken = match healed {
                Ok(it) => it.err(),
                Err(it) => Some(panic_text(&*it)),
            };
            if let Some(broken) = broken {
                fail(&initial, &trail.path(at), bounds, &format!("does not heal: {broken}"));
            }
        }
        for (step, cost) in steps(&world, bounds, faults) {
            let mut next = world.clone();
            let taken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                next.take(step);
                hurry(&mut next, bounds.patient);
            }));
            let mut broken = taken.err().map(|it| panic_text(&*it));
            if broken.is_none() {
                broken = invariants::check(&next, bounds.never_two).err();
            }
            if let Some(broken) = broken {
                let mut path = trail.path(at);
                path.push(step);
                fail(&initial, &path, bounds, &broken);
            }
            note_edges(&mut next, &mut seen);
            normalise(&mut next);
            if !is_small(&next, bounds) {
                continue;
            }
            let faults = faults + cost;
            if known.insert(key(&next, faults)) {
                trail.0.push((u32::try_from(at).unwrap(), Some(step)));
                queue.push_back((trail.0.len() - 1, next, faults));
            }
        }
        assert!(known.len() < WORLDS_MAX, "too many worlds to walk to the end");
    }
    seen.worlds = known.len();
    seen
}

/// Wanders at random, far beyond the bounds of `explore`. The same every time.
pub(super) fn wander(
    change: impl Fn(&mut Settings),
    bounds: &Bounds<'_>,
    walks: u64,
    length: usize,
) -> Seen {
    let mut start = World::new(change);
    start.keeps_replicated = bounds.never_two;
    start.take(Step::Start(0));
    start.take(Step::Start(1));
    start.run();
    normalise(&mut start);
    start.changes.clear();
    let mut seen = Seen::default();
    for walk in 0..walks {
        let mut random = walk.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
        let mut roll = |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % below as u64) as usize
        };
        let mut world = start.clone();
        let mut path = Vec::new();
        for _ in 0..length {
            let faulty = roll(8) == 0;
            let mut choice = steps(&world, bounds, 0);
            if choice.iter().any(|it| (it.1 > 0) == faulty) {
                choice.retain(|it| (it.1 > 0) == faulty);
            }
            if choice.is_empty() {
                break;
            }
            let (step, _) = choice[roll(choice.len())];
            path.push(step);
            let taken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                world.take(step);
                hurry(&mut world, bounds.patient);
            }));
            let mut broken = taken.err().map(|it| panic_text(&*it));
            if broken.is_none() {
                broken = invariants::check(&world, bounds.never_two).err();
            }
            if let Some(broken) = broken {
                fail(&start, &path, bounds, &format!("walk {walk}: {broken}"));
            }
            note_edges(&mut world, &mut seen);
            normalise(&mut world);
            seen.worlds += 1;
        }
        let healed = std::panic::catch_unwind(|| invariants::heals(world));
        let broken = match healed {
            Ok(it) => it.err(),
            Err(it) => Some(panic_text(&*it)),
        };
        if let Some(broken) = broken {
            fail(&start, &path, bounds, &format!("walk {walk} does not heal: {broken}"));
        }
    }
    seen
}

pub(super) fn panic_text(it: &(dyn std::any::Any + Send)) -> String {
    it.downcast_ref::<String>()
        .cloned()
        .or_else(|| it.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_default()
}

/// Tells the story of a path that ends badly.
fn fail(initial: &World, path: &[Step], bounds: &Bounds<'_>, broken: &str) -> ! {
    use std::fmt::Write as _;
    let mut world = initial.clone();
    let mut story = format!("{broken}\nshortest way there:\n");
    for &step in path {
        let taken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            world.take(step);
            hurry(&mut world, bounds.patient);
        }));
        write!(story, "{step:?}").unwrap();
        for (host, change) in world.changes.drain(..) {
            let (from, to, rule) = (change.from.number(), change.to.number(), change.rule.id());
            write!(story, "; {} {from}->{to} {rule} {}", ["M", "B"][host], change.epoch).unwrap();
        }
        let show = |it: usize| {
            let open = if world.is_open(it) { "open" } else { "" };
            let sole = if world.hosts[it].disk.marks.sole.is_some() { "sole" } else { "" };
            format!("{}{open}{sole}", world.state(it).number())
        };
        writeln!(story, "   [{} | {}]", show(0), show(1)).unwrap();
        if taken.is_err() {
            break;
        }
    }
    for host in 0..2 {
        if let Some(live) = world.live(host) {
            let view = live.machine.view();
            let (step, round, echo) = (view.step, view.round, view.echo);
            writeln!(story, "{host}: {step:?} round {round} echo {echo} {:?}", live.todo).unwrap();
            writeln!(story, "   {:?}", live.machine.waiting()).unwrap();
            writeln!(
                story,
                "   {:?} given, {:?} on disk",
                live.machine.record().marks,
                world.hosts[host].disk.marks
            )
            .unwrap();
            writeln!(story, "   {:?}", live.machine.cx.trust).unwrap();
        }
    }
    panic!("{story}");
}

/// Steps whose moment makes no difference happen at once.
fn hurry(world: &mut World, patient: bool) {
    for _ in 0..50 {
        let step = (0..2).flat_map(|host| {
            let quick = |it: &Todo| {
                !matches!(it, Todo::OutputsClosed | Todo::Transfer | Todo::ObjectsReady)
            };
            let done = (0..TODOS.len())
                .filter(move |it| quick(&TODOS[*it]))
                .map(move |it| Step::Done(host, it as u8));
            done.chain([Step::Summary(host)])
        });
        let Some(step) = step
            .into_iter()
            .filter(|it| !patient || matches!(it, Step::Summary(_)))
            .find(|it| world.can(*it))
        else {
            return;
        };
        world.take(step);
    }
    panic!("steps that hurry never end");
}

/// All steps that can happen, with what they cost.
fn steps(world: &World, bounds: &Bounds<'_>, faults: u8) -> Vec<(Step, u8)> {
    let mut steps = Vec::new();
    for host in 0..2 {
        let mut free = vec![
            Step::Stored(host),
            Step::Deliver(host),
            Step::Hears(host),
            Step::Acknowledged(host),
            Step::Silent(host),
            Step::Unacknowledged(host),
            Step::FenceDue(host),
            Step::PromoteDue(host),
            Step::Hint(host),
            Step::Fenced(host),
            Step::CatchUp(host),
            Step::Elapsed(host, Timer::StartupAllowance),
            Step::Elapsed(host, Timer::RecoveryHold),
            Step::Elapsed(host, Timer::Retry),
            Step::Elapsed(host, Timer::SyncPause),
            Step::Elapsed(host, Timer::Leave),
            Step::Elapsed(host, Timer::Silence),
        ];
        let with = [With::Call, With::Note, With::GiveBack, With::LeaseEnds];
        free.extend(with.map(|it| Step::With(host, it)));
        if world.is_away(host) {
            free.push(Step::Elapsed(host, Timer::Grant));
        }
        free.extend((0..TODOS.len() as u8).map(|it| Step::Done(host, it)));
        if world.hosts[host].starts < bounds.starts_max {
            free.push(Step::Start(host));
        }
        if world.hosts[host].history.runtime.last < bounds.entries_max {
            free.extend([Step::Write(host), Step::WriteUnsent(host)]);
        }
        steps.extend(free.into_iter().map(|it| (it, 0)));
        for fault in bounds.faults {
            let costs = match fault {
                Fault::Crash => vec![Step::CrashWithGuard(host), Step::Crash(host)],
                Fault::Kill => vec![Step::CrashWithGuard(host)],
                Fault::Cut => vec![Step::Cut(host), Step::Heal(host)],
                Fault::Stall => vec![Step::Stalled(host)],
                Fault::Miss => vec![Step::Misses(host)],
                Fault::Timeout => vec![Step::Elapsed(host, Timer::Handover)],
                Fault::Late => vec![Step::DeliverOld(host)],
                Fault::Away => vec![Step::With(host, With::Cut), Step::With(host, With::Heal)],
                Fault::Slow => vec![Step::Elapsed(host, Timer::Grant)],
                Fault::Lost => vec![Step::With(host, With::Lost)],
                Fault::Promotion => vec![Step::FailPromotion(host)],
                Fault::Odd(odd) => vec![Step::Odd(host, *odd)],
                Fault::Ask(command) => vec![Step::Ask(host, *command)],
            };
            let free = |it: Step| {
                matches!(it, Step::Heal(_) | Step::DeliverOld(_) | Step::With(_, With::Heal))
            };
            let cost = |it: Step| u8::from(!free(it));
            steps.extend(costs.into_iter().map(|it| (it, cost(it))));
        }
    }
    steps.retain(|(step, cost)| faults + cost <= bounds.faults_max && world.can(*step));
    steps
}

fn is_small(world: &World, bounds: &Bounds<'_>) -> bool {
    (0..2).all(|host| {
        let rounds = world.live(host).map_or(0, |it| it.machine.cx.facts.round);
        let offers = world.live(host).map_or(0, |it| it.machine.cx.facts.offers);
        let epoch = world.live(host).map_or(0, |it| it.machine.record().epoch.number);
        rounds <= bounds.round_max && offers <= 2 && epoch <= bounds.epoch_max
    })
}

fn note_edges(world: &mut World, seen: &mut Seen) {
    world.replies.clear();
    world.left.clear();
    for (_, change) in world.changes.drain(..) {
        let _ = seen.edges.insert((change.from, change.to, change.rule));
    }
}

/// Forgets what only counts.
fn normalise(world: &mut World) {
    for (host, other) in OTHER.into_iter().enumerate() {
        // What was shown to a process that is gone says nothing.
        let gone = world.hosts[other].live.is_none();
        let Some(live) = &mut world.hosts[host].live else { continue };
        for (number, storing) in (1..).zip(&mut live.storing) {
            storing.0 = Ticket(number);
        }
        live.machine.cx.issued = Ticket(live.storing.len() as u64);
        if gone {
            live.heard_new = false;
            live.delivered = None;
        }
        if live.wire == live.delivered || live.wire == Some(live.machine.view()) {
            live.wire = None;
        }
    }
    // Entries that both have need not be remembered one by one.
    let last = world.replicated.pop_last();
    world.replicated.clear();
    world.replicated.extend(last);
}

fn key(world: &World, faults: u8) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    (world, faults).hash(&mut hasher);
    hasher.finish()
}
