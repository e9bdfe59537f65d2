//! What the API asks about what engines run; the answers are in the files beside this one.
use super::Face;
use hotpair_api::face::{
    AlarmOrder, AttributeValue, Caller, EngineFace, HistoryStatus, ModuleBody, ModuleRecord,
    ObjectAlarm, ObjectAlarmPage, ObjectDetail, ObjectPage, ObjectStatus, Reply, SubscriberStatus,
    WriteOptions, WriteOutcome,
};
use hotpair_types::EngineName;

impl EngineFace for Face {
    fn subscribers(&self, engine: Option<EngineName>) -> Reply<'_, Vec<SubscriberStatus>> {
        Box::pin(self.with(engine, |driver, index| driver.subscribers(index)))
    }

    fn history(&self, engine: Option<EngineName>) -> Reply<'_, HistoryStatus> {
        Box::pin(self.with(engine, |driver, index| driver.history_status(index)))
    }

    fn module_add(
        &self,
        engine: Option<EngineName>,
        name: String,
        body: ModuleBody,
        options: WriteOptions,
    ) -> Reply<'_, (ModuleRecord, WriteOutcome)> {
        Box::pin(self.do_module_add(engine, name, body, options))
    }

    fn module_remove(
        &self,
        engine: Option<EngineName>,
        name: String,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome> {
        Box::pin(self.do_module_remove(engine, name, options))
    }

    fn modules(&self, engine: Option<EngineName>) -> Reply<'_, Vec<ModuleRecord>> {
        Box::pin(self.do_modules(engine))
    }

    fn objects(
        &self,
        engine: Option<EngineName>,
        prefix: String,
        after: Option<String>,
        count_max: usize,
    ) -> Reply<'_, ObjectPage> {
        Box::pin(self.do_objects(engine, prefix, after, count_max))
    }

    fn object(&self, engine: Option<EngineName>, name: String) -> Reply<'_, ObjectDetail> {
        Box::pin(self.do_object(engine, name))
    }

    fn object_restart(
        &self,
        engine: Option<EngineName>,
        name: String,
        caller: Caller,
    ) -> Reply<'_, ObjectStatus> {
        Box::pin(self.do_object_restart(engine, name, caller))
    }

    fn object_set(
        &self,
        engine: Option<EngineName>,
        name: (String, String),
        value: AttributeValue,
        caller: Caller,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome> {
        Box::pin(self.do_object_set(engine, name, value, caller, options))
    }

    fn object_alarms(
        &self,
        engine: Option<EngineName>,
        prefix: String,
        after: Option<String>,
        count_max: usize,
    ) -> Reply<'_, ObjectAlarmPage> {
        Box::pin(self.do_object_alarms(engine, prefix, after, count_max))
    }

    fn object_alarm(
        &self,
        engine: Option<EngineName>,
        object: String,
        alarm: String,
    ) -> Reply<'_, ObjectAlarm> {
        Box::pin(self.do_object_alarm(engine, object, alarm))
    }

    fn alarm_order(
        &self,
        engine: Option<EngineName>,
        name: (String, String),
        order: AlarmOrder,
        caller: Caller,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome> {
        Box::pin(self.do_alarm_order(engine, name, order, caller, options))
    }
}
