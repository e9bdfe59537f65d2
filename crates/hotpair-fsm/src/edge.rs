//! Every legal change of state. Asserted after every step, in release builds too; the picture in
//! `docs/design/state-diagram.md` is drawn from it.
use crate::Rule;
use hotpair_types::StateId::{self, *};

/// One legal change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The state left.
    pub from: StateId,
    /// The state entered.
    pub to: StateId,
    /// The rows that allow it.
    pub rules: &'static [Rule],
}

const fn edge(from: StateId, to: StateId, rules: &'static [Rule]) -> Edge {
    Edge { from, to, rules }
}

/// What ends a stay in 8 towards 4.
const READY_NO_MORE: &[Rule] = &[
    Rule::PartnerActive,
    Rule::NotElected,
    Rule::ActiveWentOn,
    Rule::NotLevel,
    Rule::Gap,
    Rule::ModuleMissing,
    Rule::NetworkLost,
    Rule::StorageFailed,
    Rule::SettingsDiffer,
    Rule::Dropped,
    Rule::Reinit,
    Rule::LeftBeyond,
    Rule::FencedBehind,
    Rule::PartnerUndeployed,
];
/// What ends a stay in 9 towards 4: while it works out whether the active failed, its own troubles
/// wait.
const UNREADY: &[Rule] = &[
    Rule::PartnerActive,
    Rule::NotElected,
    Rule::ActiveWentOn,
    Rule::NotLevel,
    Rule::Gap,
    Rule::Dropped,
    Rule::Reinit,
    Rule::LeftBeyond,
    Rule::FencedBehind,
    Rule::PartnerUndeployed,
];
/// What ends a sync.
const BROKEN: &[Rule] = &[
    Rule::SyncBroken,
    Rule::Gap,
    Rule::RedundancyLost,
    Rule::ActiveLost,
    Rule::StorageFailed,
    Rule::SettingsDiffer,
    Rule::NetworkLost,
    Rule::Reinit,
];
/// What moves a node in 5 to 7 to 10.
const FROM_SYNC: &[Rule] = &[Rule::WinnerFenced];
/// What makes a standby in 8 promote itself.
const FROM_READY: &[Rule] = &[
    Rule::Left,
    Rule::LeftUnreplicated,
    Rule::Fenced,
    Rule::NewerInstance,
    Rule::Offered,
    Rule::LateRelease,
    Rule::Elected,
    Rule::Promoted,
];
/// What makes a standby in 9 promote itself.
const FROM_MISSED: &[Rule] = &[
    Rule::Left,
    Rule::LeftUnreplicated,
    Rule::Fenced,
    Rule::NewerInstance,
    Rule::Silent,
    Rule::HintUnanswered,
    Rule::Offered,
    Rule::LateRelease,
    Rule::Elected,
    Rule::Promoted,
];
/// What makes an active unsure.
const UNSURE: &[Rule] = &[
    Rule::FenceDue,
    Rule::GrantEnding,
    Rule::GrantTaken,
    Rule::Stalled,
    Rule::OneWay,
    Rule::StorageFailed,
];
/// What makes a promotion go back.
const BACK: &[Rule] = &[Rule::Withdrawn, Rule::HeardAgain, Rule::FenceDue, Rule::GrantNotHeld];
/// What ends everything.
const STOP: &[Rule] = &[Rule::Leave, Rule::Undeployed, Rule::GuardLost];

/// Every legal change; `Unknown` is a stopped engine.
pub const EDGES: &[Edge] = &[
    edge(
        DeterminingFailoverStatus,
        StandbyNotReady,
        &[Rule::PartnerActive, Rule::PartnerTakesOver, Rule::NotElected],
    ),
    edge(
        DeterminingFailoverStatus,
        SwitchingToActive,
        &[
            Rule::NotMoved,
            Rule::Elected,
            Rule::AloneSole,
            Rule::AloneUnverified,
            Rule::PartnerYielded,
            Rule::Promoted,
        ],
    ),
    edge(StandbyNotReady, StandbySyncingWithActive, &[Rule::BeginSync]),
    edge(StandbySyncingWithActive, StandbySyncingCode, &[Rule::ModulesMatch]),
    edge(StandbySyncingCode, StandbySyncingData, &[Rule::WaySettled]),
    edge(StandbySyncingData, StandbyReady, &[Rule::Level]),
    edge(StandbySyncingWithActive, StandbyNotReady, BROKEN),
    edge(StandbySyncingCode, StandbyNotReady, BROKEN),
    edge(StandbySyncingData, StandbyNotReady, BROKEN),
    edge(
        StandbyNotReady,
        SwitchingToActive,
        &[
            Rule::LeftEqual,
            Rule::HandBack,
            Rule::Elected,
            Rule::WinnerFenced,
            Rule::Promoted,
            Rule::LateRelease,
            Rule::Retried,
        ],
    ),
    edge(StandbySyncingWithActive, SwitchingToActive, FROM_SYNC),
    edge(StandbySyncingCode, SwitchingToActive, FROM_SYNC),
    edge(StandbySyncingData, SwitchingToActive, FROM_SYNC),
    edge(StandbyReady, StandbyMissedHeartbeats, &[Rule::BeatMissed, Rule::Hinted]),
    edge(StandbyMissedHeartbeats, StandbyReady, &[Rule::BeatsBack, Rule::ChannelDegraded]),
    edge(StandbyReady, StandbyNotReady, READY_NO_MORE),
    edge(StandbyMissedHeartbeats, StandbyNotReady, UNREADY),
    edge(StandbyReady, SwitchingToActive, FROM_READY),
    edge(StandbyMissedHeartbeats, SwitchingToActive, FROM_MISSED),
    edge(SwitchingToActive, Active, &[Rule::Opened]),
    edge(SwitchingToActive, ActiveStandbyNotAvailable, &[Rule::Opened]),
    edge(SwitchingToActive, StandbyMissedHeartbeats, BACK),
    edge(
        SwitchingToActive,
        DeterminingFailoverStatus,
        &[Rule::HeardAgain, Rule::FenceDue, Rule::GrantNotHeld],
    ),
    edge(
        SwitchingToActive,
        StandbyNotReady,
        &[Rule::PromotionFailed, Rule::HeardAgain, Rule::FenceDue, Rule::GrantNotHeld],
    ),
    edge(
        Active,
        ActiveStandbyNotAvailable,
        &[Rule::PartnerSilent, Rule::PartnerLeft, Rule::DropConfirmed],
    ),
    edge(ActiveStandbyNotAvailable, Active, &[Rule::PartnerBack]),
    edge(Active, DeterminingFailoverStatus, UNSURE),
    edge(ActiveStandbyNotAvailable, DeterminingFailoverStatus, UNSURE),
    edge(
        SwitchingToStandby,
        DeterminingFailoverStatus,
        &[
            Rule::FenceDue,
            Rule::GrantEnding,
            Rule::GrantTaken,
            Rule::Stalled,
            Rule::StorageFailed,
            Rule::StaleEpoch,
        ],
    ),
    edge(
        Active,
        SwitchingToStandby,
        &[
            Rule::Switchover,
            Rule::Recovery,
            Rule::HandOverNetwork,
            Rule::HandOverStorage,
            Rule::HandOverService,
            Rule::HandOverLeave,
            Rule::ElectionLost,
            Rule::UnverifiedYields,
        ],
    ),
    edge(
        ActiveStandbyNotAvailable,
        SwitchingToStandby,
        &[Rule::ElectionLost, Rule::UnverifiedYields],
    ),
    edge(SwitchingToStandby, StandbyNotReady, &[Rule::Released, Rule::Yielded]),
    edge(SwitchingToStandby, Active, &[Rule::Resumed]),
    edge(SwitchingToStandby, ActiveStandbyNotAvailable, &[Rule::Resumed]),
    edge(DeterminingFailoverStatus, Unknown, STOP),
    edge(Active, Unknown, STOP),
    edge(ActiveStandbyNotAvailable, Unknown, STOP),
    edge(StandbyNotReady, Unknown, STOP),
    edge(StandbySyncingWithActive, Unknown, STOP),
    edge(StandbySyncingCode, Unknown, STOP),
    edge(StandbySyncingData, Unknown, STOP),
    edge(StandbyReady, Unknown, STOP),
    edge(StandbyMissedHeartbeats, Unknown, STOP),
    edge(SwitchingToActive, Unknown, STOP),
    edge(SwitchingToStandby, Unknown, &[Rule::Undeployed, Rule::GuardLost]),
    edge(Unknown, DeterminingFailoverStatus, &[Rule::Deployed]),
];

/// Runs after every change: a crash is a takeover, a wrong belief is not.
pub(crate) fn check(from: StateId, to: StateId, rule: Rule) {
    let legal = EDGES.iter().any(|it| it.from == from && it.to == to && it.rules.contains(&rule));
    assert!(legal, "no edge from {from:?} to {to:?} by {rule:?}");
}
