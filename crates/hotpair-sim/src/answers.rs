//! What replicas ask for, and the way of an answer: through the gate, when it leaves and not when it
//! was decided.
use crate::carry::index;
use crate::world::World;
use hotpair_core::{EngineIndex, EngineInput, Input};
use hotpair_replication::{self as replication, Outcome, WriteTicket};
use hotpair_types::Time;

/// An answer that was decided and has not left.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) decided: Time,
    pub(crate) engine: usize,
    pub(crate) ticket: WriteTicket,
    pub(crate) outcome: Outcome,
}

impl World {
    pub(crate) fn data(&mut self, node: usize, engine: EngineIndex, output: replication::Output) {
        let at = usize::from(engine.0);
        match output {
            replication::Output::Reply { ticket, outcome } => {
                let answer = Answer { decided: self.now, engine: at, ticket, outcome };
                self.answer(node, answer);
            }
            replication::Output::ReadJournal { ticket, kind, after, until, .. } => {
                let entries = self.nodes[node].disks[at].read(kind, after, until);
                let input = replication::Input::JournalRead { ticket, entries };
                self.later(node, Input::Engine { engine, input: EngineInput::Data(input) });
            }
            replication::Output::Alarm(alarm) => {
                note!(self, "{node} alarm {alarm:?}");
                let level = self.machine(node, at).is_some_and(|it| it.state().is_level());
                if level && matches!(alarm, replication::Alarm::Inconsistency { .. }) {
                    let text = format!("node {node} stays level in engine {at} with {alarm:?}");
                    self.watch.broken_promise.get_or_insert(text);
                }
            }
            // No provider, no module and no person is in this world.
            replication::Output::Apply { .. }
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

    /// A process may stand still between what it decided and what leaves.
    fn answer(&mut self, node: usize, answer: Answer) {
        let promises = matches!(answer.outcome, Outcome::Acknowledged(_));
        if promises && let Some(fault) = self.nodes[node].stands_at_answer.take() {
            note!(self, "{node} stands still before it answers {:?}", answer.ticket);
            self.stand_still(fault);
        }
        if self.nodes[node].paused {
            self.nodes[node].held.push(answer);
        } else {
            self.leave(node, &answer);
        }
    }

    /// Answers that waited for the process to go on leave before it hears anything.
    pub(crate) fn leave_held(&mut self, node: usize) {
        for answer in std::mem::take(&mut self.nodes[node].held) {
            self.leave(node, &answer);
        }
    }

    /// The gate, as in the driver: who is not active, or was not asked for too long, acknowledges
    /// nothing. Its client knows nothing then, and asks again.
    fn leave(&mut self, node: usize, answer: &Answer) {
        let Answer { decided, engine, ticket, ref outcome } = *answer;
        if !self.passes(node, engine) {
            return;
        }
        if let Outcome::Acknowledged(how) = outcome {
            self.look_at_gate(node, engine, decided);
            self.watch.failures.acknowledges(node, engine);
            if !self.client.asks_here_only(ticket.0) && how.degraded {
                let host = &self.nodes[node];
                let record = &host.disks[engine].image.record;
                self.watch.degraded(node, record, host.behind[engine]);
            }
        }
        if let Some(number) = self.client.answered(self.now, ticket.0, outcome, node) {
            self.look_at_answer(node, number);
        }
    }

    /// Whether something of an engine may leave now. Each input decides it anew.
    fn passes(&self, node: usize, engine: usize) -> bool {
        let host = &self.nodes[node];
        let until = host.core.as_ref().and_then(|it| it.outputs_until(index(engine)));
        host.gates[engine].is_some() && until.is_some_and(|it| host.local(self.now) < it)
    }
}
