//! The way of history to its sink, off the driver's thread: one task for each engine, one block at a time.
mod rows;

use crate::gate::Gate;
use crate::settings::Settings;
use bytes::Bytes;
use hotpair_core::EngineIndex;
use hotpair_engine::history::BlockId;
use hotpair_history::{Committed, Sink};
use hotpair_types::EngineName;
use rows::batch;
use std::sync::Arc;
use tokio::sync::mpsc;

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
    // Not `+`: it has no place in the name of a file.
    let pair = nodes.join("_");
    let sink = Sink::open(history.sink);
    let forwarder = Forwarder { pair, engine: engine.to_string(), gate, sink };
    // The driver has one under way at a time.
    let (sender, work) = mpsc::channel(1);
    tokio::spawn(forwarder.run(work, reports));
    Some(sender)
}

struct Forwarder {
    pair: String,
    engine: String,
    gate: Arc<Gate>,
    /// It keeps its own time limits.
    sink: Sink,
}

impl Forwarder {
    async fn run(mut self, mut work: mpsc::Receiver<Work>, reports: mpsc::UnboundedSender<Report>) {
        while let Some(Work { engine, id, bytes }) = work.recv().await {
            let how = self.forward(id, &bytes).await;
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
        // An output like any other.
        if self.gate.passes().is_none() {
            return How::Left;
        }
        match self.sink.commit(&batch).await {
            Ok(Committed { rows_new, rows_known }) => How::Committed { rows_new, rows_known },
            Err(error) => {
                How::Failed { why: error.to_string(), is_temporary: error.is_temporary() }
            }
        }
    }
}
