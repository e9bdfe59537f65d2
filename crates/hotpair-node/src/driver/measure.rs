//! Figures that the driver takes while it works: how long commits take, how far the partner lags,
//! how long beats travel.
use super::Driver;
use hotpair_api::face::HistogramValue;
use hotpair_core::{EngineIndex, StoreTicket};
use hotpair_types::{Channel, PerChannel, Time};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Operations of storage whose time is taken at once; more than these are not measured.
const COMMITS_MAX: usize = 4_096;
/// Moments of the journal that are remembered for the lag.
const MOMENTS_MAX: usize = 4_096;
/// Of this many commits the average tells what the next one will take.
const COMMITS_AVERAGED: u32 = 8;
/// Writes are counted over so long before they make a rate.
const RATE_WINDOW: Duration = Duration::from_secs(1);
/// Bounds in seconds.
const COMMIT_BOUNDS: &[f64] = &[0.000_5, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0];
const ROUND_TRIP_BOUNDS: &[f64] = &[0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3];

/// Figures of one engine.
#[derive(Debug)]
pub(crate) struct EngineFigures {
    submitted: BTreeMap<StoreTicket, Time>,
    pub(crate) commit_seconds: HistogramValue,
    /// The running average of the last commits.
    commit: Option<Duration>,
    counted: Option<(u64, Time)>,
    writes_per_second: f64,
    /// The runtime journal's end at some moments, oldest first.
    moments: VecDeque<(u64, Time)>,
}

impl Default for EngineFigures {
    fn default() -> Self {
        Self {
            submitted: BTreeMap::new(),
            commit_seconds: HistogramValue::with_bounds(COMMIT_BOUNDS),
            commit: None,
            counted: None,
            writes_per_second: 0.0,
            moments: VecDeque::new(),
        }
    }
}

impl EngineFigures {
    /// From giving an operation to storage until it is durable, queueing included.
    pub(crate) fn submitted(&mut self, now: Time, ticket: StoreTicket) {
        if self.submitted.len() < COMMITS_MAX {
            self.submitted.insert(ticket, now);
        }
    }

    pub(crate) fn stored(&mut self, now: Time, ticket: StoreTicket) {
        if let Some(since) = self.submitted.remove(&ticket) {
            let took = now.since(since);
            self.commit_seconds.observe(took.as_secs_f64());
            self.commit = Some(self.commit.map_or(took, |before| {
                (before * (COMMITS_AVERAGED - 1) + took) / COMMITS_AVERAGED
            }));
        }
    }

    /// What the last commits took on average; `None`: there was none yet.
    pub(crate) const fn commit(&self) -> Option<Duration> {
        self.commit
    }

    /// Both journals together end at `last`.
    pub(crate) fn count(&mut self, now: Time, last: u64) {
        let (before, since) = *self.counted.get_or_insert((last, now));
        let took = now.since(since);
        if took >= RATE_WINDOW {
            self.writes_per_second = last.saturating_sub(before) as f64 / took.as_secs_f64();
            self.counted = Some((last, now));
        }
    }

    /// Entries a second, over the last second or two that were counted.
    pub(crate) const fn writes_per_second(&self) -> f64 {
        self.writes_per_second
    }

    /// The journal ends at `last`; the partner has everything up to `received`.
    pub(crate) fn moved(&mut self, now: Time, last: u64, received: u64) {
        while self.moments.front().is_some_and(|it| it.0 <= received) {
            self.moments.pop_front();
        }
        let news = self.moments.back().is_none_or(|it| it.0 < last);
        if news && last > received && self.moments.len() < MOMENTS_MAX {
            self.moments.push_back((last, now));
        }
    }

    /// How old the oldest entry is that the partner does not have.
    pub(crate) fn lag_seconds(&self, now: Time) -> f64 {
        self.moments.front().map_or(0.0, |it| now.since(it.1).as_secs_f64())
    }
}

/// Histograms of round trips, empty.
pub(super) fn round_trips() -> PerChannel<HistogramValue> {
    PerChannel {
        redundancy: HistogramValue::with_bounds(ROUND_TRIP_BOUNDS),
        primary: HistogramValue::with_bounds(ROUND_TRIP_BOUNDS),
    }
}

impl Driver {
    /// Takes the round trip of each channel's last beats.
    pub(super) fn sample_round_trips(&mut self) {
        let status = self.core.channels(self.clock.now());
        for channel in Channel::ALL {
            if let Some(took) = status.channels[channel].round_trip {
                self.round_trips[channel].observe(took.as_secs_f64());
            }
        }
    }

    /// Notes how far the partner is, for the lag.
    pub(super) fn note_lag(&mut self, index: EngineIndex) {
        let replica = self.core.engine(index).expect("an index of this node").replica();
        let last = replica.positions().runtime.sequence;
        let received = replica.received_by_partner().map_or(last, |it| it.runtime);
        let both = last + replica.positions().config.sequence;
        let now = self.clock.now();
        let figures = &mut self.runtime(index).figures;
        figures.moved(now, last, received);
        figures.count(now, both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lag_is_the_age_of_the_oldest_entry_that_is_missing() {
        let mut figures = EngineFigures::default();
        figures.moved(Time::from_millis(0), 5, 5);
        assert_eq!(figures.lag_seconds(Time::from_millis(9)), 0.0);
        figures.moved(Time::from_millis(10), 6, 5);
        figures.moved(Time::from_millis(20), 8, 5);
        assert_eq!(figures.lag_seconds(Time::from_millis(30)), 0.02);
        figures.moved(Time::from_millis(30), 8, 7);
        assert_eq!(figures.lag_seconds(Time::from_millis(30)), 0.01);
        figures.moved(Time::from_millis(40), 8, 8);
        assert_eq!(figures.lag_seconds(Time::from_millis(40)), 0.0);
    }

    #[test]
    fn commits_are_averaged_and_writes_counted_over_a_window() {
        let mut figures = EngineFigures::default();
        assert_eq!(figures.commit(), None);
        for (ticket, took) in [(1, 2), (2, 10)] {
            let ticket = StoreTicket::Replica(ticket);
            figures.submitted(Time::from_millis(100), ticket);
            figures.stored(Time::from_millis(100 + took), ticket);
        }
        assert_eq!(figures.commit(), Some(Duration::from_millis(3)));
        figures.count(Time::from_millis(0), 50);
        figures.count(Time::from_millis(999), 500);
        assert_eq!(figures.writes_per_second(), 0.0, "the window is not over");
        figures.count(Time::from_millis(2_000), 1_050);
        assert_eq!(figures.writes_per_second(), 500.0);
        figures.count(Time::from_millis(3_000), 1_050);
        assert_eq!(figures.writes_per_second(), 0.0);
    }
}
