//! The walks of every test run, and the same with more faults on demand.
use crate::prelude::{Astray, Lead};
use crate::rare::rare;
use crate::step::Fault::{self, *};
use crate::walk::{Bounds, Seen, begin, caught, walk};
use crate::world::{Planted, Setup, SyncPace, World};
use hotpair_fsm::{Command, Timer};
use hotpair_types::Mode;

/// What a walk of a test run may cost: about a second. What does not end by then has been looked at to some depth.
const WORLDS_MAX: usize = 25_000;

/// A walk and its name.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The mode and what goes wrong.
    pub name: String,
    /// What it begins with.
    pub setup: Setup,
    /// The way from a level pair to where the walk begins.
    pub prelude: Vec<Lead>,
    /// How far.
    pub bounds: Bounds,
}

impl Plan {
    /// Where the walk begins: a level pair, or where the prelude leads from one.
    ///
    /// # Panics
    /// If it does not lead there.
    #[must_use]
    pub fn start(&self) -> World {
        match self.lead() {
            Ok(world) => world,
            Err(Astray::Broken(why) | Astray::NoWay(why)) => panic!("{}: {why}", self.name),
        }
    }

    fn lead(&self) -> Result<World, Astray> {
        let mut world = World::set_up(self.bounds.mode, self.setup);
        begin(&mut world);
        let promises = self.bounds.promises();
        world.keep(promises);
        world.lead(&self.prelude, promises)?;
        world.faults = 0;
        Ok(world)
    }

    /// Walks. `Err`: it cannot begin, because what leads there does not.
    ///
    /// # Errors
    /// Where the way to its beginning ends.
    pub fn walk(&self) -> Result<Seen, String> {
        let broken = |story| Ok(Seen { broken: Some(story), ..Seen::default() });
        match caught(|| self.lead()) {
            Ok(Ok(world)) if self.prelude.is_empty() => Ok(walk(&world, &self.bounds, |_| {})),
            Ok(Ok(world)) => Ok(walk(&world, &self.bounds.counted_from(&world), |_| {})),
            Ok(Err(Astray::Broken(story))) | Err(story) => {
                broken(format!("{story}\nbefore the walk, on {:?}", self.prelude))
            }
            Ok(Err(Astray::NoWay(why))) => Err(why),
        }
    }
}

impl Bounds {
    /// Nothing goes wrong.
    #[must_use]
    pub const fn calm(mode: Mode) -> Self {
        Self {
            mode,
            faults: Vec::new(),
            before: Vec::new(),
            faults_max: 0,
            epoch_max: 5,
            starts_max: 2,
            round_max: 4,
            entries_max: 0,
            rest_every: 20,
            worlds_max: WORLDS_MAX,
            seek: None,
        }
    }

    /// The same number of epochs, rounds and starts from where a prelude ends.
    fn counted_from(&self, start: &World) -> Self {
        let lives = || (0..2).filter_map(|it| start.live(it));
        let epoch = lives().map(|it| it.machine.record().epoch.number).max().unwrap_or_default();
        let round = lives().map(|it| it.machine.view().round).max().unwrap_or_default();
        let starts = (0..2).map(|it| start.starts(it)).max().unwrap_or_default();
        Self {
            epoch_max: self.epoch_max.saturating_add(epoch.saturating_sub(1)),
            round_max: self.round_max.saturating_add(round.saturating_sub(1)),
            starts_max: self.starts_max.saturating_add(starts.saturating_sub(1)),
            ..self.clone()
        }
    }
}

/// A name, what goes wrong together, how often, and how many entries are written.
type Kind = (&'static str, &'static [Fault], u8, u64);

const KINDS: &[Kind] = &[
    ("kill", &[Kill], 1, 0),
    ("kill-and-write", &[Kill], 1, 1),
    ("host", &[HostLost], 2, 0),
    ("cut", &[Cut], 1, 0),
    ("cut-and-write", &[Cut], 1, 1),
    ("one-way", &[CutOneWay], 1, 0),
    ("channels", &[CutRedundancy, CutPrimary, CutRedundancyOneWay], 1, 0),
    ("loss", &[Lose], 2, 0),
    ("disk", &[DiskSlow, DiskFails], 1, 0),
    ("standstill", &[Sleep], 1, 0),
    ("handover", &[Ask(Command::Switchover)], 1, 0),
    ("pause", &[Ask(Command::Pause), Ask(Command::Resume)], 2, 0),
    ("leave", &[Ask(Command::Leave)], 1, 0),
    ("undeploy", &[Ask(Command::Undeploy), Ask(Command::Deploy)], 2, 0),
    ("promote", &[Ask(Command::Promote { accept_loss: true }), HostLost], 2, 0),
    ("promotion-fails", &[PromotionFails, Kill], 2, 0),
    ("retry", &[PromotionFails, Kill], 2, 0),
    ("cut-and-kill", &[Cut, Kill], 2, 0),
    ("hint", &[FalseHint], 2, 0),
    ("reinit", &[Ask(Command::Reinit)], 1, 0),
    ("guard", &[GuardLost, Due(Timer::Damping)], 1, 0),
    ("recovery", &[Kill], 1, 0),
    ("suspended", &[Kill], 1, 0),
    ("sync", &[Ask(Command::Reinit), SyncFails, NetworkDown, CutRedundancy, GuardLost], 2, 0),
    ("own", &[NetworkDown, ModuleMissing, SettingsDiffer, Gap, SyncFails, NotSent, DataLate], 1, 0),
];
const WITH_ARBITER: &[Kind] = &[
    ("arbiter-away", &[ArbiterAway], 2, 0),
    ("arbiter-away-and-host", &[ArbiterAway, HostLost], 2, 0),
    ("grant-lost", &[GrantLost], 1, 0),
];
/// Two faults of different kinds: on demand.
const PAIRS: &[Kind] = &[
    ("cut-and-host", &[Cut, HostLost], 2, 0),
    ("disk-and-kill", &[DiskSlow, Kill], 2, 0),
    ("disk-and-cut", &[DiskSlow, Cut], 2, 0),
    ("standstill-and-cut", &[Sleep, Cut], 2, 0),
    ("handover-and-cut", &[Ask(Command::Switchover), Cut], 2, 0),
    ("handover-and-kill", &[Ask(Command::Switchover), Kill], 2, 0),
    ("pause-and-kill", &[Ask(Command::Pause), Ask(Command::Resume), Kill], 2, 0),
    ("leave-and-cut", &[Ask(Command::Leave), Cut], 2, 0),
    ("promote-and-cut", &[Ask(Command::Promote { accept_loss: true }), Cut], 2, 0),
];
const PAIRS_WITH_ARBITER: &[Kind] = &[
    ("arbiter-away-and-cut", &[ArbiterAway, Cut], 2, 0),
    ("arbiter-away-and-kill", &[ArbiterAway, Kill], 2, 0),
];

/// The walks of a test run, each with so many faults more.
#[must_use]
pub fn plans(more: u8) -> Vec<Plan> {
    let mut plans = all(KINDS, WITH_ARBITER, more);
    plans.extend(rare(more));
    plans
}

/// The walks with two kinds of faults at once, each with so many more.
#[must_use]
pub fn pairs(more: u8) -> Vec<Plan> {
    all(PAIRS, PAIRS_WITH_ARBITER, more)
}

fn all(kinds: &[Kind], with_arbiter: &[Kind], more: u8) -> Vec<Plan> {
    let mut plans = Vec::new();
    for &mode in Mode::ALL {
        let arbiter = if mode == Mode::Arbiter { with_arbiter } else { &[] };
        for &(name, faults, faults_max, entries_max) in kinds.iter().chain(arbiter) {
            let faults_max = faults_max + more;
            let faults = faults.to_vec();
            let mut bounds = Bounds { faults, faults_max, entries_max, ..Bounds::calm(mode) };
            if name == "retry" {
                // Who died stays away, so that the pause after a failure is over in time.
                bounds.starts_max = 1;
            }
            let setup = match name {
                "sync" => PATIENT,
                "recovery" => Setup { recovers: true, ..QUICK },
                "suspended" => Setup { nervous: true, ..QUICK },
                _ => QUICK,
            };
            let name = format!("{mode}/{name}");
            plans.push(Plan { name, setup, prelude: Vec::new(), bounds });
        }
    }
    plans
}

/// To wander: everything at once, with cuts or without, with a person's `promote` or without.
#[must_use]
pub fn everything() -> Vec<Plan> {
    let mut plans = Vec::new();
    for &mode in Mode::ALL {
        for (name, cuts, persons) in
            [("whole", false, false), ("cut", true, false), ("promote", true, true)]
        {
            let mut faults = vec![Kill, DiskSlow, DiskFails, PromotionFails];
            faults.extend([NetworkDown, ModuleMissing, SettingsDiffer, Gap, SyncFails, NotSent]);
            faults.extend([DataLate, GuardLost, CutRedundancy, ArbiterAway, GrantLost]);
            faults.extend([Due(Timer::Damping), Due(Timer::Handover)]);
            let commands = [
                Command::BecomeActive,
                Command::Switchover,
                Command::HandOver,
                Command::Leave,
                Command::Pause,
                Command::Resume,
                Command::Undeploy,
                Command::Deploy,
                Command::Reinit,
            ];
            faults.extend(commands.map(Ask));
            if cuts {
                faults.extend([Cut, CutOneWay, HostLost, Lose, Sleep, FalseHint, CutPrimary]);
            }
            if persons {
                faults.extend([Ask(Command::Promote { accept_loss: true }), ArbiterAway]);
            }
            let bounds = Bounds {
                faults,
                faults_max: 1,
                epoch_max: 60,
                starts_max: u64::MAX,
                round_max: u32::MAX,
                entries_max: u64::MAX,
                ..Bounds::calm(mode)
            };
            for (how, setup) in [("", PATIENT), ("-nervous", NERVOUS)] {
                let name = format!("{mode}/{name}{how}");
                plans.push(Plan { name, setup, prelude: Vec::new(), bounds: bounds.clone() });
            }
        }
    }
    plans
}

pub(crate) const QUICK: Setup = Setup {
    sync: SyncPace::AtOnce,
    recovers: false,
    nervous: false,
    planted: Planted { promise_short_ticks: 0, grant_long_ticks: 0, durable_early: false },
};
pub(crate) const PATIENT: Setup = Setup { sync: SyncPace::WithinATick, ..QUICK };
const NERVOUS: Setup = Setup { nervous: true, recovers: true, ..QUICK };
