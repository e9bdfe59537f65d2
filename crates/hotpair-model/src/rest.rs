//! Lets a world go on without any new fault: to see whether it heals (L1), and whether it says truthfully
//! what it waits for when it does not (L2).
use crate::host::Disk;
use crate::step::Step;
use crate::world::{OTHER, World};
use hotpair_fsm::{Command, Waiting};
use hotpair_types::StateId;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Longer than every deadline of these settings, three times over.
const REST_TICKS: usize = 60;
/// What can happen within one tick.
const STEPS_MAX: usize = 200;

impl World {
    /// One tick of both clocks, with all that happens by itself.
    pub(crate) fn pass_tick(&mut self, starts: bool) {
        let mut steps = Vec::new();
        for _ in 0..STEPS_MAX {
            steps.clear();
            for host in 0..2 {
                self.due(host, &mut steps);
                self.possible(host, &mut steps);
                if starts && self.live(host).is_none() {
                    steps.push(Step::Start(host));
                }
            }
            // What is broken stays so, unless it was mended before.
            let stays = |it: &Step| matches!(it, Step::Heal | Step::Mend(_) | Step::ArbiterBack(_));
            steps.retain(|it| !stays(it));
            let Some(&step) = steps.first() else {
                for host in 0..2 {
                    if self.can_tick(host) {
                        self.take(Step::Tick(host));
                    }
                }
                return;
            };
            self.take(step);
        }
        let states = [self.state(0).number(), self.state(1).number()];
        self.broken = Some(format!("a tick never ends, in {states:?}, with {steps:?}"));
    }

    /// One acts and the other is ready.
    #[must_use]
    pub fn is_level_pair(&self) -> bool {
        let level = |it: usize| {
            let view = self.live(it).map(|it| it.machine.view());
            view.is_some_and(|it| it.state == StateId::Active && it.level && it.outputs_open)
        };
        (0..2).any(|it| level(it) && self.state(OTHER[it]) == StateId::StandbyReady)
    }

    /// L1: faults off, both up, links whole: one active and one ready standby.
    ///
    /// # Errors
    /// Where it rests instead.
    pub fn heals(&self) -> Result<(), String> {
        let mut world = self.clone();
        world.take(Step::Heal);
        for host in 0..2 {
            world.third.away[host] = false;
            if world.live(host).is_some_and(|it| it.asleep.is_some()) {
                world.take(Step::Wake(host));
            }
            if world.needs_mending(host) {
                world.take(Step::Mend(host));
            }
        }
        let mut ways = Vec::new();
        let mut before = Vec::new();
        for _ in 0..REST_TICKS {
            for host in 0..2 {
                let paused = world.hosts[host].disk.paused;
                let stopped = world.live(host).is_some() && world.state(host) == StateId::Unknown;
                if stopped {
                    world.ask(host, Command::Deploy);
                } else if paused {
                    world.ask(host, Command::Resume);
                }
            }
            world.rebase();
            world.pass_tick(true);
            ways.append(&mut world.changes);
            if let Some(broken) = world.broken {
                return Err(broken);
            }
            if world.is_level_pair() {
                return Ok(());
            }
            if world.was_here(&mut before) {
                break;
            }
        }
        Err(format!("L1: rests at {}, after {}", world.tell(), tell_ways(&ways)))
    }

    /// L2: nothing new goes wrong and nothing that failed is mended: somebody acts, or every process says why not and
    /// does not name a step that never comes.
    ///
    /// # Errors
    /// Where it rests and what it says there.
    pub fn rests(&self) -> Result<(), String> {
        let mut world = self.clone();
        for host in 0..2 {
            if world.live(host).is_some_and(|it| it.asleep.is_some()) {
                world.take(Step::Wake(host));
            }
            if world.hosts[host].disk_is == Disk::Slow {
                world.take(Step::Mend(host));
            }
        }
        let mut before = Vec::new();
        for _ in 0..REST_TICKS {
            world.pass_tick(false);
            world.changes.clear();
            if let Some(broken) = world.broken {
                return Err(broken);
            }
            if world.was_here(&mut before) {
                break;
            }
        }
        let failed = |it: &usize| world.is_open(*it) && world.hosts[*it].disk_is == Disk::Failed;
        if let Some(host) = (0..2).find(failed) {
            return Err(format!("S10: {host} goes on with a failed disk: {}", world.tell()));
        }
        if world.is_open(0) || world.is_open(1) {
            return Ok(());
        }
        let word = |it: usize| {
            let machine = world.live(it).map(|it| &it.machine);
            machine.filter(|it| it.state() != StateId::Unknown).map(|it| it.waiting())
        };
        let is_last = |it: usize| word(it).is_some_and(Waiting::is_last_word);
        for (host, other) in OTHER.into_iter().enumerate() {
            // Who waits for the partner may say so, if that one says why it does not move.
            let points = word(host) == Some(Waiting::PartnerMoves) && is_last(other);
            if word(host).is_some() && !is_last(host) && !points {
                return Err(format!("L2: nobody acts and {host} promises: {}", world.tell()));
            }
        }
        Ok(())
    }

    /// Whether it goes round: what follows is known.
    pub(crate) fn was_here(&self, before: &mut Vec<u64>) -> bool {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        let hash = hasher.finish();
        let here = before.contains(&hash);
        before.push(hash);
        here
    }

    /// Both, in a line.
    #[must_use]
    pub fn tell(&self) -> String {
        let show = |it: usize| {
            let Some(live) = self.live(it) else { return "-".into() };
            let view = live.machine.view();
            let open = if self.is_open(it) { " open" } else { "" };
            let sole = if self.hosts[it].has_sole() { " sole" } else { "" };
            let stale = if self.hosts[it].disk.marks.stale { " stale" } else { "" };
            let (state, epoch) = (view.state.number(), view.epoch);
            format!("{state} {epoch}{open}{sole}{stale} ({:?})", live.machine.waiting())
        };
        format!("[{} | {}]", show(0), show(1))
    }
}

pub(crate) fn tell_ways(ways: &[(usize, hotpair_fsm::RoleChange)]) -> String {
    let tell = |(host, it): &(usize, hotpair_fsm::RoleChange)| {
        let (from, to, rule) = (it.from.number(), it.to.number(), it.rule.id());
        format!("{} {from}->{to} {rule} {}", ["M", "B"][*host], it.epoch)
    };
    ways.iter().map(tell).collect::<Vec<_>>().join("; ")
}
