//! Modules of this node as they can be run: compiled before an object needs them, or why not.
use hotpair_engine::modules::{Module, Refused};
use hotpair_replication::ModuleHash;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// What was admitted and what was refused, by hash. Shared; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Shelf(Arc<Mutex<BTreeMap<ModuleHash, Result<Module, Refused>>>>);

impl Shelf {
    /// Checks and compiles bytes that have this hash, unless that was done. Takes time: for a
    /// thread that may wait.
    pub(super) fn admit(&self, hash: ModuleHash, bytes: &[u8]) {
        if self.get(hash).is_none() {
            self.put(hash, Module::admit(bytes));
        }
    }

    /// Takes what somebody else admitted.
    pub fn put(&self, hash: ModuleHash, admitted: Result<Module, Refused>) {
        self.held().insert(hash, admitted);
    }

    /// The module, or why it cannot be run; `None` while it is not here or not compiled yet.
    #[must_use]
    pub fn get(&self, hash: ModuleHash) -> Option<Result<Module, Refused>> {
        self.held().get(&hash).cloned()
    }

    pub(super) fn remove(&self, hash: ModuleHash) {
        self.held().remove(&hash);
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<ModuleHash, Result<Module, Refused>>> {
        self.0.lock().expect("nothing panics while it is held")
    }
}
