//! Where a journal ends.
use crate::Epoch;
use std::fmt;

/// Which journal of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum JournalKind {
    /// The persistent database: settings, deployments, records. Hash-chained.
    Config,
    /// Live state: tag values and whatever providers post.
    Runtime,
}

impl JournalKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Config, Self::Runtime];
}

impl fmt::Display for JournalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Config => "config",
            Self::Runtime => "runtime",
        })
    }
}

/// The place of one entry in a journal, or where a journal ends. The sequence begins at 1 and goes
/// on across epochs; 0 is an empty journal. Only comparable within one history (see `Lineage`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Position {
    /// The epoch under which the entry was written.
    pub epoch: Epoch,
    /// Counts the entries of the history, from 1.
    pub sequence: u64,
}

impl Position {
    /// An empty journal.
    pub const START: Self = Self { epoch: Epoch::NONE, sequence: 0 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.sequence)
    }
}

/// Where both journals of an engine end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Positions {
    /// The end of the config journal.
    pub config: Position,
    /// The end of the runtime journal.
    pub runtime: Position,
}

impl Positions {
    /// The end of one journal.
    #[must_use]
    pub const fn of(&self, kind: JournalKind) -> Position {
        match kind {
            JournalKind::Config => self.config,
            JournalKind::Runtime => self.runtime,
        }
    }
}

impl fmt::Display for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "config {}, runtime {}", self.config, self.runtime)
    }
}
