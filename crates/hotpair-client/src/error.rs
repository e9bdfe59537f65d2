//! The ways in which a request can end that are not "done".
use crate::{AddressError, NodeAddress, Problem};

/// One attempt that led to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// At which node.
    pub node: NodeAddress,
    /// What happened.
    pub what: String,
}

/// Why a request is not done, or not known to be.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A node refused it. It did not happen.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// Nobody could be reached in time. It did not happen.
    #[error("no node could be reached: {}", shown(.0))]
    Unreachable(Vec<Attempt>),
    /// It was sent, and no answer came in time that says what became of it. It may have happened.
    #[error("it is not known whether it was done: {}", shown(.0))]
    Unknown(Vec<Attempt>),
    /// The answer is not what this client knows.
    #[error("the answer of {node} cannot be read: {reason}")]
    Malformed {
        /// Whose.
        node: NodeAddress,
        /// Why.
        reason: String,
    },
    /// The client was built wrongly.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The client was built wrongly.
    #[error("{0}")]
    Settings(&'static str),
}

impl Error {
    /// The stable kind of a refusal.
    #[must_use]
    pub fn refusal(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            Self::Unreachable(_)
            | Self::Unknown(_)
            | Self::Malformed { .. }
            | Self::Address(_)
            | Self::Settings(_) => None,
        }
    }
}

fn shown(attempts: &[Attempt]) -> String {
    let shown: Vec<_> = attempts.iter().map(|it| format!("{} {}", it.node, it.what)).collect();
    if shown.is_empty() { "no time was left".into() } else { shown.join("; ") }
}
