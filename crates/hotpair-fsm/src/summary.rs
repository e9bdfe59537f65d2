//! What a node brings to an election, frozen. Both nodes decide from the same two.
use hotpair_types::{Designation, Epoch, History, Instance};
use std::hash::{Hash, Hasher};

use crate::PartnerSeen;

/// One side of an election. It travels on its own; views carry its hash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Summary {
    /// Whose it is.
    pub designation: Designation,
    /// Which start of it.
    pub instance: Instance,
    /// Its outputs were open when it was frozen.
    pub active: bool,
    /// Durable mark.
    pub sole: bool,
    /// Durable mark.
    pub unverified: bool,
    /// Durable mark.
    pub stale: bool,
    /// It could act, as in its view.
    pub storage_ok: bool,
    /// The epoch that a person's `promote` made.
    pub promoted_by_person: Option<Epoch>,
    /// The last epoch really used.
    pub last_used: Epoch,
    /// The highest epoch raised or adopted.
    pub epoch: Epoch,
    /// How long it has been active, in milliseconds of its own monotonic clock.
    pub active_for_ms: u64,
    /// Both journals.
    pub history: History,
    /// What it has seen of the other.
    pub partner_seen: Option<PartnerSeen>,
}

impl Summary {
    /// A hash that is the same on every host and in every release.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut hasher = Fnv::new();
        self.hash(&mut hasher);
        hasher.finish()
    }

    /// The hash of both summaries, whoever computes it.
    #[must_use]
    pub fn digest_of_pair(one: &Self, other: &Self) -> u64 {
        let (master, backup) = match one.designation {
            Designation::Master => (one, other),
            Designation::Backup => (other, one),
        };
        let mut hasher = Fnv::new();
        (master.digest(), backup.digest()).hash(&mut hasher);
        hasher.finish()
    }
}

/// FNV-1a, with integers in little endian and lengths as 64 bits.
struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn write_u32(&mut self, it: u32) {
        self.write(&it.to_le_bytes());
    }

    fn write_u64(&mut self, it: u64) {
        self.write(&it.to_le_bytes());
    }

    fn write_usize(&mut self, it: usize) {
        self.write_u64(it as u64);
    }

    fn write_isize(&mut self, it: isize) {
        self.write_u64(it as u64);
    }
}
