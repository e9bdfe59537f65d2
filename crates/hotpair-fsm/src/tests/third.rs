//! The third party of mode `arbiter` in the small world: one grant, one note of who went on alone,
//! and for each host whether it can be reached.
use super::world::{OTHER, Todo, World};
use crate::{Event, GrantAsk, GrantEvent, Reach, Timer};
use hotpair_types::{Instance, Mode, Time};

/// Later than any moment of these worlds, in which time stands still.
const UNTIL: Time = Time::from_millis(10_000);

/// What the third party knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Third {
    holder: Option<(usize, Instance)>,
    revision: u64,
    pub(super) alone: Option<usize>,
    away: [bool; 2],
}

/// What a driver was ordered to ask of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Orders {
    ask: Option<GrantAsk>,
    gives_back: bool,
    alone: Option<bool>,
    /// Was seen with open outputs since it opened them.
    pub(super) seen_open: bool,
}

impl Orders {
    pub(super) const fn ask(&mut self, ask: Option<GrantAsk>) {
        self.ask = ask;
        self.gives_back = ask.is_none();
    }

    pub(super) const fn asks(&self) -> bool {
        self.ask.is_some()
    }

    pub(super) const fn note(&mut self, alone: bool) {
        self.alone = Some(alone);
    }
}

/// What may happen between a host and the third party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum With {
    /// A call returns: what is asked for, a renewal, or merely that it can be reached or not.
    Call,
    /// What was ordered about going on alone is written.
    Note,
    /// The grant is given back.
    GiveBack,
    /// The lease of this host's grant ends there.
    LeaseEnds,
    /// It says that the grant is lost, though it is not.
    Lost,
    /// It cannot be reached.
    Cut,
    /// It can be reached again.
    Heal,
}

impl World {
    pub(super) fn has_arbiter(&self) -> bool {
        self.settings[0].mode == Mode::Arbiter
    }

    pub(super) fn is_away(&self, host: usize) -> bool {
        self.third.away[host]
    }

    /// The grant of this host may end unrenewed: not so soon after it opened that nobody saw it open
    /// and the acknowledgement of an older beat still counts. A lease is longer than that.
    pub(super) fn can_end(&self, host: usize) -> bool {
        self.live(host).is_some_and(|it| {
            let set = it.machine.cx.timers.is_set(Timer::Grant);
            set && (it.orders.seen_open || it.open.is_none() || it.picture.fence_due)
        })
    }

    fn holds(&self, host: usize) -> bool {
        self.third.holder == Some((host, self.instance(host)))
    }

    /// What the next call of a driver says, if that is news.
    fn call(&self, host: usize) -> Option<GrantEvent> {
        let it = self.live(host)?;
        let grant = &it.machine.cx.grant;
        if self.third.away[host] {
            return (!matches!(grant.reach, Reach::Away { .. })).then_some(GrantEvent::Away);
        }
        let reached = (grant.reach != Reach::Fine).then_some(GrantEvent::Reachable);
        let Some(ask) = it.orders.ask else { return reached };
        let granted = it.machine.cx.is_granted();
        let held = GrantEvent::Held { revision: self.third.revision, until: UNTIL };
        if self.holds(host) {
            return (!granted).then_some(held);
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
            let revision = self.third.revision + 1;
            return Some(GrantEvent::Held { revision, until: UNTIL });
        }
        (grant.busy != Some(alone)).then_some(GrantEvent::Busy { alone: noted })
    }

    fn can_note(&self, host: usize) -> bool {
        let order = self.live(host).and_then(|it| it.orders.alone);
        !self.third.away[host] && order.is_some_and(|alone| !alone || self.holds(host))
    }

    /// Who holds it has closed by its own clock, or is gone.
    fn can_lapse(&self, host: usize) -> bool {
        let mine = self.third.holder.filter(|it| it.0 == host);
        mine.is_some_and(|(_, instance)| {
            instance != self.instance(host)
                || self.live(host).is_none_or(|it| {
                    !it.machine.cx.is_granted() && !it.todo.contains(&Todo::OutputsClosed)
                })
        })
    }

    pub(super) fn can_with(&self, host: usize, what: With) -> bool {
        self.has_arbiter()
            && match what {
                With::Call => self.call(host).is_some(),
                With::Note => self.can_note(host),
                With::GiveBack => {
                    !self.third.away[host] && self.live(host).is_some_and(|it| it.orders.gives_back)
                }
                With::LeaseEnds => self.can_lapse(host),
                With::Lost => self.live(host).is_some_and(|it| it.machine.cx.is_granted()),
                With::Cut => !self.third.away[host],
                With::Heal => self.third.away[host],
            }
    }

    pub(super) fn take_with(&mut self, host: usize, what: With) {
        let event = match what {
            With::Call => {
                let Some(event) = self.call(host) else { return };
                if let GrantEvent::Held { revision, .. } = event {
                    let ask = self.live(host).and_then(|it| it.orders.ask).unwrap_or_default();
                    self.third.revision = revision;
                    self.third.holder = Some((host, self.instance(host)));
                    if ask.over_alone {
                        self.third.alone = None;
                    }
                }
                event
            }
            With::Note => {
                let Some(live) = &mut self.hosts[host].live else { return };
                let Some(alone) = live.orders.alone.take() else { return };
                if alone {
                    self.third.alone = Some(host);
                } else if self.third.alone == Some(host) {
                    self.third.alone = None;
                }
                if alone { GrantEvent::AloneWritten } else { GrantEvent::AloneEnded }
            }
            With::GiveBack => {
                if self.holds(host) {
                    self.third.holder = None;
                }
                if let Some(live) = &mut self.hosts[host].live {
                    live.orders.gives_back = false;
                }
                GrantEvent::Reachable
            }
            With::LeaseEnds => {
                self.third.holder = None;
                return;
            }
            With::Lost => GrantEvent::Lost,
            With::Cut | With::Heal => {
                self.third.away[host] = what == With::Cut;
                return;
            }
        };
        self.give(host, Event::Grant(event));
    }

    /// A process that stopped gives back what it holds before it ends.
    pub(super) fn end_stopped(&mut self) {
        for host in 0..2 {
            if self.live(host).is_some_and(|it| it.stopped) {
                if self.can_with(host, With::GiveBack) {
                    self.take_with(host, With::GiveBack);
                }
                self.hosts[host].live = None;
            }
        }
    }

    /// Outputs are open only by a right to it, in every moment.
    pub(super) fn is_open_by_right(&self, host: usize) -> bool {
        let Some(it) = self.live(host).filter(|it| it.open.is_some()) else { return true };
        let (cx, closing) = (&it.machine.cx, it.todo.contains(&Todo::OutputsClosed));
        closing
            || cx.is_granted()
            || cx.grant.by_person
            || (!it.picture.fence_due && it.machine.state().is_active())
            || (!it.picture.fence_due && it.machine.state().number() == 11)
    }

    pub(super) fn mend_arbiter(&mut self) {
        self.third.away = [false; 2];
    }

    /// The revision that the third party gave last, for tests that make it large.
    pub(super) fn set_revision(&mut self, revision: u64) {
        self.third.revision = revision;
    }
}
