//! Objects as config data declares them: read when a record, or what is around it, changes.
use super::Driver;
use hotpair_core::EngineIndex;
use hotpair_engine::objects::CONFIG_PREFIX;
use hotpair_engine::tags;
use hotpair_replication::{Entry, Op};
use hotpair_types::{ItemKey, JournalKind};
use std::collections::BTreeSet;

/// Config records that name modules begin so.
const MODULES_PREFIX: &str = "modules/";

impl Driver {
    /// What an entry of config data says about objects, their tags and modules.
    pub(super) fn objects_declared(&mut self, engine: EngineIndex, entry: &Entry) {
        let (mut objects, mut tags, mut modules) =
            <(BTreeSet<_>, BTreeSet<_>, BTreeSet<_>)>::default();
        for op in &entry.ops {
            let (Op::Set { item, .. } | Op::Remove { item }) = op else { continue };
            let key = &item.item;
            for (prefix, names) in [
                (CONFIG_PREFIX, &mut objects),
                (tags::CONFIG_PREFIX, &mut tags),
                (MODULES_PREFIX, &mut modules),
            ] {
                names.extend(key.strip_prefix(prefix).map(Box::<str>::from));
            }
        }
        objects.extend(self.runtime(engine).objects.declared.touched(&tags, &modules));
        self.read_objects(engine, objects, &modules);
    }

    /// At the start and after a sync: every record anew.
    pub(super) fn restore_objects(&mut self, engine: EngineIndex) {
        self.runtime(engine).objects.declared.clear();
        self.runtime(engine).objects.alarms.undeclare_all();
        let records = self.replica(engine).items(JournalKind::Config, "", CONFIG_PREFIX);
        let names = records.filter_map(|(key, _)| Some(key.strip_prefix(CONFIG_PREFIX)?.into()));
        let names = names.collect();
        self.read_objects(engine, names, &BTreeSet::new());
        if self.runtime(engine).objects.runner.is_some() {
            self.open_objects(engine);
        }
    }

    fn read_objects(
        &mut self,
        engine: EngineIndex,
        names: BTreeSet<Box<str>>,
        changed_modules: &BTreeSet<Box<str>>,
    ) {
        if names.is_empty() {
            return;
        }
        let ports = self.module_ports(engine);
        let tags = self.runtime(engine).tags.clone();
        let mut declared = std::mem::take(&mut self.runtime(engine).objects.declared);
        let record = |name: &str| {
            let key = ItemKey::config(&format!("{CONFIG_PREFIX}{name}"));
            self.replica(engine).get(JournalKind::Config, &key).map(|it| it.value.clone())
        };
        let changed: BTreeSet<_> =
            declared.read(names.clone(), record, &tags, &ports).into_iter().collect();
        self.runtime(engine).objects.declared = declared;
        for name in names.union(&changed) {
            self.object_was_read(engine, name, changed.contains(name), changed_modules);
        }
    }

    fn object_was_read(
        &mut self,
        engine: EngineIndex,
        name: &str,
        changed: bool,
        changed_modules: &BTreeSet<Box<str>>,
    ) {
        let objects = &mut self.runtime(engine).objects;
        let declaration = objects.declared.get(name).cloned();
        if declaration.is_none() {
            objects.words.forget(name);
        }
        let alarms = declaration.as_ref().and_then(|it| it.as_ref().ok());
        objects.alarms.declare(name, alarms.map_or(&[][..], |it| &it.alarms[..]));
        let anew = match &declaration {
            Some(Ok(it)) => changed_modules.contains(&it.module),
            Some(Err(complaints)) if changed => {
                tracing::warn!(object = name, %complaints, "a record declares no sound object");
                false
            }
            Some(Err(_)) | None => false,
        };
        if !changed && !anew {
            return;
        }
        if let Some(runner) = &mut objects.runner {
            objects.loading.remove(name);
            objects.removals = true;
            match declaration {
                Some(Ok(declaration)) => {
                    let modules = self.modules(engine);
                    self.schedule(engine, &modules, &declaration, true);
                }
                Some(Err(_)) | None => runner.withdraw(name),
            }
        }
    }
}
