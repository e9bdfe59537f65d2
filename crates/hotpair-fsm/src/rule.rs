//! The rows of the transition table. Generated pictures and logs cite them by id.
use hotpair_types::StateId;

/// Which row of the table was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// The first state of a process.
    Started,
}

impl Rule {
    /// For logs and programs.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Started => "started",
        }
    }

    /// For people.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::Started => "the process started",
        }
    }
}

/// One legal change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The state left.
    pub from: StateId,
    /// The state entered.
    pub to: StateId,
    /// The row.
    pub rule: Rule,
}
