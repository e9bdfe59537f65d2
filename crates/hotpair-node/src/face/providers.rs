//! Programs outside as runtime state providers: a stand-in is registered for each.
use super::Face;
use super::gather::Wanted;
use crate::driver::{Driver, PostedWrite};
use bytes::Bytes;
use hotpair_api::face::{
    Problem, ProblemKind, ProviderEncoding, ProviderEvent, ProviderEventSender, ProviderEvents,
    ProviderItem, ProviderOp, ProviderPost, ProviderSession, ProviderStart, Reply, WriteOutcome,
};
use hotpair_core::EngineIndex;
use hotpair_engine::{Item, ProviderError, RuntimeStateProvider, Update};
use hotpair_replication::{Op, WriteBody};
use hotpair_types::{EngineName, Epoch, ItemKey, JournalKind, Position, StateId};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Events that may wait for one program; the session of who is slower ends.
const EVENTS_MAX: usize = 4_096;

/// Stands for a program outside: hands everything on to it. The journal keeps its items.
struct StandIn {
    name: String,
    events: ProviderEventSender,
    /// Whether it was said that the program does not keep up.
    said: AtomicBool,
}

impl StandIn {
    /// To a program that does not keep up nothing more is given. Its session ends, and it gets
    /// everything anew when it connects again; that is no failure of this node.
    fn send(&self, event: ProviderEvent) {
        if self.events.offer(event).is_err()
            && !self.events.is_closed()
            && !self.said.swap(true, Ordering::AcqRel)
        {
            tracing::warn!(
                provider = self.name,
                events_max = EVENTS_MAX,
                "a program does not keep up: its session is ended"
            );
        }
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
        });
        Ok(())
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
        });
        Ok(())
    }
}

/// The program's way to the node; its end takes the registration back.
struct ProgramSession {
    face: Face,
    engine: EngineIndex,
    name: String,
    number: u64,
    /// A snapshot was asked for, under the session's number, and not given yet.
    wanted: AtomicBool,
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

    fn snapshot(&self, id: u64, items: Vec<ProviderItem>) -> Reply<'_, ()> {
        Box::pin(async move {
            if id != self.number || !self.wanted.swap(false, Ordering::AcqRel) {
                let text = format!("no snapshot was asked for with id {id}");
                return Err(Problem::new(ProblemKind::Unprocessable, text));
            }
            if items.is_empty() {
                return Ok(());
            }
            let op = op_of(&self.name, ProviderOp::ReplaceAll(items));
            let body = WriteBody::Runtime { ops: vec![op] };
            let write = PostedWrite { ack: None, key: None, body };
            match self.face.write(self.engine, write).await? {
                WriteOutcome::Done(_) => Ok(()),
                // The role went meanwhile: the program takes what the next active has.
                WriteOutcome::Refused(problem) if problem.kind.is_of_role() => Ok(()),
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
        let (sender, events) = ProviderEvents::new(EVENTS_MAX);
        let said = AtomicBool::new(false);
        let stand_in = Arc::new(StandIn { name: name.clone(), events: sender, said });
        let wanted =
            Wanted { engine: index, kind: JournalKind::Runtime, provider: name.as_str().into() };
        let begin = move |driver: &mut Driver| driver.begin_session(index, stand_in);
        let (items, begun) = self.gather(wanted, begin).await?;
        let Begun { number, at, state, epoch } = begun?;
        let session = |wanted| ProgramSession {
            face: self.clone(),
            engine: index,
            name: name.clone(),
            number,
            wanted: AtomicBool::new(wanted),
        };
        let role = ProviderEvent::Role { state, epoch: epoch.number };
        if items.is_empty() && state.is_active() {
            let first = [role, ProviderEvent::SnapshotWanted { id: number }];
            return Ok(ProviderStart {
                session: Box::new(session(true)),
                events: events.begin_with(first),
            });
        }
        let session = Box::new(session(false));
        let restore = move || ProviderEvent::Restore {
            items: items
                .into_iter()
                .map(|(item, it)| ProviderItem { item: item.into(), value: it.value.into() })
                .collect(),
            sequence: at.sequence,
            epoch: at.epoch.number,
        };
        let restore = tokio::task::spawn_blocking(restore).await.map_err(|_| super::ending())?;
        Ok(ProviderStart { session, events: events.begin_with([role, restore]) })
    }
}

/// How a session begins, at the moment it was registered.
struct Begun {
    number: u64,
    at: Position,
    state: StateId,
    epoch: Epoch,
}

impl Driver {
    fn begin_session(
        &mut self,
        engine: EngineIndex,
        stand_in: Arc<StandIn>,
    ) -> Result<Begun, Problem> {
        let number = self.next_session();
        let at = self.replica(engine).positions().runtime;
        let runtime = self.runtime(engine);
        runtime
            .providers
            .register(stand_in.clone())
            .map_err(|error| Problem::new(ProblemKind::Conflict, error.to_string()))?;
        let name = stand_in.name.as_str().into();
        runtime.sessions.push(crate::driver::Session { name, number });
        let gate = runtime.gate.clone();
        let mut role = runtime.role.subscribe();
        let (state, epoch) = *role.borrow_and_update();
        tokio::spawn(async move {
            while !stand_in.events.is_closed() && role.changed().await.is_ok() {
                let (state, epoch) = *role.borrow_and_update();
                // A program that hears it acts. When a standstill has shut the gate another state follows.
                if !state.is_active() || gate.passes().is_some() {
                    stand_in.send(ProviderEvent::Role { state, epoch: epoch.number });
                }
            }
        });
        Ok(Begun { number, at, state, epoch })
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

#[cfg(test)]
mod tests {
    use super::*;
    use hotpair_api::face::ProviderEnd;

    #[tokio::test]
    async fn a_program_that_does_not_keep_up_is_ended_and_fails_nobody() {
        let (sender, mut events) = ProviderEvents::new(EVENTS_MAX);
        let said = AtomicBool::new(false);
        let stand_in = StandIn { name: "plant".into(), events: sender, said };
        let position = Position { epoch: Epoch { number: 1, tag: 1 }, sequence: 1 };
        let update = Update { position, item: "a".into(), value: None };
        for _ in 0..EVENTS_MAX {
            stand_in.apply(&update).unwrap();
        }
        assert_eq!(events.end(), ProviderEnd::Node, "all of them wait");
        assert!(events.next().await.is_some());
        stand_in.apply(&update).unwrap();
        stand_in.apply(&update).unwrap();
        assert_eq!(events.end(), ProviderEnd::Lagged, "one too many");
        assert_eq!(events.next().await, None, "half of them are of no use");
        // Room again, but something is missing before it.
        stand_in.restore(position, &[]).unwrap();
        assert_eq!(events.next().await, None);
    }
}
