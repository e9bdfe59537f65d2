//! The node as the API sees it. Every call goes through the driver's queue and is answered there.

mod alarms;
mod answering;
mod commands;
mod config;
mod divergence;
mod feeds;
mod gather;
mod modules;
mod native;
mod objects;
mod providers;
mod tags;

use crate::driver::{Driver, Request};
use crate::gate::Gate;
use hotpair_api::face::{
    AlarmOrder, Caller, Command, CommandKind, ConfigChange, ConfigExport, ConfigPage, ConfigRecord,
    ConfigTransaction, Divergence, DivergenceSummary, Event, Feed, HistoryStatus, Measures,
    ModuleBody, ModuleRecord, NodeFace, NodeStatus, ObjectAlarm, ObjectAlarmPage, ObjectDetail,
    ObjectPage, ObjectStatus, Problem, ProblemKind, ProviderEncoding, ProviderStart, Reason,
    ReplayReport, Reply, SubscribeRequest, SubscriberStatus, Tag, TagPage, TagWrite, Verdict,
    WriteOptions, WriteOutcome,
};
use hotpair_core::EngineIndex;
use hotpair_types::EngineName;
pub use native::Registration;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// The way to the driver.
#[derive(Clone)]
pub struct Face {
    requests: mpsc::Sender<Request>,
    status: watch::Receiver<Arc<NodeStatus>>,
    engines: Arc<[EngineName]>,
    /// Of the engines, in their order.
    gates: Arc<[Arc<Gate>]>,
}

impl Face {
    pub(crate) fn new(
        requests: mpsc::Sender<Request>,
        status: watch::Receiver<Arc<NodeStatus>>,
        engines: Vec<EngineName>,
        gates: Arc<[Arc<Gate>]>,
    ) -> Self {
        Self { requests, status, engines: engines.into(), gates }
    }

    /// What every output passes, by engine.
    pub(crate) fn gates(&self) -> Arc<[Arc<Gate>]> {
        self.gates.clone()
    }

    /// The engines of this node.
    pub(crate) fn engine_names(&self) -> &[EngineName] {
        &self.engines
    }

    /// The place of an engine.
    pub(crate) fn index_of(&self, engine: &EngineName) -> Result<EngineIndex, Problem> {
        self.engine(Some(engine))
    }

    /// The tags of an engine, to be read without the driver.
    pub(crate) async fn tags_of(
        &self,
        engine: EngineIndex,
    ) -> Result<Arc<hotpair_engine::tags::Tags>, Problem> {
        self.call(move |driver| driver.runtime(engine).tags.clone()).await
    }

    /// The node's clock.
    pub(crate) async fn clock(&self) -> Result<crate::clock::Clock, Problem> {
        self.call(|driver| driver.clock).await
    }

    /// Begins a clean stop.
    pub(crate) async fn leave(&self) {
        // A node that is ending needs no telling.
        self.call(Driver::leave).await.ok();
    }

    /// Puts changed settings in force; they differ from the running ones only in what may change.
    pub(crate) async fn take_settings(&self, settings: crate::settings::Settings) {
        // A node that is ending needs none.
        self.call(move |driver| driver.take_settings(settings)).await.ok();
    }

    /// Shows another certificate around the same key from the next connection on.
    pub(crate) async fn take_identity(&self, identity: hotpair_transport::Identity) {
        // A node that is ending shows none.
        self.call(move |driver| driver.take_identity(&identity)).await.ok();
    }

    /// Which engine is meant.
    fn engine(&self, name: Option<&EngineName>) -> Result<EngineIndex, Problem> {
        let index = match name {
            None if self.engines.len() == 1 => 0,
            None => {
                let names: Vec<_> = self.engines.iter().map(EngineName::as_str).collect();
                let text = format!("this node runs several engines: {}", names.join(", "));
                return Err(Problem::new(ProblemKind::EngineNeeded, text));
            }
            Some(name) => self.engines.iter().position(|it| it == name).ok_or_else(|| {
                Problem::new(ProblemKind::UnknownEngine, format!("no engine `{name}` here"))
            })?,
        };
        Ok(EngineIndex(u8::try_from(index).expect("at most 8 engines")))
    }

    /// Does something on the driver's thread.
    async fn call<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Driver) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let (sender, receiver) = oneshot::channel();
        let request: Request = Box::new(move |driver| {
            // A caller that went away is not an error.
            sender.send(act(driver)).ok();
        });
        self.requests.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                Problem::new(ProblemKind::Overloaded, "too many requests wait for the node")
            }
            mpsc::error::TrySendError::Closed(_) => ending(),
        })?;
        receiver.await.map_err(|_| ending())
    }

    /// Does something with one engine on the driver's thread.
    async fn with<T: Send + 'static>(
        &self,
        engine: Option<EngineName>,
        act: impl FnOnce(&mut Driver, EngineIndex) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let index = self.engine(engine.as_ref())?;
        self.call(move |driver| act(driver, index)).await
    }
}

fn ending() -> Problem {
    Problem::new(ProblemKind::Unavailable, "the node is ending")
}

impl NodeFace for Face {
    fn status(&self) -> watch::Receiver<Arc<NodeStatus>> {
        self.status.clone()
    }

    fn alive(&self) -> Reply<'_, ()> {
        Box::pin(self.call(|_| ()))
    }

    fn may_act(&self, engine: &str) -> bool {
        let gate = self.engines.iter().zip(&*self.gates).find(|it| it.0.as_str() == engine);
        gate.is_some_and(|it| it.1.passes().is_some())
    }

    fn measures(&self) -> Reply<'_, Measures> {
        Box::pin(self.call(|driver| driver.measures()))
    }

    fn events(
        &self,
        engine: Option<EngineName>,
        since: u64,
        count_max: usize,
    ) -> Reply<'_, Vec<Event>> {
        Box::pin(self.call(move |driver| driver.events.since(engine.as_ref(), since, count_max)))
    }

    fn command(
        &self,
        engine: Option<EngineName>,
        caller: Caller,
        command: Command,
    ) -> Reply<'_, Verdict> {
        Box::pin(self.do_command(engine, caller, command))
    }

    fn why(&self, engine: Option<EngineName>, count_max: usize) -> Reply<'_, Vec<Event>> {
        Box::pin(self.with(engine, move |driver, index| {
            let name = driver.name_of(index).clone();
            driver.events.changes(&name, count_max)
        }))
    }

    fn why_not(&self, engine: Option<EngineName>, command: CommandKind) -> Reply<'_, Vec<Reason>> {
        Box::pin(self.do_why_not(engine, command))
    }

    fn config_get(&self, engine: Option<EngineName>, key: String) -> Reply<'_, ConfigRecord> {
        Box::pin(self.do_config_get(engine, key))
    }

    fn config_list(
        &self,
        engine: Option<EngineName>,
        prefix: String,
        after: Option<String>,
        count_max: usize,
    ) -> Reply<'_, ConfigPage> {
        Box::pin(self.do_config_list(engine, prefix, after, count_max))
    }

    fn config_write(
        &self,
        engine: Option<EngineName>,
        transaction: ConfigTransaction,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome> {
        Box::pin(self.do_config_write(engine, transaction, options))
    }

    fn config_history(
        &self,
        engine: Option<EngineName>,
        key: Option<String>,
        count_max: usize,
    ) -> Reply<'_, Vec<ConfigChange>> {
        Box::pin(self.do_config_history(engine, key, count_max))
    }

    fn config_export(&self, engine: Option<EngineName>) -> Reply<'_, ConfigExport> {
        Box::pin(self.do_config_export(engine))
    }

    fn config_import(
        &self,
        engine: Option<EngineName>,
        export: ConfigExport,
        replace: bool,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome> {
        Box::pin(self.do_config_import(engine, export, replace, options))
    }

    fn tag_read(&self, engine: Option<EngineName>, path: String) -> Reply<'_, Tag> {
        Box::pin(self.do_tag_read(engine, path))
    }

    fn tag_list(
        &self,
        engine: Option<EngineName>,
        prefix: String,
        after: Option<String>,
        count_max: usize,
    ) -> Reply<'_, TagPage> {
        Box::pin(self.do_tag_list(engine, prefix, after, count_max))
    }

    fn tag_write(
        &self,
        engine: Option<EngineName>,
        writes: Vec<TagWrite>,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome> {
        Box::pin(self.do_tag_write(engine, writes, options))
    }

    fn subscribe(&self, engine: Option<EngineName>, request: SubscribeRequest) -> Reply<'_, Feed> {
        Box::pin(self.do_subscribe(engine, request))
    }

    fn provider(
        &self,
        engine: Option<EngineName>,
        name: String,
        encoding: ProviderEncoding,
    ) -> Reply<'_, ProviderStart> {
        Box::pin(self.do_provider(engine, name, encoding))
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

    fn subscribers(&self, engine: Option<EngineName>) -> Reply<'_, Vec<SubscriberStatus>> {
        Box::pin(self.with(engine, |driver, index| driver.subscribers(index)))
    }

    fn history(&self, engine: Option<EngineName>) -> Reply<'_, HistoryStatus> {
        Box::pin(self.with(engine, |driver, index| driver.history_status(index)))
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

    fn divergences(&self, engine: Option<EngineName>) -> Reply<'_, Vec<DivergenceSummary>> {
        Box::pin(self.do_divergences(engine))
    }

    fn divergence(&self, engine: Option<EngineName>, id: String) -> Reply<'_, Divergence> {
        Box::pin(self.do_divergence(engine, id))
    }

    fn divergence_replay(
        &self,
        engine: Option<EngineName>,
        id: String,
        entries: Option<Vec<u64>>,
        caller: Caller,
    ) -> Reply<'_, ReplayReport> {
        Box::pin(self.do_divergence_replay(engine, id, entries, caller))
    }

    fn divergence_discard(
        &self,
        engine: Option<EngineName>,
        id: String,
        caller: Caller,
    ) -> Reply<'_, ()> {
        Box::pin(self.do_divergence_discard(engine, id, caller))
    }
}
