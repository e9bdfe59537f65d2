//! When the picture becomes another by time alone: nothing need be looked at before, unless something
//! comes.
use super::{Detector, first_miss};
use hotpair_types::{Channel, Time};
use std::time::Duration;

/// Until when nothing changes unless something comes. By default: look at once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ahead {
    /// The picture.
    pub(super) picture: Time,
    /// The picture and what is counted for people.
    pub(super) anything: Time,
}

/// The first moment that is not before the end of `after`: an interval may end within a microsecond.
pub(super) fn end_of(since: Time, after: Duration) -> Time {
    since + after.saturating_add(Duration::from_nanos(999))
}

impl Detector {
    /// Called at the end of each look.
    pub(super) fn look_ahead(&self, now: Time) -> Ahead {
        let beats = self.beats;
        let mut picture = Time(u64::MAX);
        let mut at = |since: Time, after: Duration| {
            let time = end_of(since, after);
            if time > now {
                picture = picture.min(time);
            }
        };
        for (channel, listening) in self.channels.iter() {
            if let Some(heard) = listening.heard_at {
                at(heard, first_miss(beats.interval));
                at(heard, beats.interval * beats.limits[channel]);
            }
        }
        if let Some(sent) = self.acknowledged_at() {
            at(sent, beats.detection_bound());
            at(sent, beats.fence_after);
        }
        at(self.promised, beats.promote_after);
        if let Some(asked) = self.hinted.and_then(|it| it.asked) {
            at(asked, beats.verify_min);
        }
        if let Some(refused) = self.refused_at {
            at(refused, beats.refused_holds());
        }
        let counts = |channel| self.channels[channel].counts_again(beats.interval);
        let counts = Channel::ALL.into_iter().filter_map(counts).min();
        Ahead { picture, anything: counts.map_or(picture, |it| it.min(picture)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BeatHeard, Beats, Heard, Settings};
    use hotpair_types::{Designation, Instance, PerChannel};

    const PARTNER: Instance = Instance { count: 1, tag: 2 };

    /// Something that may happen to a detector, drawn from a number. `sent`: its beats so far.
    fn happen(detector: &mut Detector, now: Time, draw: u64, sequence: u64, sent: &mut u64) {
        let channel = Channel::ALL[(draw / 16 % 2) as usize];
        let heard = Heard { sequence: *sent, held_us: 7, on_time: draw.is_multiple_of(3) };
        match draw % 16 {
            0..9 => {
                let of = Some(detector.own).filter(|_| !draw.is_multiple_of(5));
                let (instance, heard) = (PARTNER, PerChannel { redundancy: heard, primary: heard });
                let beat = BeatHeard { channel, instance, sequence, of, heard, ask: false };
                let _ = detector.heard(now, &beat);
            }
            9 => detector.alive(now, channel, PARTNER),
            10 => detector.refused(now),
            11 => detector.hint(now, draw.is_multiple_of(7)),
            12 => detector.ask_fast(now, draw.is_multiple_of(2)),
            13 => detector.alive(now, channel, Instance { count: 1, tag: 3 }),
            _ => {
                *sent = detector.beat(now, Channel::Primary).sequence;
            }
        }
    }

    #[test]
    fn what_was_not_looked_at_has_not_changed() {
        let settings = Settings::new(Designation::Master).beats;
        // Half of it ends within a microsecond.
        let beats = Beats { interval: Duration::from_micros(25_001), ..settings };
        let mut now = Time::from_millis(1);
        let mut lazy = Detector::new(beats, Instance { count: 1, tag: 1 }, now);
        let mut eager = lazy.clone();
        let (mut draw, mut spared, mut sent) = (1_u64, 0, [0; 2]);
        for sequence in 1..40_000 {
            draw = draw.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            let random = draw >> 33;
            // To the very moment of a change, or to any other; at times it is silent for long.
            let due = lazy.ahead.anything;
            let far = if random.is_multiple_of(997) { 4_000_000 } else { 9_000 };
            let next = Time(now.0 + random / 64 % far);
            now = if due > now && random.is_multiple_of(3) { due.min(next) } else { next };
            spared += u32::from(now < due);
            eager.ahead = Ahead::default();
            assert_eq!(lazy.tick(now), eager.tick(now), "at {now}");
            assert_eq!(lazy.picture(), eager.picture(), "at {now}");
            assert_eq!(lazy.status(now), eager.status(now), "at {now}");
            assert_eq!(lazy.next_deadline(), eager.next_deadline(), "at {now}");
            // Now much, now little, now nothing for long.
            if random.is_multiple_of([4, 40, 1_000][(sequence / 600 % 3) as usize]) {
                happen(&mut lazy, now, random / 1_000, sequence, &mut sent[0]);
                eager.ahead = Ahead::default();
                happen(&mut eager, now, random / 1_000, sequence, &mut sent[1]);
            }
        }
        assert!(spared > 10_000, "looked all the same: {spared}");
    }
}
