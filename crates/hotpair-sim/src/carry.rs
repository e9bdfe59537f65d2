//! Carries out what cores ask for and what faults do.
use crate::net::Net;
use crate::world::{Happening, World};
use crate::{Fault, FaultKind};
use hotpair_core::{EngineIndex, EngineInput, EngineOutput, Input, Output};
use hotpair_fsm::{self as fsm, BeatHeard, CommandId, GrantEvent};
use hotpair_replication::{self as replication, Op, Write, WriteBody, WriteTicket};
use hotpair_types::{Channel, JournalKind, NodeTime};
use std::time::Duration;

/// When a guard says again that its node is dead, in milliseconds after the death.
const FENCED_AFTER_MS: [u64; 5] = [1, 6, 30, 120, 600];

impl World {
    /// Gives a node an input and carries out what it asks for.
    pub(crate) fn give(&mut self, node: usize, input: Input) {
        if self.nodes[node].core.is_none() {
            return;
        }
        if self.nodes[node].paused {
            self.nodes[node].inbox.push_back(input);
            return;
        }
        let mut out = Vec::new();
        self.nodes[node].handle(self.now, input, &mut out);
        self.nodes[node].handle(self.now, Input::Flush, &mut out);
        self.carry_out(node, out);
    }

    pub(crate) fn wake(&mut self, node: usize) {
        for engine in 0..self.engines() {
            while let Some(ticket) = self.nodes[node].disks[engine].done(self.now) {
                let input = EngineInput::Stored(ticket);
                self.give(node, Input::Engine { engine: index(engine), input });
            }
        }
        self.give(node, Input::Tick);
    }

    pub(crate) fn arrive(&mut self, to: usize, connection: Option<(Channel, u64)>, input: Input) {
        if let Some((channel, number)) = connection {
            if self.net.connection(channel) != number {
                return;
            }
            // QUIC repeats until it is through, or the connection is given up.
            if !self.net.delivers(channel, 1 - to) {
                let later = self.now + Duration::from_millis(25);
                let happening = Happening::Arrives { to, connection, input };
                if self.net.is_idle(self.now, channel) {
                    self.drop_connection(channel);
                } else {
                    self.at(later, happening);
                }
                return;
            }
            if let Input::Hello { .. } = &input {
                self.nodes[to].greeted[channel] = number;
            }
        }
        self.note(&format!("{to} <- {}", brief(&input)));
        self.give(to, input);
    }

    pub(crate) fn carry_out(&mut self, node: usize, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Beat { beat, number, views } => {
                    let channel = beat.channel;
                    if self.net.connection(channel) == 0 {
                        continue;
                    }
                    let beat = BeatHeard {
                        channel,
                        instance: beat.instance,
                        sequence: beat.sequence,
                        of: beat.of,
                        heard: beat.heard,
                        ask: beat.ask,
                    };
                    for at in self.net.datagram(self.now, channel, node, &mut self.rng) {
                        let input = Input::Beat { beat, number, views: views.clone() };
                        let to = 1 - node;
                        self.at(at, Happening::Arrives { to, connection: None, input });
                    }
                }
                Output::Engine { engine, output } => self.effect(node, engine, output),
            }
        }
    }

    fn effect(&mut self, node: usize, engine: EngineIndex, output: EngineOutput) {
        let at = usize::from(engine.0);
        let again = |input| Input::Engine { engine, input };
        match output {
            EngineOutput::Summary(summary) => {
                let from = self.nodes[node].instance;
                self.frame(node, again(EngineInput::Summary { from, summary }));
            }
            EngineOutput::Send { lane: _, message } => {
                let from = self.nodes[node].instance;
                let channel = Channel::Redundancy;
                let input = EngineInput::Message { channel, from, message };
                self.frame(node, again(input));
            }
            EngineOutput::Store { ticket, op } => {
                let most = self.disk_delay_max[node];
                let delay = self.rng.between(Duration::from_micros(200), most);
                self.nodes[node].disks[at].submit(self.now + delay, ticket, op);
            }
            EngineOutput::OpenOutputs { epoch } => {
                self.note(&format!("{node} OPENS {engine:?} under {epoch}"));
                self.promotions += 1;
                self.nodes[node].gates[at] = Some(epoch);
                let durable = self.nodes[node].disks[at].image.record.epoch;
                self.watch.opened(node, at, epoch, durable);
            }
            EngineOutput::CloseOutputs => {
                self.note(&format!("{node} closes {engine:?}"));
                self.nodes[node].gates[at] = None;
                self.later(node, again(EngineInput::OutputsClosed));
            }
            EngineOutput::PrepareObjects => self.later(node, again(EngineInput::ObjectsReady)),
            EngineOutput::TellGuard { behind } => {
                self.nodes[node].behind[at] = behind;
                self.later(node, again(EngineInput::GuardTold { behind }));
            }
            EngineOutput::AskGrant => {
                self.later(node, again(EngineInput::Grant(GrantEvent::Away)));
            }
            EngineOutput::Reply { id, reply } => {
                self.note(&format!("{node} answers command {}: {reply:?}", id.0));
                self.nodes[node].commands.retain(|it| it.1 != id.0);
            }
            EngineOutput::RoleChanged(change) => {
                let (from, to) = (change.from, change.to);
                let rule = change.rule.id();
                self.note(&format!("{node} {engine:?} {from} -> {to} ({rule})"));
                *self.rules.entry(rule).or_default() += 1;
                self.watch.changed(node, at, &change, &self.nodes[node].disks[at].image.record);
            }
            EngineOutput::Alarm(alarm) => self.note(&format!("{node} alarm {alarm:?}")),
            EngineOutput::Stopped { process } => {
                self.note(&format!("{node} {engine:?} stopped, process {process}"));
                self.stopped(node, at, process);
            }
            EngineOutput::Data(output) => self.data(node, engine, output),
            EngineOutput::StopObjects | EngineOutput::ReleaseGrant | EngineOutput::Step(_) => {}
        }
    }

    /// Something the node does for itself, a moment later.
    fn later(&mut self, node: usize, input: Input) {
        let after = self.rng.between(Duration::from_micros(10), Duration::from_millis(2));
        let (at, instance) = (self.now + after, self.nodes[node].instance);
        self.at(at, Happening::Own { node, instance, input });
    }

    fn frame(&mut self, node: usize, input: Input) {
        let Some(channel) = Channel::ALL.into_iter().find(|it| self.net.connection(*it) != 0)
        else {
            return;
        };
        let number = self.net.connection(channel);
        let at = self.net.frame(self.now, channel, node, &mut self.rng);
        let connection = Some((channel, number));
        self.at(at, Happening::Arrives { to: 1 - node, connection, input });
    }

    fn data(&mut self, node: usize, engine: EngineIndex, output: replication::Output) {
        let at = usize::from(engine.0);
        match output {
            replication::Output::Reply { ticket, outcome } => {
                // The gate, as in the driver: who is not active acknowledges nothing.
                if self.nodes[node].gates[at].is_some() {
                    self.client.answered(self.now, ticket.0, &outcome);
                }
            }
            replication::Output::ReadJournal { ticket, kind, after, until, .. } => {
                let entries = self.nodes[node].disks[at].read(kind, after, until);
                let input = replication::Input::JournalRead { ticket, entries };
                self.later(node, Input::Engine { engine, input: EngineInput::Data(input) });
            }
            replication::Output::Alarm(alarm) => self.note(&format!("{node} alarm {alarm:?}")),
            _ => {}
        }
    }

    fn stopped(&mut self, node: usize, engine: usize, process: bool) {
        self.nodes[node].gates[engine] = None;
        self.watch.left(node, engine);
        let all = (0..self.engines()).all(|it| self.watch.has_left(node, it));
        if process || all {
            self.note(&format!("{node} ends"));
            // A clean end closes its files: everything written is safe.
            self.nodes[node].die(|waiting| waiting);
            self.watch.died(self.now, node, true);
            self.reset_connections(node, true);
            if !self.nodes[node].stays_down {
                let after = self.rng.between(Duration::from_millis(50), Duration::from_secs(3));
                self.at(self.now + after, Happening::Start(node));
            }
        }
    }

    pub(crate) fn command(&mut self, node: usize, engine: usize, command: fsm::Command) {
        if self.nodes[node].core.is_none() {
            return;
        }
        self.scheduled += 1;
        let id = self.scheduled;
        self.note(&format!("{node} is asked: {command:?} as {id}"));
        self.nodes[node].commands.push((index(engine), id, self.now));
        let input = EngineInput::Command { id: CommandId(id), command };
        self.give(node, Input::Engine { engine: index(engine), input });
    }

    pub(crate) fn write(&mut self) {
        let engine = usize::try_from(self.rng.below(self.engines() as u64)).unwrap_or(0);
        let kind = if self.rng.percent(25) { JournalKind::Config } else { JournalKind::Runtime };
        let acts: Vec<_> = (0..2).filter(|it| self.nodes[*it].acts(engine).is_some()).collect();
        let node = match acts.as_slice() {
            [] => usize::from(self.rng.percent(50)),
            [one] => *one,
            _ => usize::from(self.rng.percent(50)),
        };
        let (ticket, written) = self.client.begin(engine, kind, node);
        let op = Op::Set { item: written.item, value: written.value.into() };
        let body = match kind {
            JournalKind::Config => WriteBody::Config { expect: Vec::new(), ops: vec![op] },
            JournalKind::Runtime => WriteBody::Runtime { ops: vec![op] },
        };
        let ack = self.rng.percent(20).then_some(hotpair_types::Ack::Durable);
        let written_at = NodeTime(self.now.0 / 1_000);
        let write = Write { ticket: WriteTicket(ticket), ack, key: None, written_at, body };
        let input = EngineInput::Data(replication::Input::Write(write));
        self.give(node, Input::Engine { engine: index(engine), input });
    }

    pub(crate) fn connect(&mut self, channel: Channel) {
        let alive = self.nodes.iter().all(|it| it.core.is_some() && !it.paused);
        if self.net.connection(channel) != 0 {
            return;
        }
        if !alive || !self.net.is_whole(channel) {
            // Dialled again and again.
            let dead = self.nodes.iter().any(|it| it.core.is_none());
            if !dead {
                let after = self.now + Duration::from_millis(400);
                self.at(after, Happening::Connect(channel));
            }
            return;
        }
        let number = self.net.connect(self.now, channel);
        self.note(&format!("{channel} is connected"));
        for node in 0..2 {
            self.give(node, Input::LinkUp { channel });
            let instance = self.nodes[node].instance;
            let input = Input::Hello { channel, instance, differs: None };
            let at = self.net.frame(self.now, channel, node, &mut self.rng);
            let connection = Some((channel, number));
            self.at(at, Happening::Arrives { to: 1 - node, connection, input });
        }
    }

    fn drop_connection(&mut self, channel: Channel) {
        if self.net.connection(channel) == 0 {
            return;
        }
        self.note(&format!("{channel} is given up"));
        let data_moves = channel == Channel::Redundancy;
        self.net.disconnect(channel);
        for node in 0..2 {
            self.give(node, Input::LinkDown { channel });
            if data_moves && self.net.connection(channel.other()) != 0 {
                self.give(node, Input::Moved);
            }
        }
        let after = Net::reconnect_after(&mut self.rng);
        self.at(self.now + after, Happening::Connect(channel));
    }

    /// The process at one end is gone: the other is told by the kernel, if that lives.
    fn reset_connections(&mut self, node: usize, kernel_lives: bool) {
        let other = 1 - node;
        for channel in Channel::ALL {
            if self.net.connection(channel) == 0 {
                continue;
            }
            self.net.disconnect(channel);
            if kernel_lives && self.net.delivers(channel, node) {
                let refused = self.rng.percent(50);
                let hint = Input::Hint { channel, refused };
                let after = self.rng.between(Duration::from_micros(100), Duration::from_millis(3));
                let happening = Happening::Arrives { to: other, connection: None, input: hint };
                self.at(self.now + after, happening);
                let down = Input::LinkDown { channel };
                let happening = Happening::Arrives { to: other, connection: None, input: down };
                self.at(self.now + after * 2, happening);
            }
        }
    }

    fn kill(&mut self, fault: Fault, guard_lives: bool, kernel_lives: bool) {
        let node = fault.node;
        if self.nodes[node].core.is_none() {
            return;
        }
        let instance = self.nodes[node].instance;
        let behind = self.nodes[node].behind.clone();
        let rng = &mut self.rng;
        self.nodes[node].die(|most| usize::try_from(rng.below(most as u64)).unwrap_or(0));
        self.watch.died(self.now, node, false);
        self.reset_connections(node, kernel_lives);
        if guard_lives {
            for after in FENCED_AFTER_MS {
                for channel in Channel::ALL {
                    let at = self.now + Duration::from_millis(after);
                    for at in self.net.datagram(at, channel, node, &mut self.rng) {
                        let input = Input::Fenced { instance, behind: behind.clone() };
                        let to = 1 - node;
                        self.at(at, Happening::Arrives { to, connection: None, input });
                    }
                }
            }
        }
        self.at(self.now + fault.lasts, Happening::Start(node));
    }

    pub(crate) fn begin_fault(&mut self, fault: Fault) {
        let Fault { kind, node, channel, lasts } = fault;
        let now = self.now;
        match kind {
            FaultKind::CutChannel => {
                self.net.set_cut(now, channel, 0, true);
                self.net.set_cut(now, channel, 1, true);
            }
            FaultKind::CutBoth => {
                for channel in Channel::ALL {
                    self.net.set_cut(now, channel, 0, true);
                    self.net.set_cut(now, channel, 1, true);
                }
            }
            FaultKind::CutOneWay => self.net.set_cut(now, channel, node, true),
            FaultKind::CutBothOneWay => {
                for channel in Channel::ALL {
                    self.net.set_cut(now, channel, node, true);
                }
            }
            FaultKind::HealNet => return self.heal_net(),
            FaultKind::Loss => self.net.way(channel, node).loss_percent = 30,
            FaultKind::Double => self.net.way(channel, node).double_percent = 50,
            FaultKind::Delay => {
                self.net.way(channel, node).delay_max = Duration::from_millis(90);
            }
            FaultKind::KillNode => return self.kill(fault, true, true),
            FaultKind::KillGuardToo => return self.kill(fault, false, true),
            FaultKind::HostDown => return self.kill(fault, false, false),
            FaultKind::Pause | FaultKind::ShortPause => {
                if self.nodes[node].core.is_none() || self.nodes[node].paused {
                    return;
                }
                self.nodes[node].paused = true;
                self.watch.paused(now, node);
                let lasts = if kind == FaultKind::ShortPause {
                    lasts.min(Duration::from_millis(200))
                } else {
                    lasts
                };
                self.at(now + lasts, Happening::Over(fault));
                return;
            }
            FaultKind::CleanStop => {
                for engine in 0..self.engines() {
                    self.command(node, engine, fsm::Command::Leave);
                }
                return;
            }
            FaultKind::ClockRate => {
                // Only a new process gets another rate: a clock does not jump.
                if self.nodes[node].core.is_none() {
                    let ppm = i64::try_from(self.rng.below(2_001)).unwrap_or(0) - 1_000;
                    self.nodes[node].rate_ppm = ppm;
                }
                return;
            }
            FaultKind::SlowDisk => self.disk_delay_max[node] = Duration::from_millis(250),
            FaultKind::Switchover => {
                for engine in 0..self.engines() {
                    self.command(node, engine, fsm::Command::Switchover);
                }
                return;
            }
            FaultKind::BecomeActive => {
                for engine in 0..self.engines() {
                    self.command(node, engine, fsm::Command::BecomeActive);
                }
                return;
            }
            FaultKind::PauseCommand => return self.command(node, 0, fsm::Command::Pause),
            FaultKind::ResumeCommand => return self.command(node, 0, fsm::Command::Resume),
            FaultKind::FalseHint => {
                return self.give(node, Input::Hint { channel, refused: false });
            }
        }
        self.at(now + lasts, Happening::Over(fault));
    }

    pub(crate) fn end_fault(&mut self, fault: Fault) {
        let Fault { kind, node, .. } = fault;
        match kind {
            FaultKind::Pause | FaultKind::ShortPause => {
                if self.nodes[node].paused {
                    self.note(&format!("{node} goes on"));
                    self.unpause(node);
                }
            }
            FaultKind::SlowDisk => self.disk_delay_max[node] = Duration::from_millis(4),
            _ => self.heal_net(),
        }
    }

    fn heal_net(&mut self) {
        self.note("the net is whole");
        self.net.heal();
        for channel in Channel::ALL {
            if self.net.connection(channel) == 0 {
                let after = Net::reconnect_after(&mut self.rng);
                self.at(self.now + after, Happening::Connect(channel));
            }
        }
    }

    pub(crate) fn unpause(&mut self, node: usize) {
        self.nodes[node].paused = false;
        self.watch.resumed(self.now, node);
        let waiting = std::mem::take(&mut self.nodes[node].inbox);
        // What waited in sockets and what is due come in any order.
        for input in waiting {
            self.give(node, input);
        }
        self.wake(node);
    }
}

fn index(engine: usize) -> EngineIndex {
    EngineIndex(u8::try_from(engine).unwrap_or(u8::MAX))
}

/// A view in a few letters.
fn view(it: &fsm::View) -> String {
    let mark = |holds: bool, letter: &'static str| if holds { letter } else { "" };
    let step = if it.step == fsm::Step::None { String::new() } else { format!(" {:?}", it.step) };
    format!(
        "{}{}{}{}{}{} {} {}{step}",
        it.state.number(),
        mark(it.outputs_open, "+"),
        mark(it.sole, "o"),
        mark(it.stale, "s"),
        mark(it.unverified, "u"),
        mark(it.level, "l"),
        it.epoch,
        it.positions,
    )
}

/// One line of an input.
fn brief(input: &Input) -> String {
    match input {
        Input::Beat { beat, views, .. } => {
            let states: Vec<_> = views.iter().map(view).collect();
            format!(
                "beat {} {} of {}: {}",
                beat.channel,
                beat.sequence,
                beat.instance,
                states.join(",")
            )
        }
        Input::Engine { input: EngineInput::Message { message, .. }, .. } => {
            let text = format!("{message:?}");
            format!("message {}", text.chars().take(90).collect::<String>())
        }
        other => {
            let text = format!("{other:?}");
            text.chars().take(120).collect()
        }
    }
}
