//! The narrow trait through which everything outside speaks to a node, and the values that pass.
//!
//! Nothing here knows HTTP; nothing of the node's inside is here. The types are the JSON that
//! clients see (docs/design/interfaces.md, "HTTP").

mod reason;
mod problem;
mod service;
mod status;
mod outputs;
mod event;
mod command;
mod write;
mod config;
mod tag;
mod feed;
mod provider;
mod module;
mod progress;
mod subscriber;
mod history;
mod object;
mod alarm;
mod divergence;
mod measure;

pub use alarm::{
    AlarmChange, AlarmCommand, AlarmCondition, AlarmOrder, AlarmWord, ObjectAlarm, ObjectAlarmPage,
};
pub use command::{Accepted, Caller, Command, CommandKind, Forecast, LogLevel, Verdict};
pub use config::{
    ConfigChange, ConfigExport, ConfigOp, ConfigPage, ConfigRecord, ConfigTransaction, Expectation,
};
pub use divergence::{DivergedEntry, Divergence, DivergenceSummary, ReplayReport, ReplayedEntry};
pub use event::{Event, EventKind};
pub use feed::{Feed, FeedEnd, FeedItem, FeedSender, FeedStart, Lagged, SubscribeRequest};
pub use history::{HistoryFailing, HistorySinkStatus, HistoryStatus};
pub use measure::{
    EngineMeasures, GrantMeasures, HistogramValue, HistoryMeasures, Measures, ObjectMeasures,
    QueueMeasure,
};
pub use module::{ModuleBody, ModuleRecord, ModuleSender, UploadBroken};
pub use object::{
    ObjectAttribute, ObjectBinding, ObjectDetail, ObjectPage, ObjectSchedule, ObjectState,
    ObjectStatus, ObjectTimes,
};
pub use outputs::{AddressState, AddressStatus, Fencing, OutputsStatus};
pub use problem::{Problem, ProblemKind};
pub use progress::{FeedProgress, Reached};
pub use provider::{
    ProviderEncoding, ProviderEnd, ProviderEvent, ProviderEventSender, ProviderEvents,
    ProviderItem, ProviderOp, ProviderPost, ProviderSession, ProviderStart,
};
pub use reason::{Evidence, Reason};
pub use service::{ServiceState, ServiceStatus};
pub use status::{
    Alarm, ArbiterReach, ChannelHealth, ChannelStatus, Check, EngineStatus, GrantStatus,
    MarksStatus, NodeStatus, OwnEnd, PartnerStatus, PositionStatus, PositionsStatus, SyncProgress,
};
pub use subscriber::SubscriberStatus;
pub use tag::{Tag, TagPage, TagQuality, TagWrite};
pub use write::{Done, WriteOptions, WriteOutcome};

use hotpair_types::EngineName;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::watch;

/// An answer that arrives later. Boxed, so that the API is compiled once, without generics.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, Problem>> + Send + 'a>>;

/// What the API asks of a node. `engine: None` means the only engine; with several, the node
/// answers `ProblemKind::EngineNeeded`.
///
/// Every call may be cancelled by dropping its future. A write whose future is dropped may still
/// happen.
pub trait NodeFace: Send + Sync + 'static {
    /// The status, published on each change and at least once a second.
    fn status(&self) -> watch::Receiver<Arc<NodeStatus>>;

    /// Passes once through the node's decision loop, so that a loop that stands still is seen.
    fn alive(&self) -> Reply<'_, ()>;

    /// Whether this engine's outputs are open at this very moment; asked where one leaves.
    fn may_act(&self, engine: &str) -> bool;

    /// Values for `/metrics`, now.
    fn measures(&self) -> Reply<'_, Measures>;

    /// Role changes and other events of this node with a number above `since`, oldest first, at
    /// most `count_max` (the newest of them).
    fn events(
        &self,
        engine: Option<EngineName>,
        since: u64,
        count_max: usize,
    ) -> Reply<'_, Vec<Event>>;

    /// What a person asks for. Refusals are verdicts, not problems.
    fn command(
        &self,
        engine: Option<EngineName>,
        caller: Caller,
        command: Command,
    ) -> Reply<'_, Verdict>;

    /// The last role changes with all their evidence, newest first.
    fn why(&self, engine: Option<EngineName>, count_max: usize) -> Reply<'_, Vec<Event>>;

    /// Every reason that would refuse this command now; none: it would be accepted.
    fn why_not(&self, engine: Option<EngineName>, command: CommandKind) -> Reply<'_, Vec<Reason>>;

    /// One config record.
    fn config_get(&self, engine: Option<EngineName>, key: String) -> Reply<'_, ConfigRecord>;

    /// Config records whose key begins with `prefix` and comes after `after`, in order.
    fn config_list(
        &self,
        engine: Option<EngineName>,
        prefix: String,
        after: Option<String>,
        count_max: usize,
    ) -> Reply<'_, ConfigPage>;

    /// Runs a config transaction: all of it or nothing.
    fn config_write(
        &self,
        engine: Option<EngineName>,
        transaction: ConfigTransaction,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome>;

    /// The last changes of the config journal, newest first; of one key when given.
    fn config_history(
        &self,
        engine: Option<EngineName>,
        key: Option<String>,
        count_max: usize,
    ) -> Reply<'_, Vec<ConfigChange>>;

    /// All config records at one position.
    fn config_export(&self, engine: Option<EngineName>) -> Reply<'_, ConfigExport>;

    /// Writes an export back in one transaction; with `replace`, records that are not in it are
    /// deleted.
    fn config_import(
        &self,
        engine: Option<EngineName>,
        export: ConfigExport,
        replace: bool,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome>;

    /// One tag.
    fn tag_read(&self, engine: Option<EngineName>, path: String) -> Reply<'_, Tag>;

    /// Tags whose path begins with `prefix` and comes after `after`, in order.
    fn tag_list(
        &self,
        engine: Option<EngineName>,
        prefix: String,
        after: Option<String>,
        count_max: usize,
    ) -> Reply<'_, TagPage>;

    /// Writes tags, all of them or none, as one entry.
    fn tag_write(
        &self,
        engine: Option<EngineName>,
        writes: Vec<TagWrite>,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome>;

    /// Follows tags and events (see `feed::Feed`).
    fn subscribe(&self, engine: Option<EngineName>, request: SubscribeRequest) -> Reply<'_, Feed>;

    /// Who follows under a name, as this node knows it.
    fn subscribers(&self, engine: Option<EngineName>) -> Reply<'_, Vec<SubscriberStatus>>;

    /// History that is held until a sink has it.
    fn history(&self, engine: Option<EngineName>) -> Reply<'_, HistoryStatus>;

    /// Registers a program outside as a runtime state provider.
    fn provider(
        &self,
        engine: Option<EngineName>,
        name: String,
        encoding: ProviderEncoding,
    ) -> Reply<'_, ProviderStart>;

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

    /// The conflicts whose losing entries are kept.
    fn divergences(&self, engine: Option<EngineName>) -> Reply<'_, Vec<DivergenceSummary>>;

    /// One conflict with its entries.
    fn divergence(&self, engine: Option<EngineName>, id: String) -> Reply<'_, Divergence>;

    /// Writes losing entries again as new ones; all of them when `entries` is `None`.
    fn divergence_replay(
        &self,
        engine: Option<EngineName>,
        id: String,
        entries: Option<Vec<u64>>,
        caller: Caller,
    ) -> Reply<'_, ReplayReport>;

    /// Forgets a conflict. Only a person does this.
    fn divergence_discard(
        &self,
        engine: Option<EngineName>,
        id: String,
        caller: Caller,
    ) -> Reply<'_, ()>;
}
