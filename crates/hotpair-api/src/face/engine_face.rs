//! What the API asks of a node about what its engines run.
use super::{
    AlarmOrder, AttributeValue, Caller, HistoryStatus, ModuleBody, ModuleRecord, ObjectAlarm,
    ObjectAlarmPage, ObjectDetail, ObjectPage, ObjectStatus, Reply, SubscriberStatus, WriteOptions,
    WriteOutcome,
};
use hotpair_types::EngineName;

/// Code modules, objects, their alarms and history, and who follows. The other half is
/// [`NodeFace`](super::NodeFace).
pub trait EngineFace: Send + Sync + 'static {
    /// Who follows under a name, as this node knows it.
    fn subscribers(&self, engine: Option<EngineName>) -> Reply<'_, Vec<SubscriberStatus>>;

    /// History that is held until a sink has it.
    fn history(&self, engine: Option<EngineName>) -> Reply<'_, HistoryStatus>;

    /// Stores a code module and records its hash in config.
    fn module_add(
        &self,
        engine: Option<EngineName>,
        name: String,
        body: ModuleBody,
        options: WriteOptions,
    ) -> Reply<'_, (ModuleRecord, WriteOutcome)>;

    /// Removes a code module.
    fn module_remove(
        &self,
        engine: Option<EngineName>,
        name: String,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome>;

    /// The code modules that config records.
    fn modules(&self, engine: Option<EngineName>) -> Reply<'_, Vec<ModuleRecord>>;

    /// The declared objects whose name begins with `prefix` and comes after `after`, in order.
    fn objects(
        &self,
        engine: Option<EngineName>,
        prefix: String,
        after: Option<String>,
        count_max: usize,
    ) -> Reply<'_, ObjectPage>;

    /// One object with its attributes.
    fn object(&self, engine: Option<EngineName>, name: String) -> Reply<'_, ObjectDetail>;

    /// Lets an object in fault run again. Only where it would run.
    fn object_restart(
        &self,
        engine: Option<EngineName>,
        name: String,
        caller: Caller,
    ) -> Reply<'_, ObjectStatus>;

    /// Sets an attribute of an object, in a step of its own. Answered as a write is.
    fn object_set(
        &self,
        engine: Option<EngineName>,
        name: (String, String),
        value: AttributeValue,
        caller: Caller,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome>;

    /// The alarms of declared objects whose `OBJECT/ALARM` begins with `prefix` and comes after
    /// `after`, in order.
    fn object_alarms(
        &self,
        engine: Option<EngineName>,
        prefix: String,
        after: Option<String>,
        count_max: usize,
    ) -> Reply<'_, ObjectAlarmPage>;

    /// One alarm.
    fn object_alarm(
        &self,
        engine: Option<EngineName>,
        object: String,
        alarm: String,
    ) -> Reply<'_, ObjectAlarm>;

    /// Does what a person or a rule wants of an alarm. Answered as a write is.
    fn alarm_order(
        &self,
        engine: Option<EngineName>,
        name: (String, String),
        order: AlarmOrder,
        caller: Caller,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome>;
}
