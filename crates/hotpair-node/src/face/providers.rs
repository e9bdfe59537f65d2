//! Programs outside as runtime state providers: a stand-in is registered for each.
use super::Face;
use crate::driver::{Driver, PostedWrite};
use bytes::Bytes;
use hotpair_api::face::{
    Problem, ProblemKind, ProviderEncoding, ProviderEvent, ProviderItem, ProviderOp, ProviderPost,
    ProviderSession, ProviderStart, Reply, WriteOutcome,
};
use hotpair_core::EngineIndex;
use hotpair_engine::{Item, ProviderError, RuntimeStateProvider, Update};
use hotpair_replication::{Op, WriteBody};
use hotpair_types::{EngineName, ItemKey, Position};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Events that may wait for one program; who is slower begins again.
const EVENTS_MAX: usize = 4_096;

/// Stands for a program outside: hands everything on to it. The journal keeps its items.
struct StandIn {
    name: String,
    events: mpsc::Sender<ProviderEvent>,
}

impl StandIn {
    fn send(&self, event: ProviderEvent) -> Result<(), ProviderError> {
        self.events.try_send(event).map_err(|_| ProviderError {
            item: None,
            reason: "the program does not keep up, or is gone".to_owned(),
        })
    }
}

impl RuntimeStateProvider for StandIn {
    fn name(&self) -> &str {
        &self.name
    }

    fn apply(&self, update: &Update) -> Result<(), ProviderError> {
        self.apply_entry(std::slice::from_ref(update))
    }

    fn apply_entry(&self, updates: &[Update]) -> Result<(), ProviderError> {
        let Some(first) = updates.first() else { return Ok(()) };
        let op = |it: &Update| match &it.value {
            Some(value) => {
                ProviderOp::Set(ProviderItem { item: it.item.to_string(), value: value.to_vec() })
            }
            None => ProviderOp::Remove { item: it.item.to_string() },
        };
        self.send(ProviderEvent::Apply {
            ops: updates.iter().map(op).collect(),
            sequence: first.position.sequence,
            epoch: first.position.epoch.number,
        })
    }

    fn snapshot(&self) -> Result<Vec<(Box<str>, Bytes)>, ProviderError> {
        // Not asked: the journal has every item the program posted.
        let reason = "the program's items are kept by the journal".to_owned();
        Err(ProviderError { item: None, reason })
    }

    fn restore(&self, at: Position, items: &[Item]) -> Result<(), ProviderError> {
        let item = |it: &Item| ProviderItem { item: it.item.to_string(), value: it.value.to_vec() };
        self.send(ProviderEvent::Restore {
            items: items.iter().map(item).collect(),
            sequence: at.sequence,
            epoch: at.epoch.number,
        })
    }
}

/// The program's way to the node; its end takes the registration back.
struct ProgramSession {
    face: Face,
    engine: EngineIndex,
    name: String,
    number: u64,
}

impl ProviderSession for ProgramSession {
    fn post(&self, post: ProviderPost) -> Reply<'_, WriteOutcome> {
        Box::pin(async move {
            let ops = post.ops.into_iter().map(|it| op_of(&self.name, it)).collect();
            let write = PostedWrite {
                ack: post.options.ack,
                key: super::config::key_of(&post.options),
                body: WriteBody::Runtime { ops },
            };
            self.face.write(self.engine, write).await
        })
    }

    fn snapshot(&self, _id: u64, items: Vec<ProviderItem>) -> Reply<'_, ()> {
        Box::pin(async move {
            let op = op_of(&self.name, ProviderOp::ReplaceAll(items));
            let body = WriteBody::Runtime { ops: vec![op] };
            let write = PostedWrite { ack: None, key: None, body };
            match self.face.write(self.engine, write).await? {
                WriteOutcome::Done(_) => Ok(()),
                WriteOutcome::Refused(problem) => Err(problem),
                WriteOutcome::Unknown { detail } => {
                    Err(Problem::new(ProblemKind::OutcomeUnknown, detail))
                }
            }
        })
    }
}

impl Drop for ProgramSession {
    fn drop(&mut self) {
        let (engine, name, number) = (self.engine, self.name.clone(), self.number);
        let request =
            Box::new(move |driver: &mut Driver| driver.end_session(engine, &name, number));
        // With a full queue the registration stays until the next program of that name.
        self.face.requests.try_send(request).ok();
    }
}

fn op_of(provider: &str, op: ProviderOp) -> Op {
    match op {
        ProviderOp::Set(it) => {
            Op::Set { item: ItemKey::new(provider, &it.item), value: it.value.into() }
        }
        ProviderOp::Remove { item } => Op::Remove { item: ItemKey::new(provider, &item) },
        ProviderOp::ReplaceAll(items) => Op::ReplaceAll {
            provider: provider.into(),
            items: items.into_iter().map(|it| (it.item.into(), it.value.into())).collect(),
        },
    }
}

impl Face {
    pub(super) async fn do_provider(
        &self,
        engine: Option<EngineName>,
        name: String,
        _encoding: ProviderEncoding,
    ) -> Result<ProviderStart, Problem> {
        let index = self.engine(engine.as_ref())?;
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let stand_in = Arc::new(StandIn { name: name.clone(), events: sender });
        let number = self.call(move |driver| driver.begin_session(index, &stand_in)).await??;
        let session = ProgramSession { face: self.clone(), engine: index, name, number };
        Ok(ProviderStart { session: Box::new(session), events })
    }
}

impl Driver {
    fn begin_session(
        &mut self,
        engine: EngineIndex,
        stand_in: &Arc<StandIn>,
    ) -> Result<u64, Problem> {
        let number = self.next_session();
        let name = stand_in.name.clone();
        let runtime = self.runtime(engine);
        runtime
            .providers
            .register(stand_in.clone())
            .map_err(|error| Problem::new(ProblemKind::Conflict, error.to_string()))?;
        let mut role = runtime.role.subscribe();
        let (state, epoch) = *role.borrow_and_update();
        stand_in.send(ProviderEvent::Role { state, epoch: epoch.number }).ok();
        self.runtime(engine)
            .sessions
            .push(crate::driver::Session { name: name.as_str().into(), number });
        self.provider_ready(engine, &name);
        let events = stand_in.events.clone();
        tokio::spawn(async move {
            while role.changed().await.is_ok() {
                let (state, epoch) = *role.borrow_and_update();
                if events.send(ProviderEvent::Role { state, epoch: epoch.number }).await.is_err() {
                    return;
                }
            }
        });
        Ok(number)
    }

    fn end_session(&mut self, engine: EngineIndex, name: &str, number: u64) {
        let runtime = self.runtime(engine);
        let before = runtime.sessions.len();
        runtime.sessions.retain(|it| it.number != number);
        if runtime.sessions.len() != before && runtime.sessions.iter().all(|it| &*it.name != name) {
            runtime.providers.unregister(name);
        }
    }
}
