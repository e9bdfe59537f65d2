//! Runtime state providers written in Rust, in this process.
use super::Face;
use crate::driver::{Driver, PostedWrite};
use hotpair_api::face::{Problem, ProblemKind, WriteOptions, WriteOutcome};
use hotpair_core::EngineIndex;
use hotpair_engine::{Post, RuntimeStateProvider};
use hotpair_replication::{Op, WriteBody};
use hotpair_types::{EngineName, Epoch, JournalKind, StateId};
use std::sync::Arc;
use tokio::sync::watch;

/// A provider that is registered. Dropping it takes the registration back; what was posted stays.
pub struct Registration {
    face: Face,
    engine: EngineIndex,
    name: Box<str>,
    role: watch::Receiver<(StateId, Epoch)>,
}

impl Face {
    /// Raises an alarm of an engine, or lowers it.
    pub(crate) async fn show_alarm(
        &self,
        engine: EngineIndex,
        id: &'static str,
        text: Option<String>,
    ) -> Result<(), Problem> {
        self.call(move |driver| match text {
            Some(text) => driver.raise(engine, id, text),
            None => {
                driver.runtime(engine).alarms.remove(id);
                driver.changed();
            }
        })
        .await
    }

    /// Registers a provider. It is given what the journal has of it before this returns, and from
    /// then on whatever the partner posts. Where the journal has nothing of it and the engine is
    /// active here, what it has is posted instead.
    ///
    /// # Errors
    /// When there is no such engine, or the name is taken.
    pub async fn register(
        &self,
        engine: Option<EngineName>,
        provider: Arc<dyn RuntimeStateProvider>,
    ) -> Result<Registration, Problem> {
        let name: Box<str> = provider.name().into();
        let index = self.engine(engine.as_ref())?;
        let role = self.call(move |driver| driver.register(index, provider)).await??;
        Ok(Registration { face: self.clone(), engine: index, name, role })
    }
}

impl Registration {
    /// The engine's state on this node and its epoch, followed by every change.
    #[must_use]
    pub fn role(&self) -> watch::Receiver<(StateId, Epoch)> {
        self.role.clone()
    }

    /// Whether the engine is active on this node: only then the provider may change its state.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.role.borrow().0.is_active()
    }

    /// Sends changes, as one entry, to the partner. The provider has made them already: they are
    /// not delivered back here.
    ///
    /// # Errors
    /// When the node is ending or has too much to do. What became of the write is in the outcome.
    pub async fn post(
        &self,
        posts: &[Post],
        options: WriteOptions,
    ) -> Result<WriteOutcome, Problem> {
        let write = PostedWrite {
            ack: options.ack,
            key: super::config::key_of(&options),
            ..PostedWrite::runtime(&self.name, posts)
        };
        self.face.write(self.engine, write).await
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let (engine, name) = (self.engine, self.name.clone());
        let request = Box::new(move |driver: &mut Driver| {
            driver.runtime(engine).providers.unregister(&name);
        });
        // With a full queue it stays registered, which costs nothing but its memory.
        self.face.requests.try_send(request).ok();
    }
}

impl Driver {
    fn register(
        &mut self,
        engine: EngineIndex,
        provider: Arc<dyn RuntimeStateProvider>,
    ) -> Result<watch::Receiver<(StateId, Epoch)>, Problem> {
        let name = provider.name().to_owned();
        let runtime = self.runtime(engine);
        let registered = runtime.providers.register(provider);
        registered.map_err(|error| Problem::new(ProblemKind::Conflict, error.to_string()))?;
        let role = runtime.role.subscribe();
        let known = self.replica(engine).items(JournalKind::Runtime, &name, "").next().is_some();
        let state = role.borrow().0;
        if known || !state.is_active() {
            self.provider_ready(engine, &name);
        } else {
            self.post_snapshot(engine, &name)?;
        }
        Ok(role)
    }

    /// The journal has nothing of a provider: what it has becomes its first entry.
    fn post_snapshot(&mut self, engine: EngineIndex, name: &str) -> Result<(), Problem> {
        let providers = self.runtime(engine).providers.clone();
        let items = providers.snapshot(name).map_err(|error| {
            providers.unregister(name);
            Problem::new(ProblemKind::Unprocessable, error.to_string())
        })?;
        if !items.is_empty() {
            let ops = vec![Op::ReplaceAll { provider: name.into(), items }];
            let body = WriteBody::Runtime { ops };
            // It is in the journal now, or the role goes at this moment and the next active counts.
            let (reply, _nobody_waits) = tokio::sync::oneshot::channel();
            self.write(engine, PostedWrite { ack: None, key: None, body }, reply);
        }
        Ok(())
    }
}
