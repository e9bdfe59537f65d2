//! What all standby states share: whom they follow, and how 4 is entered.
use super::State;
use crate::context::Context;
use crate::facts::Partner;
use crate::{Action, ReplicaOrder};
use hotpair_types::{Epoch, Instance};

/// The active that is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Follower {
    pub(crate) instance: Instance,
    pub(crate) epoch: Epoch,
    /// The active's `round` in which it serves this sync.
    pub(crate) session: u32,
    /// The redundancy channel was alive when the sync began.
    pub(crate) over_redundancy: bool,
}

/// 4: follows an active, or waits for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Standby {
    pub(crate) follower: Option<Follower>,
}

impl Standby {
    /// Follows the partner, which acts. Its word counts from now on.
    pub(super) fn enter_under(partner: Partner, cx: &mut Context) -> State {
        let epoch = partner.view.epoch;
        cx.record.epoch = cx.record.epoch.max(epoch);
        cx.record.marks.sole = None;
        cx.record.marks.unverified = false;
        cx.facts.accepted = None;
        let follower =
            Follower { instance: partner.instance, epoch, session: 0, over_redundancy: false };
        State::NotReady(Self { follower: Some(follower) })
    }

    /// Waits for the partner to act.
    pub(super) fn enter_waiting(_cx: &mut Context) -> State {
        State::NotReady(Self { follower: None })
    }

    /// Lost an election: the winner is about to act. Our data is whole until it is swapped.
    pub(super) fn enter_lost(cx: &mut Context) -> State {
        Self::note_lost(cx);
        Self::enter_waiting(cx)
    }

    /// The winner may not act before this node has given up the right to act alone.
    pub(super) fn note_lost(cx: &mut Context) {
        cx.facts.lost_to = cx.facts.partner.map(|it| it.instance);
        cx.record.marks.sole = None;
    }

    /// Leaves 5 to 9: the old data stays whole.
    pub(super) fn enter_from_sync(follower: Option<Follower>, cx: &mut Context) -> State {
        cx.order(ReplicaOrder::StopSync);
        State::NotReady(Self { follower })
    }

    /// The partner went on without us.
    pub(super) fn enter_stale(follower: Follower, cx: &mut Context) -> State {
        cx.record.marks.stale = true;
        cx.record.marks.in_sync = false;
        Self::enter_from_sync(Some(follower), cx)
    }

    /// A person throws this standby's data away: it is not to act before it was level again.
    pub(super) fn throw_away(cx: &mut Context) {
        cx.wishes.reinit = false;
        cx.record.marks.stale = true;
        cx.record.marks.in_sync = false;
        cx.order(ReplicaOrder::Reinit);
    }

    /// Comes from acting: objects stop and the engine begins again as a standby.
    pub(super) fn enter_from_acting(cx: &mut Context) -> State {
        cx.order(ReplicaOrder::BecomeStandby);
        cx.act(Action::StopObjects);
        cx.record.marks.unverified = false;
        State::NotReady(Self { follower: None })
    }
}
