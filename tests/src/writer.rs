//! A client that writes without pause and keeps what it was promised.
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{Request, Response, Side, eventually, patience};

/// One attempt may take so long before the same key is tried elsewhere.
const ATTEMPT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(10);

/// How a client reaches a node.
#[derive(Clone, Debug)]
pub struct Target {
    /// Which node.
    pub side: Side,
    /// Its HTTP interface.
    pub api: SocketAddr,
    /// From inside of which network namespace.
    pub namespace: Option<PathBuf>,
}

impl Target {
    /// Sends a request there.
    ///
    /// # Errors
    /// When nothing answers.
    pub async fn send(&self, request: Request) -> Result<Response> {
        request.inside(self.namespace.clone()).send(self.api).await
    }
}

/// What became of one write, as far as the client was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Acknowledged.
    Done {
        /// By which node.
        by: Side,
        /// The epoch it was written under.
        epoch: u64,
        /// The sequence of its entry.
        sequence: u64,
        /// What the acknowledgement means.
        acknowledged: String,
        /// Weaker than asked for.
        degraded: bool,
    },
    /// Refused for good.
    Refused(String),
    /// Never answered to the end: it may have happened or not.
    Unknown,
}

/// One write.
#[derive(Clone, Debug)]
pub struct Record {
    /// The tag.
    pub tag: String,
    /// The value; grows from write to write.
    pub value: i64,
    /// What became of it.
    pub outcome: Outcome,
    /// When the first attempt began.
    pub begun: Instant,
    /// When the outcome was known.
    pub ended: Instant,
    /// How many attempts it took.
    pub attempts: u32,
}

/// A client that writes growing values to one tag, one at a time, each with a key of its own.
#[derive(Debug)]
pub struct Writer {
    records: Arc<Mutex<Vec<Record>>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Writer {
    /// Writes to a tag that is declared, at whichever of these nodes takes it. `ack` as in the API;
    /// `None`: as the settings say.
    #[must_use]
    pub fn start(targets: Vec<Target>, tag: &str, first: i64, ack: Option<&str>) -> Self {
        let records = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = watch::channel(false);
        let query = ack.map(|it| format!("?ack={it}")).unwrap_or_default();
        let loop_ = Loop {
            path: format!("/api/v1/tags/{tag}{query}"),
            tag: tag.to_owned(),
            targets,
            records: records.clone(),
            stopped,
        };
        Self { records, stop, task: tokio::spawn(loop_.run(first)) }
    }

    /// All that was written so far.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.records.lock().expect("no holder panics").clone()
    }

    /// How many were acknowledged so far.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        let records = self.records.lock().expect("no holder panics");
        records.iter().filter(|it| matches!(it.outcome, Outcome::Done { .. })).count()
    }

    /// Waits for so many more acknowledgements.
    ///
    /// # Errors
    /// When they do not come.
    pub async fn until_more(&self, count: usize) -> Result<()> {
        let target = self.acknowledged() + count;
        let what = format!("{count} more writes are acknowledged");
        eventually(&what, patience(Duration::from_secs(15)), async || {
            let now = self.acknowledged();
            if now >= target {
                return Ok(());
            }
            let last = self.records().last().cloned();
            Err(format!("{} of {count}; last record {last:?}", count - (target - now)))
        })
        .await
    }

    /// Ends, with the record of everything.
    ///
    /// # Errors
    /// When the client itself failed.
    pub async fn stop(self) -> Result<Vec<Record>> {
        self.stop.send_replace(true);
        self.task.await?;
        let records = self.records.lock().expect("no holder panics").clone();
        ensure!(!records.is_empty(), "the client wrote nothing");
        Ok(records)
    }
}

struct Loop {
    path: String,
    tag: String,
    targets: Vec<Target>,
    records: Arc<Mutex<Vec<Record>>>,
    stopped: watch::Receiver<bool>,
}

impl Loop {
    async fn run(self, first: i64) {
        let mut at = 0;
        for value in first.. {
            let begun = Instant::now();
            let mut attempts = 0;
            let outcome = loop {
                if *self.stopped.borrow() {
                    // What was never tried is no write at all.
                    if attempts == 0 {
                        return;
                    }
                    break Outcome::Unknown;
                }
                attempts += 1;
                if let Some(outcome) = self.attempt(&mut at, value).await {
                    break outcome;
                }
                at = (at + 1) % self.targets.len();
                tokio::time::sleep(PAUSE).await;
            };
            let record = Record {
                tag: self.tag.clone(),
                value,
                outcome,
                begun,
                ended: Instant::now(),
                attempts,
            };
            self.records.lock().expect("no holder panics").push(record);
        }
    }

    /// `None`: try again elsewhere, with the same key.
    async fn attempt(&self, at: &mut usize, value: i64) -> Option<Outcome> {
        let target = &self.targets[*at];
        let request = Request::put(&self.path, &json!({"value": value}))
            .header("idempotency-key", &format!("{}-{value}", self.tag.replace('/', "-")))
            .within(ATTEMPT);
        let answer = target.send(request).await.ok()?;
        match answer.status {
            200..300 => Some(done(target.side, &answer.json())),
            421 | 429 | 500.. => None,
            _ => Some(Outcome::Refused(format!("{} {}", answer.status, answer.text()))),
        }
    }
}

fn done(by: Side, answer: &Value) -> Outcome {
    Outcome::Done {
        by,
        epoch: answer["epoch"].as_u64().unwrap_or_default(),
        sequence: answer["sequence"].as_u64().unwrap_or_default(),
        acknowledged: answer["acknowledged"].as_str().unwrap_or_default().to_owned(),
        degraded: answer["degraded"].as_bool().unwrap_or_default(),
    }
}
