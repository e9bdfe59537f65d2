//! What a declaration is checked against: tags, modules, and what other objects write.
use crate::tags::{Declaration, Tags};
use std::sync::Arc;

/// What is there besides the object that is declared.
pub trait Surroundings {
    /// The declaration of a tag; none when it is not declared.
    fn tag(&self, path: &str) -> Option<Arc<Declaration>>;

    /// The names of everything an object can run, modules and native objects, in order.
    fn modules(&self) -> Vec<Box<str>>;

    /// The object that has this tag as an output.
    fn writer_of(&self, tag: &str) -> Option<Box<str>>;
}

/// Surroundings put together from their parts.
pub struct Around<'a> {
    /// The tags of the engine.
    pub tags: &'a Tags,
    /// The names of everything an object can run, in order.
    pub modules: &'a [Box<str>],
    /// Outputs of the declared objects: tag and object.
    pub writers: &'a std::collections::BTreeMap<Arc<str>, Box<str>>,
}

impl Surroundings for Around<'_> {
    fn tag(&self, path: &str) -> Option<Arc<Declaration>> {
        self.tags.declaration(path)
    }

    fn modules(&self) -> Vec<Box<str>> {
        self.modules.to_vec()
    }

    fn writer_of(&self, tag: &str) -> Option<Box<str>> {
        self.writers.get(tag).cloned()
    }
}
