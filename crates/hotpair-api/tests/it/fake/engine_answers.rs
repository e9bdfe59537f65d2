//! The fake node's answers about what its engines run.
use super::{FakeNode, alarms, objects, reply};
use hotpair_api::face::*;
use hotpair_types::EngineName;

impl EngineFace for FakeNode {
    fn subscribers(&self, _: Option<EngineName>) -> Reply<'_, Vec<SubscriberStatus>> {
        reply(Ok(vec![objects::subscriber()]))
    }

    fn history(&self, _: Option<EngineName>) -> Reply<'_, HistoryStatus> {
        reply(Ok(objects::history()))
    }

    fn module_add(
        &self,
        _: Option<EngineName>,
        name: String,
        mut body: ModuleBody,
        options: WriteOptions,
    ) -> Reply<'_, (ModuleRecord, WriteOutcome)> {
        Box::pin(async move {
            let mut bytes = Vec::new();
            loop {
                match body.next().await {
                    Ok(Some(piece)) => bytes.extend(piece),
                    Ok(None) => break,
                    Err(broken) => {
                        self.with(|it| it.upload_broke = Some(broken.to_string()));
                        return Err(Problem::new(ProblemKind::BadRequest, broken.to_string()));
                    }
                }
            }
            let record = objects::module(&name, bytes.len());
            let outcome = self.write(&options, |it, _| {
                it.modules.insert(name, bytes);
                Ok(())
            });
            Ok((record, outcome))
        })
    }

    fn module_remove(
        &self,
        _: Option<EngineName>,
        name: String,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome> {
        reply(Ok(self.write(&options, |it, _| {
            let missing = || Problem::new(ProblemKind::UnknownModule, format!("no `{name}`"));
            it.modules.remove(&name).map(|_| ()).ok_or_else(missing)
        })))
    }

    fn modules(&self, _: Option<EngineName>) -> Reply<'_, Vec<ModuleRecord>> {
        reply(self.read(|it| {
            Ok(it.modules.iter().map(|(name, bytes)| objects::module(name, bytes.len())).collect())
        }))
    }

    fn objects(
        &self,
        _: Option<EngineName>,
        prefix: String,
        after: Option<String>,
        count_max: usize,
    ) -> Reply<'_, ObjectPage> {
        reply(Ok(objects::page(&prefix, after.as_deref(), count_max)))
    }

    fn object(&self, _: Option<EngineName>, name: String) -> Reply<'_, ObjectDetail> {
        reply(objects::detail(&name))
    }

    fn object_restart(
        &self,
        _: Option<EngineName>,
        name: String,
        _: Caller,
    ) -> Reply<'_, ObjectStatus> {
        reply(objects::restarted(&name))
    }

    fn object_set(
        &self,
        _: Option<EngineName>,
        name: (String, String),
        value: AttributeValue,
        _: Caller,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome> {
        reply(Ok(self.write(&options, |it, _| {
            it.seen.push(format!("{name:?} {} {:?}", value.value, value.quality));
            Ok(())
        })))
    }

    fn object_alarms(
        &self,
        _: Option<EngineName>,
        prefix: String,
        _: Option<String>,
        _: usize,
    ) -> Reply<'_, ObjectAlarmPage> {
        reply(Ok(alarms::page(&prefix)))
    }

    fn object_alarm(
        &self,
        _: Option<EngineName>,
        object: String,
        alarm: String,
    ) -> Reply<'_, ObjectAlarm> {
        reply(alarms::one(&object, &alarm))
    }

    fn alarm_order(
        &self,
        _: Option<EngineName>,
        name: (String, String),
        order: AlarmOrder,
        _: Caller,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome> {
        reply(Ok(self.write(&options, |it, _| {
            it.seen.push(format!("{name:?} {order:?}"));
            alarms::ordered(&order)
        })))
    }
}
