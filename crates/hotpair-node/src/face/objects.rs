//! Objects: their records checked before they are written, and how they do.
use super::Face;
use super::tags::quality_of;
use crate::driver::{Driver, Line};
use hotpair_api::face::{
    Caller, Evidence, HistogramValue, ObjectAttribute, ObjectBinding, ObjectDetail, ObjectLine,
    ObjectMeasures, ObjectPage, ObjectSchedule, ObjectState, ObjectStatus, ObjectTimes, Problem,
    ProblemKind, Reason,
};
use hotpair_core::EngineIndex;
use hotpair_engine::Complaints;
use hotpair_engine::objects::{
    AttributeDeclaration, Binding, CONFIG_PREFIX, Checkpoint, Fault, Read, Schedule, Statistics,
};
use hotpair_engine::tags::{TagRecord, Tags};
use hotpair_replication::{Op, Refusal};
use hotpair_types::EngineName;
use std::time::Duration;

impl Face {
    pub(super) async fn do_objects(
        &self,
        engine: Option<EngineName>,
        prefix: String,
        after: Option<String>,
        count_max: usize,
    ) -> Result<ObjectPage, Problem> {
        self.with(engine, move |driver, index| {
            let declared = &driver.runtime(index).objects.declared;
            let after = after.as_deref();
            let wanted = |name: &str| name.starts_with(&prefix) && after.is_none_or(|it| name > it);
            let names = declared.iter().map(|it| it.0).filter(|it| wanted(it));
            let mut names: Vec<String> = names.take(count_max + 1).map(Into::into).collect();
            let more = names.len() > count_max;
            names.truncate(count_max);
            let next = names.last().filter(|_| more).cloned();
            let objects = names.iter().filter_map(|it| driver.object_status(index, it)).collect();
            ObjectPage { objects, next }
        })
        .await
    }

    pub(super) async fn do_object(
        &self,
        engine: Option<EngineName>,
        name: String,
    ) -> Result<ObjectDetail, Problem> {
        self.with(engine, move |driver, index| driver.object_detail(index, &name)).await?
    }

    pub(super) async fn do_object_restart(
        &self,
        engine: Option<EngineName>,
        name: String,
        caller: Caller,
    ) -> Result<ObjectStatus, Problem> {
        self.with(engine, move |driver, index| {
            tracing::info!(engine = %driver.name_of(index), object = name, %caller, "restart asked");
            let before = driver.object_status(index, &name).ok_or_else(|| unknown(&name))?;
            if driver.runtime(index).gate.passes().is_none() {
                return Err(driver.not_active_here(index));
            }
            if before.state != ObjectState::Fault {
                let text = format!("object `{name}` is not in fault: {}", before.state.as_str());
                return Err(Problem::new(ProblemKind::Conflict, text));
            }
            if let Some(Err(complaints)) = driver.runtime(index).objects.declared.get(&name) {
                return Err(refused(&name, complaints));
            }
            driver.restart_object(index, &name).map_err(|refusal| not_taken(refusal.as_ref()))?;
            driver.object_status(index, &name).ok_or_else(|| unknown(&name))
        })
        .await?
    }

    /// Refuses a transaction whose records of objects are not sound, with everything that is wrong.
    pub(super) async fn check_objects(
        &self,
        index: EngineIndex,
        ops: &[Op],
    ) -> Result<(), Problem> {
        let key_of = |op: &Op| match op {
            Op::Set { item, value } => Some((item.item.clone(), Some(value.clone()))),
            Op::Remove { item } => Some((item.item.clone(), None)),
            Op::ReplaceAll { .. } => None,
        };
        let changes: Vec<_> = ops.iter().filter_map(key_of).collect();
        if !changes.iter().any(|(key, value)| key.starts_with(CONFIG_PREFIX) && value.is_some()) {
            return Ok(());
        }
        let mut around = self.call(move |driver| driver.around_objects(index)).await?;
        // Documents may be large and many: not on the driver's thread.
        let check = move || {
            for (key, value) in &changes {
                around.note(key, value.as_deref());
                if let Some(module) = key.strip_prefix("modules/") {
                    around.note_module(module, value.is_some());
                }
            }
            for (key, value) in &changes {
                if let (Some(name), Some(value)) = (key.strip_prefix(CONFIG_PREFIX), value) {
                    around.check(name, value).map_err(|it| refused(name, &it))?;
                }
            }
            Ok(())
        };
        let checked = tokio::task::spawn_blocking(check).await.map_err(|_| super::ending())?;
        let Err(problem) = checked else { return Ok(()) };
        // A standby may not know everything yet: where to write matters more.
        let elsewhere = move |driver: &mut Driver| {
            driver.state_of(index).is_standby().then(|| driver.not_active_here(index))
        };
        Err(self.call(elsewhere).await?.unwrap_or(problem))
    }
}

fn unknown(name: &str) -> Problem {
    let name: String = name.escape_default().take(80).collect();
    Problem::new(ProblemKind::UnknownObject, format!("there is no object `{name}`"))
}

/// The restart has no place in the journal, so the object is in fault still.
fn not_taken(refusal: Option<&Refusal>) -> Problem {
    match refusal {
        Some(refusal) => crate::reasons::of_write(refusal, None),
        None => Problem::new(ProblemKind::NoActive, "the role is on its way to the other node"),
    }
}

fn refused(name: &str, complaints: &Complaints) -> Problem {
    let reasons: Vec<_> = reasons(complaints);
    let text = format!("object `{}`: {}", name.escape_default(), counted(reasons.len()));
    Problem::new(ProblemKind::ObjectRefused, text).because(reasons)
}

fn counted(count: usize) -> String {
    if count == 1 { "one thing is wrong".to_owned() } else { format!("{count} things are wrong") }
}

fn reasons(complaints: &Complaints) -> Vec<Reason> {
    let reason = |it: &hotpair_engine::Complaint| {
        let field = if it.field.is_empty() { "document" } else { &it.field };
        let evidence = Evidence::new(field, &it.given).against(&it.allowed);
        Reason::new("field", it.to_string()).with(evidence)
    };
    complaints.as_slice().iter().map(reason).collect()
}

impl Driver {
    /// What is meant for the active was asked here.
    pub(super) fn not_active_here(&self, index: EngineIndex) -> Problem {
        match self.partner.api().filter(|_| self.state_of(index).is_standby()) {
            Some(api) => Problem::not_active("the partner is active", Some(api)),
            None => Problem::new(ProblemKind::NoActive, "nobody is known to be active"),
        }
    }

    fn object_status(&mut self, index: EngineIndex, name: &str) -> Option<ObjectStatus> {
        let objects = &self.runtime(index).objects;
        let read = objects.declared.get(name)?;
        let shown = objects.runner.as_ref().and_then(|it| it.shown(name));
        let (scan, fault) = objects.checkpoints.step(name);
        let fault = shown.map_or(fault, |it| it.fault.clone());
        let (state, reasons) = match (read, fault) {
            (Err(complaints), _) => (ObjectState::Fault, reasons(complaints)),
            (Ok(_), Some(fault)) => (ObjectState::Fault, vec![reason(&fault)]),
            (Ok(_), None) if shown.is_some() => match &objects.refused {
                Some(it) => {
                    let text = format!("its scans have no effect: {}", it.why);
                    (ObjectState::Waiting, vec![Reason::new("not-taken", text)])
                }
                None => (ObjectState::Running, Vec::new()),
            },
            (Ok(_), None) if objects.runner.is_some() => (ObjectState::Waiting, Vec::new()),
            (Ok(_), None) => (ObjectState::Standby, Vec::new()),
        };
        let declaration = read.as_ref().ok();
        Some(ObjectStatus {
            name: name.to_owned(),
            module: declaration.map(|it| it.module.to_string()),
            state,
            reasons,
            schedule: declaration.map(|it| schedule(&it.schedule)),
            scan,
            overruns: shown.map_or(0, |it| it.overruns),
            scan_time: shown.map(|it| times(&it.scan_time)),
            jitter: shown.map(|it| times(&it.jitter)),
        })
    }

    fn object_detail(&mut self, index: EngineIndex, name: &str) -> Result<ObjectDetail, Problem> {
        let object = self.object_status(index, name).ok_or_else(|| unknown(name))?;
        let runtime = self.runtime(index);
        let checkpoint = runtime.objects.checkpoints.get(name);
        let attributes =
            attributes(runtime.objects.declared.get(name), checkpoint.as_ref(), &runtime.tags);
        let program = checkpoint.as_ref().map(|it| it.program.to_string());
        let line = |it: &Line| ObjectLine { at_ms: it.at.0, text: it.text.to_string() };
        let said = runtime.objects.words.of(name).map(line).collect();
        Ok(ObjectDetail {
            object,
            program: program.filter(|it| !it.is_empty()),
            position: checkpoint.map(|it| it.position.into()),
            attributes,
            said,
        })
    }

    /// Figures of the objects that are scanned here.
    pub(super) fn object_measures(&self, index: EngineIndex) -> Vec<ObjectMeasures> {
        let runner = self.engines[usize::from(index.0)].objects.runner.as_ref();
        let objects = runner.into_iter().flat_map(|it| it.all());
        let measures = objects.map(|(name, shown)| ObjectMeasures {
            name: name.to_string(),
            scan_seconds: histogram(&shown.scan_time),
            jitter_seconds: histogram(&shown.jitter),
            overruns: shown.overruns,
        });
        measures.collect()
    }
}

fn attributes(
    read: Option<&Read>,
    checkpoint: Option<&Checkpoint>,
    tags: &Tags,
) -> Vec<ObjectAttribute> {
    let Some(Ok(declaration)) = read else { return Vec::new() };
    let shown = |it: &AttributeDeclaration| {
        let kept = checkpoint.and_then(|at| at.attributes.get(&it.name)).cloned();
        let TagRecord { value, quality, timestamp } = match &it.binding {
            Binding::Input(tag) => tags
                .read(tag)
                .and_then(|it| {
                    let (quality, timestamp) = (it.quality, it.timestamp);
                    it.value.map(|value| TagRecord { value, quality, timestamp })
                })
                .unwrap_or_else(|| it.first()),
            Binding::Own | Binding::Output(_) => kept.unwrap_or_else(|| it.first()),
        };
        ObjectAttribute {
            name: it.name.to_string(),
            value_type: it.declaration.of_type.id().to_owned(),
            unit: it.declaration.unit.as_deref().map(str::to_owned),
            value: value.to_json(),
            quality: quality_of(quality),
            timestamp: timestamp.0,
            binding: match &it.binding {
                Binding::Own => ObjectBinding::Own,
                Binding::Input(_) => ObjectBinding::Input,
                Binding::Output(_) => ObjectBinding::Output,
            },
            tag: it.binding.tag().map(|it| it.to_string()),
        }
    };
    declaration.attributes.iter().map(shown).collect()
}

fn reason(fault: &Fault) -> Reason {
    Reason::new(fault.kind.id(), &*fault.reason)
}

fn millis(it: Duration) -> u64 {
    u64::try_from(it.as_millis()).unwrap_or(u64::MAX)
}

fn micros(it: Duration) -> u64 {
    u64::try_from(it.as_micros()).unwrap_or(u64::MAX)
}

fn schedule(it: &Schedule) -> ObjectSchedule {
    ObjectSchedule {
        period_ms: millis(it.period),
        phase_ms: millis(it.phase),
        scan_limit_ms: millis(it.scan_limit),
    }
}

fn times(it: &Statistics) -> ObjectTimes {
    ObjectTimes {
        count: it.count(),
        last_us: micros(it.last()),
        mean_us: micros(it.sum()).checked_div(it.count()).unwrap_or(0),
        longest_us: micros(it.longest()),
    }
}

fn histogram(it: &Statistics) -> HistogramValue {
    let class = |(bound, count): (Option<Duration>, u64)| {
        (bound.map_or(f64::INFINITY, |it| it.as_secs_f64()), count)
    };
    HistogramValue {
        sum: it.sum().as_secs_f64(),
        count: it.count(),
        buckets: it.classes().map(class).collect(),
    }
}
