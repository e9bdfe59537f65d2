//! 11, Switching to Standby: demotion under way, no new writes.
use super::{Acting, Determining, Move, Standby, State};
use crate::context::Context;
use crate::facts::Release;
use crate::{ReplicaOrder, Rule, Step, Timer};
use hotpair_types::{Epoch, Mode, StateId, Time};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ToStandby {
    pub(crate) epoch: Epoch,
    pub(crate) since: Time,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// Hands over to a level standby.
    Offering {
        id: u32,
        by_person: bool,
        /// The acceptance was seen: there is no way back.
        accepted: bool,
        /// Called off: resumes when this epoch is durable.
        resuming: Option<Epoch>,
    },
    /// Lost an election: keeps what it loses.
    Lost { rule: Rule },
}

impl ToStandby {
    pub(super) fn enter_offering(by_person: bool, it: &Acting, cx: &mut Context) -> State {
        cx.facts.offers += 1;
        cx.facts.unacknowledged = false;
        cx.order(ReplicaOrder::StopWrites);
        cx.set(Timer::Handover, cx.settings.handover_timeout);
        cx.show(Step::None);
        let id = cx.facts.offers;
        let kind = Kind::Offering { id, by_person, accepted: false, resuming: None };
        State::ToStandby(Self { epoch: it.epoch, since: it.since, kind })
    }

    pub(super) fn enter_lost(rule: Rule, it: &Acting, cx: &mut Context) -> State {
        cx.close_outputs();
        // What is written from here on would only be one more entry that loses.
        cx.order(ReplicaOrder::StopWrites);
        if let Some(winner) = &cx.facts.partner_summary {
            let (winner, epoch) = (winner.summary.history.clone(), winner.summary.last_used);
            cx.order(ReplicaOrder::StoreLosingEntries { winner, epoch });
        }
        State::ToStandby(Self { epoch: it.epoch, since: it.since, kind: Kind::Lost { rule } })
    }

    pub(super) const fn is_losing(&self) -> bool {
        matches!(self.kind, Kind::Lost { .. })
    }

    pub(super) const fn is_by_person(&self) -> bool {
        matches!(self.kind, Kind::Offering { by_person: true, .. })
    }

    pub(super) fn next(&mut self, cx: &mut Context) -> Option<Move> {
        match self.kind {
            Kind::Lost { rule } => Self::lose(rule, cx),
            Kind::Offering { accepted: true, id, .. } => Self::release(id, cx),
            Kind::Offering { resuming: Some(epoch), .. } => self.resume(epoch, cx),
            Kind::Offering { .. } => self.offer(cx),
        }
    }

    fn offer(&mut self, cx: &mut Context) -> Option<Move> {
        if let Some(rule) = self.why_unsure(cx) {
            return Some((rule, Determining::enter_unsure(cx)));
        }
        let Kind::Offering { id, accepted, resuming, .. } = &mut self.kind else {
            return None;
        };
        let id = *id;
        let answer = cx.answers();
        if answer.is_some_and(|it| it.step == Step::Accept { id }) {
            *accepted = true;
            cx.close_outputs();
            return Self::release(id, cx);
        }
        let waits =
            answer.is_some_and(|it| it.state.is_level() || it.state == StateId::SwitchingToActive);
        let declined = answer.is_some_and(|it| it.step == Step::Declined { id });
        if cx.progress.handover_over || !waits || declined {
            if !cx.facts.storage_ok {
                return Some((Rule::StorageFailed, Determining::enter_unsure(cx)));
            }
            let epoch = cx.next_epoch();
            if declined {
                cx.set(Timer::Retry, cx.settings.handover_timeout);
            }
            *resuming = Some(epoch);
            cx.record.epoch = epoch;
            cx.record.last_used = epoch;
            cx.show(Step::Withdrawn { id });
            return None;
        }
        if cx.progress.drained {
            cx.show(Step::Offer { id });
        }
        None
    }

    /// A newer epoch is durable first: an acceptance of the older one is void.
    fn resume(&self, epoch: Epoch, cx: &mut Context) -> Option<Move> {
        if let Some(rule) = self.why_unsure(cx) {
            return Some((rule, Determining::enter_unsure(cx)));
        }
        if !cx.facts.storage_ok {
            return Some((Rule::StorageFailed, Determining::enter_unsure(cx)));
        }
        if !cx.is_durable() {
            return None;
        }
        cx.wishes.leave_now |= cx.wishes.leave;
        cx.open_outputs(epoch);
        cx.order(ReplicaOrder::ResumeWrites { epoch });
        let acting = Acting { epoch, since: self.since, won: None };
        let waits = cx.answers().is_some_and(|it| it.state != StateId::Unknown);
        let state = if waits { State::Active(acting) } else { State::ActiveAlone(acting) };
        Some((Rule::Resumed, state))
    }

    fn release(id: u32, cx: &mut Context) -> Option<Move> {
        if !cx.outputs_closed() {
            return None;
        }
        if cx.wishes.leave {
            cx.set(Timer::Leave, super::stopped::LEAVING_SHOWN_MAX);
        }
        cx.show(Step::Released { id });
        cx.facts.released = Some(Release { id, positions: cx.positions() });
        Some((Rule::Released, Standby::enter_from_acting(cx)))
    }

    fn lose(rule: Rule, cx: &mut Context) -> Option<Move> {
        if !cx.outputs_closed() || !cx.progress.losing_stored {
            return None;
        }
        let state = Standby::enter_from_acting(cx);
        cx.record.marks.sole = None;
        // An unverified one does not act on its own data again; the winner may not act yet.
        cx.record.marks.stale |= rule == Rule::UnverifiedYields;
        cx.facts.lost_to = cx.facts.partner.map(|it| it.instance);
        Some((Rule::Yielded, state))
    }

    fn why_unsure(&self, cx: &Context) -> Option<Rule> {
        let fence = cx.settings.mode == Mode::NoSplit && cx.facts.picture.fence_due && !cx.sole();
        // No election is held from here: the one that handed over is the one that is outdated.
        let stale_epoch = cx.heard_active().is_some_and(|it| it.view.epoch > self.epoch);
        match () {
            () if cx.progress.stalled => Some(Rule::Stalled),
            () if stale_epoch => Some(Rule::StaleEpoch),
            () if fence => Some(Rule::FenceDue),
            () => cx.why_ungranted(),
        }
    }
}
