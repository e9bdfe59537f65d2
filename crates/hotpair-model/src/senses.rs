//! What `hotpair_fsm::Detector` does, counted in ticks instead of moments, so that it can be compared
//! and ends. A test holds it against the real one.
use crate::ticks::{FENCE_TICKS, LIMIT_TICKS, STANDSTILL_TICKS};
use hotpair_fsm::{Hint, Picture, Pulse, Summary, View};
use hotpair_types::{Channel, Instance, PerChannel};
use std::sync::Arc;

/// A beat under way, on every channel that is whole when it arrives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Beat {
    pub(crate) from: Instance,
    pub(crate) of: Option<Instance>,
    /// Sent so many ticks of its sender ago.
    pub(crate) sent: u8,
    /// What it acknowledges was sent so many ticks of its receiver ago.
    pub(crate) acknowledges: Option<u8>,
    pub(crate) on_time: PerChannel<bool>,
    pub(crate) ask: bool,
    pub(crate) view: View,
    pub(crate) summary: Option<Arc<Summary>>,
}

/// Consecutive beats that say: we hear you nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Unheard {
    count: u8,
    since: u8,
    one_way: bool,
}

/// The senses of a node. Ages are in ticks of its own clock and stop where they mean no more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Senses {
    pub(crate) partner: Option<Instance>,
    heard: PerChannel<Option<u8>>,
    /// That was this very partner.
    of_partner: PerChannel<bool>,
    heard_by_partner: PerChannel<bool>,
    /// Since the newest acknowledged beat was sent.
    acknowledged: Option<u8>,
    /// Since a fresh beat came.
    promised: u8,
    promote_ticks: u8,
    unheard: Unheard,
    /// A hint came; since the first question after it was sent.
    hinted: Option<Option<u8>>,
    /// The newest beat heard was sent so many ticks of the partner ago.
    pub(crate) newest: Option<u8>,
}

impl Senses {
    pub(crate) fn new(promote_ticks: u8) -> Self {
        Self {
            partner: None,
            heard: PerChannel::default(),
            of_partner: PerChannel::default(),
            heard_by_partner: PerChannel::default(),
            acknowledged: None,
            promised: 0,
            promote_ticks,
            unheard: Unheard::default(),
            hinted: None,
            newest: None,
        }
    }

    /// A tick of the own clock.
    pub(crate) fn tick(&mut self) {
        self.age_heard(1);
        self.tick_asleep();
    }

    fn age_heard(&mut self, by: u8) {
        for channel in Channel::ALL {
            self.heard[channel] = self.heard[channel].map(|it| (it + by).min(LIMIT_TICKS));
        }
    }

    /// The same while the process stands still: what it makes of silence is settled when it goes on.
    pub(crate) fn tick_asleep(&mut self) {
        grow(&mut self.acknowledged, FENCE_TICKS + 1);
        self.promised = (self.promised + 1).min(self.promote_ticks);
        if self.unheard.count > 0 {
            self.unheard.since = (self.unheard.since + 1).min(LIMIT_TICKS);
        }
        if let Some(asked) = &mut self.hinted {
            grow(asked, FENCE_TICKS + 1);
        }
    }

    /// A tick of the partner's clock.
    pub(crate) const fn partner_ticks(&mut self) {
        if let Some(age) = self.newest
            && age <= FENCE_TICKS
        {
            self.newest = Some(age + 1);
        }
    }

    /// A beat came over these channels. `false`: it is of an instance that is outdated.
    pub(crate) fn hear(&mut self, own: Instance, beat: &Beat, over: &PerChannel<bool>) -> bool {
        let reachable = self.picture().is_reachable();
        match self.partner {
            Some(known) if known == beat.from => {}
            Some(known) if known.is_newer_than(beat.from) && reachable => return false,
            Some(_) | None => {
                self.partner = Some(beat.from);
                (self.heard_by_partner, self.of_partner) = Default::default();
                (self.unheard, self.hinted, self.newest) = (Unheard::default(), None, None);
            }
        }
        for channel in Channel::ALL {
            if over[channel] {
                (self.heard[channel], self.of_partner[channel]) = (Some(0), true);
            }
        }
        self.newest = Some(self.newest.map_or(beat.sent, |it| it.min(beat.sent)));
        self.promised = 0;
        let known = beat.of == Some(own);
        self.heard_by_partner = PerChannel::from_fn(|it| known && beat.on_time[it]);
        let anywhere = Channel::ALL.into_iter().any(|it| self.heard_by_partner[it]);
        if let Some(age) = beat.acknowledges.filter(|_| known) {
            self.acknowledged = Some(self.acknowledged.map_or(age, |it| it.min(age)));
            // Beyond the fence ages are not told apart: then the question stays open.
            if age <= FENCE_TICKS && self.hinted.flatten().is_some_and(|asked| age <= asked) {
                self.hinted = None;
            }
        }
        let mut silent = !reachable;
        for _ in Channel::ALL.into_iter().filter(|it| over[*it]) {
            self.note_unheard(anywhere, silent);
            silent = false;
        }
        true
    }

    fn note_unheard(&mut self, anywhere: bool, after_silence: bool) {
        if anywhere {
            self.unheard = Unheard::default();
            return;
        }
        if self.unheard.count == 0 || after_silence {
            self.unheard = Unheard::default();
        }
        let it = &mut self.unheard;
        it.count = (it.count + 1).min(LIMIT_TICKS);
        it.one_way = it.count >= LIMIT_TICKS && it.since >= LIMIT_TICKS - 1;
    }

    pub(crate) const fn hint(&mut self) {
        if self.hinted.is_none() {
            self.hinted = Some(None);
        }
    }

    /// A beat leaves: it asks, if there was a hint.
    pub(crate) fn note_sent(&mut self) {
        if let Some(asked) = &mut self.hinted {
            let _ = asked.get_or_insert(0);
        }
    }

    pub(crate) const fn asks(&self) -> bool {
        self.hinted.is_some()
    }

    /// A beat of this channel came in time.
    pub(crate) fn on_time(&self) -> PerChannel<bool> {
        PerChannel::from_fn(|it| self.pulse(it) == Pulse::OnTime && self.of_partner[it])
    }

    fn pulse(&self, channel: Channel) -> Pulse {
        match self.heard[channel] {
            None => Pulse::Never,
            Some(0 | 1) => Pulse::OnTime,
            Some(age) if age < LIMIT_TICKS => Pulse::Missed,
            Some(_) => Pulse::Silent,
        }
    }

    /// Goes on after so many ticks. Beyond the limit of a standstill what is missing since then is not the
    /// partner's silence: `true`.
    pub(crate) fn wake(&mut self, after: u8) -> bool {
        if after <= STANDSTILL_TICKS {
            self.age_heard(after);
            return false;
        }
        self.promised = 0;
        for channel in Channel::ALL {
            if self.pulse(channel) != Pulse::Silent {
                self.heard[channel] = self.heard[channel].map(|_| 1);
            }
        }
        true
    }

    /// The tick in which an acknowledgement ceases to allow to act is not over.
    pub(crate) fn is_unfenced(&self) -> bool {
        self.acknowledged.is_some_and(|it| it <= FENCE_TICKS)
    }

    pub(crate) fn picture(&self) -> Picture {
        let hint = match self.hinted {
            None => Hint::None,
            Some(None | Some(0)) => Hint::Asking,
            Some(Some(_)) => Hint::Unanswered,
        };
        Picture {
            partner: self.partner,
            channels: PerChannel::from_fn(|it| self.pulse(it)),
            heard_by_partner: self.heard_by_partner,
            one_way: self.unheard.one_way,
            acknowledged: self.acknowledged.is_some_and(|it| it < LIMIT_TICKS),
            fence_due: self.acknowledged.is_none_or(|it| it >= FENCE_TICKS),
            promote_due: self.promised >= self.promote_ticks,
            hint,
            process_gone: false,
            refused: false,
        }
    }
}

fn grow(age: &mut Option<u8>, max: u8) {
    if let Some(age) = age {
        *age = (*age + 1).min(max);
    }
}

#[cfg(test)]
mod tests;
