//! Turns checked settings into what the deciding crates want.
use crate::settings::Settings;
use hotpair_engine::{history, objects};
use hotpair_fsm::{self as fsm, Beats};
use hotpair_replication as replication;
use hotpair_types::{Designation, PerChannel};

/// When beats are due, and how much silence is too much.
#[must_use]
pub fn beats(settings: &Settings) -> Beats {
    Beats {
        interval: settings.heartbeat.interval,
        limits: PerChannel::from_fn(|it| settings.channels[it].max_missed),
        verify_min: settings.heartbeat.verify_min,
        fence_after: settings.pair.fence_after,
        promote_after: settings.pair.promote_after,
    }
}

/// What decides the role of an engine.
#[must_use]
pub fn fsm_settings(settings: &Settings, designation: Designation) -> fsm::Settings {
    fsm::Settings {
        designation,
        mode: settings.pair.mode,
        start_alone: settings.pair.start_alone,
        conflict_winner: settings.pair.conflict_winner,
        recovery: settings.recovery.mode,
        recovery_hold: settings.recovery.hold,
        suspend_after: settings.recovery.suspend_after,
        suspend_window: settings.recovery.suspend_window,
        startup_allowance: settings.pair.startup_allowance,
        handover_timeout: settings.pair.handover_timeout,
        drop_after: settings.pair.drop_after,
        lease: settings.arbiter.as_ref().map_or(fsm::DEFAULT_LEASE, |it| it.lease),
        beats: beats(settings),
    }
}

/// What decides how the data of an engine travels.
#[must_use]
pub fn replication_settings(settings: &Settings) -> replication::Settings {
    let ring = usize::try_from(settings.writes.ring_max_bytes).unwrap_or(usize::MAX);
    replication::Settings {
        config_writable_on: settings.config.writable_on,
        config_ack: settings.config.ack,
        runtime_ack: settings.writes.ack,
        require_standby: settings.writes.require_standby,
        persist_interval: settings.writes.persist_interval,
        compare_interval: settings.writes.compare_interval,
        key_retention: settings.writes.key_retention,
        drop_after: settings.pair.drop_after,
        indivisible: [objects::PROVIDER, history::PROVIDER].map(Into::into).to_vec(),
        limits: replication::Limits { runtime_ring_bytes_max: ring, ..Default::default() },
        ..replication::Settings::default()
    }
}

/// The engines of the pair in the order that both nodes have: by name.
#[must_use]
pub fn engines(settings: &Settings) -> Vec<crate::settings::EngineSettings> {
    let mut engines = settings.engines.clone();
    engines.sort_by(|one, other| one.name.cmp(&other.name));
    engines
}
