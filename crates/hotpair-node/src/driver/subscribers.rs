//! Who follows under a name is live state like any other: what the active knows of them, the partner knows.
use super::{Driver, PostedWrite};
use hotpair_api::face::{FeedProgress, Problem, ProblemKind, Reached, SubscriberStatus};
use hotpair_core::EngineIndex;
use hotpair_engine::RuntimeStateProvider as _;
use hotpair_engine::subscribers::{PROVIDER, SUBSCRIBERS_MAX, Subscriber, Subscribers};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How far subscribers have come is posted so often, in one entry for all of them.
const NOTE_INTERVAL: Duration = Duration::from_secs(1);

/// The named subscribers of one engine.
#[derive(Default)]
pub(crate) struct KeptSubscribers {
    pub(crate) known: Arc<Subscribers>,
    /// Those connected to this node. A name that comes once more is the newer connection's.
    here: BTreeMap<Box<str>, Here>,
}

struct Here {
    prefix: Box<str>,
    progress: FeedProgress,
    /// It ends with the client's connection.
    connection: std::sync::Weak<()>,
}

/// Held as long as a named subscriber is connected.
pub(crate) type Connection = Arc<()>;

impl Driver {
    /// Notes that one follows under a name, from where it has come to.
    pub(crate) fn subscriber_came(
        &mut self,
        engine: EngineIndex,
        name: &str,
        prefix: &str,
        progress: FeedProgress,
    ) -> Result<Connection, Problem> {
        let subscribers = &mut self.runtime(engine).subscribers;
        let is_known = subscribers.here.contains_key(name);
        if !subscribers.known.has_room_for(name)
            || (!is_known && subscribers.here.len() >= SUBSCRIBERS_MAX)
        {
            let text =
                format!("{SUBSCRIBERS_MAX} named subscribers are known, no more are possible");
            return Err(Problem::new(ProblemKind::Overloaded, text));
        }
        let connection = Arc::new(());
        let here =
            Here { prefix: prefix.into(), progress, connection: Arc::downgrade(&connection) };
        subscribers.here.insert(name.into(), here);
        Ok(connection)
    }

    /// Where one that said how far it has come goes on, when it does not say it again.
    pub(crate) fn subscriber_has(&mut self, engine: EngineIndex, name: &str) -> Option<Reached> {
        let known = self.runtime(engine).subscribers.known.get(name)?;
        let Subscriber { epoch, sequence, is_confirmed, .. } = known;
        is_confirmed.then_some(Reached { epoch, sequence, is_confirmed })
    }

    /// Posts what is new about them, where this node acts.
    pub(super) fn note_subscribers(&mut self) {
        let now = self.clock.now();
        if now < self.next_note {
            return;
        }
        self.next_note = now + NOTE_INTERVAL;
        let wall = self.clock.wall();
        let node = self.settings.node.name.to_string();
        for engine in self.indexes() {
            let runtime = self.runtime(engine);
            let subscribers = &mut runtime.subscribers;
            subscribers.here.retain(|_, it| it.connection.strong_count() > 0);
            if runtime.gate.passes().is_none() {
                continue;
            }
            let here = subscribers.here.iter().map(|(name, it)| {
                let Reached { epoch, sequence, is_confirmed } = it.progress.get();
                let subscriber = Subscriber {
                    prefix: it.prefix.clone(),
                    epoch,
                    sequence,
                    is_confirmed,
                    node: node.as_str().into(),
                    was_connected: true,
                    at_millis: wall.0,
                };
                (name.clone(), subscriber)
            });
            let here = here.collect();
            let known = subscribers.known.clone();
            let posts = known.news(&here, wall);
            if posts.is_empty() {
                continue;
            }
            // Not taken: it is tried again, with what is news then.
            let Ok(position) = self.post(engine, PostedWrite::runtime(PROVIDER, &posts).body)
            else {
                continue;
            };
            for post in posts {
                if let Err(error) = known.apply(&post.at(position)) {
                    tracing::error!(%error, "what was posted about a subscriber is not sound");
                }
            }
        }
    }

    /// The list, as this node knows it.
    pub(crate) fn subscribers(&mut self, engine: EngineIndex) -> Vec<SubscriberStatus> {
        let runtime = self.runtime(engine);
        let acts = runtime.gate.passes().is_some();
        let here = &runtime.subscribers.here;
        let is_here =
            |name: &str| here.get(name).is_some_and(|it| it.connection.strong_count() > 0);
        let status = |(name, it): (Box<str>, Subscriber)| SubscriberStatus {
            // Who acts knows its own connections; of the others' it knows nothing more.
            connected: if acts { is_here(&name) } else { it.was_connected },
            name: name.into(),
            prefix: it.prefix.into(),
            has: format!("{}:{}", it.epoch, it.sequence),
            confirmed: it.is_confirmed,
            node: it.node.into(),
            at_ms: it.at_millis,
        };
        runtime.subscribers.known.list().into_iter().map(status).collect()
    }
}
