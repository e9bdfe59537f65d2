//! Objects that do not run where they would, or whose scans have no effect: said, as long as it is so.
use super::Driver;
use super::objects::EngineObjects;
use hotpair_core::EngineIndex;
use hotpair_replication::Refusal;
use hotpair_types::Time;
use std::time::Duration;

/// Missing module bytes are told after this time.
const MODULES_MISSING_MAX: Duration = Duration::from_secs(5);
/// An alarm names so many objects, and counts the rest.
const NAMES_MAX: usize = 5;
/// After the journal did not take a unit no scan begins for so long: it would be done for nothing.
const REFUSED_PAUSE: Duration = Duration::from_millis(500);
/// What lasts longer is an alarm.
const REFUSED_MAX: Duration = Duration::from_secs(1);

/// Why units have no place in the journal.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    /// The newest reason.
    pub(crate) why: Refusal,
    since: Time,
    until: Time,
}

impl EngineObjects {
    /// Until when no scan begins, if none is to begin now.
    pub(super) fn refused_until(&self, now: Time) -> Option<Time> {
        self.refused.as_ref().map(|it| it.until).filter(|it| *it > now)
    }
}

/// Not about this one unit: the next one is refused as well.
const fn is_about_all(why: &Refusal) -> bool {
    match why {
        Refusal::NotHere(_)
        | Refusal::SwitchingOver
        | Refusal::NoStandby
        | Refusal::Overloaded { .. }
        | Refusal::StorageFailed => true,
        Refusal::ConfigOnMasterOnly
        | Refusal::Expectation { .. }
        | Refusal::NotThere { .. }
        | Refusal::TooLarge { .. }
        | Refusal::TooManyChanges { .. }
        | Refusal::Malformed { .. }
        | Refusal::KeyTooOld { .. }
        | Refusal::NoSuchRecord => false,
    }
}

impl Driver {
    /// The journal took a unit, or refused it.
    pub(super) fn note_refused(&mut self, engine: EngineIndex, now: Time, why: Option<Refusal>) {
        let refused = &mut self.runtime(engine).objects.refused;
        let since = refused.as_ref().map_or(now, |it| it.since);
        let why = why.filter(is_about_all);
        *refused = why.map(|why| Refused { why, since, until: now + REFUSED_PAUSE });
    }

    /// Alarms, as long as their cause lasts.
    pub(super) fn look_at_objects(&mut self) {
        for engine in self.indexes() {
            let fault = self.faults_told(engine);
            self.show_object_alarm(engine, "object-fault", fault);
            let refused = self.refusal_told(engine);
            self.show_object_alarm(engine, "objects-without-effect", refused);
        }
    }

    /// Bytes that neither the disk nor the partner gives. A standby that is brought level lacks them for a moment.
    pub(super) fn look_at_modules(&mut self) {
        for engine in self.indexes() {
            let now = self.clock.now();
            let missing = self.replica(engine).missing_modules();
            let since = &mut self.runtime(engine).modules_missing_since;
            let since = *since.get_or_insert(now);
            if missing.is_empty() {
                self.runtime(engine).modules_missing_since = None;
            }
            let lasts = !missing.is_empty() && now.since(since) >= MODULES_MISSING_MAX;
            let text = lasts.then(|| {
                let names = missing.iter().take(NAMES_MAX).map(|it| format!("`{it}`"));
                let names = names.collect::<Vec<_>>().join(", ");
                format!(
                    "the bytes of module {names} are not on this node, and the partner does not give them: \
                     hotpair module add NAME FILE, with the same file"
                )
            });
            self.show_object_alarm(engine, "module-missing", text);
        }
    }

    fn faults_told(&mut self, engine: EngineIndex) -> Option<String> {
        let objects = &self.runtime(engine).objects;
        let runner = objects.runner.as_ref()?;
        let in_fault = runner.all().filter(|it| it.1.fault.is_some()).map(|it| it.0.to_string());
        let unsound = objects.declared.iter().filter(|it| it.1.is_err()).map(|it| it.0.to_owned());
        let names: Vec<_> = in_fault.chain(unsound).collect();
        if names.is_empty() {
            return None;
        }
        let mut text =
            format!("objects in fault: {}", names[..names.len().min(NAMES_MAX)].join(", "));
        if names.len() > NAMES_MAX {
            text += &format!(" and {} more", names.len() - NAMES_MAX);
        }
        Some(text + "; hotpair object list")
    }

    fn refusal_told(&mut self, engine: EngineIndex) -> Option<String> {
        let now = self.clock.now();
        let refused = self.runtime(engine).objects.refused.as_ref()?;
        let text = format!("no scan of an object has an effect: {}", refused.why);
        (now.since(refused.since) >= REFUSED_MAX).then_some(text)
    }

    pub(super) fn show_object_alarm(
        &mut self,
        engine: EngineIndex,
        id: &'static str,
        text: Option<String>,
    ) {
        let Some(text) = text else {
            self.runtime(engine).alarms.remove(id);
            return;
        };
        // Raising is news, and news are published.
        if self.runtime(engine).alarms.get(id).is_none_or(|it| it.text != text) {
            self.raise(engine, id, text);
        }
    }
}
