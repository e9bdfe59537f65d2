//! The replica of one engine: both journals, and the one door to them.
use crate::{Boot, DivergenceRecord, Input, Output, Record, Settings};
use hotpair_types::{History, ItemKey, JournalKind, Positions, Time};

/// The data of one engine on one node.
#[derive(Debug)]
pub struct Replica {
    settings: Settings,
    history: History,
}

impl Replica {
    /// Begins with what storage has loaded.
    #[must_use]
    pub fn new(settings: Settings, boot: Boot) -> Self {
        let history =
            History { config: boot.config.head.history, runtime: boot.runtime.head.history };
        Self { settings, history }
    }

    /// Takes one input, appends what is to be done.
    pub fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        let _ = (now, input, out);
    }

    /// When to give `Input::Tick` at the latest.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        None
    }

    /// Both journals' lineages and ends, in memory.
    #[must_use]
    pub fn history(&self) -> History {
        self.history.clone()
    }

    /// Where both journals end.
    #[must_use]
    pub fn positions(&self) -> Positions {
        self.history.positions()
    }

    /// The value of an item.
    #[must_use]
    pub fn get(&self, kind: JournalKind, item: &ItemKey) -> Option<&Record> {
        let _ = (kind, item);
        None
    }

    /// The items of a provider ("" for config) whose names begin with `prefix`, in order.
    pub fn items<'a>(
        &'a self,
        kind: JournalKind,
        provider: &'a str,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Record)> + 'a {
        let _ = (kind, provider, prefix);
        std::iter::empty()
    }

    /// BLAKE3 over every item of both journals, to compare the two sides.
    #[must_use]
    pub fn state_digest(&self) -> [u8; 32] {
        [0; 32]
    }

    /// The records of the divergence store, by id.
    pub fn divergence(&self) -> impl Iterator<Item = &DivergenceRecord> {
        std::iter::empty()
    }

    /// The settings it runs with.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Takes changed settings, from now on.
    pub fn set_settings(&mut self, settings: Settings) {
        self.settings = settings;
    }
}
