//! The thirteen redundancy states (docs/design/states.md, "States").
use std::fmt;

/// A redundancy state. A node is itself in 1 to 11; `Failed` and `Unknown` are what it reports of
/// its partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum StateId {
    /// 1: first state after start, and after anything that made us unsure; outputs closed.
    DeterminingFailoverStatus,
    /// 2: runs objects, accepts writes; the partner is a reachable standby.
    Active,
    /// 3: runs objects, accepts writes; without a trusted standby.
    ActiveStandbyNotAvailable,
    /// 4: missed data, a missing module, or contact lost before the sync ended.
    StandbyNotReady,
    /// 5: code modules are being brought level.
    StandbySyncingWithActive,
    /// 6: every code module matches; the way to transfer data is being settled.
    StandbySyncingCode,
    /// 7: data is being brought level.
    StandbySyncingData,
    /// 8: level with the active, follows every change, watches beats.
    StandbyReady,
    /// 9: beats missed; works out whether the active failed.
    StandbyMissedHeartbeats,
    /// 10: promotion under way, outputs shut.
    SwitchingToActive,
    /// 11: demotion under way, no new writes.
    SwitchingToStandby,
    /// 12: of a partner: its process is known to have died.
    Failed,
    /// 13: of a partner: silence, stopped, or undeployed.
    Unknown,
}

impl StateId {
    /// All thirteen, by number.
    pub const ALL: [Self; 13] = [
        Self::DeterminingFailoverStatus,
        Self::Active,
        Self::ActiveStandbyNotAvailable,
        Self::StandbyNotReady,
        Self::StandbySyncingWithActive,
        Self::StandbySyncingCode,
        Self::StandbySyncingData,
        Self::StandbyReady,
        Self::StandbyMissedHeartbeats,
        Self::SwitchingToActive,
        Self::SwitchingToStandby,
        Self::Failed,
        Self::Unknown,
    ];

    /// 1 to 13, as in the table of states.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The name people see.
    #[must_use]
    pub const fn display_name(self) -> &'static str {
        match self {
            Self::DeterminingFailoverStatus => "Determining Failover Status",
            Self::Active => "Active",
            Self::ActiveStandbyNotAvailable => "Active - Standby not Available",
            Self::StandbyNotReady => "Standby - Not Ready",
            Self::StandbySyncingWithActive => "Standby - Sync'ng with Active",
            Self::StandbySyncingCode => "Standby - Syncing Code",
            Self::StandbySyncingData => "Standby - Syncing Data",
            Self::StandbyReady => "Standby - Ready",
            Self::StandbyMissedHeartbeats => "Standby - Missed Heartbeats",
            Self::SwitchingToActive => "Switching to Active",
            Self::SwitchingToStandby => "Switching to Standby",
            Self::Failed => "Failed",
            Self::Unknown => "Unknown",
        }
    }

    /// The name programs see.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::DeterminingFailoverStatus => "determining-failover-status",
            Self::Active => "active",
            Self::ActiveStandbyNotAvailable => "active-standby-not-available",
            Self::StandbyNotReady => "standby-not-ready",
            Self::StandbySyncingWithActive => "standby-syncing-with-active",
            Self::StandbySyncingCode => "standby-syncing-code",
            Self::StandbySyncingData => "standby-syncing-data",
            Self::StandbyReady => "standby-ready",
            Self::StandbyMissedHeartbeats => "standby-missed-heartbeats",
            Self::SwitchingToActive => "switching-to-active",
            Self::SwitchingToStandby => "switching-to-standby",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// The state with this kebab-case id.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.id() == id)
    }

    /// 2 or 3.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Active | Self::ActiveStandbyNotAvailable)
    }

    /// 4 to 9.
    #[must_use]
    pub const fn is_standby(self) -> bool {
        self.number() >= 4 && self.number() <= 9
    }

    /// 8 or 9: level as far as it knows.
    #[must_use]
    pub const fn is_level(self) -> bool {
        matches!(self, Self::StandbyReady | Self::StandbyMissedHeartbeats)
    }

    /// 4 to 7: not level yet.
    #[must_use]
    pub const fn is_syncing(self) -> bool {
        self.number() >= 4 && self.number() <= 7
    }
}

impl fmt::Display for StateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.display_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ids_are_those_of_the_table() {
        for (index, state) in StateId::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(state.number()), index + 1);
            assert_eq!(StateId::from_id(state.id()), Some(state));
        }
        assert_eq!(
            StateId::StandbySyncingWithActive.display_name(),
            "Standby - Sync'ng with Active"
        );
    }
}
