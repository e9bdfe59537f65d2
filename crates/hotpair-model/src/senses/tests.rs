//! The senses in ticks say what the real detector says, whatever is lost, late or stands still.
use super::{Beat, Senses};
use crate::ticks::{FENCE_TICKS, NOW, PROMOTE_TICKS, TICK, settings};
use hotpair_fsm::{BeatHeard, BeatToSend, Detector, Hint, View};
use hotpair_types::{Channel, Designation, Instance, Mode, PerChannel, Time};

/// One node twice.
struct Node {
    now: Time,
    instance: Instance,
    real: Detector,
    senses: Senses,
    /// A question was open for longer than ages are told apart: until neither has one, who has is not
    /// compared.
    unsure: bool,
}

/// A beat twice, on both channels.
struct Sent {
    real: PerChannel<BeatToSend>,
    beat: Beat,
}

impl Node {
    fn new(instance: Instance) -> Self {
        let beats = settings(Designation::Master, Mode::NoSplit, PROMOTE_TICKS).unwrap().beats;
        let real = Detector::new(beats, instance, NOW);
        Self { now: NOW, instance, real, senses: Senses::new(PROMOTE_TICKS), unsure: false }
    }

    fn tick(&mut self, told: bool) {
        self.now = self.now + TICK;
        if told {
            self.senses.tick();
            let _ = self.real.tick(self.now);
        } else {
            self.senses.tick_asleep();
        }
    }

    fn send(&mut self) -> Sent {
        self.senses.note_sent();
        let now = self.now;
        let real = PerChannel::from_fn(|it| self.real.beat(now, it));
        let beat = Beat {
            from: self.instance,
            of: self.senses.partner,
            sent: 0,
            acknowledges: self.senses.newest,
            on_time: self.senses.on_time(),
            ask: self.senses.asks(),
            view: View::empty(),
            summary: None,
        };
        Sent { real, beat }
    }

    fn hear(&mut self, sent: &Sent, over: PerChannel<bool>) {
        let mut fresh = false;
        for channel in Channel::ALL.into_iter().filter(|it| over[*it]) {
            let BeatToSend { instance, sequence, of, heard, ask, .. } = sent.real[channel];
            let beat = BeatHeard { channel, instance, sequence, of, heard, ask };
            fresh |= self.real.heard(self.now, &beat).fresh;
        }
        if over.redundancy || over.primary {
            assert_eq!(self.senses.hear(self.instance, &sent.beat, &over), fresh);
        }
    }
}

#[test]
fn the_senses_in_ticks_are_those_of_the_detector() {
    let mut looked = 0;
    for run in 0..400_u64 {
        let mut random = run.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
        let mut roll = |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        let mut nodes = [0, 1].map(|tag| Node::new(Instance { count: 1, tag }));
        let mut wire: [Option<Sent>; 2] = [None, None];
        let mut whole = 6;
        for _ in 0..300 {
            let host = usize::from(roll(2) == 0);
            let other = 1 - host;
            match roll(20) {
                0..9 => {
                    let stands_still = roll(30) == 0;
                    for _ in 0..if stands_still { 4 } else { 1 } {
                        nodes[host].tick(!stands_still);
                        if nodes[other].senses.partner == Some(nodes[host].instance) {
                            nodes[other].senses.partner_ticks();
                        }
                        age(&mut wire[other], |it| it.acknowledges.as_mut());
                        age(&mut wire[host], |it| Some(&mut it.sent));
                    }
                    if stands_still {
                        let now = nodes[host].now;
                        assert!(nodes[host].real.tick(now).stalled);
                        assert!(nodes[host].senses.wake(4));
                    }
                    wire[host] = Some(nodes[host].send());
                }
                9..18 => {
                    if let Some(sent) = wire[host].take() {
                        let over = PerChannel::from_fn(|_| roll(8) < whole);
                        nodes[other].hear(&sent, over);
                    }
                }
                18 => whole = roll(9),
                _ if roll(10) == 0 => {
                    let now = nodes[host].now;
                    nodes[host].real.hint(now, false);
                    nodes[host].senses.hint();
                }
                _ => {
                    let count = nodes[host].instance.count + 1;
                    if roll(20) == 0 {
                        let now = nodes[host].now;
                        nodes[host] = Node::new(Instance { count, tag: host as u64 });
                        nodes[host].real = Detector::new(beats(), nodes[host].instance, now);
                        nodes[host].now = now;
                    }
                }
            }
            for node in &mut nodes {
                let (ours, mut real) = (node.senses.picture(), node.real.picture());
                node.unsure |= node.senses.hinted == Some(Some(FENCE_TICKS + 1));
                if node.unsure {
                    node.unsure = (ours.hint, real.hint) != (Hint::None, Hint::None);
                    real.hint = ours.hint;
                }
                assert!(ours == real, "run {run}: {ours:?}\n{real:?}\n{:?}", node.senses);
                looked += 1;
            }
        }
    }
    assert_eq!(looked, 240_000);
}

fn beats() -> hotpair_fsm::Beats {
    settings(Designation::Master, Mode::NoSplit, PROMOTE_TICKS).unwrap().beats
}

fn age(sent: &mut Option<Sent>, which: impl Fn(&mut Beat) -> Option<&mut u8>) {
    if let Some(age) = sent.as_mut().and_then(|it| which(&mut it.beat)) {
        *age = (*age + 1).min(FENCE_TICKS + 1);
    }
}
