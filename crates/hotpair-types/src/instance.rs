//! One start of a node process.
use std::fmt;

/// One start of a node process. The count is durable and grows with every start; the tag is
/// random, so that a store that was rolled back cannot pretend to be a start that has been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Instance {
    /// How many times this store was started, from 1.
    pub count: u64,
    /// Random.
    pub tag: u64,
}

impl Instance {
    /// Whether this is a later start of the same node than `other`.
    #[must_use]
    pub const fn is_newer_than(self, other: Self) -> bool {
        self.count > other.count
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:08x}", self.count, self.tag >> 32)
    }
}
