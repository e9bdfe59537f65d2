//! Looks at both nodes all the time and writes down what they say of themselves.
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::{Request, Side, Status, Target};

const LOOK_EVERY: Duration = Duration::from_millis(50);
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// What one node said once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Which node.
    pub side: Side,
    /// Before it was asked …
    pub asked: Instant,
    /// … and after it had answered: what it says was true in between.
    pub answered: Instant,
    /// When it put that together, by the wall clock, milliseconds since 1970. Both nodes are on
    /// this host.
    pub said_at_ms: u64,
    /// The start of its process.
    pub instance: String,
    /// The state of its default engine.
    pub state: String,
    /// The number of the epoch it has adopted.
    pub epoch: u64,
    /// Whether it acts.
    pub active: bool,
}

/// Looks at both nodes until it is dropped.
#[derive(Debug)]
pub struct Watch {
    samples: Arc<Mutex<Vec<Sample>>>,
    tasks: Mutex<JoinSet<()>>,
}

impl Watch {
    pub(crate) fn over(targets: [Target; 2]) -> Self {
        let samples = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        for target in targets {
            tasks.spawn(look(target, samples.clone()));
        }
        Self { samples, tasks: Mutex::new(tasks) }
    }

    /// Looks no more: a measurement wants to be alone.
    pub fn stop(&self) {
        self.tasks.lock().expect("no holder panics").abort_all();
    }

    /// All samples so far, in the order in which they were answered.
    #[must_use]
    pub fn samples(&self) -> Vec<Sample> {
        self.samples.lock().expect("no holder panics").clone()
    }

    /// The states a node went through, repeated ones once.
    #[must_use]
    pub fn path(&self, side: Side) -> Vec<String> {
        let mut path: Vec<String> = Vec::new();
        for sample in self.samples().into_iter().filter(|it| it.side == side) {
            if path.last() != Some(&sample.state) {
                path.push(sample.state);
            }
        }
        path
    }
}

async fn look(target: Target, samples: Arc<Mutex<Vec<Sample>>>) {
    loop {
        let asked = Instant::now();
        let request = Request::get("/api/v1/status").within(ANSWER_WITHIN);
        let answer = target.send(request).await.ok().and_then(|it| it.ok().ok());
        if let Some(status) = answer.map(Status::new) {
            let sample = Sample {
                side: target.side,
                asked,
                answered: Instant::now(),
                said_at_ms: status.json()["at_ms"].as_u64().unwrap_or_default(),
                instance: status.json()["instance"].as_str().unwrap_or_default().to_owned(),
                state: status.state().to_owned(),
                epoch: status.epoch(),
                active: status.is_active(),
            };
            samples.lock().expect("no holder panics").push(sample);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
