//! What a machine shows: the view for its partner, and words for people.
use crate::View;
use crate::context::Context;
use crate::facts::Outputs;
use crate::state::State;
use hotpair_types::{Mode, StateId};

/// Why this node does not act, or what it waits for: in words for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Waiting {
    /// Nothing is waited for.
    No,
    /// Looking for the partner until the startup allowance is over.
    Partner,
    /// The partner is heard and about to move, or moving.
    PartnerMoves,
    /// The engine is undeployed at the partner, which acted: nobody takes over because of that.
    PartnerUndeployed,
    /// Both decide who acts; the partner's summary is not here yet, or ours not there.
    Election,
    /// The partner is alive and cannot be worked with: its Hello, or a key, is refused.
    PartnerRefused,
    /// The mode leaves it to a person: nobody is heard and this node has no proof.
    PersonNoProof,
    /// The mode leaves it to a person: the active is silent.
    PersonSilent,
    /// The partner is heard and hears nothing of this node, so the two cannot agree on anything.
    Unheard,
    /// Both may be outdated, or the older meets an empty store: a person decides.
    PersonElection,
    /// This node's data is older than what the partner went on with; only a person makes it act.
    PersonStale,
    /// The active is silent and something of its data is missing here; only a person makes this node act.
    PersonGap,
    /// Maintenance: resume it.
    Paused,
    /// Too many changes of role: only proof moves this node.
    Suspended,
    /// The promise not to promote still runs (`promote_after`).
    Promise,
    /// Storage failed here.
    Storage,
    /// A module is missing here.
    Module,
    /// The required network of this host is down.
    Network,
    /// A setting that must agree differs.
    Settings,
    /// The last promotion failed; the next try comes by itself.
    Retry,
    /// Data is being brought level.
    Sync,
    /// Outputs are being closed.
    Closing,
    /// Handing over or taking over.
    Handover,
    /// Mode `arbiter`: the grant is asked for.
    Grant,
    /// Mode `arbiter`: somebody else holds the grant.
    GrantBusy,
    /// Mode `arbiter`: the partner wrote that it went on alone.
    PartnerWentOn,
    /// Mode `arbiter`: the third party does not answer.
    ArbiterAway,
}

impl Waiting {
    /// Whether nothing but a person, or what is broken, can change what this says.
    #[must_use]
    pub const fn is_last_word(self) -> bool {
        match self {
            Self::PersonNoProof
            | Self::PersonSilent
            | Self::PartnerUndeployed
            | Self::Unheard
            | Self::PersonElection
            | Self::PartnerRefused
            | Self::PersonStale
            | Self::PersonGap
            | Self::Paused
            | Self::Suspended
            | Self::Storage
            | Self::Module
            | Self::Network
            | Self::Settings
            | Self::PartnerWentOn
            | Self::ArbiterAway => true,
            Self::No
            | Self::Partner
            | Self::PartnerMoves
            | Self::Election
            | Self::Promise
            | Self::Retry
            | Self::Sync
            | Self::Closing
            | Self::Handover
            | Self::Grant
            | Self::GrantBusy => false,
        }
    }

    /// The sentence.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::No => "nothing is waited for",
            Self::Partner => "looking for the partner",
            Self::PartnerMoves => "the partner is heard and decides",
            Self::PartnerUndeployed => {
                "the engine is undeployed at the partner: deploy it there, or a person makes this node act (hotpair promote)"
            }
            Self::Election => "both nodes are deciding who acts",
            Self::PartnerRefused => {
                "the partner is alive and the two cannot work together (see the alarms): no takeover while it lives"
            }
            Self::PersonNoProof => {
                "no partner is heard and nothing proves that it is not active: a person decides (hotpair promote)"
            }
            Self::PersonSilent => {
                "the active is silent and the mode forbids to take over without proof: a person decides (hotpair promote)"
            }
            Self::Unheard => {
                "the partner is heard but does not hear this node: only the way from here to there is broken"
            }
            Self::PersonElection => {
                "neither node can be trusted to have the newest data: a person decides (hotpair promote)"
            }
            Self::PersonStale => {
                "the partner went on without this node: wait for it, or a person decides (hotpair promote)"
            }
            Self::PersonGap => {
                "the active is silent and an entry or a checkpoint is missing here: wait for it, or a person decides (hotpair promote)"
            }
            Self::Paused => "paused by a person: nothing moves by itself until hotpair resume",
            Self::Suspended => {
                "suspended after too many changes of role: takes over on proof only, until a quiet window or hotpair resume"
            }
            Self::Promise => "promised the active not to take over yet (promote_after)",
            Self::Storage => "the storage of this node failed",
            Self::Module => "a module is missing here",
            Self::Network => "the required network of this host is down",
            Self::Settings => "a setting that must agree with the partner's differs",
            Self::Retry => "the last promotion failed; the next try comes by itself",
            Self::Sync => "data is being brought level",
            Self::Closing => "outputs are being closed",
            Self::Handover => "a change of role is under way",
            Self::Grant => "the arbiter is asked for the grant",
            Self::GrantBusy => {
                "the arbiter says that another holds the grant: this node acts when it ends or is given back"
            }
            Self::PartnerWentOn => {
                "the arbiter says that the partner went on alone and has newer data: wait for it, or a person decides (hotpair promote)"
            }
            Self::ArbiterAway => {
                "the arbiter cannot be reached, so nobody gets the grant: wait for it, or a person decides (hotpair promote)"
            }
        }
    }
}

impl Context {
    pub(crate) fn view(&self, state: &State) -> View {
        let id = state.id();
        let marks = self.record.marks;
        let durable = self.durable.marks;
        let partner = self.facts.partner;
        View {
            state: id,
            epoch: state.epoch().unwrap_or(self.record.last_used),
            positions: self.positions(),
            about: partner.map(|it| it.instance),
            sees: partner.map(|it| it.view.state),
            follows: state.follows().is_some() && state.follows() == partner.map(|it| it.instance),
            has_all: id.is_level() || (id == StateId::StandbySyncingData && self.progress.received),
            serves: self.trust.serving.is_some()
                && self.trust.serving == partner.map(|it| it.instance),
            by_person: state.is_by_person(),
            round: self.facts.round,
            echo: partner.map_or(0, |it| it.view.round),
            outputs_open: self.facts.outputs != Outputs::Closed,
            sole: self.shows_sole(),
            unverified: marks.unverified,
            // A standby whose disk hangs is dropped all the same: as if it had been off.
            stale: marks.stale,
            in_sync: durable.in_sync && marks.in_sync,
            paused: self.durable.paused,
            suspended: self.record.damping.suspended,
            level: self.trust.level,
            drop: id == StateId::Active && self.facts.unacknowledged,
            storage_ok: self.could_act(id),
            network_ok: self.facts.network_ok,
            leaving: state.is_leaving() && self.outputs_closed() && self.is_durable(),
            undeployed: state.is_undeployed(),
            promotion_failed: self.facts.failures > 0 && id == StateId::StandbyNotReady,
            wants_switchover: self.wants_switchover(),
            wants_pause: self.wants_pause(),
            step: self.facts.step,
            summary: self.facts.summary.as_ref().map(|it| it.digest),
            pair: state.pair(self),
        }
    }

    pub(crate) fn waiting(&self, state: &State) -> Waiting {
        let id = state.id();
        if self.facts.outputs == Outputs::Closing {
            return Waiting::Closing;
        }
        let acts = id.is_active() || id == StateId::SwitchingToStandby;
        if let Some(grant) = self.waiting_for_grant().filter(|_| !acts) {
            return grant;
        }
        match id {
            StateId::Active | StateId::ActiveStandbyNotAvailable => Waiting::No,
            StateId::SwitchingToActive | StateId::SwitchingToStandby => Waiting::Handover,
            StateId::Failed | StateId::Unknown => Waiting::No,
            _ if !self.facts.storage_ok => Waiting::Storage,
            StateId::StandbyReady => self.waiting_level(),
            StateId::StandbySyncingWithActive
            | StateId::StandbySyncingCode
            | StateId::StandbySyncingData => Waiting::Sync,
            StateId::StandbyMissedHeartbeats => {
                let word = self.waiting_level();
                if word == Waiting::No { self.waiting_missed() } else { word }
            }
            StateId::DeterminingFailoverStatus | StateId::StandbyNotReady => {
                self.waiting_undecided(id)
            }
        }
    }

    /// Level with a partner that is heard and acts no more.
    fn waiting_level(&self) -> Waiting {
        match self {
            _ if self.heard().is_none() || self.heard_active().is_some() => Waiting::No,
            _ if self.facts.picture.one_way => Waiting::Unheard,
            _ if self.record.paused => Waiting::Paused,
            _ => Waiting::PartnerMoves,
        }
    }

    fn waiting_missed(&self) -> Waiting {
        if !self.facts.picture.is_silent() {
            Waiting::No
        } else if self.record.paused {
            Waiting::Paused
        } else if self.record.damping.suspended && self.settings.mode != Mode::Arbiter {
            Waiting::Suspended
        } else if self.progress.gap {
            Waiting::PersonGap
        } else {
            match self.settings.mode {
                Mode::Manual => Waiting::PersonSilent,
                Mode::NoSplit | Mode::Arbiter => Waiting::Promise,
                Mode::Availability => Waiting::No,
            }
        }
    }

    fn waiting_undecided(&self, id: StateId) -> Waiting {
        if self.timers.is_set(crate::Timer::Retry) {
            return Waiting::Retry;
        }
        if self.record.paused && self.heard_active().is_none() {
            return Waiting::Paused;
        }
        if self.facts.summary.is_some() && self.is_arbiter_away() {
            return Waiting::ArbiterAway;
        }
        if self.facts.picture.one_way {
            return Waiting::Unheard;
        }
        if self.facts.summary.is_some() {
            return match self.verdict() {
                Some(crate::Verdict::Person) => Waiting::PersonElection,
                Some(crate::Verdict::Wins(_))
                    if self.answers().is_some_and(|it| self.holds_on(&it)) =>
                {
                    Waiting::PersonElection
                }
                // Agreed: why the winner does not move, it says itself.
                Some(crate::Verdict::Wins(it)) if it != self.settings.designation => {
                    Waiting::PartnerMoves
                }
                Some(crate::Verdict::Wins(_)) | None => Waiting::Election,
            };
        }
        if self.heard_active().is_some() && id == StateId::StandbyNotReady {
            return match self {
                _ if self.facts.settings_differ.is_some() => Waiting::Settings,
                _ if !self.facts.network_ok => Waiting::Network,
                _ if self.facts.module_missing => Waiting::Module,
                _ => Waiting::Sync,
            };
        }
        match self.heard() {
            Some(partner) if partner.undeployed => return Waiting::PartnerUndeployed,
            Some(_) => return Waiting::PartnerMoves,
            None => {}
        }
        if self.record.marks.stale {
            return Waiting::PersonStale;
        }
        if self.facts.picture.refused {
            return Waiting::PartnerRefused;
        }
        let startup =
            self.timers.is_set(crate::Timer::StartupAllowance) && !self.progress.alone_over;
        if startup && (self.settings.may_assume() || self.facts.picture.never_heard()) {
            return Waiting::Partner;
        }
        let promised = self.settings.mode == Mode::Arbiter && !self.facts.picture.promote_due;
        if self.sole() && promised { Waiting::Promise } else { Waiting::PersonNoProof }
    }
}
