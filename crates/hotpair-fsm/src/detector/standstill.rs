//! Our own loop may stand still: it is noticed when it goes on, and what was believed before may not
//! be acted on meanwhile.
use super::{Ahead, Detector};
use crate::Pulse;
use hotpair_types::{Channel, Time};
use std::time::Duration;

impl Detector {
    /// Notes a standstill of our own: then what is missing is not the partner's silence.
    pub(super) fn advance(&mut self, now: Time) {
        assert!(now >= self.last_advanced, "time went back: {} to {now}", self.last_advanced);
        if now == self.last_advanced {
            return;
        }
        if now.since(self.last_advanced) > self.standstill_max() {
            self.stalled = true;
            self.promised = now;
            self.ahead = Ahead::default();
            let (stood_from, until) = (self.last_advanced, now - self.beats.interval);
            for channel in Channel::ALL {
                let limit = self.beats.limits[channel];
                let channel = &mut self.channels[channel];
                // Who was silent before has not spoken by our standing still.
                if channel.pulse(stood_from, self.beats.interval, limit) != Pulse::Silent {
                    channel.excuse(until);
                }
            }
        }
        self.last_advanced = now;
    }

    /// Until when outputs that are open now may be used without asking again: not beyond what counts
    /// as a standstill, nor beyond the fence where only acknowledged beats allow to act.
    #[must_use]
    pub fn outputs_until(&self, fenced: bool) -> Time {
        let still = self.last_advanced + self.standstill_max();
        let fence = self.acknowledged_at().map_or(Time::ZERO, |at| at + self.beats.fence_after);
        if fenced { still.min(fence) } else { still }
    }

    /// The partner may have taken over after a standstill of more than one interval less than it
    /// needs to believe in silence.
    fn standstill_max(&self) -> Duration {
        let least = self.beats.limits.redundancy.min(self.beats.limits.primary);
        self.beats.interval * least.saturating_sub(1).max(1)
    }
}
