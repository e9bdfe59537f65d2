//! The two places of a pair and the two channels between them.
use std::fmt;
use std::ops::{Index, IndexMut};

/// One of the two places of an engine. Fixed in the settings, never changed by a takeover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Designation {
    /// The preferred place: wins a tie, and may be the only one that writes config data.
    Master,
    /// The other place.
    Backup,
}

impl Designation {
    /// Both, master first.
    pub const ALL: [Self; 2] = [Self::Master, Self::Backup];

    /// The place of the partner.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Master => Self::Backup,
            Self::Backup => Self::Master,
        }
    }
}

impl fmt::Display for Designation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Master => "master",
            Self::Backup => "backup",
        })
    }
}

/// One of the two ways to the partner. Each has its own beats, missed count and limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Channel {
    /// The dedicated message channel. Data prefers it.
    Redundancy,
    /// The ordinary network.
    Primary,
}

impl Channel {
    /// Both, in the order in which a starting node asks over them.
    pub const ALL: [Self; 2] = [Self::Redundancy, Self::Primary];

    /// The other channel.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Redundancy => Self::Primary,
            Self::Primary => Self::Redundancy,
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redundancy => "redundancy",
            Self::Primary => "primary",
        })
    }
}

/// One value for each channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PerChannel<T> {
    /// The value of the redundancy channel.
    pub redundancy: T,
    /// The value of the primary channel.
    pub primary: T,
}

impl<T> PerChannel<T> {
    /// Makes the value of each channel.
    pub fn from_fn(mut make: impl FnMut(Channel) -> T) -> Self {
        Self { redundancy: make(Channel::Redundancy), primary: make(Channel::Primary) }
    }

    /// Both, redundancy first.
    pub fn iter(&self) -> impl Iterator<Item = (Channel, &T)> {
        [(Channel::Redundancy, &self.redundancy), (Channel::Primary, &self.primary)].into_iter()
    }
}

impl<T> Index<Channel> for PerChannel<T> {
    type Output = T;

    fn index(&self, channel: Channel) -> &T {
        match channel {
            Channel::Redundancy => &self.redundancy,
            Channel::Primary => &self.primary,
        }
    }
}

impl<T> IndexMut<Channel> for PerChannel<T> {
    fn index_mut(&mut self, channel: Channel) -> &mut T {
        match channel {
            Channel::Redundancy => &mut self.redundancy,
            Channel::Primary => &mut self.primary,
        }
    }
}
