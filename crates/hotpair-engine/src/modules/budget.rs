//! How much one scan may use.

/// The fuel of a scan when its object does not say.
pub const FUEL_DEFAULT: u64 = 10_000_000;
/// The most fuel that a scan can be given. One unit is about one instruction.
pub const FUEL_MAX: u64 = 1_000_000_000;
/// The memory of an instance when its object does not say: 4 MiB.
pub const MEMORY_BYTES_DEFAULT: usize = 4 << 20;
/// The most memory that an instance can be given: what one scan can change must fit into one entry
/// of the journal.
pub const MEMORY_BYTES_MAX: usize = 8 << 20;

/// The budget of each scan of an instance. Within [`FUEL_MAX`] and [`MEMORY_BYTES_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    fuel: u64,
    memory_bytes: usize,
}

impl Budget {
    /// So much, at most what is possible.
    #[must_use]
    pub const fn new(fuel: u64, memory_bytes: usize) -> Self {
        let fuel = if fuel < FUEL_MAX { fuel } else { FUEL_MAX };
        let most = MEMORY_BYTES_MAX;
        Self { fuel, memory_bytes: if memory_bytes < most { memory_bytes } else { most } }
    }

    /// Fuel for one scan.
    #[must_use]
    pub const fn fuel(self) -> u64 {
        self.fuel
    }

    /// Bytes of linear memory.
    #[must_use]
    pub const fn memory_bytes(self) -> usize {
        self.memory_bytes
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(FUEL_DEFAULT, MEMORY_BYTES_DEFAULT)
    }
}
