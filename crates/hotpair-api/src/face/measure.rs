//! Figures for `/metrics` (docs/design/interfaces.md, "Metrics").
use hotpair_types::{PerChannel, StateId};

/// A histogram as counted by the node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistogramValue {
    /// The sum of all values.
    pub sum: f64,
    /// How many values.
    pub count: u64,
    /// Upper bound and how many values lie in this bucket alone, bounds growing, the last one
    /// `f64::INFINITY`.
    pub buckets: Vec<(f64, u64)>,
}

impl HistogramValue {
    /// Buckets with these upper bounds, and one above all.
    #[must_use]
    pub fn with_bounds(bounds: &[f64]) -> Self {
        let buckets = bounds.iter().copied().chain([f64::INFINITY]).map(|it| (it, 0)).collect();
        Self { sum: 0.0, count: 0, buckets }
    }

    /// Counts a value.
    pub fn observe(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
        if let Some(bucket) = self.buckets.iter_mut().find(|it| value <= it.0) {
            bucket.1 += 1;
        }
    }
}

/// One bounded queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueMeasure {
    /// Which, kebab-case.
    pub name: String,
    /// Bytes waiting.
    pub bytes: u64,
}

/// The figures of one engine.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineMeasures {
    /// Its name.
    pub name: String,
    /// This node's state, if deployed.
    pub state: Option<StateId>,
    /// The partner's state.
    pub partner_state: StateId,
    /// The number of the adopted epoch.
    pub epoch: u64,
    /// Changes of role by cause.
    pub role_changes: Vec<(String, u64)>,
    /// Entries of the config journal that the partner does not have.
    pub config_lag_entries: u64,
    /// Entries of the runtime journal that the partner does not have.
    pub runtime_lag_entries: u64,
    /// Age of the oldest entry that the partner does not have.
    pub lag_seconds: f64,
    /// Bytes of the sync under way that have arrived.
    pub sync_bytes_done: u64,
    /// Bytes of the sync under way in all.
    pub sync_bytes_total: u64,
    /// Losing entries kept.
    pub divergence_entries: u64,
    /// Maintenance.
    pub paused: bool,
    /// Mode `arbiter` alone.
    pub grant: Option<GrantMeasures>,
    /// From the loss of the old active to the opened gate, seconds.
    pub takeover_seconds: HistogramValue,
    /// How long commits take, seconds.
    pub commit_seconds: HistogramValue,
    /// The objects that are scanned here.
    pub objects: Vec<ObjectMeasures>,
    /// How many alarms of objects are in each state.
    pub alarms: Vec<(&'static str, u64)>,
    /// What is held of history; absent where none is kept.
    pub history: Option<HistoryMeasures>,
}

/// How much history is held, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryMeasures {
    /// Bytes held.
    pub held_bytes: u64,
    /// Samples held.
    pub held_records: u64,
    /// Samples in the sink.
    pub committed_records: u64,
    /// Samples dropped because no more could be held.
    pub lost_records: u64,
}

/// The figures of one object, since the outputs of this node opened.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectMeasures {
    /// Its name.
    pub name: String,
    /// How long its scans took, seconds.
    pub scan_seconds: HistogramValue,
    /// How long after their slots they began, seconds.
    pub jitter_seconds: HistogramValue,
    /// Slots left out.
    pub overruns: u64,
}

/// How an engine stands with the third party of mode `arbiter`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GrantMeasures {
    /// It answered last time.
    pub reachable: bool,
    /// How long the grant is held without another renewal; 0: not held.
    pub left_seconds: f64,
}

/// The figures of a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measures {
    /// Per engine.
    pub engines: Vec<EngineMeasures>,
    /// Missed beats since the start.
    pub beat_missed: PerChannel<u64>,
    /// Round trips of beats, seconds.
    pub beat_round_trip_seconds: PerChannel<HistogramValue>,
    /// Bytes in queues.
    pub queues: Vec<QueueMeasure>,
    /// Until this node's certificate expires; negative when it has.
    pub certificate_expiry_seconds: Option<f64>,
    /// Events dropped, connections refused and the like, by a kebab-case name.
    pub refused: Vec<(String, u64)>,
}
