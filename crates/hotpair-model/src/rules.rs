//! What must hold in every world, whoever did what.
use crate::roles::broken_change;
use crate::step::Fault;
use crate::ticks::{NOW, STANDSTILL_TICKS};
use crate::world::World;
use hotpair_fsm::{Acknowledge, Command};
use hotpair_types::{Mode, StateId};

/// The promises that a walk checks, by the names of docs/design/states.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promises {
    /// At most one has its outputs open, always.
    pub never_two: bool,
    /// At most one may act alone by its disk (`sole`), always.
    pub never_two_sole: bool,
    /// No person says `promote`.
    pub by_itself: bool,
}

impl Promises {
    /// What a mode promises where only these faults happen.
    #[must_use]
    pub fn of(mode: Mode, faults: &[Fault]) -> Self {
        let has = |it: Fault| faults.contains(&it);
        let promote = |it: &Fault| matches!(it, Fault::Ask(Command::Promote { .. }));
        let by_itself = !faults.iter().any(promote);
        // Silence of one that lives makes two in `availability`.
        let parts = |it: &Fault| {
            matches!(
                it,
                Fault::Cut
                    | Fault::CutOneWay
                    | Fault::HostLost
                    | Fault::Lose
                    | Fault::Sleep
                    | Fault::FalseHint
            )
        };
        let one_by_one = has(Fault::CutRedundancy) && has(Fault::CutPrimary);
        let whole = mode != Mode::Availability || !(faults.iter().any(parts) || one_by_one);
        // Elsewhere nobody acts by `sole` alone: there is a grant, or it is assumed anyway.
        let never_two_sole = by_itself && matches!(mode, Mode::NoSplit | Mode::Manual);
        Self { never_two: by_itself && whole, never_two_sole, by_itself }
    }
}

impl World {
    /// Something may leave this host now: the gate is open, and its deadline has not passed.
    #[must_use]
    pub fn is_open(&self, host: usize) -> bool {
        let Some(live) = self.live(host).filter(|it| it.open.is_some()) else { return false };
        // `Core::outputs_until`, with the tick rounded up.
        let still = live.asleep.is_none_or(|age| age <= STANDSTILL_TICKS);
        let unfenced = still && live.senses.is_unfenced();
        match live.machine.granted_until() {
            None if live.machine.is_fenced_by_silence() => unfenced,
            None => still,
            Some(until) => unfenced || (still && until > NOW),
        }
    }

    /// The first promise that is broken here, by its name.
    #[must_use]
    pub fn broken(&self, promises: Promises) -> Option<String> {
        if let Some(broken) = &self.broken {
            return Some(broken.clone());
        }
        if promises.never_two && self.is_open(0) && self.is_open(1) {
            return Some("S1/S2: both have their outputs open".into());
        }
        if promises.never_two_sole && self.hosts.iter().all(|it| it.has_sole()) {
            return Some("S2: both may act alone (`sole`)".into());
        }
        (0..2)
            .find_map(|host| self.broken_at(host, promises))
            .or_else(|| self.changes.iter().find_map(|it| broken_change(self, it)))
    }

    fn broken_at(&self, host: usize, promises: Promises) -> Option<String> {
        let it = &self.hosts[host];
        let live = it.live.as_ref()?;
        if live.open.is_some_and(|epoch| epoch > it.disk.epoch) {
            return Some(format!("S5: {host} acts before its epoch is durable"));
        }
        if live.open.is_some() && live.machine.state().is_standby() {
            return Some(format!("S3: {host} is a standby and its outputs are not closed"));
        }
        if !self.is_open_by_right(host) {
            return Some(format!("S2: {host} is open without a grant or acknowledgement"));
        }
        let view = live.machine.view();
        let noted = self.has_arbiter() && self.third.alone == Some(host);
        if view.level && (it.has_sole() || noted || it.behind) {
            return Some(format!("S4: {host} says level, and sole, guard or arbiter say behind"));
        }
        if self.acknowledge(host) == Acknowledge::Degraded {
            if !it.has_sole() && !it.disk.marks.unverified {
                return Some(format!("S4: {host} answers as degraded without a durable mark"));
            }
            if !it.behind {
                return Some(format!("S4: {host} answers as degraded and its guard does not know"));
            }
            if self.has_arbiter() && promises.by_itself && !noted {
                return Some(format!(
                    "S4: {host} answers as degraded and the arbiter does not know"
                ));
            }
        }
        let person = live.machine.record().promoted_by_person.is_some();
        if it.disk.marks.stale && live.open.is_some() && !person {
            return Some(format!("S7: {host} is stale and acts by itself"));
        }
        None
    }

    /// Outputs are open only by a right to it, in every moment (mode `arbiter`).
    fn is_open_by_right(&self, host: usize) -> bool {
        let Some(live) = self.live(host).filter(|it| it.open.is_some()) else { return true };
        let Some(grant) = live.machine.grant() else { return true };
        let closing = live.todo.contains(&crate::host::Todo::OutputsClosed);
        let state = live.machine.state();
        let acts = state.is_active() || state == StateId::SwitchingToStandby;
        closing
            || live.asleep.is_some()
            || grant.held.is_some()
            || grant.by_person
            || (acts && !live.picture.fence_due)
    }
}
