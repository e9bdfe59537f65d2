//! Programs of people that run on the active alone.
use serde::{Deserialize, Serialize};

/// How a service stands at this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceState {
    /// It is not to run here.
    Stopped,
    /// It runs.
    Running,
    /// It was told to end, and is not gone yet.
    Stopping,
    /// It failed, and is started again after a wait.
    Waiting,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Its name.
    pub name: String,
    /// The engine whose role it follows.
    pub engine: String,
    /// How it stands.
    pub state: ServiceState,
    /// The process above it; absent when there is none.
    pub pid: Option<u32>,
    /// How long it runs; absent when it does not.
    pub running_for_ms: Option<u64>,
    /// When it is started again; absent when it does not wait for that.
    pub starts_in_ms: Option<u64>,
    /// Starts after a failure, since the start of the node.
    pub restarts: u64,
    /// Failures within the window of its settings.
    pub failures: u32,
    /// How it failed last; for people.
    pub last_end: Option<String>,
}
