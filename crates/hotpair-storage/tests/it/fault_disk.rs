//! A disk in memory that fails, loses and tears as it is told.
use crate::content::Dice;
use hotpair_storage::Disk;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard};

const SECTOR_BYTES: usize = 512;

#[derive(Clone, Debug, Default)]
pub(crate) struct FaultDisk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// What a reader sees.
    live: Vec<u8>,
    /// What a power cut leaves for certain.
    durable: Vec<u8>,
    /// What happened since the last sync, oldest first.
    pending: Vec<Pending>,
    operations: u64,
    syncs: u64,
    /// Writes and syncs after this many fail so.
    fail: Option<(u64, ErrorKind)>,
    /// Syncs say yes and do nothing.
    loses_syncs: bool,
}

#[derive(Clone, Debug)]
enum Pending {
    Write(usize, Vec<u8>),
    Len(usize),
}

impl FaultDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        let state = State { live: bytes.clone(), durable: bytes, ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Writes and syncs so far.
    pub(crate) fn operations(&self) -> u64 {
        self.state().operations
    }

    pub(crate) fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// The operation after `count` more fails, and all after it.
    pub(crate) fn fail_after(&self, count: u64, kind: ErrorKind) {
        let mut state = self.state();
        state.fail = Some((state.operations + count, kind));
    }

    pub(crate) fn heal(&self) {
        self.state().fail = None;
    }

    pub(crate) fn lose_syncs(&self) {
        self.state().loses_syncs = true;
    }

    /// Holds every operation until it is dropped.
    pub(crate) fn hold(&self) -> MutexGuard<'_, impl Sized> {
        self.state()
    }

    /// Changes a bit at rest.
    pub(crate) fn flip(&self, bit: usize) {
        self.state().live[bit / 8] ^= 1 << (bit % 8);
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.state().live.clone()
    }

    /// The disk after a power cut: each sector that was not synced is there or not.
    pub(crate) fn after_power_cut(&self, dice: &mut Dice) -> Self {
        let state = self.state();
        let mut bytes = state.durable.clone();
        // Everything, nothing, or anything in between.
        let mood = dice.roll(4);
        let survives = |dice: &mut Dice| match mood {
            0 => false,
            1 => true,
            _ => dice.roll(2) == 0,
        };
        for pending in &state.pending {
            match pending {
                Pending::Len(len) => {
                    if survives(dice) {
                        bytes.resize(*len, 0);
                    }
                }
                Pending::Write(offset, data) => {
                    for (index, sector) in data.chunks(SECTOR_BYTES).enumerate() {
                        let at = offset + index * SECTOR_BYTES;
                        if survives(dice) {
                            let end = at + sector.len();
                            if bytes.len() < end {
                                bytes.resize(end, 0);
                            }
                            bytes[at..end].copy_from_slice(sector);
                        }
                    }
                }
            }
        }
        Self::of(bytes)
    }
}

impl State {
    fn operation(&mut self) -> io::Result<()> {
        match self.fail {
            Some((after, kind)) if self.operations >= after => Err(kind.into()),
            _ => {
                self.operations += 1;
                Ok(())
            }
        }
    }
}

impl Disk for FaultDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        let at = offset as usize;
        let found = state.live.get(at..at + out.len()).ok_or(ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state();
        state.operation()?;
        state.live.resize(len as usize, 0);
        state.pending.push(Pending::Len(len as usize));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state();
        state.operation()?;
        state.syncs += 1;
        if !state.loses_syncs {
            state.durable = state.live.clone();
            state.pending.clear();
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.operation()?;
        let at = offset as usize;
        state.live[at..at + data.len()].copy_from_slice(data);
        state.pending.push(Pending::Write(at, data.to_vec()));
        Ok(())
    }
}
