//! Where a scenario plays: it makes pairs, keeps them for a failure's report, and ends them.
use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex};

use anyhow::{Error, Result};
use hotpair_tests::{Links, Namespaces, Pair, PairSettings};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ground {
    Loopback,
    Namespaces,
}

pub(crate) struct Stage {
    ground: Ground,
    seed: u64,
    /// Whether there is time for the long form of a scenario.
    long: bool,
    pairs: Mutex<Vec<Arc<Pair>>>,
    kept: Mutex<Vec<Box<dyn Any + Send>>>,
}

/// The scenario cannot be played here; said aloud, never counted as passed.
#[derive(Debug)]
pub(crate) struct Skip(pub(crate) String);

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Skip {}

impl Stage {
    /// Each node has a loopback of its own, as on two hosts.
    pub(crate) const fn has_own_loopbacks(&self) -> bool {
        matches!(self.ground, Ground::Namespaces)
    }

    pub(crate) const fn new(ground: Ground, seed: u64, long: bool) -> Self {
        let pairs = Mutex::new(Vec::new());
        Self { ground, seed, long, pairs, kept: Mutex::new(Vec::new()) }
    }

    /// One of two sizes of a scenario: for every day, and with `--long`.
    pub(crate) fn size<T>(&self, short: T, long: T) -> T {
        if self.long { long } else { short }
    }

    /// For dice: another with each round of `--repeat`.
    pub(crate) const fn seed(&self) -> u64 {
        self.seed
    }

    /// Keeps something that must outlive the pairs.
    pub(crate) fn keep(&self, it: impl Any + Send) {
        self.kept.lock().expect("no holder panics").push(Box::new(it));
    }

    async fn links(&self) -> Result<Links> {
        match self.ground {
            Ground::Loopback => Links::relays(self.seed).await,
            Ground::Namespaces => Ok(Links::Namespaces(Namespaces::create()?)),
        }
    }

    /// A pair that is not started.
    pub(crate) async fn prepare(&self, settings: PairSettings) -> Result<Arc<Pair>> {
        let pair = Arc::new(Pair::prepare(settings, self.links().await?).await?);
        self.pairs.lock().expect("no holder panics").push(pair.clone());
        Ok(pair)
    }

    /// A pair that works: the master active, the backup ready.
    pub(crate) async fn start(&self, settings: PairSettings) -> Result<Arc<Pair>> {
        let pair = self.prepare(settings).await?;
        pair.start_both().await?;
        Ok(pair)
    }

    /// What a failure shows.
    pub(crate) async fn dump(&self) -> String {
        let pairs = self.pairs.lock().expect("no holder panics").clone();
        let mut text = String::new();
        for pair in pairs {
            text += &pair.dump().await;
        }
        text
    }

    /// Ends every process of every pair.
    pub(crate) fn clear(&self) {
        self.pairs.lock().expect("no holder panics").clear();
        self.kept.lock().expect("no holder panics").clear();
    }

    /// Ends the scenario as skipped.
    pub(crate) fn skip(why: &str) -> Error {
        Error::new(Skip(why.into()))
    }
}
