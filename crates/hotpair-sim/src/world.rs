//! The world of one run: everything that happens in it follows from the seed.
use crate::agenda::{Agenda, sooner};
use crate::arbiter::{Call, ThirdParty, Wake};
use crate::client::Client;
use crate::disk::Image;
use crate::net::Net;
use crate::node::Node;
use crate::report::{Failure, Plan, Report, Tell};
use crate::{Fault, FaultKind, Rng, invariants};
use hotpair_core::{Input, Output};
use hotpair_fsm as fsm;
use hotpair_replication as replication;
use hotpair_types::{
    Channel, Designation, Instance, Mode, RecoveryMode, StartAlone, Time, WritableOn,
};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

const EVENTS_REMEMBERED: usize = 60;
const FAULTS_FROM: Time = Time::from_millis(4_000);
const FAULTS_UNTIL: Time = Time::from_millis(34_000);
/// So long may healing take.
const HEALED_BY: Time = Time::from_millis(34_000 + 45_000);
/// More events than this mean that something goes round in circles.
const EVENTS_MAX: u64 = 400_000;

/// Something that happens at a time.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A node gets this. Frames belong to a connection; a later one voids them.
    Arrives { to: usize, connection: Option<(Channel, u64)>, input: Input },
    /// A process did something for itself; void when it is dead.
    Own { node: usize, instance: Instance, input: Input },
    /// A fault begins.
    Fault(Fault),
    /// A fault ends by itself.
    Over(Fault),
    /// A process is started.
    Start(usize),
    /// A channel is connected again, if it can be.
    Connect(Channel),
    /// A client writes.
    Write,
    /// A person looks after the pair.
    Person,
    /// A client that has no answer asks again.
    Retry(usize),
    /// A process dies, of a fault that waited for this moment.
    Crash(Fault),
    /// A guard learns how its node stands.
    GuardLearns { node: usize, instance: Instance, engine: usize, behind: bool },
    /// A guard says that this process of its node is dead.
    GuardSays { node: usize, guard: u64, instance: Instance, behind: Vec<bool> },
    /// Both channels go down or come up, again and again.
    Flap { cut: bool, until: Time },
    /// Both refuse each other's connection, again and again.
    Refuse { until: Time },
    /// A question to the arbiter, or its answer, arrives.
    Arbiter(Call),
    /// A node's driver looks after a grant.
    LookAfterGrant(Wake),
}

/// What a backup of a node's data has.
#[derive(Clone, Debug)]
pub(crate) struct Backup {
    pub(crate) images: Vec<Image>,
    pub(crate) starts: u64,
}

/// Two hosts and all that is between them.
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) rng: Rng,
    pub(crate) now: Time,
    pub(crate) nodes: [Node; 2],
    pub(crate) net: Net,
    pub(crate) client: Client,
    pub(crate) arbiter: ThirdParty,
    agenda: Agenda<Happening>,
    pub(crate) commands: u64,
    pub(crate) settings: [Vec<fsm::Settings>; 2],
    pub(crate) watch: invariants::Watch,
    pub(crate) rules: BTreeMap<&'static str, u64>,
    pub(crate) promotions: u64,
    pub(crate) faults_over: bool,
    pub(crate) replication: [replication::Settings; 2],
    /// The nodes find that a setting differs.
    pub(crate) differs: bool,
    /// A copy of a node's disks that may come back.
    pub(crate) backups: [Option<Backup>; 2],
    pub(crate) write_interval: Duration,
    /// For what a core asks for; empty.
    pub(crate) outputs: Vec<Output>,
    last: VecDeque<String>,
    trace: u64,
    tell: Tell,
    counted: BTreeMap<FaultKind, u64>,
}

impl World {
    /// Makes the world of a seed: two hosts with empty disks, about to be started.
    pub(crate) fn new(seed: u64, plan: Plan) -> Self {
        let mut rng = Rng::from_seed(seed);
        let drawn = Mode::ALL[rng.pick(Mode::ALL.len())];
        let mode = plan.mode.unwrap_or(drawn);
        let engines = if rng.percent(25) { 2 } else { 1 };
        let recovery = if rng.percent(50) { RecoveryMode::Automatic } else { RecoveryMode::Manual };
        let assume = rng.percent(60) && mode == Mode::Availability;
        let winner = fsm_winner(&mut rng);
        let writable_on = if rng.percent(50) { WritableOn::Master } else { WritableOn::Active };
        let write_interval = Duration::from_millis([10, 40, 40, 150][rng.pick(4)]);
        let writes = FAULTS_UNTIL.since(Time::ZERO).as_millis() / write_interval.as_millis();
        let writes = usize::try_from(writes).unwrap_or(0);
        let settings = [0usize, 1].map(|node| {
            (0..engines)
                .map(|engine| {
                    let is_master = node == engine;
                    let place = if is_master { Designation::Master } else { Designation::Backup };
                    let mut it = fsm::Settings::new(place);
                    it.mode = mode;
                    it.recovery = recovery;
                    it.recovery_hold = Duration::from_secs(2);
                    it.start_alone = if assume { StartAlone::Assume } else { StartAlone::Proven };
                    it.conflict_winner = winner;
                    it.startup_allowance = Duration::from_secs(2);
                    it.handover_timeout = Duration::from_secs(2);
                    it.suspend_after = 50;
                    it.check().expect("settings of the simulator are sound")
                })
                .collect()
        });
        let mut replication = replication::Settings {
            config_writable_on: writable_on,
            ..replication::Settings::default()
        };
        if rng.percent(50) {
            // So little that everything that is bounded comes to its bound.
            let limits = &mut replication.limits;
            limits.runtime_ring_bytes_max = 1_500 + rng.pick(10_000);
            limits.config_ring_bytes_max = 1_500 + rng.pick(10_000);
            limits.message_bytes_max = 700 + rng.pick(3_000);
            limits.tombstones_max = rng.pick(8);
        }
        let watch = invariants::Watch::new(mode, engines);
        let mut world = Self {
            seed,
            rng,
            now: Time::ZERO,
            nodes: [Node::new(engines), Node::new(engines)],
            net: Net::default(),
            client: Client::with_room_for(writes),
            arbiter: ThirdParty::new(engines),
            agenda: Agenda::new(),
            commands: 0,
            settings,
            watch,
            rules: BTreeMap::new(),
            promotions: 0,
            faults_over: false,
            replication: [replication.clone(), replication],
            differs: false,
            backups: [None, None],
            write_interval,
            outputs: Vec::new(),
            last: VecDeque::new(),
            trace: seed,
            tell: plan.tell,
            counted: BTreeMap::new(),
        };
        world.at(Time::from_millis(1), Happening::Start(0));
        world.at(Time::from_millis(30), Happening::Start(1));
        for channel in Channel::ALL {
            world.at(Time::from_millis(40), Happening::Connect(channel));
        }
        world.at(Time::from_millis(100), Happening::Write);
        let faults = Fault::plan(&mut world.rng, FAULTS_FROM, FAULTS_UNTIL);
        for (at, fault) in faults {
            world.at(at, Happening::Fault(fault));
        }
        world.plan_arbiter_faults(FAULTS_FROM, FAULTS_UNTIL);
        world
    }

    /// Whether some direction loses or delays more than a healthy one.
    pub(crate) fn has_bad_ways(&self) -> bool {
        self.net.is_bad()
    }

    pub(crate) fn engines(&self) -> usize {
        self.settings[0].len()
    }

    pub(crate) fn at(&mut self, at: Time, happening: Happening) {
        self.agenda.plan(at, happening);
    }

    /// Whether anybody reads what is noted.
    pub(crate) fn tells(&self) -> bool {
        self.tell != Tell::Nothing
    }

    /// Remembers a line of what happens.
    pub(crate) fn note(&mut self, line: &str) {
        let text = format!("{:>12} {line}", self.now.to_string());
        if self.tell == Tell::All {
            println!("{text}");
        }
        if self.last.len() == EVENTS_REMEMBERED {
            self.last.pop_front();
        }
        self.last.push_back(text);
    }

    /// Runs to the end.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub(crate) fn run(mut self) -> Result<Report, Box<Failure>> {
        for _ in 0..EVENTS_MAX {
            let Some(next) = self.next_time() else { break };
            if next > HEALED_BY {
                break;
            }
            self.now = self.now.max(next);
            if !self.faults_over && self.now >= FAULTS_UNTIL {
                self.end_faults();
            }
            self.step();
            self.trace = mix(self.trace ^ self.now.0 ^ self.rng.state());
            if let Err((name, text)) = invariants::check(&mut self) {
                return Err(self.failure(name, text));
            }
            if self.faults_over && self.watch.is_healed_for(self.now) {
                break;
            }
        }
        if let Err((name, text)) = invariants::at_end(&self) {
            return Err(self.failure(name, text));
        }
        Ok(Report {
            trace: self.trace,
            faults: std::mem::take(&mut self.counted),
            simulated: self.now.since(Time::ZERO),
            writes: self.client.count(),
            promotions: self.promotions,
            rules: std::mem::take(&mut self.rules),
        })
    }

    fn failure(&self, name: &'static str, text: String) -> Box<Failure> {
        let last = self.last.iter().cloned().collect();
        Box::new(Failure { seed: self.seed, name, text, last })
    }

    fn next_time(&mut self) -> Option<Time> {
        let [one, other] = &mut self.nodes;
        sooner(self.agenda.next_at(), sooner(one.deadline(), other.deadline()))
    }

    fn step(&mut self) {
        if let Some(happening) = self.agenda.due(self.now) {
            return self.happen(happening);
        }
        for node in 0..2 {
            if self.nodes[node].deadline().is_some_and(|it| it <= self.now) {
                self.wake(node);
            }
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Arrives { to, connection, input } => self.arrive(to, connection, input),
            Happening::Own { node, instance, input } => {
                if self.nodes[node].instance == instance {
                    self.give(node, input);
                }
            }
            Happening::Fault(fault) => {
                if !self.faults_over {
                    *self.counted.entry(fault.kind).or_default() += 1;
                    note!(self, "FAULT {fault:?}");
                    self.begin_fault(fault);
                }
            }
            Happening::Over(fault) => self.end_fault(fault),
            Happening::Start(node) => self.start(node),
            Happening::Connect(channel) => self.connect(channel),
            Happening::Person => self.person(),
            Happening::Retry(number) => self.retry(number),
            Happening::Crash(fault) => self.crash(fault),
            Happening::GuardLearns { node, instance, engine, behind } => {
                self.guard_learns(node, instance, engine, behind);
            }
            Happening::GuardSays { node, guard, instance, behind } => {
                self.guard_says(node, guard, instance, &behind);
            }
            Happening::Flap { cut, until } => self.flap(cut, until),
            Happening::Refuse { until } => self.refuse(until),
            Happening::Arbiter(call) => self.arbiter_call(call),
            Happening::LookAfterGrant(wake) => self.look_after_later(wake),
            Happening::Write => {
                self.write();
                let most = self.write_interval * 2;
                let pause = self.rng.between(Duration::from_millis(1), most);
                // A quiet end lets both sides become level.
                if !self.faults_over {
                    self.at(self.now + pause, Happening::Write);
                }
            }
        }
    }
}

impl Drop for World {
    /// A failed assertion of a core ends the world; what led to it is told all the same.
    fn drop(&mut self) {
        if std::thread::panicking() && self.tell == Tell::Last {
            for line in &self.last {
                println!("{line}");
            }
        }
    }
}

/// Stirs a number, so that a small difference spreads.
const fn mix(number: u64) -> u64 {
    let z = (number ^ (number >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    z ^ (z >> 29)
}

fn fsm_winner(rng: &mut Rng) -> hotpair_types::ConflictWinner {
    let all = hotpair_types::ConflictWinner::ALL;
    all[rng.pick(all.len())]
}
