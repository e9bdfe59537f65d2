//! What can be set, and the limits of everything that could grow.
use hotpair_types::{Ack, WritableOn};
use std::time::Duration;

/// What a partner takes in one entry at most: a longer one would be garbage to it, and would end the
/// connection again each time it is sent.
pub const ENTRY_CHANGES_MAX: usize = 1 << 20;

/// The settings of a replica. The defaults are those of docs/design/interfaces.md.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `config.writable_on`.
    pub config_writable_on: WritableOn,
    /// `config.ack`.
    pub config_ack: Ack,
    /// `writes.ack`.
    pub runtime_ack: Ack,
    /// `writes.require_standby`.
    pub require_standby: bool,
    /// `writes.persist_interval`: runtime state is written to disk at least so often.
    pub persist_interval: Duration,
    /// `writes.key_retention`: how long idempotency keys are remembered.
    pub key_retention: Duration,
    /// `pair.drop_after`: data that is not acknowledged for so long drops the standby.
    pub drop_after: Duration,
    /// `writes.compare_interval`: so long after the end of a comparison with a level standby the next
    /// one begins.
    pub compare_interval: Duration,
    /// Runtime providers whose items make sense together only: of a node that comes back with more, all that
    /// it has of such a provider is taken, or nothing.
    pub indivisible: Vec<Box<str>>,
    /// What was sent and not answered is sent again after this.
    pub resend_after: Duration,
    /// Limits of queues, frames and rings.
    pub limits: Limits,
}

/// Limits. Nothing here grows beyond them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Config entries kept in memory; older ones are read back from storage.
    pub config_ring_bytes_max: usize,
    /// `writes.ring_max`: runtime entries kept in memory; older ones are gone.
    pub runtime_ring_bytes_max: usize,
    /// Names and values of one write.
    pub entry_bytes_max: usize,
    /// Changes of one write, the items of full replacements included.
    pub entry_changes_max: usize,
    /// Entries, items or module bytes of one message.
    pub message_bytes_max: usize,
    /// Entries sent and not acknowledged, per journal.
    pub window_bytes_max: usize,
    /// Writes that wait for their acknowledgement.
    pub waiting_writes_max: usize,
    /// Bytes of entries that a level standby has not acknowledged; beyond it writes are refused.
    pub unacknowledged_bytes_max: usize,
    /// Removed items remembered per journal.
    pub tombstones_max: usize,
    /// Idempotency keys remembered.
    pub keys_max: usize,
    /// Records of the divergence store; beyond it an alarm is raised, nothing is trimmed.
    pub divergence_bytes_alarm: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            config_writable_on: WritableOn::Master,
            config_ack: Ack::Durable,
            runtime_ack: Ack::Replicated,
            require_standby: false,
            persist_interval: Duration::from_millis(100),
            key_retention: Duration::from_secs(600),
            drop_after: Duration::from_secs(2),
            compare_interval: Duration::from_secs(60),
            indivisible: Vec::new(),
            resend_after: Duration::from_millis(500),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            config_ring_bytes_max: 16 << 20,
            runtime_ring_bytes_max: 64 << 20,
            entry_bytes_max: 4 << 20,
            entry_changes_max: ENTRY_CHANGES_MAX,
            message_bytes_max: 256 << 10,
            window_bytes_max: 8 << 20,
            waiting_writes_max: 65_536,
            unacknowledged_bytes_max: 32 << 20,
            tombstones_max: 65_536,
            keys_max: 262_144,
            divergence_bytes_alarm: 256 << 20,
        }
    }
}
