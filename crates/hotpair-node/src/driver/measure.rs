//! Figures that the driver takes while it works: how long commits take, how far the partner lags,
//! how long beats travel.
use super::Driver;
use hotpair_api::face::HistogramValue;
use hotpair_core::{EngineIndex, StoreTicket};
use hotpair_types::{Channel, PerChannel, Time};
use std::collections::{BTreeMap, VecDeque};

/// Operations of storage whose time is taken at once; more than these are not measured.
const COMMITS_MAX: usize = 4_096;
/// Moments of the journal that are remembered for the lag.
const MOMENTS_MAX: usize = 4_096;
/// Bounds in seconds.
const COMMIT_BOUNDS: &[f64] = &[0.000_5, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0];
const ROUND_TRIP_BOUNDS: &[f64] = &[0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3];

/// Figures of one engine.
#[derive(Debug)]
pub(crate) struct EngineFigures {
    submitted: BTreeMap<StoreTicket, Time>,
    pub(crate) commit_seconds: HistogramValue,
    /// The runtime journal's end at some moments, oldest first.
    moments: VecDeque<(u64, Time)>,
}

impl Default for EngineFigures {
    fn default() -> Self {
        Self {
            submitted: BTreeMap::new(),
            commit_seconds: HistogramValue::with_bounds(COMMIT_BOUNDS),
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
            self.commit_seconds.observe(now.since(since).as_secs_f64());
        }
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
        let now = self.clock.now();
        self.runtime(index).figures.moved(now, last, received);
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
}
