//! Which stream a message of a replica takes.
use crate::Message;

/// Which stream a message takes. Within a lane messages keep their order; a lane with a higher
/// priority does not wait for one with a lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Small questions and answers.
    Control,
    /// Live entries and their acknowledgements.
    Data,
    /// Snapshot chunks, module bytes, losing entries.
    Bulk,
}

impl Message {
    /// The stream it takes.
    #[must_use]
    pub const fn lane(&self) -> Lane {
        match self {
            Self::Begin { .. }
            | Self::Manifest { .. }
            | Self::ModuleWanted { .. }
            | Self::WayWanted { .. }
            | Self::Way { .. }
            | Self::LosingTaken { .. }
            | Self::ChunkWanted { .. }
            | Self::MoreWanted { .. }
            | Self::AheadWanted { .. }
            | Self::ModuleOffered { .. }
            | Self::ModuleTaken { .. } => Lane::Control,
            Self::EntriesWanted { .. }
            | Self::SnapshotWanted { .. }
            | Self::SnapshotBegins { .. }
            | Self::Entries { .. }
            | Self::EntriesGone { .. }
            | Self::Ack { .. }
            | Self::ResendWanted { .. }
            | Self::CaughtUp { .. }
            | Self::Ahead { .. }
            | Self::AheadEnd { .. }
            | Self::Compare { .. }
            | Self::Compared { .. } => Lane::Data,
            Self::ModuleChunk { .. }
            | Self::Losing { .. }
            | Self::Chunk { .. }
            | Self::DigestsWanted { .. }
            | Self::Digests { .. } => Lane::Bulk,
        }
    }
}
