//! What a node believes of its partner does not go back, and a standby is level when it was told
//! so for this very attempt.
use hotpair_types::Instance;
use std::collections::{BTreeMap, BTreeSet};

/// What was said.
#[derive(Debug, Default)]
pub(crate) struct Words {
    /// By node: of which process of its partner it took a view last, and that view's number.
    taken: BTreeMap<usize, (Instance, u64)>,
    /// In which engine level was told, to which process, for which of its rounds.
    level: BTreeSet<(usize, Instance, u32)>,
}

impl Words {
    pub(crate) fn tells_level(&mut self, engine: usize, to: Option<Instance>, round: u32) {
        self.level.extend(to.map(|it| (engine, it, round)));
    }

    pub(crate) fn was_told(&self, engine: usize, standby: Instance, round: u32) -> bool {
        self.level.contains(&(engine, standby, round))
    }

    /// A process is gone, and what it knew.
    pub(crate) fn died(&mut self, node: usize) {
        self.taken.remove(&node);
    }

    /// A node took the views of a beat.
    ///
    /// # Errors
    /// They are older than those that it took before.
    pub(crate) fn takes(&mut self, node: usize, from: Instance, number: u64) -> Result<(), String> {
        let before = self.taken.insert(node, (from, number));
        match before {
            Some((known, newest)) if known == from && newest > number => {
                Err(format!("node {node} takes view {number} of {from} after {newest}"))
            }
            Some(_) | None => Ok(()),
        }
    }
}
