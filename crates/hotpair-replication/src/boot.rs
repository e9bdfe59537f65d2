//! What storage loads when a node starts.
use crate::{DivergenceRecord, JournalHead, ModuleHash, Record, SharedEntry};
use hotpair_types::{Designation, Instance, ItemKey, JournalKind};

/// Everything a replica begins with.
#[derive(Clone, Debug)]
pub struct Boot {
    /// This node's place in the engine.
    pub designation: Designation,
    /// This start of the node.
    pub instance: Instance,
    /// The config journal.
    pub config: JournalBoot,
    /// The runtime journal.
    pub runtime: JournalBoot,
    /// The divergence store.
    pub divergence: Vec<DivergenceRecord>,
    /// Module blobs that are here, verified.
    pub modules: Vec<ModuleHash>,
}

/// One journal as storage has it.
#[derive(Clone, Debug)]
pub struct JournalBoot {
    /// History, chain and keys.
    pub head: JournalHead,
    /// Every item.
    pub items: Vec<(ItemKey, Record)>,
    /// The newest entries, without a gap up to the end of the history; may be empty.
    pub entries: Vec<SharedEntry>,
    /// Entries after this sequence can be read from storage; the last sequence: none.
    pub stored_after: u64,
}

impl JournalBoot {
    /// An empty journal.
    #[must_use]
    pub fn empty(kind: JournalKind) -> Self {
        Self {
            head: JournalHead {
                kind,
                history: hotpair_types::JournalHistory::default(),
                chain: [0; 32],
                keys: Vec::new(),
                keys_forgotten: hotpair_types::NodeTime::default(),
            },
            items: Vec::new(),
            entries: Vec::new(),
            stored_after: 0,
        }
    }
}

impl Boot {
    /// A node that has nothing yet.
    #[must_use]
    pub fn empty(designation: Designation, instance: Instance) -> Self {
        Self {
            designation,
            instance,
            config: JournalBoot::empty(JournalKind::Config),
            runtime: JournalBoot::empty(JournalKind::Runtime),
            divergence: Vec::new(),
            modules: Vec::new(),
        }
    }
}
