//! The fake node's figures.
use hotpair_api::face::*;
use hotpair_types::{PerChannel, StateId};

pub fn measures() -> Measures {
    let mut trips = HistogramValue::with_bounds(&[0.001, 0.01]);
    trips.observe(0.0002);
    trips.observe(0.5);
    Measures {
        engines: vec![EngineMeasures {
            name: "main".into(),
            state: Some(StateId::Active),
            partner_state: StateId::StandbyReady,
            epoch: 3,
            role_changes: vec![("fenced".into(), 2)],
            config_lag_entries: 0,
            runtime_lag_entries: 4,
            lag_seconds: 0.25,
            sync_bytes_done: 10,
            sync_bytes_total: 20,
            divergence_entries: 1,
            paused: false,
            grant: Some(GrantMeasures { reachable: true, left_seconds: 1.5 }),
            takeover_seconds: trips.clone(),
            commit_seconds: trips.clone(),
            objects: vec![super::objects::measures(&trips)],
            alarms: vec![("normal", 3), ("unacknowledged", 1)],
            history: Some(HistoryMeasures {
                held_bytes: 700,
                held_records: 12,
                committed_records: 4_000,
                lost_records: 3,
            }),
        }],
        beat_missed: PerChannel { redundancy: 3, primary: 1 },
        beat_round_trip_seconds: PerChannel { redundancy: trips.clone(), primary: trips },
        queues: vec![QueueMeasure { name: "redundancy-data".into(), bytes: 512 }],
        certificate_expiry_seconds: Some(1_000.0),
        refused: vec![("hello".into(), 1)],
    }
}
