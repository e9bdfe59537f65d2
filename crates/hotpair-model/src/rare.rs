//! Walks from somewhere rare: what takes a way of its own to be reached, and one or two faults more.
use crate::plans::{PATIENT, Plan, QUICK};
use crate::prelude::{Lead, faults};
use crate::step::Fault::{self, *};
use crate::step::Step;
use crate::walk::Bounds;
use crate::world::{Setup, SyncPace};
use hotpair_fsm::{Command, Timer};
use hotpair_types::{Mode, StateId};

/// Where a walk begins and what goes wrong from there.
struct Rare {
    name: &'static str,
    mode: Mode,
    setup: Setup,
    way: &'static [Lead],
    faults: &'static [Fault],
    faults_max: u8,
    entries: u64,
}

/// The host that acts in a level pair, and the other.
const MASTER: usize = 0;
const BACKUP: usize = 1;

const fn wrong(host: usize, fault: Fault) -> Lead {
    Lead::Take(Step::Fault(host, fault))
}

const HEAL: Lead = Lead::Take(Step::Heal);
const PROMOTE: Fault = Ask(Command::Promote { accept_loss: true });
const SWITCHOVER: Fault = Ask(Command::Switchover);
const MISSED: StateId = StateId::StandbyMissedHeartbeats;
const ALONE: StateId = StateId::ActiveStandbyNotAvailable;
const READY: StateId = StateId::StandbyReady;
const UNSURE: StateId = StateId::DeterminingFailoverStatus;

/// The steps of a sync happen at any time or never.
const SLOW: Setup = Setup { sync: SyncPace::Whenever, ..QUICK };
/// Suspended after two changes of role.
const SUSPENDS: Setup = Setup { nervous: true, ..QUICK };

/// One channel misses a beat: this lasts a tick.
const MISSING: [Lead; 2] = [wrong(MASTER, CutRedundancy), Lead::Until(BACKUP, MISSED)];

const RARE: &[Rare] = &[
    Rare {
        name: "slow-sync",
        mode: Mode::Availability,
        setup: SLOW,
        way: &[
            wrong(BACKUP, Ask(Command::Reinit)),
            Lead::Until(BACKUP, StateId::StandbySyncingWithActive),
        ],
        faults: &[CutRedundancy],
        faults_max: 1,
        entries: 0,
    },
    Rare {
        name: "winner-dies-in-sync",
        mode: Mode::Availability,
        setup: SLOW,
        way: &[
            wrong(MASTER, Cut),
            Lead::Until(BACKUP, ALONE),
            wrong(BACKUP, DiskSlow),
            Lead::Ticks(4),
            HEAL,
            Lead::Until(MASTER, StateId::StandbyNotReady),
        ],
        faults: &[Kill],
        faults_max: 1,
        entries: 0,
    },
    Rare {
        name: "dies-alone",
        mode: Mode::Availability,
        setup: QUICK,
        way: &[wrong(BACKUP, CutOneWay), Lead::Ticks(1)],
        faults: &[Kill],
        faults_max: 1,
        entries: 0,
    },
    Rare {
        name: "leaves-with-more",
        mode: Mode::Availability,
        setup: QUICK,
        way: &MISSING,
        faults: &[Ask(Command::Leave)],
        faults_max: 1,
        entries: 1,
    },
    Rare {
        name: "leaves-after-going-alone",
        mode: Mode::Manual,
        setup: QUICK,
        way: &[
            wrong(MASTER, Cut),
            Lead::Until(MASTER, ALONE),
            Lead::Ticks(1),
            Lead::Take(Step::Write(MASTER)),
            wrong(MASTER, Ask(Command::Leave)),
        ],
        faults: &[FalseHint],
        faults_max: 1,
        entries: 0,
    },
    Rare {
        name: "left-behind",
        mode: Mode::Availability,
        setup: QUICK,
        way: &[
            wrong(BACKUP, Ask(Command::Leave)),
            Lead::Until(BACKUP, StateId::Unknown),
            wrong(MASTER, Kill),
        ],
        faults: &[],
        faults_max: 0,
        entries: 0,
    },
    Rare {
        name: "winner-with-more-dies",
        mode: Mode::Manual,
        setup: PATIENT,
        way: &[
            wrong(BACKUP, Kill),
            Lead::Until(MASTER, ALONE),
            Lead::Ticks(1),
            Lead::Take(Step::Write(MASTER)),
            wrong(MASTER, Kill),
            Lead::Take(Step::Start(MASTER)),
            Lead::Take(Step::Start(BACKUP)),
        ],
        faults: &[Kill],
        faults_max: 1,
        entries: 0,
    },
    Rare {
        name: "paused",
        mode: Mode::Availability,
        setup: QUICK,
        way: &[wrong(MASTER, Ask(Command::Pause)), Lead::Ticks(2)],
        faults: &[Kill],
        faults_max: 1,
        entries: 0,
    },
    Rare {
        name: "suspended-as-standby",
        mode: Mode::Availability,
        setup: SUSPENDS,
        way: &[
            wrong(MASTER, Kill),
            Lead::Until(BACKUP, ALONE),
            Lead::Take(Step::Start(MASTER)),
            Lead::Until(MASTER, READY),
            wrong(BACKUP, Kill),
            Lead::Until(MASTER, ALONE),
            Lead::Take(Step::Start(BACKUP)),
            Lead::Until(BACKUP, READY),
            Lead::Ticks(1),
            wrong(MASTER, SWITCHOVER),
            Lead::Until(BACKUP, StateId::Active),
            Lead::Until(MASTER, READY),
        ],
        faults: &[HostLost],
        faults_max: 1,
        entries: 0,
    },
    Rare {
        name: "elected-while-missing",
        mode: Mode::Availability,
        setup: QUICK,
        way: &[wrong(MASTER, Ask(Command::Pause)), Lead::Ticks(2), MISSING[0], MISSING[1]],
        faults: &[DiskFails, Ask(Command::Resume)],
        faults_max: 2,
        entries: 0,
    },
    Rare {
        name: "released-late",
        mode: Mode::Availability,
        setup: QUICK,
        way: &MISSING,
        faults: &[SWITCHOVER, Due(Timer::Handover)],
        faults_max: 2,
        entries: 0,
    },
    Rare {
        name: "released-late-to-who-has-a-gap",
        mode: Mode::Availability,
        setup: QUICK,
        way: &[wrong(MASTER, SWITCHOVER), Lead::Until(BACKUP, StateId::SwitchingToActive)],
        faults: &[Due(Timer::Handover), Gap],
        faults_max: 2,
        entries: 0,
    },
    Rare {
        name: "goes-on-slowly",
        mode: Mode::NoSplit,
        setup: QUICK,
        way: &[
            wrong(MASTER, DiskSlow),
            wrong(MASTER, Sleep),
            Lead::Ticks(3),
            Lead::Take(Step::Wake(MASTER)),
            Lead::Until(MASTER, StateId::SwitchingToActive),
        ],
        faults: &[Cut],
        faults_max: 1,
        entries: 0,
    },
    Rare {
        name: "elected-slowly",
        mode: Mode::NoSplit,
        setup: QUICK,
        way: &[
            wrong(BACKUP, DiskSlow),
            wrong(MASTER, Sleep),
            Lead::Ticks(3),
            Lead::Take(Step::Wake(MASTER)),
            wrong(MASTER, DiskFails),
            Lead::Until(BACKUP, StateId::SwitchingToActive),
        ],
        faults: &[Cut],
        faults_max: 1,
        entries: 0,
    },
    Rare {
        name: "outvoted-while-missing",
        mode: Mode::NoSplit,
        setup: QUICK,
        way: &[
            wrong(BACKUP, DiskSlow),
            wrong(MASTER, Sleep),
            Lead::Ticks(3),
            Lead::Take(Step::Wake(MASTER)),
            wrong(MASTER, DiskFails),
            Lead::Until(BACKUP, StateId::SwitchingToActive),
            Lead::Until(MASTER, StateId::StandbyNotReady),
            Lead::Ticks(1),
            wrong(MASTER, Cut),
            Lead::Ticks(2),
        ],
        faults: &[],
        faults_max: 0,
        entries: 0,
    },
    Rare {
        name: "elected-after-losing",
        mode: Mode::NoSplit,
        setup: QUICK,
        way: &[
            wrong(MASTER, Sleep),
            Lead::Ticks(3),
            Lead::Take(Step::Wake(MASTER)),
            wrong(MASTER, DiskFails),
            Lead::Until(BACKUP, StateId::SwitchingToActive),
            wrong(BACKUP, PromotionFails),
            Lead::Until(MASTER, StateId::StandbyNotReady),
            Lead::Take(Step::Mend(MASTER)),
            wrong(MASTER, DiskSlow),
            Lead::Until(MASTER, StateId::SwitchingToActive),
        ],
        faults: &[Cut],
        faults_max: 1,
        entries: 0,
    },
    Rare {
        name: "stands-still-handing-over",
        mode: Mode::Availability,
        setup: QUICK,
        way: &[wrong(MASTER, SWITCHOVER)],
        faults: &[Sleep],
        faults_max: 1,
        entries: 0,
    },
    Rare {
        name: "cut-handing-over",
        mode: Mode::NoSplit,
        setup: QUICK,
        way: &[wrong(MASTER, SWITCHOVER), wrong(MASTER, DiskSlow)],
        faults: &[Cut],
        faults_max: 1,
        entries: 0,
    },
    Rare {
        name: "outdated-handing-over",
        mode: Mode::Availability,
        setup: QUICK,
        way: &[
            wrong(MASTER, SWITCHOVER),
            wrong(MASTER, DiskSlow),
            wrong(MASTER, Cut),
            Lead::Until(BACKUP, ALONE),
        ],
        faults: &[],
        faults_max: 0,
        entries: 0,
    },
    Rare {
        name: "grant-ends-handing-over",
        mode: Mode::Arbiter,
        setup: QUICK,
        way: &[wrong(MASTER, SWITCHOVER), wrong(MASTER, DiskSlow), wrong(MASTER, Cut)],
        faults: &[ArbiterAway],
        faults_max: 1,
        entries: 0,
    },
    Rare {
        name: "grant-of-another",
        mode: Mode::Arbiter,
        setup: QUICK,
        way: &[
            wrong(BACKUP, ArbiterAway),
            wrong(MASTER, Cut),
            Lead::Ticks(7),
            wrong(BACKUP, PROMOTE),
            Lead::Until(BACKUP, ALONE),
            wrong(MASTER, ArbiterAway),
            Lead::Until(MASTER, UNSURE),
            HEAL,
            Lead::Until(BACKUP, StateId::Active),
        ],
        faults: &[],
        faults_max: 0,
        entries: 0,
    },
    Rare {
        name: "grant-of-another-alone",
        mode: Mode::Arbiter,
        setup: QUICK,
        way: &[
            wrong(BACKUP, ArbiterAway),
            wrong(MASTER, Cut),
            Lead::Ticks(7),
            wrong(BACKUP, PROMOTE),
            Lead::Until(BACKUP, ALONE),
            Lead::Take(Step::ArbiterBack(BACKUP)),
        ],
        faults: &[],
        faults_max: 0,
        entries: 0,
    },
    Rare {
        name: "grant-of-another-handing-over",
        mode: Mode::Arbiter,
        setup: QUICK,
        way: &[
            wrong(BACKUP, Kill),
            Lead::Take(Step::Start(BACKUP)),
            wrong(BACKUP, ArbiterAway),
            Lead::Until(BACKUP, READY),
            wrong(MASTER, Cut),
            Lead::Ticks(7),
            wrong(BACKUP, PROMOTE),
            Lead::Until(BACKUP, ALONE),
            wrong(MASTER, Kill),
            HEAL,
            Lead::Take(Step::Start(MASTER)),
            Lead::Until(BACKUP, StateId::Active),
            Lead::Until(MASTER, StateId::StandbySyncingData),
        ],
        faults: &[SWITCHOVER],
        faults_max: 1,
        entries: 0,
    },
];

impl Rare {
    fn plan(&self, mode: Mode, more: u8) -> Plan {
        let bounds = Bounds {
            faults: self.faults.to_vec(),
            before: faults(self.way),
            faults_max: self.faults_max + more,
            entries_max: self.entries,
            ..Bounds::calm(mode)
        };
        let name = format!("{mode}/{}", self.name);
        Plan { name, setup: self.setup, prelude: self.way.to_vec(), bounds }
    }
}

/// The walks from somewhere rare, each with so many faults more.
pub(crate) fn rare(more: u8) -> Vec<Plan> {
    RARE.iter().map(|it| it.plan(it.mode, more)).collect()
}

/// Every way to somewhere rare, in this mode.
pub(crate) fn rare_in(mode: Mode) -> impl Iterator<Item = Plan> {
    RARE.iter().map(move |it| it.plan(mode, 0))
}
