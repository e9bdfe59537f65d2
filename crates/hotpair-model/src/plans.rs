//! The walks of every test run, and the same with more faults on demand.
use crate::step::Fault::{self, *};
use crate::walk::{Bounds, begin};
use crate::world::{Planted, Setup, World};
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
    /// How far.
    pub bounds: Bounds,
}

impl Plan {
    /// A level pair.
    #[must_use]
    pub fn start(&self) -> World {
        let mut world = World::set_up(self.bounds.mode, self.setup);
        begin(&mut world);
        world
    }
}

impl Bounds {
    /// Nothing goes wrong.
    #[must_use]
    pub const fn calm(mode: Mode) -> Self {
        Self {
            mode,
            faults: Vec::new(),
            faults_max: 0,
            epoch_max: 5,
            starts_max: 2,
            round_max: 4,
            entries_max: 0,
            rest_every: 20,
            worlds_max: WORLDS_MAX,
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
    all(KINDS, WITH_ARBITER, more)
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
            plans.push(Plan { name: format!("{mode}/{name}"), setup, bounds });
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
                plans.push(Plan { name, setup, bounds: bounds.clone() });
            }
        }
    }
    plans
}

const QUICK: Setup = Setup {
    patient: false,
    recovers: false,
    nervous: false,
    planted: Planted { promise_short_ticks: 0, grant_long_ticks: 0, durable_early: false },
};
const PATIENT: Setup = Setup { patient: true, ..QUICK };
const NERVOUS: Setup = Setup { nervous: true, recovers: true, ..QUICK };
