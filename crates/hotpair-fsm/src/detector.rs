//! Listens for the partner, for all engines of a node: counts missed beats, asks after a hint,
//! knows what was acknowledged. It decides nothing.
mod listening;
mod unheard;
mod standstill;
mod ahead;

use crate::{Beats, Hint, Picture, Pulse};
use ahead::Ahead;
use hotpair_types::{Channel, Instance, PerChannel, Time};
use listening::Listening;
use std::time::Duration;
use unheard::Unheard;

/// How much faster than the beat rate a standby asks that misses beats.
const FAST: u32 = 4;

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
#[derive(Clone, Debug)]
pub struct Detector {
    beats: Beats,
    own: Instance,
    started: Time,
    last_advanced: Time,
    stalled: bool,
    partner: Option<Instance>,
    channels: PerChannel<Listening>,
    unheard: Unheard,
    /// The newest receipt of a fresh beat: from here the promise of an acknowledgement runs.
    promised: Time,
    hinted: Option<Hinted>,
    process_gone: bool,
    refused_at: Option<Time>,
    fast: bool,
    next_send: Time,
    picture: Picture,
    /// The picture became another since somebody took it.
    news: bool,
    ahead: Ahead,
}

/// A hint, and when the first question after it was sent.
#[derive(Clone, Copy, Debug, Default)]
struct Hinted {
    asked: Option<Time>,
    first_question: PerChannel<Option<u64>>,
}

impl Detector {
    /// Begins to listen.
    #[must_use]
    pub fn new(beats: Beats, own: Instance, now: Time) -> Self {
        Self {
            beats,
            own,
            started: now,
            last_advanced: now,
            stalled: false,
            partner: None,
            channels: PerChannel::default(),
            unheard: Unheard::default(),
            promised: now,
            hinted: None,
            process_gone: false,
            refused_at: None,
            fast: false,
            next_send: now,
            picture: Picture { fence_due: true, ..Picture::default() },
            news: false,
            ahead: Ahead::default(),
        }
    }

    /// A beat arrived.
    pub fn heard(&mut self, now: Time, beat: &BeatHeard) -> Received {
        self.advance(now);
        if !self.meet(beat.instance) {
            return Received::default();
        }
        let channel = &mut self.channels[beat.channel];
        if beat.sequence <= channel.sequence {
            return Received::default();
        }
        channel.hear(now, beat.sequence);
        self.promised = now;
        self.refused_at = None;
        let mut anywhere = false;
        for it in Channel::ALL {
            let said = if beat.of == Some(self.own) { beat.heard[it] } else { Heard::default() };
            let channel = &mut self.channels[it];
            channel.heard_by_partner = said.on_time;
            anywhere |= said.on_time;
            channel.acknowledge(now, said);
            let question = self.hinted.and_then(|hinted| hinted.first_question[it]);
            if question.is_some_and(|first| said.sequence >= first) {
                self.hinted = None;
                self.process_gone = false;
            }
        }
        self.unheard.note(now, anywhere, !self.picture.is_reachable(), &self.beats);
        self.look(now);
        Received { fresh: true, answer_now: beat.ask }
    }

    /// Any other authenticated message of this instance arrived: alive.
    pub fn alive(&mut self, now: Time, channel: Channel, instance: Instance) {
        self.advance(now);
        if self.meet(instance) {
            self.channels[channel].alive(now);
            self.promised = now;
            self.refused_at = None;
            self.look(now);
        }
    }

    /// The partner speaks with the right key and is refused (version, pair, settings, garbage).
    pub fn refused(&mut self, now: Time) {
        self.advance(now);
        self.refused_at = Some(now);
        self.look(now);
    }

    /// A sentinel connection was closed or reset. `refused_connection`: the host answers, the
    /// process does not.
    pub fn hint(&mut self, now: Time, refused_connection: bool) {
        self.advance(now);
        self.process_gone |= refused_connection;
        if self.hinted.is_none() {
            self.hinted = Some(Hinted::default());
            self.next_send = now;
        }
        self.look(now);
    }

    /// A machine wants four times the beat rate.
    pub fn ask_fast(&mut self, now: Time, fast: bool) {
        self.advance(now);
        if fast && !self.fast {
            self.next_send = now;
        }
        self.fast = fast;
    }

    /// Makes the next beat for a channel; to be sent at once.
    pub fn beat(&mut self, now: Time, channel: Channel) -> BeatToSend {
        self.advance(now);
        let sequence = self.channels[channel].send(now);
        if let Some(hinted) = &mut self.hinted {
            hinted.asked.get_or_insert(now);
            hinted.first_question[channel].get_or_insert(sequence);
            self.ahead = Ahead::default();
        }
        let beats = self.beats;
        let heard = PerChannel::from_fn(|it| self.channels[it].said(now, beats.interval));
        let ask = self.fast || self.hinted.is_some();
        self.look_if_due(now);
        BeatToSend { channel, instance: self.own, sequence, of: self.partner, heard, ask }
    }

    /// Time passed. Call it at `next_deadline` at the latest, and after every long pause.
    pub fn tick(&mut self, now: Time) -> Due {
        self.advance(now);
        self.look_if_due(now);
        let send = now >= self.next_send;
        if send {
            let pace = self.pace();
            self.next_send = self.next_send + pace;
            if self.next_send <= now {
                self.next_send = now + pace;
            }
        }
        Due { send, stalled: std::mem::take(&mut self.stalled) }
    }

    /// When to call `tick`.
    #[must_use]
    pub fn next_deadline(&self) -> Time {
        self.next_send.min(self.ahead.picture)
    }

    /// What machines may know. Give it to them whenever it changed.
    #[must_use]
    pub const fn picture(&self) -> Picture {
        self.picture
    }

    /// The picture, if it became another since this was asked last.
    pub fn news(&mut self) -> Option<Picture> {
        std::mem::take(&mut self.news).then_some(self.picture)
    }

    /// For people.
    #[must_use]
    pub fn status(&self, now: Time) -> DetectorStatus {
        let reachable = self.picture.is_reachable();
        DetectorStatus {
            channels: PerChannel::from_fn(|channel| {
                let it = &self.channels[channel];
                let limit = self.beats.limits[channel];
                ChannelStatus {
                    missed: it.missed(now, self.beats.interval),
                    limit,
                    missed_total: it.missed_total,
                    last_heard: it.heard_at.map(|at| now.since(at)),
                    round_trip: it.round_trip,
                    heard_by_partner: it.heard_by_partner,
                    degraded: reachable && self.picture.channels[channel] == Pulse::Silent,
                }
            }),
            partner: self.partner,
            acknowledged: self.acknowledged_at().map(|at| now.since(at)),
        }
    }

    /// Takes note of who speaks. `false`: an instance that is outdated. One with a lower count is
    /// believed only when the known one is silent: its store may have been thrown away.
    fn meet(&mut self, instance: Instance) -> bool {
        match self.partner {
            Some(known) if known == instance => true,
            Some(known) if known.is_newer_than(instance) && self.picture.is_reachable() => false,
            Some(_) | None => {
                self.partner = Some(instance);
                for channel in Channel::ALL {
                    self.channels[channel].forget_partner();
                }
                self.unheard = Unheard::default();
                (self.hinted, self.process_gone) = (None, false);
                self.ahead = Ahead::default();
                true
            }
        }
    }

    fn pace(&self) -> Duration {
        match self.hinted {
            Some(_) if self.picture.hint == Hint::Asking => self.beats.verify_min / FAST,
            Some(_) => self.beats.interval / FAST,
            None if self.fast => self.beats.interval / FAST,
            None => self.beats.interval,
        }
    }

    /// When the newest acknowledged beat was sent.
    fn acknowledged_at(&self) -> Option<Time> {
        self.channels.redundancy.acknowledged_at.max(self.channels.primary.acknowledged_at)
    }

    /// Looks when time alone may have changed something.
    fn look_if_due(&mut self, now: Time) {
        if now >= self.ahead.anything {
            self.look(now);
        }
    }

    fn look(&mut self, now: Time) {
        let beats = self.beats;
        let channels = PerChannel::from_fn(|it| {
            self.channels[it].count(now, beats.interval, beats.limits[it])
        });
        let fresh = |at: Option<Time>, within| at.is_some_and(|at| now.since(at) < within);
        let hint = match self.hinted {
            None => Hint::None,
            Some(it) if fresh(it.asked, beats.verify_min) || it.asked.is_none() => Hint::Asking,
            Some(_) => Hint::Unanswered,
        };
        let picture = Picture {
            partner: self.partner,
            channels,
            heard_by_partner: PerChannel::from_fn(|it| self.channels[it].heard_by_partner),
            one_way: self.unheard.is_one_way(),
            acknowledged: fresh(self.acknowledged_at(), beats.detection_bound()),
            fence_due: !fresh(self.acknowledged_at(), beats.fence_after),
            promote_due: now.since(self.promised.max(self.started)) >= beats.promote_after,
            hint,
            process_gone: self.process_gone,
            refused: self.refused_at.is_some_and(|at| now.since(at) < beats.refused_holds()),
        };
        self.news |= picture != self.picture;
        self.picture = picture;
        self.ahead = self.look_ahead(now);
    }
}

/// A beat counts as missing when it is half an interval late.
fn first_miss(interval: Duration) -> Duration {
    interval + interval / 2
}
