//! What happened to an engine on this node, with rule and evidence.
use super::Evidence;
use hotpair_types::StateId;
use serde::{Deserialize, Serialize};

/// What kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// The engine went from one state to another.
    State,
    /// The role changed: became active, or ceased to be.
    Role,
    /// A person's command and what became of it.
    Command,
    /// A channel went up or down.
    Channel,
    /// Losing entries were kept.
    Divergence,
    /// Something a person should look at.
    Alarm,
}

/// One event. Durable for changes of role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Counts this node's events across restarts, from 1.
    pub number: u64,
    /// What kind.
    pub kind: EventKind,
    /// Which engine; absent when it concerns the node.
    pub engine: Option<String>,
    /// Wall clock of this node, milliseconds since 1970. For people.
    pub at_ms: u64,
    /// The state before.
    pub from: Option<StateId>,
    /// The state after.
    pub to: Option<StateId>,
    /// The cause in one kebab-case word, for example `fenced`; also the label in metrics.
    pub cause: String,
    /// The rule that applied, by its row in docs/design/states.md.
    pub rule: String,
    /// One sentence.
    pub text: String,
    /// The facts it rests on.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// The epoch before and after.
    pub epoch_before: u64,
    /// The epoch after.
    pub epoch_after: u64,
    /// Who asked for it, if a person did.
    pub by: Option<String>,
}
