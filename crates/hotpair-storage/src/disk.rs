//! What a store stands on when it is not a plain file: simulated and faulty disks of tests.
use std::fmt;
use std::io;

/// A file as a store sees it. Given instead of a path by the simulator and by tests.
///
/// Bytes that were written are readable at once, and survive a power cut only after `sync`.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// The length in bytes.
    ///
    /// # Errors
    /// What the disk says.
    fn len(&self) -> io::Result<u64>;

    /// Whether nothing was ever written.
    ///
    /// # Errors
    /// What the disk says.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `out` with the bytes at `offset`.
    ///
    /// # Errors
    /// What the disk says; `UnexpectedEof` beyond the end.
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;

    /// Grows with zeros or cuts off.
    ///
    /// # Errors
    /// What the disk says.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes everything written so far survive a power cut.
    ///
    /// # Errors
    /// What the disk says. Afterwards nothing is known about what was written.
    fn sync(&self) -> io::Result<()>;

    /// Writes the bytes at `offset`.
    ///
    /// # Errors
    /// What the disk says.
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()>;
}

/// Lets redb stand on a `Disk`.
#[derive(Debug)]
pub(crate) struct DiskBackend(pub(crate) Box<dyn Disk>);

impl redb::StorageBackend for DiskBackend {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
}
