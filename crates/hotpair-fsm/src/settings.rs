//! What the machine and the detector need from the settings file, checked.
use hotpair_types::{ConflictWinner, Designation, Mode, PerChannel, RecoveryMode, StartAlone};
use std::time::Duration;

/// How long a grant lasts when no lease is set.
pub const DEFAULT_LEASE: Duration = Duration::from_secs(3);
/// How far two monotonic clocks may run apart, in parts per million.
const CLOCK_RATE_ERROR_PPM: u128 = 1_000;
/// A partner that is refused tries again within half a second, a try may get no answer for a second, and
/// one may be lost: it counts as alive for so long after each.
const REFUSED_HOLDS: Duration = Duration::from_secs(3);
/// How long closing the outputs may take.
pub(crate) const CLOSING_TIME: Duration = Duration::from_millis(100);

/// When a beat is due and when a channel counts as silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Beats {
    /// Time between two beats.
    pub interval: Duration,
    /// Consecutive missed beats after which a channel is silent.
    pub limits: PerChannel<u32>,
    /// After a hint: how long an unanswered question must have been waiting.
    pub verify_min: Duration,
    /// How long an active may go on without an acknowledged beat (`no-split`, `arbiter`).
    pub fence_after: Duration,
    /// How long a standby keeps the promise that its acknowledgement is.
    pub promote_after: Duration,
}

impl Beats {
    /// How long until silence on both channels is noticed.
    #[must_use]
    pub fn detection_bound(&self) -> Duration {
        self.interval * self.limits.redundancy.max(self.limits.primary)
    }

    /// How long a partner that was refused counts as alive.
    pub(crate) fn refused_holds(&self) -> Duration {
        self.detection_bound().max(REFUSED_HOLDS)
    }
}

/// The settings of one engine that decide its role. `Settings::check` before use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Settings {
    /// The place of this node for this engine.
    pub designation: Designation,
    /// What the pair gives up.
    pub mode: Mode,
    /// What a node does that hears nobody when it starts.
    pub start_alone: StartAlone,
    /// Which of two actives wins.
    pub conflict_winner: ConflictWinner,
    /// Whether the master takes over again by itself.
    pub recovery: RecoveryMode,
    /// How long the master must have been ready before it does.
    pub recovery_hold: Duration,
    /// After so many changes of role within the window the engine is suspended.
    pub suspend_after: u32,
    /// The window, and the quiet time that ends a suspension.
    pub suspend_window: Duration,
    /// How long a starting node looks for its partner.
    pub startup_allowance: Duration,
    /// How long a handover may take at each step.
    pub handover_timeout: Duration,
    /// How long data may stay unacknowledged while beats are fine.
    pub drop_after: Duration,
    /// How long a grant lasts without renewal (`arbiter`).
    pub lease: Duration,
    /// Beats, limits and deadlines of silence.
    pub beats: Beats,
}

/// What of the settings may change while a machine runs. No invariant between the two nodes rests on
/// any of it, so that they need not change at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Policy {
    /// `Settings::recovery`
    pub recovery: RecoveryMode,
    /// `Settings::recovery_hold`
    pub recovery_hold: Duration,
    /// `Settings::suspend_after`
    pub suspend_after: u32,
    /// `Settings::suspend_window`
    pub suspend_window: Duration,
    /// `Settings::handover_timeout`
    pub handover_timeout: Duration,
    /// `Settings::drop_after`
    pub drop_after: Duration,
}

/// Settings that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The fence would close after the standby may already have promoted.
    #[error(
        "promote_after {promote_after:?} is too short for fence_after {fence_after:?}: with clocks \
         that differ by 0.1 % and 100 ms to close it must be at least {least:?}"
    )]
    FenceTooLate {
        /// As set.
        fence_after: Duration,
        /// As set.
        promote_after: Duration,
        /// What would do.
        least: Duration,
    },
    /// Only `availability` may start without proof.
    #[error("start_alone = \"assume\" is only possible with mode = \"availability\", not {mode}")]
    AssumeWithoutAvailability {
        /// As set.
        mode: Mode,
    },
    /// A limit of zero would make every moment silence.
    #[error("{name} must be more than zero")]
    Zero {
        /// Which.
        name: &'static str,
    },
    /// Longer than what one channel needs to fall silent.
    #[error("fence_after {fence_after:?} is shorter than two beats of {interval:?}")]
    FenceTooShort {
        /// As set.
        fence_after: Duration,
        /// As set.
        interval: Duration,
    },
    /// A grant would end before it could be renewed, or before the fence that takes its place.
    #[error(
        "lease {lease:?} is too short: with fence_after {fence_after:?}, clocks that differ by 0.1 % \
         and 100 ms to close it must be at least {least:?}"
    )]
    LeaseTooShort {
        /// As set.
        lease: Duration,
        /// As set.
        fence_after: Duration,
        /// What would do.
        least: Duration,
    },
}

impl Settings {
    /// The defaults of `docs/design/interfaces.md`.
    #[must_use]
    pub fn new(designation: Designation) -> Self {
        Self {
            designation,
            mode: Mode::Availability,
            start_alone: StartAlone::Assume,
            conflict_winner: ConflictWinner::LongestActive,
            recovery: RecoveryMode::Automatic,
            recovery_hold: Duration::from_secs(5),
            suspend_after: 5,
            suspend_window: Duration::from_secs(600),
            startup_allowance: Duration::from_secs(10),
            handover_timeout: Duration::from_secs(5),
            drop_after: Duration::from_secs(2),
            lease: DEFAULT_LEASE,
            beats: Beats {
                interval: Duration::from_millis(100),
                limits: PerChannel { redundancy: 5, primary: 5 },
                verify_min: Duration::from_millis(20),
                fence_after: Duration::from_millis(800),
                promote_after: Duration::from_millis(1_200),
            },
        }
    }

    /// What of them may change while a machine runs.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        Policy {
            recovery: self.recovery,
            recovery_hold: self.recovery_hold,
            suspend_after: self.suspend_after,
            suspend_window: self.suspend_window,
            handover_timeout: self.handover_timeout,
            drop_after: self.drop_after,
        }
    }

    pub(crate) const fn set_policy(&mut self, policy: Policy) {
        let Policy {
            recovery,
            recovery_hold,
            suspend_after,
            suspend_window,
            handover_timeout,
            drop_after,
        } = policy;
        self.recovery = recovery;
        self.recovery_hold = recovery_hold;
        self.suspend_after = suspend_after;
        self.suspend_window = suspend_window;
        self.handover_timeout = handover_timeout;
        self.drop_after = drop_after;
    }

    /// Whether a node that hears nobody may act without proof.
    #[must_use]
    pub fn may_assume(&self) -> bool {
        self.mode == Mode::Availability && self.start_alone == StartAlone::Assume
    }

    /// Checks what cannot be right.
    ///
    /// # Errors
    /// `SettingsError` with the values that contradict each other.
    pub fn check(self) -> Result<Self, SettingsError> {
        let beats = &self.beats;
        for (name, value) in [
            ("heartbeat.interval", beats.interval),
            ("heartbeat.verify_min", beats.verify_min),
            ("pair.startup_allowance", self.startup_allowance),
            ("pair.handover_timeout", self.handover_timeout),
            ("pair.drop_after", self.drop_after),
        ] {
            if value.is_zero() {
                return Err(SettingsError::Zero { name });
            }
        }
        if beats.limits.redundancy == 0 || beats.limits.primary == 0 {
            return Err(SettingsError::Zero { name: "max_missed" });
        }
        if self.mode != Mode::Availability && self.start_alone == StartAlone::Assume {
            return Err(SettingsError::AssumeWithoutAvailability { mode: self.mode });
        }
        if matches!(self.mode, Mode::NoSplit | Mode::Arbiter) {
            let (fence_after, promote_after) = (beats.fence_after, beats.promote_after);
            if fence_after < beats.interval * 2 {
                return Err(SettingsError::FenceTooShort { fence_after, interval: beats.interval });
            }
            let least = least_promote_after(fence_after);
            if promote_after < least {
                return Err(SettingsError::FenceTooLate { fence_after, promote_after, least });
            }
            let (lease, least) = (self.lease, least_lease(fence_after));
            if self.mode == Mode::Arbiter && lease < least {
                return Err(SettingsError::LeaseTooShort { lease, fence_after, least });
            }
        }
        Ok(self)
    }
}

/// `promote_after x (1 - rate) >= fence_after x (1 + rate) + closing time`.
fn least_promote_after(fence_after: Duration) -> Duration {
    const MILLION: u128 = 1_000_000;
    let fence = fence_after.as_micros() * (MILLION + CLOCK_RATE_ERROR_PPM);
    let closing = CLOSING_TIME.as_micros() * MILLION;
    let least = (fence + closing).div_ceil(MILLION - CLOCK_RATE_ERROR_PPM);
    Duration::from_micros(u64::try_from(least).unwrap_or(u64::MAX))
}

/// `lease x (1 - rate) >= fence_after x (1 + rate) + closing time`, so that who acts on
/// acknowledgement alone was acknowledged for something that it sent while it acted; and time for three renewals.
fn least_lease(fence_after: Duration) -> Duration {
    least_promote_after(fence_after).max(CLOSING_TIME * 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_fit_every_mode() {
        for &mode in Mode::ALL {
            let mut settings = Settings::new(Designation::Master);
            settings.mode = mode;
            if mode != Mode::Availability {
                settings.start_alone = StartAlone::Proven;
            }
            assert_eq!(settings.check(), Ok(settings));
        }
    }

    #[test]
    fn a_fence_that_closes_too_late_is_refused_with_what_would_do() {
        let mut settings = Settings::new(Designation::Master);
        settings.mode = Mode::NoSplit;
        settings.start_alone = StartAlone::Proven;
        settings.beats.promote_after = Duration::from_millis(900);
        let error = settings.check().unwrap_err().to_string();
        assert!(error.contains("901.7"), "{error}");
    }
}
