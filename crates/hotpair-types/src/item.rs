//! What an entry of a journal is about.
use std::fmt;

/// The address of one value: a provider of runtime data and its item, or `config` and a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ItemKey {
    /// The runtime state provider, for example `tags`; empty for config data.
    pub provider: Box<str>,
    /// The item within it, for example a tag's path or a config key.
    pub item: Box<str>,
}

impl ItemKey {
    /// The address of a value of a provider.
    #[must_use]
    pub fn new(provider: &str, item: &str) -> Self {
        Self { provider: provider.into(), item: item.into() }
    }

    /// The address of a config record.
    #[must_use]
    pub fn config(key: &str) -> Self {
        Self::new("", key)
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.provider.is_empty() {
            return f.write_str(&self.item);
        }
        write!(f, "{}/{}", self.provider, self.item)
    }
}

/// Milliseconds since 1970 on the wall clock of the node that wrote. For people to read: nothing
/// is decided by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NodeTime(pub u64);
