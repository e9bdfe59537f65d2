//! The way of history to its sink, off the driver's thread: one task for each engine, one block at a time.
mod rows;
mod sink;

use crate::gate::Gate;
use crate::settings::{HistorySettings, Settings};
use bytes::Bytes;
use hotpair_core::EngineIndex;
use hotpair_engine::history::BlockId;
use hotpair_types::EngineName;
use rows::batch;
use sink::Sink;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// A sink may take so long for one block; then it is opened anew.
const COMMIT_TIME_MAX: Duration = Duration::from_secs(60);

/// A block for the sink.
pub(crate) struct Work {
    pub(crate) engine: EngineIndex,
    pub(crate) id: BlockId,
    pub(crate) bytes: Bytes,
}

/// What came of it.
pub(crate) struct Report {
    pub(crate) engine: EngineIndex,
    pub(crate) id: BlockId,
    pub(crate) how: How,
}

/// How it ended.
pub(crate) enum How {
    /// It is in the sink.
    Committed {
        /// Samples that were not there before.
        rows_new: u64,
        /// Samples that were: forwarded before, perhaps by the partner.
        rows_known: u64,
    },
    /// It is not known to be there.
    Failed {
        /// In words.
        why: String,
        /// It may pass by itself.
        is_temporary: bool,
    },
    /// No release that this one knows sealed it.
    Unreadable(String),
    /// The outputs are shut: whoever acts forwards it.
    Left,
}

/// Begins the task of an engine, if history goes anywhere; it ends when the sender is dropped.
pub(crate) fn keep(
    settings: &Settings,
    engine: &EngineName,
    gate: Arc<Gate>,
    reports: mpsc::UnboundedSender<Report>,
) -> Option<mpsc::Sender<Work>> {
    let history = settings.history.clone()?;
    let mut nodes = [settings.node.name.as_str(), settings.partner.name.as_str()];
    nodes.sort_unstable();
    let forwarder =
        Forwarder { history, pair: nodes.join("+"), engine: engine.to_string(), gate, sink: None };
    // The driver has one under way at a time.
    let (sender, work) = mpsc::channel(1);
    tokio::spawn(forwarder.run(work, reports));
    Some(sender)
}

struct Forwarder {
    history: HistorySettings,
    pair: String,
    engine: String,
    gate: Arc<Gate>,
    sink: Option<Sink>,
}

impl Forwarder {
    async fn run(
        mut self,
        mut work: mpsc::Receiver<Work>,
        reports: mpsc::UnboundedSender<Report>,
    ) {
        while let Some(Work { engine, id, bytes }) = work.recv().await {
            let how = match tokio::time::timeout(COMMIT_TIME_MAX, self.forward(id, &bytes)).await {
                Ok(how) => how,
                Err(_) => {
                    // Whether it arrived is not known: the next attempt tells.
                    self.sink = None;
                    let why = format!("no answer in {} s", COMMIT_TIME_MAX.as_secs());
                    How::Failed { why, is_temporary: true }
                }
            };
            if reports.send(Report { engine, id, how }).is_err() {
                return;
            }
        }
    }

    async fn forward(&mut self, id: BlockId, bytes: &Bytes) -> How {
        let batch = match batch(&self.pair, &self.engine, id, bytes) {
            Ok(batch) => batch,
            Err(error) => return How::Unreadable(error.to_string()),
        };
        if self.sink.is_none() {
            match Sink::open(&self.history.sink).await {
                Ok(sink) => self.sink = Some(sink),
                Err(failed) => return failed,
            }
        }
        let sink = self.sink.as_mut().expect("opened above");
        if self.gate.passes().is_none() {
            return How::Left;
        }
        sink.commit(&batch).await
    }
}
