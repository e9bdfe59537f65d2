//! What a person may ask of a node, and the verdict.
use super::Reason;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Planned change of roles; with `dry_run` only a forecast.
    Switchover {
        /// Forecast, change nothing.
        dry_run: bool,
    },
    /// "Make me responsible": a switchover to this node.
    BecomeActive,
    /// Makes this node active by force.
    Promote {
        /// Without it a promotion that loses anything is refused and shows the loss.
        accept_data_loss: bool,
    },
    /// No automatic change of role until `Resume`, on both nodes.
    Pause,
    /// Ends a pause and a suspension.
    Resume,
    /// Throws this standby's data away and copies anew.
    Reinit,
    /// Runs the engine on this node again.
    Deploy,
    /// Takes the engine off this node; nobody takes over because of it.
    Undeploy,
    /// Restarts the engine's objects.
    Restart,
    /// Hands every engine over and ends when done.
    Drain,
    /// Rehearses a takeover; clients see nothing of it.
    Drill,
    /// Sets what is logged.
    Log(LogLevel),
}

impl Command {
    /// Which command, without its choices.
    #[must_use]
    pub const fn kind(self) -> CommandKind {
        match self {
            Self::Switchover { .. } => CommandKind::Switchover,
            Self::BecomeActive => CommandKind::BecomeActive,
            Self::Promote { .. } => CommandKind::Promote,
            Self::Pause => CommandKind::Pause,
            Self::Resume => CommandKind::Resume,
            Self::Reinit => CommandKind::Reinit,
            Self::Deploy => CommandKind::Deploy,
            Self::Undeploy => CommandKind::Undeploy,
            Self::Restart => CommandKind::Restart,
            Self::Drain => CommandKind::Drain,
            Self::Drill => CommandKind::Drill,
            Self::Log(_) => CommandKind::Log,
        }
    }
}

/// A command's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each is documented at `Command`")]
pub enum CommandKind {
    Switchover,
    BecomeActive,
    Promote,
    Pause,
    Resume,
    Reinit,
    Deploy,
    Undeploy,
    Restart,
    Drain,
    Drill,
    Log,
}

impl fmt::Display for CommandKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Switchover => "switchover",
            Self::BecomeActive => "become-active",
            Self::Promote => "promote",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Reinit => "reinit",
            Self::Deploy => "deploy",
            Self::Undeploy => "undeploy",
            Self::Restart => "restart",
            Self::Drain => "drain",
            Self::Drill => "drill",
            Self::Log => "log",
        })
    }
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the usual five")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Who asks; for the record of role changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The address of the connection.
    pub address: String,
    /// What the client calls itself, made harmless and short.
    pub agent: String,
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.agent, self.address)
    }
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It is under way, or done already.
    Accepted(Accepted),
    /// Refused for all of these reasons.
    Refused {
        /// Every reason that holds.
        reasons: Vec<Reason>,
        /// The base address of the node to ask instead, if there is one.
        active: Option<String>,
    },
}

/// A command that is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// Which command.
    pub command: CommandKind,
    /// One sentence about what happens now.
    pub text: String,
    /// Events with a number above this one tell what becomes of it.
    pub since_event: u64,
    /// Whether it was passed on to the partner.
    pub forwarded: bool,
    /// What is expected of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Forecast>,
}

/// What a switch would cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// For how long nobody takes writes.
    pub gap_ms: f64,
    /// How many writes would be held meanwhile, at the present rate.
    pub held_writes: u64,
    /// How many entries would be lost.
    pub lost_entries: u64,
    /// What it rests on.
    pub text: String,
}
