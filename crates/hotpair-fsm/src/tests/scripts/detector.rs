//! Two detectors, one clock, no network but what the test lets through.
use crate::{BeatHeard, BeatToSend, Beats, Detector, Heard, Hint, Pulse, Settings};
use hotpair_types::{Channel, Designation, Instance, PerChannel, Time};

struct Pair {
    now: Time,
    hosts: [Detector; 2],
    /// What arrives: from host, on channel.
    open: [[bool; 2]; 2],
    stalls: u32,
}

impl Pair {
    fn new() -> Self {
        let beats: Beats = Settings::new(Designation::Master).beats;
        let now = Time::from_millis(1);
        let hosts = [1, 2].map(|tag| Detector::new(beats, Instance { count: 1, tag }, now));
        Self { now, hosts, open: [[true; 2]; 2], stalls: 0 }
    }

    fn send(&mut self, from: usize, channel: Channel) {
        let beat: BeatToSend = self.hosts[from].beat(self.now, channel);
        if !self.open[from][channel as usize] {
            return;
        }
        let BeatToSend { channel, instance, sequence, of, heard, ask } = beat;
        let beat = BeatHeard { channel, instance, sequence, of, heard, ask };
        let received = self.hosts[1 - from].heard(self.now, &beat);
        if received.answer_now && from == 0 {
            self.send(1, channel);
        }
    }

    fn run(&mut self, millis: u64) {
        let until = Time(self.now.0 + millis * 1_000);
        while self.now < until {
            self.now = Time(self.now.0 + 1_000);
            for host in 0..2 {
                let due = self.hosts[host].tick(self.now);
                self.stalls += u32::from(due.stalled);
                if due.send {
                    for channel in Channel::ALL {
                        self.send(host, channel);
                    }
                }
            }
        }
    }

    fn cut(&mut self, from: usize) {
        self.open[from] = [false; 2];
    }
}

#[test]
fn both_hear_each_other_and_measure_the_way() {
    let mut pair = Pair::new();
    pair.run(1_000);
    for host in &pair.hosts {
        let picture = host.picture();
        assert_eq!(picture.channels.redundancy, Pulse::OnTime);
        assert_eq!(picture.channels.primary, Pulse::OnTime);
        assert!(picture.acknowledged && !picture.fence_due && !picture.one_way);
        let status = host.status(pair.now);
        assert!(status.channels.primary.round_trip.is_some());
        assert_eq!(status.channels.primary.missed_total, 0);
    }
}

#[test]
fn a_channel_is_missed_before_it_is_silent() {
    let mut pair = Pair::new();
    pair.run(1_000);
    pair.open[0][Channel::Redundancy as usize] = false;
    pair.run(200);
    assert_eq!(pair.hosts[1].picture().channels.redundancy, Pulse::Missed);
    assert_eq!(pair.hosts[1].picture().channels.primary, Pulse::OnTime);
    pair.run(400);
    assert_eq!(pair.hosts[1].picture().channels.redundancy, Pulse::Silent);
    assert!(!pair.hosts[1].picture().is_silent(), "the other channel works");
    assert!(pair.hosts[1].status(pair.now).channels.redundancy.degraded);
}

#[test]
fn the_fence_is_due_before_the_promise_is_over() {
    let mut pair = Pair::new();
    pair.run(1_000);
    pair.cut(0);
    pair.cut(1);
    let (mut fenced, mut free) = (None, None);
    for _ in 0..2_000 {
        pair.run(1);
        let [active, standby] = [0, 1].map(|it| pair.hosts[it].picture());
        if active.fence_due && fenced.is_none() {
            fenced = Some(pair.now);
        }
        if standby.promote_due && free.is_none() {
            free = Some(pair.now);
        }
    }
    let (fenced, free) = (fenced.unwrap(), free.unwrap());
    assert!(free.since(fenced).as_millis() >= 300, "{fenced} {free}");
}

#[test]
fn who_is_not_heard_learns_it_from_the_beats_it_hears() {
    let mut pair = Pair::new();
    pair.run(1_000);
    pair.cut(0);
    pair.run(1_500);
    let picture = pair.hosts[0].picture();
    assert!(picture.one_way && !picture.acknowledged && picture.fence_due);
    assert!(picture.is_reachable() && !pair.hosts[1].picture().is_reachable());
}

#[test]
fn beats_that_waited_on_the_way_do_not_say_that_it_works_one_way_only() {
    let mut pair = Pair::new();
    pair.run(1_000);
    pair.cut(0);
    pair.cut(1);
    // What host 1 sends is held, as a kernel does that cannot resolve an address.
    let mut held = Vec::new();
    for _ in 0..8 {
        pair.run(200);
        held.push(pair.hosts[1].beat(pair.now, Channel::Primary));
    }
    for BeatToSend { channel, instance, sequence, of, heard, ask } in held {
        let beat = BeatHeard { channel, instance, sequence, of, heard, ask };
        assert!(pair.hosts[0].heard(pair.now, &beat).fresh);
        assert!(!pair.hosts[0].picture().one_way);
    }
    pair.open = [[true; 2]; 2];
    for _ in 0..1_000 {
        pair.run(1);
        assert!(!pair.hosts[0].picture().one_way, "{}", pair.now);
    }
}

#[test]
fn a_hint_is_asked_about_and_answered() {
    let mut pair = Pair::new();
    pair.run(1_000);
    pair.hosts[0].hint(pair.now, false);
    assert_eq!(pair.hosts[0].picture().hint, Hint::Asking);
    pair.run(5);
    assert_eq!(pair.hosts[0].picture().hint, Hint::None, "the partner answered at once");
    pair.cut(1);
    pair.hosts[0].hint(pair.now, true);
    pair.run(19);
    assert_eq!(pair.hosts[0].picture().hint, Hint::Asking);
    pair.run(10);
    assert_eq!(pair.hosts[0].picture().hint, Hint::Unanswered);
    assert!(pair.hosts[0].picture().process_gone);
}

#[test]
fn what_is_refused_is_alive_as_long_as_it_tries_again() {
    let mut pair = Pair::new();
    pair.cut(0);
    pair.cut(1);
    // A try each half second, every other lost and waited for, is longer apart than silence needs.
    for _ in 0..3 {
        pair.hosts[0].refused(pair.now);
        pair.run(2_100);
        assert!(!pair.hosts[0].picture().is_silent() && !pair.hosts[0].picture().never_heard());
    }
    pair.run(1_000);
    assert!(!pair.hosts[0].picture().refused && pair.hosts[0].picture().is_silent());
}

#[test]
fn a_standstill_of_our_own_is_not_the_partners_silence() {
    let mut pair = Pair::new();
    pair.run(1_000);
    pair.now = Time(pair.now.0 + 3_000_000);
    let due = pair.hosts[0].tick(pair.now);
    assert!(due.stalled);
    assert!(!pair.hosts[0].picture().is_silent() && !pair.hosts[0].picture().promote_due);
}

#[test]
fn an_older_process_is_not_listened_to_while_the_newer_is_heard() {
    let mut pair = Pair::new();
    pair.run(1_000);
    let old = BeatHeard {
        channel: Channel::Primary,
        instance: Instance { count: 0, tag: 9 },
        sequence: 1_000_000,
        of: None,
        heard: Default::default(),
        ask: false,
    };
    assert!(!pair.hosts[0].heard(pair.now, &old).fresh);
    pair.cut(1);
    pair.run(1_000);
    assert!(pair.hosts[0].heard(pair.now, &old).fresh, "its store was thrown away");
}

#[test]
fn who_was_silent_before_a_standstill_of_our_own_is_silent_after_it() {
    let mut pair = Pair::new();
    pair.run(1_000);
    pair.cut(1);
    pair.run(1_500);
    assert!(pair.hosts[0].picture().is_silent());
    let later = Time(pair.now.0 + 700_000);
    assert!(pair.hosts[0].tick(later).stalled);
    let picture = pair.hosts[0].picture();
    assert!(picture.is_silent() && !picture.is_reachable(), "{picture:?}");
}

#[test]
fn outputs_may_not_be_used_beyond_a_standstill_or_the_fence() {
    let mut pair = Pair::new();
    pair.run(1_000);
    let open =
        |pair: &Pair, fenced| pair.hosts[0].outputs_until(fenced).since(pair.now).as_millis();
    // Four intervals of 100 ms without a look at the clock are a standstill.
    assert_eq!(open(&pair, false), 400);
    assert!(open(&pair, true) <= 400);
    pair.cut(0);
    pair.run(700);
    assert_eq!(open(&pair, false), 400, "silence alone shuts nothing");
    let left = open(&pair, true);
    assert!((1..=150).contains(&left), "{left} ms before the fence of 800 ms");
    pair.run(left as u64);
    assert!(pair.hosts[0].picture().fence_due, "the fence falls when the gate does");
    assert!(pair.hosts[0].outputs_until(true) <= pair.now);
}

#[test]
fn the_fence_counts_from_sending_what_was_acknowledged() {
    let (own, other) = (Instance { count: 1, tag: 1 }, Instance { count: 1, tag: 2 });
    let beats = Settings::new(Designation::Master).beats;
    let mut detector = Detector::new(beats, own, Time::ZERO);
    let sent = detector.beat(Time::ZERO, Channel::Redundancy).sequence;
    let mut heard = PerChannel::default();
    heard[Channel::Redundancy] = Heard { sequence: sent, held_us: 0, on_time: true };
    let channel = Channel::Redundancy;
    let late =
        BeatHeard { channel, instance: other, sequence: 1, of: Some(own), heard, ask: false };
    // The answer was on its way for most of the time.
    let _ = detector.heard(Time::from_millis(700), &late);
    assert!(!detector.picture().fence_due);
    let _ = detector.tick(Time::ZERO + beats.fence_after);
    assert!(detector.picture().fence_due);
}
