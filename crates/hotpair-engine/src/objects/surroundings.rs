//! What a declaration is checked against: tags, modules, and what other objects write.
use super::attribute::{AttributeDeclaration, Binding};
use crate::tags::{Declaration, TagType, Tags};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is there besides the object that is declared.
pub trait Surroundings {
    /// The declaration of a tag; none when it is not declared.
    fn tag(&self, path: &str) -> Option<Arc<Declaration>>;

    /// The names of everything an object can run, modules and native objects, in order.
    fn modules(&self) -> Vec<Box<str>>;

    /// What one of them has to find declared.
    fn ports(&self, module: &str) -> Vec<Port>;

    /// The object that has this tag as an output.
    fn writer_of(&self, tag: &str) -> Option<Box<str>>;
}

/// What a program has to find declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The attribute.
    pub name: Box<str>,
    /// Its type.
    pub of_type: TagType,
    /// Whether the program writes it: then it cannot be an input.
    pub is_written: bool,
}

impl Port {
    /// What is allowed, if this attribute is not what the program needs.
    pub(super) fn complaint(&self, attribute: &AttributeDeclaration) -> Option<(String, String)> {
        let found = attribute.declaration.of_type;
        if found != self.of_type {
            let allowed = format!("type {}, which the module needs", self.of_type);
            return Some((format!("type {found}"), allowed));
        }
        match &attribute.binding {
            Binding::Input(_) if self.is_written => {
                Some(("an input".into(), "an output, or neither: the module writes it".into()))
            }
            Binding::Input(_) | Binding::Output(_) | Binding::Own => None,
        }
    }
}

/// Surroundings put together from their parts.
#[derive(Debug)]
pub struct Around<'a> {
    /// The tags of the engine.
    pub tags: &'a Tags,
    /// Everything an object can run, and what it has to find declared.
    pub modules: &'a BTreeMap<Box<str>, Vec<Port>>,
    /// Outputs of the declared objects: tag and object.
    pub writers: &'a BTreeMap<Arc<str>, Box<str>>,
}

impl Surroundings for Around<'_> {
    fn tag(&self, path: &str) -> Option<Arc<Declaration>> {
        self.tags.declaration(path)
    }

    fn modules(&self) -> Vec<Box<str>> {
        self.modules.keys().cloned().collect()
    }

    fn ports(&self, module: &str) -> Vec<Port> {
        self.modules.get(module).cloned().unwrap_or_default()
    }

    fn writer_of(&self, tag: &str) -> Option<Box<str>> {
        self.writers.get(tag).cloned()
    }
}
