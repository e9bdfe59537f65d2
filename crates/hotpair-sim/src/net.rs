//! Two channels with two directions each. Beats are lost, doubled and overtake each other;
//! streams keep their order and survive short cuts, as QUIC's do.
use crate::Rng;
use hotpair_replication::Lane;
use hotpair_types::{Channel, PerChannel, Time};
use std::time::Duration;

/// A stream that delivers nothing for so long is given up.
const IDLE_TIMEOUT: Duration = Duration::from_secs(3);
/// Connecting again takes so long at most.
const RECONNECT_MAX: Duration = Duration::from_millis(300);
/// Each lane is a stream of its own: what is in one may overtake what is in another.
const LANES: usize = Lane::Bulk as usize + 1;

/// What one direction of one channel does at the moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) cut: bool,
    pub(crate) loss_percent: u64,
    pub(crate) double_percent: u64,
    pub(crate) delay_max: Duration,
    /// How long everything takes at least, beside that: a way whose queues are full.
    pub(crate) latency: Duration,
    /// How much later than others a datagram may come: it is overtaken then.
    pub(crate) jitter_max: Duration,
    /// Since when it is cut.
    since: Time,
    /// The last delivery of each lane's stream: the next of that lane comes after it.
    last: [Time; LANES],
}

impl Default for Way {
    fn default() -> Self {
        Self {
            cut: false,
            loss_percent: 0,
            double_percent: 0,
            delay_max: Duration::from_millis(2),
            latency: Duration::ZERO,
            jitter_max: Duration::ZERO,
            since: Time::ZERO,
            last: [Time::ZERO; LANES],
        }
    }
}

/// The network between the two nodes. Direction 0 leads from node 0 to node 1.
#[derive(Clone, Debug, Default)]
pub(crate) struct Net {
    ways: PerChannel<[Way; 2]>,
    /// Counts the connections of each channel; 0: none.
    connections: PerChannel<u64>,
    made: u64,
}

impl Net {
    pub(crate) fn way(&mut self, channel: Channel, from: usize) -> &mut Way {
        &mut self.ways[channel][from]
    }

    pub(crate) fn set_cut(&mut self, now: Time, channel: Channel, from: usize, cut: bool) {
        let way = self.way(channel, from);
        if cut && !way.cut {
            way.since = now;
        }
        way.cut = cut;
    }

    pub(crate) fn cut_channel(&mut self, now: Time, channel: Channel) {
        self.set_cut(now, channel, 0, true);
        self.set_cut(now, channel, 1, true);
    }

    pub(crate) fn cut_all(&mut self, now: Time) {
        for channel in Channel::ALL {
            self.cut_channel(now, channel);
        }
    }

    pub(crate) fn heal(&mut self) {
        for channel in Channel::ALL {
            for way in &mut self.ways[channel] {
                *way = Way { last: way.last, ..Way::default() };
            }
        }
    }

    /// When a datagram arrives: never, once or twice.
    pub(crate) fn datagram(
        &mut self,
        now: Time,
        channel: Channel,
        from: usize,
        rng: &mut Rng,
    ) -> [Option<Time>; 2] {
        let way = *self.way(channel, from);
        if way.cut || rng.percent(way.loss_percent) {
            return [None; 2];
        }
        let twice = rng.percent(way.double_percent);
        let least = Duration::from_micros(50);
        let most = way.delay_max + way.jitter_max;
        let mut arrives = || now + way.latency + rng.between(least, most);
        [Some(arrives()), twice.then(arrives)]
    }

    /// When the next frame of a stream arrives; loss makes it late.
    pub(crate) fn frame(
        &mut self,
        now: Time,
        channel: Channel,
        from: usize,
        lane: Lane,
        rng: &mut Rng,
    ) -> Time {
        let way = self.way(channel, from);
        let delay = rng.between(Duration::from_micros(50), way.delay_max);
        let mut at = now + way.latency + delay;
        while rng.percent(way.loss_percent) {
            at = at + Duration::from_millis(30);
        }
        let last = &mut way.last[lane as usize];
        *last = at.max(*last + Duration::from_micros(1));
        *last
    }

    /// When the first words of a connection arrive: nothing comes before them.
    pub(crate) fn hello(
        &mut self,
        now: Time,
        channel: Channel,
        from: usize,
        rng: &mut Rng,
    ) -> Time {
        let at = self.frame(now, channel, from, Lane::Control, rng);
        self.way(channel, from).last = [at; LANES];
        at
    }

    pub(crate) fn connection(&self, channel: Channel) -> u64 {
        self.connections[channel]
    }

    /// Whether both directions deliver.
    pub(crate) fn is_whole(&self, channel: Channel) -> bool {
        self.ways[channel].iter().all(|it| !it.cut)
    }

    pub(crate) fn delivers(&self, channel: Channel, from: usize) -> bool {
        !self.ways[channel][from].cut
    }

    /// Whether some direction loses or delays more than a healthy one.
    pub(crate) fn is_bad(&self) -> bool {
        let bad = |it: &Way| {
            it.loss_percent > 0
                || it.delay_max + it.latency + it.jitter_max > Duration::from_millis(2)
        };
        Channel::ALL.iter().any(|it| self.ways[*it].iter().any(bad))
    }

    pub(crate) fn connect(&mut self, now: Time, channel: Channel) -> u64 {
        self.made += 1;
        self.connections[channel] = self.made;
        for way in &mut self.ways[channel] {
            way.last = way.last.map(|it| it.max(now));
        }
        self.made
    }

    pub(crate) fn disconnect(&mut self, channel: Channel) {
        self.connections[channel] = 0;
    }

    /// Whether a connection is to be given up by now.
    pub(crate) fn is_idle(&self, now: Time, channel: Channel) -> bool {
        self.ways[channel].iter().any(|it| it.cut && now.since(it.since) >= IDLE_TIMEOUT)
    }

    pub(crate) fn reconnect_after(rng: &mut Rng) -> Duration {
        rng.between(Duration::from_millis(5), RECONNECT_MAX)
    }
}
