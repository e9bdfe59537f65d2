//! Objects: what config data declares of them, and their scans while the outputs are open. Which scan
//! is due and what becomes of it is decided by `Runner`; here it is posted, through the gate.
use super::Driver;
use super::object_troubles::Refused;
use super::object_words::ObjectWords;
use crate::scans::{Scanned, Work};
use hotpair_core::EngineIndex;
use hotpair_engine::alarms::{self, Alarms};
use hotpair_engine::modules::{Budget, ModuleProgram, attributes_of};
use hotpair_engine::objects::{
    Begin, Checkpoints, Declared, Fault, FaultKind, MakeProgram, ModulePorts, NATIVE_PREFIX,
    ObjectDeclaration, PROVIDER, Posts, Proposed, Runner, Unit,
};
use hotpair_engine::{Post, history, tags};
use hotpair_replication::{ModuleHash, Op, Refusal, WriteBody};
use hotpair_types::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// The modules that config data names.
pub(super) type Modules = BTreeMap<Box<str>, ModuleHash>;

/// Modules that are being compiled are looked for so often.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The objects of one engine on this node.
#[derive(Debug, Default)]
pub(crate) struct EngineObjects {
    pub(crate) checkpoints: Arc<Checkpoints>,
    pub(crate) alarms: Arc<Alarms>,
    /// Up to when the time of shelves is counted.
    pub(super) shelves_at: Time,
    pub(crate) declared: Declared,
    /// While the outputs are open.
    pub(crate) runner: Option<Runner>,
    /// Counts openings: what began in another one is not taken.
    opening: u64,
    /// Their modules are here and not compiled yet.
    pub(crate) loading: BTreeSet<Box<str>>,
    /// When they are looked for again.
    look_at: Time,
    /// What has to be posted as soon as the journal takes it: records without a declaration.
    pub(super) removals: bool,
    /// When the next scan is due, or something else is to be done.
    wake_at: Option<Time>,
    /// What they said here.
    pub(crate) words: ObjectWords,
    /// The journal does not take what objects do.
    pub(crate) refused: Option<Refused>,
}

impl EngineObjects {
    /// When there is something to do again; not before the gate passes again.
    pub(super) const fn wake_at(&self) -> Option<Time> {
        self.wake_at
    }
}

impl Driver {
    /// Puts an object into the schedule, or lets it wait for its module.
    pub(super) fn schedule(
        &mut self,
        engine: EngineIndex,
        modules: &Modules,
        declaration: &Arc<ObjectDeclaration>,
        is_change: bool,
    ) {
        let now = self.clock.now();
        let program = self.program_of(modules, &declaration.module);
        let objects = &mut self.runtime(engine).objects;
        let Some(runner) = &mut objects.runner else { return };
        let Some(make) = program else {
            runner.withdraw(declaration.name.as_str());
            objects.loading.insert(declaration.name.as_str().into());
            return;
        };
        if !is_change {
            return runner.deploy(now, declaration.clone(), make);
        }
        if let Some(unit) = runner.change(now, declaration.clone(), make) {
            // Not taken: it stays in fault, and says so.
            self.post_unit(engine, unit).ok();
        }
    }

    /// What makes the program of a module; none while that is not compiled yet.
    fn program_of(&self, modules: &Modules, module: &str) -> Option<MakeProgram> {
        let not_loaded = |reason: String| -> MakeProgram {
            Arc::new(move |_| Err(Fault::new(FaultKind::NotLoaded, &reason)))
        };
        if let Some(make) = self.natives.get(module) {
            return Some(make);
        }
        let Some(&hash) = modules.get(module) else {
            if module.starts_with(NATIVE_PREFIX) {
                return Some(not_loaded(format!("this node has no object `{module}`")));
            }
            return Some(not_loaded(format!("no module `{module}` is deployed")));
        };
        match self.store.shelf().get(hash) {
            Some(Ok(module)) => Some(Arc::new(move |declaration| {
                let program = ModuleProgram::new(&module, Budget::default(), declaration)?;
                Ok(Box::new(program))
            })),
            Some(Err(refused)) => Some(not_loaded(format!("module `{module}`: {refused}"))),
            None if self.store.has_blob(hash) => None,
            None => {
                Some(not_loaded(format!("the bytes of module `{module}` are not on this node")))
            }
        }
    }

    pub(super) fn modules(&self, engine: EngineIndex) -> Modules {
        self.replica(engine).modules().into_iter().map(|it| (it.name, it.hash)).collect()
    }

    /// Everything that an object can run here and what has to be declared for it; nothing of modules that
    /// are not compiled.
    pub(crate) fn module_ports(&self, engine: EngineIndex) -> ModulePorts {
        let ports = |hash: ModuleHash| match self.store.shelf().get(hash) {
            Some(Ok(module)) => attributes_of(&module),
            Some(Err(_)) | None => Vec::new(),
        };
        let modules = self.modules(engine).into_iter().map(|(name, hash)| (name, ports(hash)));
        modules.chain(self.natives.ports()).collect()
    }

    /// What a config transaction's objects are checked against.
    pub(crate) fn around_objects(&mut self, engine: EngineIndex) -> Proposed {
        let ports = self.module_ports(engine);
        let runtime = self.runtime(engine);
        Proposed::new(runtime.tags.clone(), ports, runtime.objects.declared.clone())
    }

    /// The outputs are open: the objects go on from their checkpoints.
    pub(super) fn open_objects(&mut self, engine: EngineIndex) {
        let now = self.clock.now();
        let objects = &mut self.runtime(engine).objects;
        objects.opening += 1;
        objects.removals = true;
        objects.loading.clear();
        objects.shelves_at = now;
        let (checkpoints, alarms) = (objects.checkpoints.clone(), objects.alarms.clone());
        objects.runner = Some(Runner::new(now, checkpoints, alarms));
        let declared: Vec<_> = objects.declared.iter().filter_map(|it| it.1.clone().ok()).collect();
        let modules = self.modules(engine);
        for declaration in declared {
            self.schedule(engine, &modules, &declaration, false);
        }
    }

    /// The outputs are shut: no scan begins, and what ends now has no effect.
    pub(super) fn close_objects(&mut self, engine: EngineIndex) {
        let objects = &mut self.runtime(engine).objects;
        objects.runner = None;
        objects.refused = None;
        objects.wake_at = None;
        objects.loading.clear();
    }

    /// A scan was done on its thread.
    pub(super) fn on_scanned(&mut self, scanned: Scanned) {
        self.scans.ended();
        let Scanned { engine, opening, mut ended } = scanned;
        let (now, at, name) = (self.clock.now(), self.clock.wall(), self.name_of(engine).clone());
        let objects = &mut self.runtime(engine).objects;
        if objects.opening != opening {
            return;
        }
        let said = ended.said();
        objects.words.take(&name, ended.object().as_str(), said, (now, at));
        let unit = objects.runner.as_mut().and_then(|it| it.ended(now, ended));
        if let Some(unit) = unit {
            // Not taken: it had no effect, and is done again.
            self.post_unit(engine, unit).ok();
        }
    }

    /// Begins what is due, on every engine whose gate passes.
    pub(super) fn run_objects(&mut self) {
        for engine in self.indexes() {
            self.runtime(engine).objects.wake_at = None;
            if self.runtime(engine).gate.passes().is_none() {
                continue;
            }
            self.post_removals(engine);
            self.pass_shelves(engine);
            self.look_for_modules(engine);
            let now = self.clock.now();
            let runner = self.runtime(engine).objects.runner.as_mut();
            for unit in runner.map(|it| it.give_up(now)).unwrap_or_default() {
                self.post_unit(engine, unit).ok();
            }
        }
        // Each time another engine first: where threads are few, none takes them from the others.
        let engines = self.engines.len();
        self.scans_from = (self.scans_from + 1) % engines.max(1);
        for turn in 0..engines {
            let engine = (self.scans_from + turn) % engines;
            let engine = EngineIndex(u8::try_from(engine).expect("at most 8 engines"));
            if self.runtime(engine).gate.passes().is_some() {
                self.begin_scans(engine);
            }
        }
    }

    /// A person lets an object in fault run again. Whether that has a place in the journal.
    ///
    /// # Errors
    /// Why not, where that is known.
    pub(crate) fn restart_object(
        &mut self,
        engine: EngineIndex,
        name: &str,
    ) -> Result<(), Option<Refusal>> {
        let now = self.clock.now();
        let runner = self.runtime(engine).objects.runner.as_mut();
        match runner.and_then(|it| it.restart(now, name)) {
            Some(unit) => self.post_unit(engine, unit),
            None => Ok(()),
        }
    }

    fn begin_scans(&mut self, engine: EngineIndex) {
        while self.scans.has_room() {
            let now = self.clock.now();
            let runtime = self.runtime(engine);
            let (tags, opening) = (runtime.tags.clone(), runtime.objects.opening);
            if let Some(until) = runtime.objects.refused_until(now) {
                let wake_at = &mut runtime.objects.wake_at;
                *wake_at = Some(wake_at.map_or(until, |it| it.min(until)));
                return;
            }
            let Some(runner) = &mut runtime.objects.runner else { return };
            match runner.next(now) {
                Begin::Scan(job) => self.scans.begin(Work { engine, opening, job, tags }),
                Begin::Wait(at) => {
                    let wake_at = &mut runtime.objects.wake_at;
                    *wake_at = Some(wake_at.map_or(at, |it| it.min(at)));
                    return;
                }
                Begin::Idle => return,
            }
        }
    }

    /// Modules are compiled on another thread while the node begins.
    fn look_for_modules(&mut self, engine: EngineIndex) {
        let now = self.clock.now();
        let objects = &mut self.runtime(engine).objects;
        if objects.loading.is_empty() {
            return;
        }
        if now >= objects.look_at {
            objects.look_at = now + LOOK_EVERY;
            let loading = std::mem::take(&mut objects.loading);
            let modules = self.modules(engine);
            for name in loading {
                let declared = &self.runtime(engine).objects.declared;
                if let Some(Ok(declaration)) = declared.get(&name).cloned() {
                    self.schedule(engine, &modules, &declaration, false);
                }
            }
        }
        let objects = &mut self.runtime(engine).objects;
        objects.wake_at = (!objects.loading.is_empty()).then_some(objects.look_at);
    }

    /// Nothing stays of objects and alarms that are not declared any more.
    fn post_removals(&mut self, engine: EngineIndex) {
        let objects = &mut self.runtime(engine).objects;
        if !std::mem::take(&mut objects.removals) {
            return;
        }
        let declared = &objects.declared;
        let Some(runner) = &objects.runner else { return };
        let posts = runner.removals(|name| declared.get(name).is_some());
        let mut all = ops(PROVIDER, &posts);
        // A record that cannot be read now may say again tomorrow what it declares.
        let is_read = |name: &str| declared.get(name).is_none_or(Result::is_ok);
        all.extend(ops(alarms::PROVIDER, &objects.alarms.removals(is_read)));
        if all.is_empty() {
            return;
        }
        match self.post(engine, WriteBody::Runtime { ops: all }) {
            Ok(position) => {
                let taken = self.runtime(engine).objects.checkpoints.commit(position, posts);
                if let Err(error) = taken {
                    tracing::error!(%error, "a removed object's checkpoint cannot be dropped");
                }
            }
            Err(_) => self.runtime(engine).objects.removals = true,
        }
    }

    /// One unit is one entry: checkpoint, outputs, alarms and history, or nothing of it.
    fn post_unit(&mut self, engine: EngineIndex, unit: Unit) -> Result<(), Option<Refusal>> {
        let (now, at) = (self.clock.now(), self.clock.wall());
        if unit.fault.is_some() {
            // At once, with the alarm.
            self.changed();
        }
        let tags = self.runtime(engine).tags.clone();
        let runner = self.runtime(engine).objects.runner.as_mut();
        let Some(mut posts) = runner.and_then(|it| it.posts(now, at, unit, &tags)) else {
            return Err(None);
        };
        let passes = self.runtime(engine).gate.passes();
        let recorded = self.history_ops(engine, passes, &mut posts, at);
        let mut all = all_ops(&posts);
        all.extend(ops(history::PROVIDER, &recorded));
        let body = WriteBody::Runtime { ops: all };
        let posted = if passes.is_some() { self.post(engine, body) } else { Err(None) };
        self.note_refused(engine, now, posted.as_ref().err().cloned().flatten());
        let position = posted.as_ref().ok().copied();
        if let Some(position) = position {
            self.commit_history(engine, position, recorded);
        }
        // It may have been dropped meanwhile: with the role.
        let Some(runner) = &mut self.runtime(engine).objects.runner else { return Err(None) };
        if let Err(error) = runner.posted(now, posts, position) {
            tracing::error!(%error, "a unit that was checked cannot be taken");
        }
        posted.map(drop)
    }
}

pub(super) fn all_ops(posts: &Posts) -> Vec<Op> {
    let mut all = ops(PROVIDER, &posts.checkpoint);
    all.extend(ops(tags::PROVIDER, &posts.tags));
    all.extend(ops(alarms::PROVIDER, &posts.alarms));
    all
}

pub(super) fn ops(provider: &str, posts: &[Post]) -> Vec<Op> {
    posts.iter().map(|it| super::writes::op_of(provider, it)).collect()
}
