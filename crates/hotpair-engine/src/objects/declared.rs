//! The objects that config data declares, as they were read on this node.
use super::attribute::Binding;
use super::declaration::{CONFIG_PREFIX, OBJECTS_MAX, ObjectDeclaration};
use super::surroundings::{Around, Port, Surroundings};
use crate::document::{Complaint, Complaints};
use crate::tags::{self, Declaration, Tags};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a record declares, or everything that is wrong with it.
pub type Read = Result<Arc<ObjectDeclaration>, Complaints>;

/// What every module has to find declared, by name.
pub type ModulePorts = BTreeMap<Box<str>, Vec<Port>>;

/// The declared objects of one engine. A record that was sound when it was written may be none any
/// more, because a tag is gone: it is kept with what is wrong.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    objects: BTreeMap<Box<str>, Read>,
    /// Outputs: tag and object.
    writers: BTreeMap<Arc<str>, Box<str>>,
}

impl Declared {
    /// Reads the records of these objects anew, and of those that this touches: who was refused a tag that is
    /// free now, who wrote a tag that another one has. Names those that read otherwise than before.
    ///
    /// What comes out depends on the records alone, whatever the order in which they came: of two that write
    /// one tag, the one whose name comes first has it.
    pub fn read(
        &mut self,
        names: BTreeSet<Box<str>>,
        record_of: impl Fn(&str) -> Option<Bytes>,
        tags: &Tags,
        modules: &ModulePorts,
    ) -> Vec<Box<str>> {
        if names.is_empty() {
            return Vec::new();
        }
        // First all of them: two may have changed their tags.
        names.iter().for_each(|it| self.leave_outputs(it));
        let refused = self.objects.iter().filter(|(_, it)| it.is_err()).map(|it| it.0.clone());
        let mut left: BTreeSet<Box<str>> = refused.chain(names).collect();
        let mut changed = Vec::new();
        // In the order of names: whoever loses a tag to one of them comes after it.
        while let Some(name) = left.pop_first() {
            self.leave_outputs(&name);
            let before = self.objects.remove(&name);
            let after = record_of(&name).map(|json| self.read_one(&name, &json, tags, modules));
            if let Some(Ok(declaration)) = &after {
                for tag in outputs(declaration) {
                    let loser = self.writers.insert(tag.clone(), name.clone());
                    left.extend(loser.filter(|it| *it != name));
                }
            }
            if before != after {
                changed.push(name.clone());
            }
            if let Some(after) = after {
                self.objects.insert(name, after);
            }
        }
        changed
    }

    /// The tags that an object writes are free.
    fn leave_outputs(&mut self, name: &str) {
        let Some(Ok(declaration)) = self.objects.get(name) else { return };
        for tag in outputs(declaration) {
            if self.writers.get(tag).is_some_and(|it| **it == *name) {
                self.writers.remove(tag);
            }
        }
    }

    fn read_one(&self, name: &str, json: &[u8], tags: &Tags, modules: &ModulePorts) -> Read {
        let around = Around { tags, modules, writers: &self.writers };
        let stored = Stored { around, name, module: module_of(json) };
        ObjectDeclaration::from_json(name, json, &stored).map(Arc::new)
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// What the record of an object declares.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Read> {
        self.objects.get(name)
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Read)> {
        self.objects.iter().map(|(name, it)| (&**name, it))
    }

    /// The objects that have to be read again when these tags and modules changed.
    #[must_use]
    pub fn touched(
        &self,
        tags: &BTreeSet<Box<str>>,
        modules: &BTreeSet<Box<str>>,
    ) -> Vec<Box<str>> {
        if tags.is_empty() && modules.is_empty() {
            return Vec::new();
        }
        let is_touched = |read: &Read| match read {
            Err(_) => true,
            Ok(it) => {
                let mut bound = it.attributes.iter().filter_map(|it| it.binding.tag());
                modules.contains(&it.module) || bound.any(|it| tags.contains(&**it))
            }
        };
        let touched = self.objects.iter().filter(|(_, it)| is_touched(it));
        touched.map(|(name, _)| name.clone()).collect()
    }
}

/// The tags that an object writes.
fn outputs(declaration: &ObjectDeclaration) -> impl Iterator<Item = &Arc<str>> {
    declaration.attributes.iter().filter_map(|it| match &it.binding {
        Binding::Output(tag) => Some(tag),
        Binding::Own | Binding::Input(_) => None,
    })
}

/// The name of its module, if the record has one.
fn module_of(json: &[u8]) -> Option<Box<str>> {
    let json: serde_json::Value = serde_json::from_slice(json).ok()?;
    json.get("module")?.as_str().map(Into::into)
}

/// Around a record that was written already: a module that is gone since is a fault of the object, and
/// does not make its record unreadable.
struct Stored<'a> {
    around: Around<'a>,
    name: &'a str,
    module: Option<Box<str>>,
}

impl Surroundings for Stored<'_> {
    fn tag(&self, path: &str) -> Option<Arc<Declaration>> {
        self.around.tag(path)
    }

    fn modules(&self) -> Vec<Box<str>> {
        let mut known = self.around.modules();
        known.extend(self.module.clone());
        known
    }

    fn ports(&self, module: &str) -> Vec<Port> {
        self.around.ports(module)
    }

    fn writer_of(&self, tag: &str) -> Option<Box<str>> {
        self.around.writer_of(tag).filter(|it| **it < *self.name)
    }
}

/// What would be around an object after a config transaction: its records are checked against that, and
/// may come in any order.
#[derive(Debug)]
pub struct Proposed {
    tags: Arc<Tags>,
    changed: BTreeMap<Box<str>, Option<Arc<Declaration>>>,
    modules: ModulePorts,
    declared: Declared,
}

impl Proposed {
    /// Around whatever is added next.
    #[must_use]
    pub const fn new(tags: Arc<Tags>, modules: ModulePorts, declared: Declared) -> Self {
        Self { tags, changed: BTreeMap::new(), modules, declared }
    }

    /// The transaction writes this record, or deletes it. Records of objects are only noted.
    pub fn note(&mut self, key: &str, record: Option<&[u8]>) {
        if let Some(path) = key.strip_prefix(tags::CONFIG_PREFIX) {
            let declaration = record.and_then(|it| Declaration::from_json(path, it).ok());
            self.changed.insert(path.into(), declaration.map(Arc::new));
        } else if let Some(name) = key.strip_prefix(CONFIG_PREFIX) {
            self.declared.leave_outputs(name);
            self.declared.objects.remove(name);
        }
    }

    /// The transaction names a module, or takes its name away.
    pub fn note_module(&mut self, name: &str, is_there: bool) {
        if is_there {
            self.modules.entry(name.into()).or_default();
        } else {
            self.modules.remove(name);
        }
    }

    /// Checks the record of an object. After [`note`](Self::note) was told everything.
    ///
    /// # Errors
    /// `Complaints`: everything that is wrong with it.
    pub fn check(&mut self, name: &str, record: &[u8]) -> Result<(), Complaints> {
        if self.declared.objects.len() >= OBJECTS_MAX {
            let allowed = format!("{OBJECTS_MAX} objects in all");
            return Err(Complaints(vec![Complaint::new("", "one object more", allowed)]));
        }
        let read = ObjectDeclaration::from_json(name, record, &*self).map(Arc::new)?;
        let written = outputs(&read).map(|it| (it.clone(), name.into()));
        self.declared.writers.extend(written.collect::<Vec<_>>());
        self.declared.objects.insert(name.into(), Ok(read));
        Ok(())
    }
}

impl Surroundings for Proposed {
    fn tag(&self, path: &str) -> Option<Arc<Declaration>> {
        match self.changed.get(path) {
            Some(declaration) => declaration.clone(),
            None => self.tags.declaration(path),
        }
    }

    fn modules(&self) -> Vec<Box<str>> {
        self.modules.keys().cloned().collect()
    }

    fn ports(&self, module: &str) -> Vec<Port> {
        self.modules.get(module).cloned().unwrap_or_default()
    }

    fn writer_of(&self, tag: &str) -> Option<Box<str>> {
        self.declared.writers.get(tag).cloned()
    }
}
