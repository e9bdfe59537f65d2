//! Where a node can be. What only makes sense in one state lives in that state's file, and so do
//! the rows that leave it.
mod determining;
mod acting;
mod active;
mod active_alone;
mod standby;
mod not_ready;
mod syncing;
mod syncing_modules;
mod syncing_code;
mod syncing_data;
mod standby_ready;
mod missed_heartbeats;
mod level;
mod switching_to_active;
mod switching_to_standby;
mod stopped;

pub(crate) use acting::Acting;
pub(crate) use active::has_ready_partner;
pub(crate) use determining::Determining;
pub(crate) use standby::{Follower, Standby};
pub(crate) use stopped::Stopped;
pub(crate) use switching_to_active::ToActive;
pub(crate) use switching_to_standby::ToStandby;

use crate::context::Context;
use crate::election::Situation;
use crate::{Rule, Timer};
use hotpair_types::{Epoch, Instance, StateId, Time};

/// A row that was taken, and where it leads.
pub(crate) type Move = (Rule, State);

/// One of the eleven states a node itself can be in, or stopped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum State {
    Determining(Determining),
    Active(Acting),
    ActiveAlone(Acting),
    NotReady(Standby),
    SyncingModules(Follower),
    SyncingCode(Follower),
    SyncingData(Follower),
    Ready(Follower),
    Missed(Follower),
    ToActive(ToActive),
    ToStandby(ToStandby),
    Stopped(Stopped),
}

impl State {
    pub(crate) fn start(undeployed: bool, cx: &mut Context) -> Self {
        if undeployed {
            return Self::Stopped(Stopped::undeployed());
        }
        Determining::enter(cx.settings.startup_allowance, cx)
    }

    pub(crate) const fn id(&self) -> StateId {
        match self {
            Self::Determining(_) => StateId::DeterminingFailoverStatus,
            Self::Active(_) => StateId::Active,
            Self::ActiveAlone(_) => StateId::ActiveStandbyNotAvailable,
            Self::NotReady(_) => StateId::StandbyNotReady,
            Self::SyncingModules(_) => StateId::StandbySyncingWithActive,
            Self::SyncingCode(_) => StateId::StandbySyncingCode,
            Self::SyncingData(_) => StateId::StandbySyncingData,
            Self::Ready(_) => StateId::StandbyReady,
            Self::Missed(_) => StateId::StandbyMissedHeartbeats,
            Self::ToActive(_) => StateId::SwitchingToActive,
            Self::ToStandby(_) => StateId::SwitchingToStandby,
            Self::Stopped(_) => StateId::Unknown,
        }
    }

    /// The rows of this state, in the order in which they are asked.
    pub(crate) fn next(&mut self, cx: &mut Context) -> Option<Move> {
        if let Some(stop) = stopped::why_stop(self, cx) {
            return Some(stop);
        }
        match self {
            Self::Determining(it) => it.next(cx),
            Self::Active(it) => active::next(it, cx),
            Self::ActiveAlone(it) => active_alone::next(it, cx),
            Self::NotReady(it) => not_ready::next(it, cx),
            Self::SyncingModules(it) => syncing_modules::next(it, cx),
            Self::SyncingCode(it) => syncing_code::next(it, cx),
            Self::SyncingData(it) => syncing_data::next(it, cx),
            Self::Ready(it) => standby_ready::next(it, cx),
            Self::Missed(it) => missed_heartbeats::next(it, cx),
            Self::ToActive(it) => it.next(cx),
            Self::ToStandby(it) => it.next(cx),
            Self::Stopped(it) => it.next(cx),
        }
    }

    /// The epoch acted under or followed; `None`: neither.
    pub(crate) fn epoch(&self) -> Option<Epoch> {
        match self {
            Self::Determining(_) | Self::Stopped(_) => None,
            Self::Active(it) | Self::ActiveAlone(it) => Some(it.epoch),
            Self::NotReady(it) => it.follower.map(|it| it.epoch),
            Self::SyncingModules(it)
            | Self::SyncingCode(it)
            | Self::SyncingData(it)
            | Self::Ready(it)
            | Self::Missed(it) => Some(it.epoch),
            Self::ToActive(it) => Some(it.epoch),
            Self::ToStandby(it) => Some(it.epoch),
        }
    }

    /// The hash of both summaries, as shown. Who moved by an election goes on showing what was agreed, and
    /// agrees to nothing else: the loser may have made a new summary since.
    pub(crate) fn pair(&self, cx: &Context) -> Option<u64> {
        match self {
            Self::ToActive(it) if it.was_elected() => it.pair,
            Self::Determining(_)
            | Self::Active(_)
            | Self::ActiveAlone(_)
            | Self::NotReady(_)
            | Self::SyncingModules(_)
            | Self::SyncingCode(_)
            | Self::SyncingData(_)
            | Self::Ready(_)
            | Self::Missed(_)
            | Self::ToActive(_)
            | Self::ToStandby(_)
            | Self::Stopped(_) => cx.pair(),
        }
    }

    /// The instance that is followed.
    pub(crate) fn follows(&self) -> Option<Instance> {
        match self {
            Self::NotReady(it) => it.follower.map(|it| it.instance),
            Self::SyncingModules(it)
            | Self::SyncingCode(it)
            | Self::SyncingData(it)
            | Self::Ready(it)
            | Self::Missed(it) => Some(it.instance),
            Self::ToActive(it) => it.follows(),
            Self::Determining(_)
            | Self::Active(_)
            | Self::ActiveAlone(_)
            | Self::ToStandby(_)
            | Self::Stopped(_) => None,
        }
    }

    /// Level, or trying to act as one that is: what is missing then is missing afterwards.
    pub(crate) const fn is_level_still(&self) -> bool {
        match self {
            Self::Ready(_) | Self::Missed(_) => true,
            Self::ToActive(it) => it.was_level(),
            Self::Determining(_)
            | Self::Active(_)
            | Self::ActiveAlone(_)
            | Self::NotReady(_)
            | Self::SyncingModules(_)
            | Self::SyncingCode(_)
            | Self::SyncingData(_)
            | Self::ToStandby(_)
            | Self::Stopped(_) => false,
        }
    }

    pub(crate) const fn active_since(&self) -> Option<Time> {
        match self {
            Self::Active(it) | Self::ActiveAlone(it) => Some(it.since),
            Self::ToStandby(it) => Some(it.since),
            Self::Determining(_)
            | Self::NotReady(_)
            | Self::SyncingModules(_)
            | Self::SyncingCode(_)
            | Self::SyncingData(_)
            | Self::Ready(_)
            | Self::Missed(_)
            | Self::ToActive(_)
            | Self::Stopped(_) => None,
        }
    }

    /// Whether a timer means something in this state; others are stopped when it is entered.
    pub(crate) fn keeps(&self, timer: Timer) -> bool {
        match timer {
            Timer::StartupAllowance => self.id() == StateId::DeterminingFailoverStatus,
            Timer::Handover => matches!(self, Self::ToActive(_) | Self::ToStandby(_)),
            Timer::RecoveryHold => self.id() == StateId::Active,
            Timer::Retry
            | Timer::SyncPause
            | Timer::Damping
            | Timer::Leave
            | Timer::Answer
            | Timer::Silence
            | Timer::Grant => true,
        }
    }

    pub(crate) fn is_leaving(&self) -> bool {
        matches!(self, Self::Stopped(it) if it.leaving)
    }

    pub(crate) fn is_undeployed(&self) -> bool {
        matches!(self, Self::Stopped(it) if !it.leaving)
    }

    /// Hands over because a person asked for it.
    pub(crate) fn is_by_person(&self) -> bool {
        matches!(self, Self::ToStandby(it) if it.is_by_person())
    }

    /// Closes its outputs as planned: nobody acts before they are closed.
    pub(crate) fn closes_in_order(&self) -> bool {
        match self {
            Self::ToStandby(it) => !it.is_losing(),
            Self::Stopped(it) => !it.for_want_of_guard(),
            Self::Determining(_)
            | Self::Active(_)
            | Self::ActiveAlone(_)
            | Self::NotReady(_)
            | Self::SyncingModules(_)
            | Self::SyncingCode(_)
            | Self::SyncingData(_)
            | Self::Ready(_)
            | Self::Missed(_)
            | Self::ToActive(_) => false,
        }
    }

    /// Losing entries are being kept.
    pub(crate) fn is_losing(&self) -> bool {
        matches!(self, Self::ToStandby(it) if it.is_losing())
    }

    /// Freezes and forgets summaries.
    pub(crate) fn hold_election(&self, cx: &mut Context) {
        let id = self.id();
        let active = id.is_active();
        let partner = cx.answers().map(|it| (it.state, it.unverified, it.sole));
        let held = cx.facts.summary.is_some();
        let undecided = id == StateId::DeterminingFailoverStatus || id.is_standby();
        let situation = match partner {
            Some((state, ..)) if active && state.is_active() => Some(Situation::BothActive),
            // It yields: the winner goes on showing what was agreed.
            Some((StateId::SwitchingToStandby, ..)) if active && held => {
                Some(Situation::BothActive)
            }
            Some((StateId::DeterminingFailoverStatus, _, true))
                if active && cx.record.marks.unverified && !cx.sole() =>
            {
                Some(Situation::Unverified)
            }
            Some((state, true, false))
                if id == StateId::DeterminingFailoverStatus
                    && (state.is_active() || (state == StateId::SwitchingToStandby && held))
                    && cx.sole() =>
            {
                Some(Situation::Unverified)
            }
            // The winner moved first: what was agreed still tells this node that it lost.
            Some((StateId::SwitchingToActive, ..)) if held && undecided => {
                Some(Situation::NoneActive)
            }
            Some(_) if cx.none_active(id, self.follows()) => Some(Situation::NoneActive),
            Some(_) | None => None,
        };
        let settling = match self {
            Self::Active(it) | Self::ActiveAlone(it) => it.won.is_some(),
            Self::ToActive(it) => it.was_elected(),
            Self::ToStandby(it) => it.is_losing(),
            Self::Determining(it) => it.won,
            Self::NotReady(_)
            | Self::SyncingModules(_)
            | Self::SyncingCode(_)
            | Self::SyncingData(_)
            | Self::Ready(_)
            | Self::Missed(_)
            | Self::Stopped(_) => false,
        };
        let since = self.active_since();
        let active_for = since.map_or(0, |it| cx.now.since(it).as_millis());
        let active_for_ms = u64::try_from(active_for).unwrap_or(u64::MAX);
        cx.hold_election(situation, settling, active_for_ms, id);
    }
}
