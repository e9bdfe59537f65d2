//! Which versions of the messages a node speaks, and which one a pair speaks.
use serde::{Deserialize, Serialize};
use std::fmt;

/// The version of the replicated data. An older node never overwrites newer data.
pub const DATA_SCHEMA_VERSION: u32 = 1;

/// The versions of the messages that a node understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRange {
    /// The oldest.
    pub min: u16,
    /// The newest.
    pub max: u16,
}

/// Two nodes that do not understand each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no common wire version: {own} here, {partner} at the partner; upgrade the older node")]
pub struct NoCommonVersion {
    /// What this node understands.
    pub own: VersionRange,
    /// What the other understands.
    pub partner: VersionRange,
}

impl VersionRange {
    /// What this release understands: 2 compares digests with a level standby.
    pub const OWN: Self = Self { min: 1, max: 2 };

    /// From this version on `ReplicaMessage::Compare` is understood.
    pub const COMPARES: u16 = 2;

    /// The newest version that both understand.
    ///
    /// # Errors
    /// `NoCommonVersion` when there is none.
    pub fn common(self, partner: Self) -> Result<u16, NoCommonVersion> {
        let newest = self.max.min(partner.max);
        if newest < self.min.max(partner.min) {
            return Err(NoCommonVersion { own: self, partner });
        }
        Ok(newest)
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.min, self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_speak_the_newest_that_both_know() {
        let range = |min, max| VersionRange { min, max };
        assert_eq!(range(1, 2).common(range(2, 3)), Ok(2));
        assert_eq!(range(2, 3).common(range(1, 2)), Ok(2));
        assert_eq!(range(1, 1).common(range(1, 9)), Ok(1));
        assert!(range(1, 2).common(range(3, 4)).is_err());
        assert!(range(3, 4).common(range(1, 2)).is_err());
        assert!(range(5, 4).common(range(0, 9)).is_err(), "an empty range has nothing in common");
    }
}
