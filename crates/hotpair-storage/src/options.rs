//! What may be chosen about a store.

use hotpair_types::JournalKind;

/// What may be chosen about a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many changes of role are kept.
    pub role_changes_max: u64,
    /// Bytes of config entries that are kept for a partner that comes back.
    pub config_journal_bytes_max: u64,
    /// Bytes of runtime entries that are kept, so that what loses an election after a restart is
    /// still known entry by entry; 0: none.
    pub runtime_journal_bytes_max: u64,
    /// How many idempotency keys of each journal are kept.
    pub keys_max: u64,
    /// Bytes of the divergence store beyond which it alarms.
    pub divergence_bytes_alarm: u64,
    /// Whether the replicated file is committed in two phases, as the local one always is.
    pub replicated_two_phase: bool,
    /// Whether redb saves with each commit what makes reopening after a kill quick.
    pub quick_repair: bool,
    /// Bytes of pages that redb keeps in memory, of each file; 0: every read is one of the disk. The
    /// authoritative image is the caller's, so this may be small.
    pub cache_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Options {
    /// Why it commits so: docs/decisions/0010-how-redb-commits.md.
    pub const DEFAULT: Self = Self {
        role_changes_max: 1_000,
        config_journal_bytes_max: 64 << 20,
        runtime_journal_bytes_max: 16 << 20,
        keys_max: 262_144,
        divergence_bytes_alarm: 256 << 20,
        replicated_two_phase: false,
        quick_repair: false,
        cache_bytes: 8 << 20,
    };

    pub(crate) const fn journal_bytes_max(&self, kind: JournalKind) -> u64 {
        match kind {
            JournalKind::Config => self.config_journal_bytes_max,
            JournalKind::Runtime => self.runtime_journal_bytes_max,
        }
    }
}
