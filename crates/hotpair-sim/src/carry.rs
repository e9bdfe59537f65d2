//! Carries out what cores ask for.
use crate::losses::Loss;
use crate::world::{Happening, World};
use crate::{FaultKind, invariants};
use hotpair_core::{EngineIndex, EngineInput, EngineOutput, Input, Output};
use hotpair_fsm::{self as fsm, BeatHeard, CommandId};
use hotpair_replication as replication;
use hotpair_types::{Channel, Instance, StateId};
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
        let mut out = std::mem::take(&mut self.outputs);
        // A beat of which nothing came leaves nothing to send or store.
        let idle = matches!(input, Input::Beat { .. } | Input::Tick);
        self.nodes[node].handle(self.now, input, &mut out);
        if !idle || !out.is_empty() {
            self.nodes[node].handle(self.now, Input::Flush, &mut out);
        }
        self.carry_out(node, &mut out);
        // What came of it may have used another.
        self.outputs = out;
    }

    pub(crate) fn wake(&mut self, node: usize) {
        self.nodes[node].touch();
        for engine in 0..self.engines() {
            while let Some((ticket, safe)) =
                self.nodes[node].disks[engine].done(self.now, &mut self.rng)
            {
                let input = if safe {
                    EngineInput::Stored(ticket)
                } else {
                    note!(self, "{node} cannot store {ticket:?}");
                    let host = &mut self.nodes[node];
                    let failed = host.disks[engine].failed.is_some();
                    host.record_refused[engine] = !failed;
                    if failed {
                        self.watch.failures.commit_failed(self.now, node, engine);
                    }
                    EngineInput::StoreFailed(ticket)
                };
                self.give(node, Input::Engine { engine: index(engine), input });
            }
        }
        self.give(node, Input::Tick);
        self.look_at_failed_disks(node);
    }

    /// Carries out what a core asks for; none of it is left.
    pub(crate) fn carry_out(&mut self, node: usize, out: &mut Vec<Output>) {
        for output in out.drain(..) {
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
                    let [first, second] = self.net.datagram(self.now, channel, node, &mut self.rng);
                    let again = second.map(|at| (at, views.clone()));
                    for (at, views) in first.map(|at| (at, views)).into_iter().chain(again) {
                        let input = Input::Beat { beat, number, views };
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
                self.watch.words.tells_level(engine, view.about, view.echo);
            }
        }
    }

    fn effect(&mut self, node: usize, engine: EngineIndex, output: EngineOutput) {
        let at = usize::from(engine.0);
        let again = |input| Input::Engine { engine, input };
        match output {
            EngineOutput::Summary(summary) => {
                let from = self.nodes[node].instance;
                let input = again(EngineInput::Summary { from, summary });
                self.frame(node, replication::Lane::Control, input);
            }
            EngineOutput::Send { lane, message } => {
                let from = self.nodes[node].instance;
                let channel = Channel::Redundancy;
                let input = EngineInput::Message { channel, from, message };
                self.frame(node, lane, again(input));
            }
            EngineOutput::Store { ticket, op } => {
                invariants::look_at_config(self, at, &op);
                let host = &mut self.nodes[node];
                let safe_at = host.safe_at(self.now, &mut self.rng);
                host.disks[at].submit(safe_at, ticket, op);
                host.touch();
                self.spring(node, FaultKind::CrashAtStore);
            }
            EngineOutput::OpenOutputs { epoch } => {
                note!(self, "{node} OPENS {engine:?} under {epoch}");
                self.promotions += 1;
                self.nodes[node].gates[at] = Some(epoch);
                let durable = self.nodes[node].disks[at].image.record.epoch;
                self.watch.opened(node, at, epoch, durable);
                let rule = self.watch.take_rule(node, at);
                invariants::look_who_acts(self, node, at, rule);
            }
            EngineOutput::CloseOutputs => {
                note!(self, "{node} closes {engine:?}");
                self.nodes[node].gates[at] = None;
                self.later(node, again(EngineInput::OutputsClosed));
            }
            EngineOutput::PrepareObjects => {
                let fails = self.nodes[node].objects_fail;
                self.later(
                    node,
                    again(if fails {
                        EngineInput::PromotionFailed
                    } else {
                        EngineInput::ObjectsReady
                    }),
                );
            }
            EngineOutput::TellGuard { behind } => {
                let most = self.nodes[node].guard_delay_max;
                let after = self.rng.between(Duration::from_micros(5), most);
                let instance = self.nodes[node].instance;
                let learns = Happening::GuardLearns { node, instance, engine: at, behind };
                self.at(self.now + after, learns);
            }
            EngineOutput::AskGrant(ask) => self.ask_grant(node, at, ask),
            EngineOutput::ReleaseGrant => self.release_grant(node, at),
            EngineOutput::GoAlone => self.order_alone(node, at, true),
            EngineOutput::EndAlone => self.order_alone(node, at, false),
            EngineOutput::Reply { id, reply } => {
                note!(self, "{node} answers command {}: {reply:?}", id.0);
                let host = &mut self.nodes[node];
                let asked = host.commands.iter().position(|it| it.1 == id.0);
                let asked = asked.map(|it| host.commands.remove(it).3);
                if matches!(reply, fsm::Reply::Accepted | fsm::Reply::Done) {
                    // As the node: a restart before it has stopped must not bring it back.
                    match asked {
                        Some(fsm::Command::Pause) => self.watch.set_paused(at, true),
                        Some(fsm::Command::Undeploy) => host.undeployed[at] = true,
                        Some(fsm::Command::Deploy) => host.undeployed[at] = false,
                        Some(_) | None => {}
                    }
                    if self.nodes[node].leaving && asked == Some(fsm::Command::Deploy) {
                        // It leaves with the others.
                        let input = self.asked(node, at, fsm::Command::Leave);
                        self.later(node, input);
                    }
                }
            }
            EngineOutput::RoleChanged(change) => {
                let (from, to) = (change.from, change.to);
                let rule = change.rule.id();
                note!(self, "{node} {engine:?} {from} -> {to} ({rule})");
                *self.rules.entry(rule).or_default() += 1;
                self.watch.told.changed(node, at, from, to);
                self.watch.changed(node, at, &change, &self.nodes[node].disks[at].image.record);
                let round = self.machine(node, at).map_or(0, |it| it.view().round);
                let instance = self.nodes[node].instance;
                let told = self.watch.words.was_told(at, instance, round);
                if change.rule == fsm::Rule::Level && !told {
                    let text = format!("node {node} is level in engine {at} by an older word");
                    self.watch.broken_proof.get_or_insert(text);
                }
                if to.is_syncing() {
                    self.spring(node, FaultKind::CrashInSync);
                }
                if matches!(to, StateId::SwitchingToActive | StateId::SwitchingToStandby)
                    || rule == fsm::Rule::Opened.id()
                {
                    self.spring(node, FaultKind::CrashInChange);
                }
            }
            EngineOutput::Alarm(alarm) => note!(self, "{node} alarm {alarm:?}"),
            EngineOutput::Stopped { process, .. } => {
                note!(self, "{node} {engine:?} stopped, process {process}");
                self.stopped(node, at, process);
            }
            EngineOutput::Data(output) => self.data(node, engine, output),
            EngineOutput::StopObjects | EngineOutput::Step(_) => {}
        }
    }

    /// Something the node does for itself, a moment later.
    pub(crate) fn later(&mut self, node: usize, input: Input) {
        let after = self.rng.between(Duration::from_micros(10), Duration::from_millis(2));
        let (at, instance) = (self.now + after, self.nodes[node].instance);
        self.at(at, Happening::Own { node, instance, input });
    }

    fn stopped(&mut self, node: usize, engine: usize, process: bool) {
        self.nodes[node].gates[engine] = None;
        if !process && !self.nodes[node].leaving {
            self.nodes[node].undeployed[engine] = true;
            return;
        }
        self.watch.left(node, engine);
        let gone = |it| self.watch.has_left(node, it) || self.nodes[node].undeployed[it];
        let all = (0..self.engines()).all(gone);
        if all {
            note!(self, "{node} ends");
            // A clean end closes its files: everything written is safe.
            let failed = self.nodes[node].disks.iter().any(|it| it.failed.is_some());
            self.end_asking(node);
            self.nodes[node].die(|waiting| waiting);
            self.watch.died(self.now, node);
            if failed || self.watch.disk_troubled(node, self.now) {
                self.lost(node, Loss::Memory);
            }
            self.reset_connections(node, true);
            let after = self.rng.between(Duration::from_millis(50), Duration::from_secs(3));
            self.at(self.now + after, Happening::Start(node));
        }
    }

    /// A guard reads what its node wrote before it died, or the node did not come to write it.
    pub(crate) fn guard_learns(
        &mut self,
        node: usize,
        instance: Instance,
        engine: usize,
        behind: bool,
    ) {
        if self.nodes[node].instance == instance {
            self.nodes[node].behind[engine] = behind;
            let input = EngineInput::GuardTold { behind };
            self.later(node, Input::Engine { engine: index(engine), input });
        }
    }

    pub(crate) fn command(&mut self, node: usize, engine: usize, command: fsm::Command) {
        if self.nodes[node].core.is_none() {
            return;
        }
        if command == fsm::Command::Resume {
            self.watch.set_paused(engine, false);
        }
        let input = self.asked(node, engine, command);
        self.give(node, input);
    }

    /// A command that will be answered.
    fn asked(&mut self, node: usize, engine: usize, command: fsm::Command) -> Input {
        self.commands += 1;
        let id = self.commands;
        note!(self, "{node} is asked: {command:?} as {id}");
        self.nodes[node].commands.push((index(engine), id, self.now, command));
        let input = EngineInput::Command { id: CommandId(id), command };
        Input::Engine { engine: index(engine), input }
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
