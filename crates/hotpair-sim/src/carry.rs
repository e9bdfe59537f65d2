//! Carries out what cores ask for.
use crate::world::{Happening, World};
use hotpair_core::{EngineIndex, EngineInput, EngineOutput, Input, Output};
use hotpair_fsm::{self as fsm, BeatHeard, CommandId, GrantEvent};
use hotpair_replication::{self as replication, Op, Outcome, Write, WriteBody, WriteTicket};
use hotpair_types::{Channel, JournalKind, NodeTime};
use std::time::Duration;

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
        // A beat of which nothing came leaves nothing to send or store.
        let idle = matches!(input, Input::Beat { .. } | Input::Tick);
        self.nodes[node].handle(self.now, input, &mut out);
        if !idle || !out.is_empty() {
            self.nodes[node].handle(self.now, Input::Flush, &mut out);
        }
        self.carry_out(node, out);
    }

    pub(crate) fn wake(&mut self, node: usize) {
        self.nodes[node].touch();
        for engine in 0..self.engines() {
            while let Some(ticket) = self.nodes[node].disks[engine].done(self.now) {
                let input = EngineInput::Stored(ticket);
                self.give(node, Input::Engine { engine: index(engine), input });
            }
        }
        self.give(node, Input::Tick);
    }

    pub(crate) fn carry_out(&mut self, node: usize, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Beat { beat, number, views } => {
                    let channel = beat.channel;
                    self.watch_level(node, &views);
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

    fn watch_level(&mut self, node: usize, views: &[fsm::View]) {
        let host = &self.nodes[node];
        for (engine, view) in views.iter().enumerate() {
            if view.level {
                let record = &host.disks[engine].image.record;
                self.watch.told_level(node, record, host.behind[engine]);
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
                self.nodes[node].touch();
            }
            EngineOutput::OpenOutputs { epoch } => {
                note!(self, "{node} OPENS {engine:?} under {epoch}");
                self.promotions += 1;
                self.nodes[node].gates[at] = Some(epoch);
                let durable = self.nodes[node].disks[at].image.record.epoch;
                self.watch.opened(node, at, epoch, durable);
            }
            EngineOutput::CloseOutputs => {
                note!(self, "{node} closes {engine:?}");
                self.nodes[node].gates[at] = None;
                self.later(node, again(EngineInput::OutputsClosed));
            }
            EngineOutput::PrepareObjects => self.later(node, again(EngineInput::ObjectsReady)),
            EngineOutput::TellGuard { behind } => {
                self.nodes[node].behind[at] = behind;
                self.later(node, again(EngineInput::GuardTold { behind }));
            }
            EngineOutput::AskGrant(_) => {
                self.later(node, again(EngineInput::Grant(GrantEvent::Away)));
            }
            EngineOutput::Reply { id, reply } => {
                note!(self, "{node} answers command {}: {reply:?}", id.0);
                self.nodes[node].commands.retain(|it| it.1 != id.0);
            }
            EngineOutput::RoleChanged(change) => {
                let (from, to) = (change.from, change.to);
                let rule = change.rule.id();
                note!(self, "{node} {engine:?} {from} -> {to} ({rule})");
                *self.rules.entry(rule).or_default() += 1;
                self.watch.changed(node, at, &change, &self.nodes[node].disks[at].image.record);
            }
            EngineOutput::Alarm(alarm) => note!(self, "{node} alarm {alarm:?}"),
            EngineOutput::Stopped { process, .. } => {
                note!(self, "{node} {engine:?} stopped, process {process}");
                self.stopped(node, at, process);
            }
            EngineOutput::Data(output) => self.data(node, engine, output),
            EngineOutput::StopObjects
            | EngineOutput::ReleaseGrant
            | EngineOutput::GoAlone
            | EngineOutput::EndAlone
            | EngineOutput::Step(_) => {}
        }
    }

    /// Something the node does for itself, a moment later.
    fn later(&mut self, node: usize, input: Input) {
        let after = self.rng.between(Duration::from_micros(10), Duration::from_millis(2));
        let (at, instance) = (self.now + after, self.nodes[node].instance);
        self.at(at, Happening::Own { node, instance, input });
    }

    fn data(&mut self, node: usize, engine: EngineIndex, output: replication::Output) {
        let at = usize::from(engine.0);
        match output {
            // The gate, as in the driver: who is not active acknowledges nothing.
            replication::Output::Reply { ticket, outcome }
                if self.nodes[node].gates[at].is_some() =>
            {
                let host = &self.nodes[node];
                if matches!(&outcome, Outcome::Acknowledged(it) if it.degraded) {
                    let record = &host.disks[at].image.record;
                    self.watch.degraded(node, record, host.behind[at]);
                }
                self.client.answered(self.now, ticket.0, &outcome);
            }
            replication::Output::ReadJournal { ticket, kind, after, until, .. } => {
                let entries = self.nodes[node].disks[at].read(kind, after, until);
                let input = replication::Input::JournalRead { ticket, entries };
                self.later(node, Input::Engine { engine, input: EngineInput::Data(input) });
            }
            replication::Output::Alarm(alarm) => note!(self, "{node} alarm {alarm:?}"),
            // No provider, no module and no person is in this world.
            replication::Output::Reply { .. }
            | replication::Output::Apply { .. }
            | replication::Output::Restore { .. }
            | replication::Output::ReadBlob { .. }
            | replication::Output::WriteBlob { .. }
            | replication::Output::RemoveBlob { .. }
            | replication::Output::DivergenceDiscarded { .. } => {}
            replication::Output::Send { .. }
            | replication::Output::Store { .. }
            | replication::Output::Fact(_)
            | replication::Output::Progress(_) => unreachable!("the core keeps these"),
        }
    }

    fn stopped(&mut self, node: usize, engine: usize, process: bool) {
        self.nodes[node].gates[engine] = None;
        self.watch.left(node, engine);
        let all = (0..self.engines()).all(|it| self.watch.has_left(node, it));
        if process || all {
            note!(self, "{node} ends");
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
        self.commands += 1;
        let id = self.commands;
        note!(self, "{node} is asked: {command:?} as {id}");
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
}

pub(crate) fn index(engine: usize) -> EngineIndex {
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
#[allow(clippy::wildcard_enum_match_arm, reason = "a line for people; most say themselves")]
pub(crate) fn brief(input: &Input) -> String {
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
