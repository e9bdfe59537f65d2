//! Commands of people: passed to the state machine, answered when it answers.
use super::Driver;
use hotpair_core::{EngineIndex, EngineInput};
use hotpair_fsm::{Command, CommandId, Refusal, Reply};
use hotpair_types::Time;
use tokio::sync::oneshot;

/// A command that waits for its answer.
pub(super) struct WaitingCommand {
    engine: EngineIndex,
    command: Command,
    since: Time,
    reply: Option<oneshot::Sender<Reply>>,
}

impl Driver {
    /// Passes a command to the state machine. `reply` gets exactly one answer.
    pub(crate) fn command(
        &mut self,
        engine: EngineIndex,
        command: Command,
        reply: Option<oneshot::Sender<Reply>>,
    ) {
        let ticket = self.ticket();
        let since = self.clock.now();
        self.commands.insert(ticket, WaitingCommand { engine, command, since, reply });
        self.engine_input(engine, EngineInput::Command { id: CommandId(ticket), command });
    }

    pub(super) fn answer_command(&mut self, engine: EngineIndex, id: CommandId, reply: Reply) {
        let Some(waiting) = self.commands.remove(&id.0) else { return };
        let name = self.name_of(engine).clone();
        tracing::info!(engine = %name, command = ?waiting.command, ?reply, "command");
        let wall = self.clock.wall();
        self.events.push_command(&name, wall, waiting.command, &reply);
        if waiting.command == Command::Undeploy && matches!(reply, Reply::Accepted | Reply::Done) {
            // At once: a restart before it has stopped must not bring it back.
            self.store.keep_undeployed(engine, true);
        }
        if waiting.command == Command::Deploy && matches!(reply, Reply::Accepted | Reply::Done) {
            self.engine_deployed(engine);
        }
        if let Some(sender) = waiting.reply {
            sender.send(reply).ok();
        }
        self.changed();
    }

    /// A command is answered, always (L3): what the machine did not answer within the time of a
    /// handover and its own patience is refused: nobody answered.
    pub(super) fn forget_late_commands(&mut self) {
        let patience = self.settings.pair.handover_timeout * 3;
        let now = self.clock.now();
        let late: Vec<_> = self
            .commands
            .iter()
            .filter(|(_, it)| now.since(it.since) > patience)
            .map(|(id, it)| (*id, it.engine))
            .collect();
        for (id, engine) in late {
            self.answer_command(engine, CommandId(id), Reply::Refused(vec![Refusal::NoAnswer]));
        }
    }
}
