//! Time in ticks of one beat, and settings whose deadlines are some ticks away from each other.
use hotpair_fsm::{Beats, Settings, SettingsError};
use hotpair_types::{
    ConflictWinner, Designation, Mode, PerChannel, RecoveryMode, StartAlone, Time,
};
use std::time::Duration;

/// One tick: a beat, and the time that closing the outputs may take.
pub(crate) const TICK: Duration = Duration::from_millis(100);
/// The present of every machine, again after each step.
pub(crate) const NOW: Time = Time::from_millis(1_000_000);
/// Deadlines beyond this never come (the window of damping; the walks end it themselves).
pub(crate) const FAR_TICKS: u32 = 100;
/// For how long a node has been active counts up to this.
pub(crate) const AGE_TICKS_MAX: u32 = 3;
/// Missed beats after which a channel is silent.
pub(crate) const LIMIT_TICKS: u8 = 3;
/// A loop that stands still for longer notices it: an interval less than the limit.
pub(crate) const STANDSTILL_TICKS: u8 = LIMIT_TICKS - 1;
/// How long an active goes on unacknowledged.
pub(crate) const FENCE_TICKS: u8 = 4;
/// By how much two clocks may count differently between the same two moments: a tick because they count
/// whole ones, and a tick of drift. It stands for the error of clock rates in the arithmetic.
pub(crate) const APART_TICKS: u8 = 2;
/// How long a standby keeps its promise: the fence, a tick to close, and what clocks differ by.
pub(crate) const PROMOTE_TICKS: u8 = FENCE_TICKS + 1 + APART_TICKS;
/// How long a grant lasts on the clock of the third party. The same arithmetic.
pub(crate) const LEASE_TICKS: u8 = FENCE_TICKS + 1 + APART_TICKS;
/// A grant is renewed when a third of the lease is over.
pub(crate) const RENEW_TICKS: u8 = LEASE_TICKS / 3;

pub(crate) fn ticks(count: u8) -> Duration {
    TICK * u32::from(count)
}

/// The settings of one node.
///
/// # Errors
/// As `Settings::check`.
pub(crate) fn settings(
    designation: Designation,
    mode: Mode,
    promote_ticks: u8,
) -> Result<Settings, SettingsError> {
    let assume = mode == Mode::Availability;
    Settings {
        designation,
        mode,
        start_alone: if assume { StartAlone::Assume } else { StartAlone::Proven },
        conflict_winner: ConflictWinner::LongestActive,
        recovery: RecoveryMode::Manual,
        recovery_hold: TICK,
        suspend_after: 20,
        suspend_window: TICK * (FAR_TICKS + 1),
        startup_allowance: ticks(4),
        handover_timeout: ticks(3),
        drop_after: ticks(2),
        lease: ticks(LEASE_TICKS),
        beats: Beats {
            interval: TICK,
            limits: PerChannel {
                redundancy: u32::from(LIMIT_TICKS),
                primary: u32::from(LIMIT_TICKS),
            },
            verify_min: Duration::from_millis(20),
            fence_after: ticks(FENCE_TICKS),
            promote_after: ticks(promote_ticks),
        },
    }
    .check()
}
