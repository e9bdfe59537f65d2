//! Congestion control between bounds: never so low that beats stop, never so high that bulk
//! overflows the receiver's socket and takes beats with it. Between them it is Cubic.
use quinn::congestion::{Controller, ControllerFactory, CubicConfig};
use quinn_proto::RttEstimator;
use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What may be in flight however much was lost: some forty beats. The line between two hosts is
/// theirs, and a few kilobytes after a cut do no harm.
const WINDOW_BYTES_MIN: u64 = 16 * 1200;
/// What may be in flight on a short line: half of what a socket holds by default, counted as the
/// kernel does.
const WINDOW_BYTES_MAX: u64 = 80 * 1200;
/// What more may be in flight for each millisecond that a packet takes there and back: a hundred
/// megabytes each second.
const WINDOW_BYTES_PER_MILLISECOND: u64 = 100_000;
/// What more may be sent each second while nothing is confirmed. Over a line that is cut in one
/// direction everything counts as in flight for ever, and the beats must go on.
const UNCONFIRMED_BYTES_PER_SECOND: u64 = 64_000;
/// From here on a line counts as unconfirmed, and until here that allowance grows.
const UNCONFIRMED_MIN: Duration = Duration::from_millis(200);
const UNCONFIRMED_MAX: Duration = Duration::from_secs(60);
/// Long lines are not what this is for.
const ROUND_TRIP_MAX: Duration = Duration::from_millis(50);

/// Makes a controller for each connection.
pub(crate) struct BoundedConfig {
    inner: Arc<CubicConfig>,
}

impl BoundedConfig {
    pub(crate) fn new() -> Self {
        let mut inner = CubicConfig::default();
        inner.initial_window(WINDOW_BYTES_MAX);
        Self { inner: Arc::new(inner) }
    }
}

impl ControllerFactory for BoundedConfig {
    fn build(self: Arc<Self>, now: Instant, current_mtu: u16) -> Box<dyn Controller> {
        Box::new(Bounded {
            inner: self.inner.clone().build(now, current_mtu),
            max: WINDOW_BYTES_MAX,
            unconfirmed: None,
        })
    }
}

struct Bounded {
    inner: Box<dyn Controller>,
    max: u64,
    /// Since when something is on the way and nothing was confirmed.
    unconfirmed: Option<Instant>,
}

impl Controller for Bounded {
    fn on_sent(&mut self, now: Instant, bytes: u64, last_packet_number: u64) {
        self.unconfirmed.get_or_insert(now);
        self.inner.on_sent(now, bytes, last_packet_number);
    }

    fn on_ack(
        &mut self,
        now: Instant,
        sent: Instant,
        bytes: u64,
        app_limited: bool,
        rtt: &RttEstimator,
    ) {
        self.max = window_max(rtt.min());
        self.inner.on_ack(now, sent, bytes, app_limited, rtt);
    }

    fn on_end_acks(
        &mut self,
        now: Instant,
        in_flight: u64,
        app_limited: bool,
        largest_packet_num_acked: Option<u64>,
    ) {
        self.unconfirmed = (in_flight > 0).then_some(now);
        self.inner.on_end_acks(now, in_flight, app_limited, largest_packet_num_acked);
    }

    fn on_congestion_event(
        &mut self,
        now: Instant,
        sent: Instant,
        is_persistent_congestion: bool,
        lost_bytes: u64,
    ) {
        self.inner.on_congestion_event(now, sent, is_persistent_congestion, lost_bytes);
    }

    fn on_mtu_update(&mut self, new_mtu: u16) {
        self.inner.on_mtu_update(new_mtu);
    }

    fn window(&self) -> u64 {
        // The clock of quinn's own timers.
        let now = tokio::time::Instant::now().into_std();
        let window = self.inner.window().clamp(WINDOW_BYTES_MIN, self.max);
        window + self.unconfirmed.map_or(0, |it| allowance(now.saturating_duration_since(it)))
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(Self {
            inner: self.inner.clone_box(),
            max: self.max,
            unconfirmed: self.unconfirmed,
        })
    }

    fn initial_window(&self) -> u64 {
        self.inner.initial_window()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

fn allowance(unconfirmed: Duration) -> u64 {
    if unconfirmed < UNCONFIRMED_MIN {
        return 0;
    }
    let millis = u64::try_from(unconfirmed.min(UNCONFIRMED_MAX).as_millis()).unwrap_or(0);
    millis * UNCONFIRMED_BYTES_PER_SECOND / 1000
}

fn window_max(round_trip: Duration) -> u64 {
    let micros = u64::try_from(round_trip.min(ROUND_TRIP_MAX).as_micros()).unwrap_or(0);
    WINDOW_BYTES_MAX + micros * WINDOW_BYTES_PER_MILLISECOND / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_keeps_its_bounds_whatever_is_lost_or_confirmed() {
        let now = Instant::now();
        let mut controller = Arc::new(BoundedConfig::new()).build(now, 1200);
        for _ in 0..1000 {
            controller.on_congestion_event(now, now, true, 100_000);
            assert!(controller.window() >= WINDOW_BYTES_MIN);
            assert!(controller.window() <= WINDOW_BYTES_MAX);
        }
        assert_eq!(allowance(Duration::from_millis(100)), 0);
        assert_eq!(allowance(Duration::from_secs(1)), 64_000);
        assert_eq!(allowance(Duration::from_secs(1000)), 60 * 64_000);
        assert_eq!(window_max(Duration::ZERO), WINDOW_BYTES_MAX);
        assert_eq!(window_max(Duration::from_millis(5)), WINDOW_BYTES_MAX + 500_000);
        assert_eq!(window_max(Duration::from_secs(9)), WINDOW_BYTES_MAX + 5_000_000);
    }
}
