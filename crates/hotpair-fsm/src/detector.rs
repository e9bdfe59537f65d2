//! Listens for the partner, for all engines of a node: counts missed beats, asks after a hint,
//! knows what was acknowledged. It decides nothing.
use crate::{Beats, Picture};
use hotpair_types::{Channel, Instance, PerChannel, Time};
use std::time::Duration;

/// What a beat says of the last beat its sender heard from the other, on one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Heard {
    /// The highest sequence of that channel; 0: none.
    pub sequence: u64,
    /// How long before this beat was sent, in microseconds; for round trips.
    pub held_us: u32,
    /// The last beat came in time: this direction works.
    pub on_time: bool,
}

/// A beat that arrived; duplicates and older ones are recognised here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BeatHeard {
    /// On which channel.
    pub channel: Channel,
    /// Who sent it.
    pub instance: Instance,
    /// Counts the beats of that instance on that channel, from 1.
    pub sequence: u64,
    /// Which instance of ours it has heard.
    pub of: Option<Instance>,
    /// What it has heard of that instance.
    pub heard: PerChannel<Heard>,
    /// Wants a beat in return at once.
    pub ask: bool,
}

/// A beat to send now; the driver adds the views.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BeatToSend {
    /// On which channel.
    pub channel: Channel,
    /// Who sends.
    pub instance: Instance,
    /// Counts.
    pub sequence: u64,
    /// Which instance of the partner we have heard.
    pub of: Option<Instance>,
    /// What we have heard of it.
    pub heard: PerChannel<Heard>,
    /// Wants a beat in return at once.
    pub ask: bool,
}

/// What came of a beat that arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct Received {
    /// Newer than all before it on its channel, of an instance that is not outdated.
    pub fresh: bool,
    /// Send a beat on this channel at once: it was asked for.
    pub answer_now: bool,
}

/// What is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct Due {
    /// Send a beat on both channels now.
    pub send: bool,
    /// Our own loop stood still for too long: give `Event::LoopStalled` to every machine.
    pub stalled: bool,
}

/// For status: one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelStatus {
    /// Consecutive beats missing now.
    pub missed: u32,
    /// The limit of this channel.
    pub limit: u32,
    /// All beats missed since the start.
    pub missed_total: u64,
    /// How long ago the last one came.
    pub last_heard: Option<Duration>,
    /// The last measured time there and back.
    pub round_trip: Option<Duration>,
    /// What the partner says of the other direction.
    pub heard_by_partner: bool,
    /// Degraded: silent while the other channel works.
    pub degraded: bool,
}

/// For status: both channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DetectorStatus {
    /// Each channel.
    pub channels: PerChannel<ChannelStatus>,
    /// The instance last heard.
    pub partner: Option<Instance>,
    /// How long ago the newest acknowledged beat was sent.
    pub acknowledged: Option<Duration>,
}

/// The senses of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Detector {
    beats: Beats,
    own: Instance,
    picture: Picture,
}

impl Detector {
    /// Begins to listen.
    #[must_use]
    pub fn new(beats: Beats, own: Instance, _now: Time) -> Self {
        Self { beats, own, picture: Picture::default() }
    }

    /// A beat arrived.
    pub fn heard(&mut self, _now: Time, _beat: &BeatHeard) -> Received {
        Received::default()
    }

    /// Any other authenticated message of this instance arrived: alive.
    pub fn alive(&mut self, _now: Time, _channel: Channel, _instance: Instance) {}

    /// The partner speaks with the right key and is refused (version, pair, settings, garbage).
    pub fn refused(&mut self, _now: Time) {}

    /// A sentinel connection was closed or reset. `refused_connection`: the host answers, the
    /// process does not.
    pub fn hint(&mut self, _now: Time, _refused_connection: bool) {}

    /// A machine wants four times the beat rate.
    pub fn ask_fast(&mut self, _now: Time, _fast: bool) {}

    /// Makes the next beat for a channel; to be sent at once.
    pub fn beat(&mut self, _now: Time, channel: Channel) -> BeatToSend {
        let heard = PerChannel::default();
        BeatToSend { channel, instance: self.own, sequence: 0, of: None, heard, ask: false }
    }

    /// Time passed. Call it at `next_deadline` at the latest, and after every long pause.
    pub fn tick(&mut self, _now: Time) -> Due {
        Due::default()
    }

    /// When to call `tick`.
    #[must_use]
    pub fn next_deadline(&self) -> Time {
        Time::ZERO + self.beats.interval
    }

    /// What machines may know. Give it to them whenever it changed.
    #[must_use]
    pub const fn picture(&self) -> Picture {
        self.picture
    }

    /// For people.
    #[must_use]
    pub fn status(&self, _now: Time) -> DetectorStatus {
        DetectorStatus::default()
    }
}
