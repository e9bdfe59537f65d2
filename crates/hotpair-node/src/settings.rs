//! What a person writes in `node.toml`, parsed once into types that need no second check.
//!
//! The names, defaults and meanings stand in one table, [`FIELDS`]; the guide's page of settings is
//! made from it. Every error is found in one pass and points at its place in the file.

mod measure;
mod field;
mod guide;
mod problem;
mod reader;
mod spelling;
mod sections;
mod services;
mod history;
mod checks;
mod host;
mod agree;
mod edit;
mod template;
mod load;

pub use agree::{Change, Reload};
pub(crate) use checks::CLOCK_RATE_PPM;
pub use edit::{EditError, set_value};
pub use field::{Alike, FIELDS, Field, When};
pub use guide::guide_page;
pub use history::HistorySettings;
pub use host::check_host;
pub use load::{LoadError, Unpaired, check_key_file, load, load_unpaired, read_file};
pub use measure::{duration_text, parse_duration, parse_size, size_text};
pub use problem::{Problem, Problems};
pub use services::{OnFailure, SERVICES_MAX, ServiceSettings};
pub use template::template;

pub use hotpair_address::VirtualAddress;
pub use hotpair_history::SinkSettings;
pub use hotpair_transport::PinnedKey;

use hotpair_types::{
    Ack, ConflictWinner, Designation, EngineName, Mode, NodeName, PerChannel, RecoveryMode,
    StartAlone, WritableOn,
};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How many virtual addresses one pair may have.
pub const ADDRESSES_MAX: usize = 16;
/// How many engines one pair may run.
pub const ENGINES_MAX: usize = 8;

/// All settings of one node, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Who this node is.
    pub node: Node,
    /// Who the other one is.
    pub partner: Partner,
    /// The two ways to it.
    pub channels: PerChannel<ChannelSettings>,
    /// How often a node says that it lives, and how much silence is too much.
    pub heartbeat: Heartbeat,
    /// The rules of the pair.
    pub pair: Pair,
    /// Whether and when the master takes over again.
    pub recovery: Recovery,
    /// Config data.
    pub config: Config,
    /// Runtime data.
    pub writes: Writes,
    /// The HTTP interface.
    pub api: Api,
    /// Addresses that follow the active node.
    pub virtual_addresses: Vec<VirtualAddress>,
    /// Whether the kernel lets frames from these addresses out only while the node renews a lease.
    pub address_lease: bool,
    /// The third party; present exactly when the mode is `arbiter`.
    pub arbiter: Option<Arbiter>,
    /// Programs to call on a change of role.
    pub hooks: Hooks,
    /// The engines, at least one, in the order of the file.
    pub engines: Vec<EngineSettings>,
    /// Programs that run on the active alone, in the order of the file.
    pub services: Vec<ServiceSettings>,
    /// Where history goes to; absent: nowhere, and nothing is recorded.
    pub history: Option<HistorySettings>,
}

/// `[node]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name; differs from the partner's.
    pub name: NodeName,
    /// Its place in the default engine.
    pub designation: Designation,
    /// Where its data, its key and `run.json` are.
    pub data_dir: PathBuf,
}

/// `[partner]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    /// Its name.
    pub name: NodeName,
    /// The key it must prove to hold.
    pub key: PinnedKey,
}

/// `[channels.redundancy]`, `[channels.primary]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelSettings {
    /// Where this node is reached; UDP for the channel, TCP on the same port for the sentinel.
    pub listen: SocketAddr,
    /// Where the partner is reached.
    pub partner: SocketAddr,
    /// Consecutive beats that may be missed on this channel.
    pub max_missed: u32,
    /// Lost here and not at the partner: hand over.
    pub required: bool,
}

/// `[heartbeat]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Between two beats.
    pub interval: Duration,
    /// Consecutive beats that may be missed, where a channel does not say otherwise.
    pub max_missed: u32,
    /// How long a hint of death is verified; shorter than the interval.
    pub verify_min: Duration,
}

/// `[pair]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// What the pair gives up.
    pub mode: Mode,
    /// How long a starting node waits for its partner.
    pub startup_allowance: Duration,
    /// What it does then.
    pub start_alone: StartAlone,
    /// Who wins when both were active.
    pub conflict_winner: ConflictWinner,
    /// An active that was not acknowledged for so long closes its outputs (`no-split`, `arbiter`).
    pub fence_after: Duration,
    /// A standby that acknowledged so long ago may act (`no-split`, `arbiter`).
    pub promote_after: Duration,
    /// How long a planned handover may take before it is taken back.
    pub handover_timeout: Duration,
    /// A standby that does not acknowledge data for so long is dropped.
    pub drop_after: Duration,
    /// Whether the engine's objects are restarted when it becomes standby.
    pub restart_on_standby: bool,
}

/// `[recovery]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Whether the master takes over again by itself.
    pub mode: RecoveryMode,
    /// How long it must have been ready.
    pub hold: Duration,
    /// So many changes of role …
    pub suspend_after: u32,
    /// … within this time suspend the engine.
    pub suspend_window: Duration,
}

/// `[config]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where config data may be written.
    pub writable_on: WritableOn,
    /// What an acknowledgement of a config transaction means.
    pub ack: Ack,
    /// The most the config journal may hold; beyond it a returning partner gets a full copy.
    pub journal_max_bytes: u64,
}

/// `[writes]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writes {
    /// What an acknowledgement of a runtime write means, where the write does not say.
    pub ack: Ack,
    /// Whether writes are refused when there is no standby.
    pub require_standby: bool,
    /// How often runtime state is written to disk.
    pub persist_interval: Duration,
    /// So long after the end of a comparison with a level standby the next one begins.
    pub compare_interval: Duration,
    /// The most the ring of runtime entries may hold.
    pub ring_max_bytes: u64,
    /// How long an idempotency key is remembered.
    pub key_retention: Duration,
}

/// `[api]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// What the partner and refusals name as this node's address.
    pub advertise: String,
    /// Certificate and key; present when listening beyond loopback.
    pub tls: Option<ApiTls>,
    /// The file with the bearer token; present when listening beyond loopback.
    pub token_file: Option<PathBuf>,
}

/// The certificate of the HTTP interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiTls {
    /// PEM chain.
    pub cert: PathBuf,
    /// PEM key.
    pub key: PathBuf,
}

impl Api {
    /// As the API wants them.
    #[must_use]
    pub fn tls_files(&self) -> Option<hotpair_api::TlsFiles> {
        let files =
            |it: &ApiTls| hotpair_api::TlsFiles { cert: it.cert.clone(), key: it.key.clone() };
        self.tls.as_ref().map(files)
    }

    /// As the API wants it.
    #[must_use]
    pub fn token_file(&self) -> Option<&std::path::Path> {
        self.token_file.as_deref()
    }
}

/// `[arbiter]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arbiter {
    /// The endpoints of an etcd cluster.
    pub etcd: Vec<String>,
    /// How long a grant lasts.
    pub lease: Duration,
}

/// `[hooks]`: programs, called without a shell and with a time limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooks {
    /// When this node became active.
    pub on_active: Vec<PathBuf>,
    /// When this node became standby.
    pub on_standby: Vec<PathBuf>,
    /// On every change, with the arguments of keepalived's notify scripts.
    pub notify: Vec<PathBuf>,
    /// After which a program is ended.
    pub time_limit: Duration,
}

/// `[[engines]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineSettings {
    /// Its name, unique.
    pub name: EngineName,
    /// The node that is its master.
    pub master: NodeName,
    /// What this node is to it.
    pub designation: Designation,
}

impl Settings {
    /// Parses the text of a settings file; `file` is only for the messages.
    ///
    /// # Errors
    /// [`Problems`]: everything that is wrong, each with its place.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        sections::parse(file, text)
    }

    /// The file of this node's private key.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        self.node.data_dir.join("node.key")
    }

    /// How long frames from a virtual address leave after the last renewal. A partner acts on silence when it
    /// missed as many beats as the limit says, and the last one may have been sent just before a standstill: a
    /// lease of two intervals less than the limit ends one interval before that, at the least.
    #[must_use]
    pub fn lease_time(&self) -> Duration {
        let beats = self.channels.iter().map(|(_, it)| it.max_missed).min().unwrap_or(1);
        self.heartbeat.interval * beats.saturating_sub(2)
    }

    /// The longest silence, over the two channels, that is not yet too long.
    #[must_use]
    pub fn detection(&self) -> Duration {
        let beats = self.channels.iter().map(|(_, it)| it.max_missed).max().unwrap_or(1);
        self.heartbeat.interval * beats
    }
}

#[cfg(test)]
mod tests;
