//! The only door into a node's decisions: an input goes in, outputs come out.
use crate::network::Network;
use crate::partner::{Greeting, Partner};
use crate::{ENGINES_MAX, Engine, EngineBoot, EngineIndex, EngineInput, Input, Output};
use hotpair_fsm::{Beats, Detector, DetectorStatus, Event, Picture, View};
use hotpair_replication as replication;
use hotpair_types::{Channel, Instance, NodeTime, PerChannel, Time};

/// What a node decides by.
#[derive(Clone, Debug)]
pub struct CoreSettings {
    /// When beats are due, and when a channel is silent.
    pub beats: Beats,
    /// This start of the node.
    pub instance: Instance,
    /// Networks that this host must have: one that it loses alone makes it hand over.
    pub required: PerChannel<bool>,
    /// Report each step of a state machine.
    pub recording: bool,
}

/// All decisions of one node.
#[derive(Debug)]
pub struct Core {
    detector: Detector,
    picture: Picture,
    network: Network,
    partner: Partner,
    engines: Vec<Engine>,
    number: u64,
    ask_fast: bool,
}

impl Core {
    /// Starts a node: every engine in Determining Failover Status.
    #[must_use]
    pub fn new(settings: CoreSettings, boots: Vec<EngineBoot>, now: Time) -> (Self, Vec<Output>) {
        assert!(!boots.is_empty() && boots.len() <= ENGINES_MAX, "1 to {ENGINES_MAX} engines");
        let mut out = Vec::new();
        let mut engines = Vec::new();
        for (index, boot) in (0u8..).zip(boots) {
            let recording = settings.recording;
            engines.push(Engine::new(EngineIndex(index), boot, recording, now, &mut out));
        }
        let detector = Detector::new(settings.beats, settings.instance, now);
        let picture = detector.picture();
        let (partner, number) = (Partner::default(), 0);
        let network = Network::new(settings.required);
        (Self { detector, picture, network, partner, engines, number, ask_fast: false }, out)
    }

    /// Decides. `wall` is for people and for the age of idempotency keys; nothing else.
    pub fn handle(&mut self, now: Time, wall: NodeTime, input: Input, out: &mut Vec<Output>) {
        // Before anything else: a node that stood still must not act on what it believed before.
        let due = self.detector.tick(now);
        if due.stalled {
            self.everyone(now, Event::LoopStalled, out);
        }
        self.look(now, out);
        let answer = self.dispatch(now, wall, input, out);
        self.look(now, out);
        for engine in &mut self.engines {
            engine.tick(now, wall, out);
        }
        self.ask_as_wanted(now);
        if due.send {
            self.repeat_summaries(out);
        }
        let mut publish = false;
        for engine in &mut self.engines {
            publish |= std::mem::take(&mut engine.publish);
        }
        for channel in Channel::ALL {
            if due.send || publish || answer == Some(channel) {
                self.send_beat(now, channel, out);
            }
        }
    }

    /// Gives the machines what the detector makes of the world, if that changed.
    fn look(&mut self, now: Time, out: &mut Vec<Output>) {
        let news = self.detector.news();
        if let Some(picture) = news.filter(|it| *it != self.picture) {
            self.picture = picture;
            for engine in &mut self.engines {
                engine.see(now, picture, out);
            }
        }
        if let Some(up) = self.network.judge(now, &self.picture) {
            self.everyone(now, Event::Network { up }, out);
        }
    }

    fn everyone(&mut self, now: Time, event: Event, out: &mut Vec<Output>) {
        for engine in &mut self.engines {
            engine.event(now, event.clone(), out);
        }
    }

    fn tell_everyone(&mut self, now: Time, input: &replication::Input, out: &mut Vec<Output>) {
        for engine in &mut self.engines {
            engine.tell(now, input.clone(), out);
        }
    }

    /// The channel on which an answer was asked for, if one was.
    fn dispatch(
        &mut self,
        now: Time,
        wall: NodeTime,
        input: Input,
        out: &mut Vec<Output>,
    ) -> Option<Channel> {
        match input {
            Input::Tick => {}
            Input::Beat { beat, number, views } => {
                let received = self.detector.heard(now, &beat);
                self.look(now, out);
                if received.fresh
                    && let Some(greeting) = self.partner.is_heard(beat.instance)
                {
                    self.met(now, greeting, out);
                }
                if received.fresh && self.partner.is_greeted(beat.instance) {
                    self.take_views(now, beat.instance, number, views, out);
                }
                return received.answer_now.then_some(beat.channel);
            }
            Input::Hello { channel, instance, differs, compares } => {
                let greeting = Greeting { instance, differs, compares };
                if !self.partner.greet(greeting.clone()) {
                    return None;
                }
                self.detector.alive(now, channel, instance);
                self.look(now, out);
                self.met(now, greeting, out);
            }
            Input::Refused { channel: _ } => self.detector.refused(now),
            Input::LinkUp { channel } => self.partner.set_link(channel, true),
            Input::LinkDown { channel } => {
                self.partner.set_link(channel, false);
                if !self.partner.has_link() {
                    self.tell_everyone(now, &replication::Input::LinkLost, out);
                }
            }
            Input::Moved => {
                self.tell_everyone(now, &replication::Input::LinkUp, out);
                self.send_summaries(out);
            }
            Input::Hint { channel: _, refused } => self.detector.hint(now, refused),
            Input::Fenced { instance, behind } => {
                for (engine, behind) in self.engines.iter_mut().zip(behind) {
                    engine.event(now, Event::Fenced { instance, behind }, out);
                }
            }
            Input::Settings { policy, data } => {
                for engine in &mut self.engines {
                    engine.take_settings(now, policy, &data, out);
                }
            }
            Input::GuardLost => self.everyone(now, Event::GuardLost, out),
            Input::OwnEnd { channel, up } => self.network.set_own_end(now, channel, up),
            Input::Engine { engine, input } => self.engine_input(now, engine, input, out),
            Input::Flush => {
                let tick = replication::Input::Flush;
                self.tell_everyone(now, &tick, out);
                let _ = wall;
            }
        }
        None
    }

    /// The partner can be worked with now.
    fn met(&mut self, now: Time, greeting: Greeting, out: &mut Vec<Output>) {
        let Greeting { instance: _, differs, compares } = greeting;
        self.tell_everyone(now, &replication::Input::PartnerCompares(compares), out);
        self.everyone(now, Event::SettingsDiffer(differs), out);
        self.tell_everyone(now, &replication::Input::LinkUp, out);
        self.send_summaries(out);
    }

    fn engine_input(
        &mut self,
        now: Time,
        index: EngineIndex,
        input: EngineInput,
        out: &mut Vec<Output>,
    ) {
        if let EngineInput::Message { channel, from, .. } = &input {
            if !self.partner.is_greeted(*from) {
                return;
            }
            self.detector.alive(now, *channel, *from);
        }
        if let EngineInput::Summary { from, .. } = &input
            && !self.partner.is_greeted(*from)
        {
            return;
        }
        if let Some(engine) = self.engines.get_mut(usize::from(index.0)) {
            engine.handle(now, input, out);
        }
    }

    fn take_views(
        &mut self,
        now: Time,
        instance: Instance,
        number: u64,
        views: Vec<View>,
        out: &mut Vec<Output>,
    ) {
        if !self.partner.is_news(number) {
            return;
        }
        for (engine, view) in self.engines.iter_mut().zip(views) {
            engine.event(now, Event::PartnerView { instance, view }, out);
        }
    }

    fn send_summaries(&mut self, out: &mut Vec<Output>) {
        for engine in &mut self.engines {
            engine.publish_summary(out);
        }
    }

    /// A summary is repeated state like all the rest: an older one that was under way on another
    /// channel may arrive after it.
    fn repeat_summaries(&mut self, out: &mut Vec<Output>) {
        for engine in &mut self.engines {
            if !engine.has_agreed() {
                engine.publish_summary(out);
            }
        }
    }

    fn ask_as_wanted(&mut self, now: Time) {
        let fast = self.engines.iter().any(|it| it.ask_fast);
        if fast != self.ask_fast {
            self.ask_fast = fast;
            self.detector.ask_fast(now, fast);
        }
    }

    fn send_beat(&mut self, now: Time, channel: Channel, out: &mut Vec<Output>) {
        let mut views = Vec::with_capacity(self.engines.len());
        for engine in &mut self.engines {
            views.push(engine.view(now, out));
        }
        self.number += 1;
        let beat = self.detector.beat(now, channel);
        out.push(Output::Beat { beat, number: self.number, views });
    }

    /// When to call `handle` with `Input::Tick`, if nothing else happens first.
    #[must_use]
    pub fn next_deadline(&self) -> Time {
        let engines = self.engines.iter().filter_map(Engine::next_deadline).min();
        let beat = self.detector.next_deadline();
        engines.map_or(beat, |it| it.min(beat))
    }

    /// The engines, by index.
    #[must_use]
    pub fn engines(&self) -> &[Engine] {
        &self.engines
    }

    /// The engine with this index.
    #[must_use]
    pub fn engine(&self, index: EngineIndex) -> Option<&Engine> {
        self.engines.get(usize::from(index.0))
    }

    /// Until when an engine whose outputs are open may use them without asking again; `None`: they
    /// are shut, or there is no such engine.
    #[must_use]
    pub fn outputs_until(&self, index: EngineIndex) -> Option<Time> {
        let machine = self.engine(index)?.machine();
        let until = match machine.granted_until() {
            None => self.detector.outputs_until(machine.is_fenced_by_silence()),
            // Acknowledgement takes the place of a grant that could not be renewed.
            Some(granted) => {
                let still = self.detector.outputs_until(false);
                granted.min(still).max(self.detector.outputs_until(true))
            }
        };
        machine.outputs_open().then_some(until)
    }

    /// The partner that said Hello last.
    #[must_use]
    pub fn partner(&self) -> Option<Instance> {
        self.partner.instance()
    }

    /// What is known of the way to the partner.
    #[must_use]
    pub const fn picture(&self) -> Picture {
        self.picture
    }

    /// Networks that this host must have and has lost.
    #[must_use]
    pub const fn lost_networks(&self) -> PerChannel<bool> {
        self.network.lost()
    }

    /// The channels, for people.
    #[must_use]
    pub fn channels(&self, now: Time) -> DetectorStatus {
        self.detector.status(now)
    }
}
