//! Names the step that kept the loop busy: while it stands still no beat goes out and no deadline is kept.
use crate::clock::Clock;
use hotpair_core::{EngineOutput, Output};
use hotpair_replication as replication;
use hotpair_types::Time;
use std::time::Duration;

/// A step that takes longer is named in the log: a quarter of the silence that a partner believes, with
/// the settings as they come.
const SLOW: Duration = Duration::from_millis(250);

/// A step of the loop that began then is over now: the moment at which the next one begins.
pub(super) fn step_ended(clock: &Clock, what: &'static str, since: Time) -> Time {
    let now = clock.now();
    let took = now.since(since);
    if took >= SLOW {
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(step = what, took_ms, "the loop was kept busy; no beat went out meanwhile");
    }
    now
}

/// What carrying it out is called.
pub(super) const fn name_of(output: &Output) -> &'static str {
    let output = match output {
        Output::Beat { .. } => return "send a beat",
        Output::Engine { output, .. } => output,
    };
    match output {
        EngineOutput::Summary(_) | EngineOutput::Send { .. } => "send a message",
        EngineOutput::Store { .. } => "hand over to the storage",
        EngineOutput::Data(replication::Output::Restore { .. }) => {
            "restore the state of a provider"
        }
        EngineOutput::Data(replication::Output::Apply { .. }) => "apply an entry",
        EngineOutput::Data(_) => "serve data",
        EngineOutput::OpenOutputs { .. } => "open the outputs",
        EngineOutput::CloseOutputs | EngineOutput::StopObjects => "close the outputs",
        EngineOutput::Stopped { .. } => "stop an engine",
        EngineOutput::PrepareObjects
        | EngineOutput::TellGuard { .. }
        | EngineOutput::AskGrant(_)
        | EngineOutput::ReleaseGrant
        | EngineOutput::GoAlone
        | EngineOutput::EndAlone
        | EngineOutput::Reply { .. }
        | EngineOutput::RoleChanged(_)
        | EngineOutput::Alarm(_)
        | EngineOutput::Step(_) => "carry out a decision",
    }
}
