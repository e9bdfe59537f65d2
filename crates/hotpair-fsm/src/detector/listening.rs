//! One channel as the detector knows it: what was sent, heard and acknowledged.
use super::ahead::end_of;
use super::{Heard, first_miss};
use crate::Pulse;
use hotpair_types::Time;
use std::collections::VecDeque;
use std::time::Duration;

/// How many sent beats are remembered for acknowledgements.
const SENT_MAX: usize = 512;

#[derive(Clone, Debug, Default)]
pub(super) struct Listening {
    /// The highest sequence heard of the present partner instance.
    pub(super) sequence: u64,
    pub(super) heard_at: Option<Time>,
    pub(super) heard_by_partner: bool,
    pub(super) acknowledged_at: Option<Time>,
    pub(super) round_trip: Option<Duration>,
    pub(super) missed_total: u64,
    /// Misses of the present gap that are in the total already.
    counted: u32,
    /// When the beat `sequence` really arrived.
    received_at: Time,
    sent: u64,
    sent_at: VecDeque<(u64, Time)>,
    acknowledged: u64,
}

impl Listening {
    pub(super) fn hear(&mut self, now: Time, sequence: u64) {
        self.sequence = sequence;
        self.received_at = now;
        self.alive(now);
    }

    pub(super) fn alive(&mut self, now: Time) {
        self.heard_at = Some(now);
        self.counted = 0;
    }

    /// A new instance counts from 1 again.
    pub(super) fn forget_partner(&mut self) {
        self.sequence = 0;
        self.heard_by_partner = false;
    }

    /// What came before `until` could not have been heard: we stood still.
    pub(super) fn excuse(&mut self, until: Time) {
        self.heard_at = self.heard_at.map(|at| at.max(until));
    }

    pub(super) fn send(&mut self, now: Time) -> u64 {
        self.sent += 1;
        if self.sent_at.len() == SENT_MAX {
            self.sent_at.pop_front();
        }
        self.sent_at.push_back((self.sent, now));
        self.sent
    }

    /// What a beat says of this channel.
    pub(super) fn said(&self, now: Time, interval: Duration) -> Heard {
        let held = now.since(self.received_at).as_micros();
        Heard {
            sequence: self.sequence,
            held_us: u32::try_from(held).unwrap_or(u32::MAX),
            on_time: self.sequence > 0 && self.pulse(now, interval, u32::MAX) == Pulse::OnTime,
        }
    }

    /// The partner says that it heard a beat of ours.
    pub(super) fn acknowledge(&mut self, now: Time, said: Heard) {
        if said.sequence <= self.acknowledged || said.sequence > self.sent {
            return;
        }
        self.acknowledged = said.sequence;
        while self.sent_at.front().is_some_and(|it| it.0 < said.sequence) {
            self.sent_at.pop_front();
        }
        if let Some(&(sequence, at)) = self.sent_at.front()
            && sequence == said.sequence
        {
            self.acknowledged_at = Some(at);
            let held = Duration::from_micros(said.held_us.into());
            self.round_trip = Some(now.since(at).saturating_sub(held));
        }
    }

    pub(super) fn missed(&self, now: Time, interval: Duration) -> u32 {
        let Some(at) = self.heard_at else { return 0 };
        let gap = now.since(at);
        if gap < first_miss(interval) {
            return 0;
        }
        let micros = |it: Duration| u64::try_from(it.as_micros()).unwrap_or(u64::MAX);
        u32::try_from(micros(gap) / micros(interval).max(1)).unwrap_or(u32::MAX)
    }

    pub(super) fn pulse(&self, now: Time, interval: Duration, limit: u32) -> Pulse {
        self.pulse_of(self.missed(now, interval), limit)
    }

    const fn pulse_of(&self, missed: u32, limit: u32) -> Pulse {
        match (self.heard_at, missed) {
            (None, _) => Pulse::Never,
            (Some(_), 0) => Pulse::OnTime,
            (Some(_), missed) if missed < limit => Pulse::Missed,
            (Some(_), _) => Pulse::Silent,
        }
    }

    /// When one more beat of the present gap counts as missing.
    pub(super) fn counts_again(&self, interval: Duration) -> Option<Time> {
        let again = match self.counted {
            0 => first_miss(interval),
            counted => interval.saturating_mul(counted.saturating_add(1)),
        };
        self.heard_at.map(|at| end_of(at, again))
    }

    /// Counts what is missing now, for people, and says what that makes of the channel.
    pub(super) fn count(&mut self, now: Time, interval: Duration, limit: u32) -> Pulse {
        let missed = self.missed(now, interval);
        self.missed_total += u64::from(missed.saturating_sub(self.counted));
        self.counted = missed;
        self.pulse_of(missed, limit)
    }
}
