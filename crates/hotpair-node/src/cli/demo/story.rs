//! What the nodes say of themselves, told as it changes.

use super::super::ask::Ask;
use super::super::terminal::clean;
use super::super::{Context, status};
use super::pair::DemoPair;
use hotpair_api::face::NodeStatus;
use hotpair_types::StateId;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// A node that hangs must not hang whoever looks at both. Below a writer's patience.
const LOOK_PATIENCE: Duration = Duration::from_millis(250);

/// The states of both nodes, each by its own word.
#[derive(Debug)]
pub(super) struct Story {
    begun: Instant,
    last: String,
    states: [Option<StateId>; 2],
}

impl Story {
    pub(super) const fn new(begun: Instant) -> Self {
        Self { begun, last: String::new(), states: [None; 2] }
    }

    /// Looks once, and says what is new.
    pub(super) async fn look(&mut self, cx: &Context, pair: &DemoPair) {
        let mut words = Vec::new();
        for (node, way) in pair.ways().iter().enumerate() {
            let (state, word) = match looked_at(way).await {
                Some(status) => match status.engines.first() {
                    Some(engine) => {
                        let seen = format!("{} e{}", clean(&engine.state_name, 60), engine.epoch);
                        (engine.state, seen)
                    }
                    None => (None, "no engine".to_owned()),
                },
                None => (None, "not answering".to_owned()),
            };
            self.states[node] = state;
            words.push(format!("{} {word}", pair.name(node)));
        }
        let line = words.join(" | ");
        if line == self.last {
            return;
        }
        self.last = line;
        let at = self.begun.elapsed().as_secs_f64();
        if cx.screen.json {
            let states = self.states.map(|it| it.map(StateId::id));
            cx.screen.json(
                &json!({"event": "states", "at_s": at, "gw-a": states[0], "gw-b": states[1]}),
            );
        } else {
            cx.screen.line(&format!("{at:8.2} s  {}", self.last));
        }
    }

    /// One active, and the other one level with it.
    pub(super) fn is_whole(&self) -> bool {
        is_whole_of(self.states)
    }

    pub(super) fn last(&self) -> &str {
        &self.last
    }
}

/// What a node says of itself, unless it does not answer soon.
pub(super) async fn looked_at(way: &Ask) -> Option<NodeStatus> {
    timeout(LOOK_PATIENCE, status::fetch(way)).await.ok()?.ok()
}

fn is_whole_of(states: [Option<StateId>; 2]) -> bool {
    let [one, other] = states;
    let pair = |one, other| one == Some(StateId::Active) && other == Some(StateId::StandbyReady);
    pair(one, other) || pair(other, one)
}

/// Looks once, silently.
pub(super) async fn is_whole(pair: &DemoPair) -> bool {
    let mut states = [None; 2];
    for (node, way) in pair.ways().iter().enumerate() {
        let status = looked_at(way).await;
        states[node] = status.and_then(|it| it.engines.first().and_then(|it| it.state));
    }
    is_whole_of(states)
}
