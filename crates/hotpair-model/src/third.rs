//! The contract of the third party of mode `arbiter`, in ticks: one grant, one note of who goes on
//! alone, and for each host whether it can be reached. No code of a real one is here.
use crate::ticks::{APART_TICKS, LEASE_TICKS, NOW, RENEW_TICKS, ticks};
use crate::world::{OTHER, World};
use hotpair_fsm::{Event, GrantEvent, Reach};
use hotpair_types::{Instance, Mode};

/// What the third party knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Third {
    pub(crate) holder: Option<(usize, Instance)>,
    revision: u64,
    /// Since the grant was given or renewed, in ticks of its holder; its own clock may be ahead by the
    /// difference of clocks.
    pub(crate) age: u8,
    pub(crate) alone: Option<usize>,
    pub(crate) away: [bool; 2],
}

impl World {
    pub(crate) fn has_arbiter(&self) -> bool {
        self.mode == Mode::Arbiter
    }

    fn holds(&self, host: usize) -> bool {
        self.third.holder == Some((host, self.instance(host)))
    }

    /// What the next call of this host's driver says, if that is news. `true`: what it changes there.
    fn answer(&self, host: usize) -> Option<GrantEvent> {
        let it = self.awake(host)?;
        let grant = it.machine.grant()?;
        if self.third.away[host] {
            return (!matches!(grant.reach, Reach::Away { .. })).then_some(GrantEvent::Away);
        }
        let reached = (grant.reach != Reach::Fine).then_some(GrantEvent::Reachable);
        let Some(ask) = it.orders.ask else { return reached };
        // From before the request was sent, less what the clocks may differ by.
        let until = NOW + ticks(LEASE_TICKS - APART_TICKS + self.setup.planted.grant_long_ticks);
        let granted = grant.held.is_some();
        if self.holds(host) {
            let renews = self.third.age >= RENEW_TICKS;
            let held = GrantEvent::Held { revision: self.third.revision, until };
            return (!granted || renews || reached.is_some()).then_some(held);
        }
        if granted {
            return Some(GrantEvent::Lost);
        }
        // An earlier process of this host is gone.
        let free = self
            .third
            .holder
            .is_none_or(|(who, instance)| who == host || ask.proven_dead == Some(instance));
        let noted = self.third.alone == Some(OTHER[host]);
        let alone = noted && !ask.over_alone;
        if free && !alone {
            return Some(GrantEvent::Held { revision: self.third.revision + 1, until });
        }
        let news = grant.busy != Some(alone) || reached.is_some();
        news.then_some(GrantEvent::Busy { alone: noted })
    }

    pub(crate) fn can_call(&self, host: usize) -> bool {
        self.has_arbiter() && self.answer(host).is_some()
    }

    pub(crate) fn can_note(&self, host: usize) -> bool {
        let order = self.awake(host).and_then(|it| it.orders.alone);
        !self.third.away[host] && order.is_some_and(|alone| !alone || self.holds(host))
    }

    pub(crate) fn can_give_back(&self, host: usize) -> bool {
        !self.third.away[host] && self.awake(host).is_some_and(|it| it.orders.gives_back)
    }

    /// As soon as its clock allows: it may run ahead of the holder's.
    pub(crate) fn can_lapse(&self, host: usize) -> bool {
        let held = self.third.holder.is_some_and(|it| it.0 == host);
        let stands = self.live(0).is_none() && self.live(1).is_none();
        held && (stands || self.third.age >= LEASE_TICKS - APART_TICKS)
    }

    pub(crate) fn call(&mut self, host: usize) {
        let Some(event) = self.answer(host) else { return };
        if let GrantEvent::Held { revision, .. } = event {
            let ask = self.live(host).and_then(|it| it.orders.ask).unwrap_or_default();
            self.third.revision = revision;
            self.third.holder = Some((host, self.instance(host)));
            self.third.age = 0;
            if ask.over_alone {
                self.third.alone = None;
            }
        }
        self.give(host, Event::Grant(event));
    }

    pub(crate) fn note(&mut self, host: usize) {
        let Some(alone) = self.live_mut(host).and_then(|it| it.orders.alone.take()) else { return };
        if alone {
            self.third.alone = Some(host);
        } else if self.third.alone == Some(host) {
            self.third.alone = None;
        }
        let event = if alone { GrantEvent::AloneWritten } else { GrantEvent::AloneEnded };
        self.give(host, Event::Grant(event));
    }

    pub(crate) fn give_back(&mut self, host: usize) {
        if self.holds(host) {
            self.third.holder = None;
            self.third.age = 0;
        }
        if let Some(live) = self.live_mut(host) {
            live.orders.gives_back = false;
        }
        self.give(host, Event::Grant(GrantEvent::Reachable));
    }

    pub(crate) fn lapse(&mut self) {
        self.third.holder = None;
        self.third.age = 0;
    }

    /// The holder's clock went on; a host without a process has none to tell of.
    pub(crate) fn age_lease(&mut self, ticking: usize) {
        if let Some((holder, _)) = self.third.holder
            && (holder == ticking || self.live(holder).is_none())
        {
            self.third.age = (self.third.age + 1).min(LEASE_TICKS);
        }
    }
}
