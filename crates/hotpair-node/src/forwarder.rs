//! The way of history to its sink, off the driver's thread: one task for each engine, one block at a time.
mod rows;

use crate::gate::Gate;
use crate::settings::Settings;
use bytes::Bytes;
use hotpair_core::EngineIndex;
use hotpair_engine::history::BlockId;
use hotpair_history::{Committed, Sink, SinkError};
use hotpair_types::EngineName;
use rows::batch;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior};

/// A node that does not act looks so often whether it could.
const CHECK_EVERY: Duration = Duration::from_secs(60);

/// A block for the sink.
pub(crate) struct Work {
    pub(crate) id: BlockId,
    pub(crate) bytes: Bytes,
}

/// What the driver is told.
pub(crate) enum Report {
    /// What came of a block.
    Block { engine: EngineIndex, id: BlockId, how: How },
    /// Whether the sink can be reached from a node that does not act: a takeover is too late to find out.
    Checked { engine: EngineIndex, why_not: Option<String> },
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
    index: EngineIndex,
    reports: mpsc::UnboundedSender<Report>,
) -> Option<mpsc::Sender<Work>> {
    let history = settings.history.clone()?;
    let mut nodes = [settings.node.name.as_str(), settings.partner.name.as_str()];
    nodes.sort_unstable();
    // Not `+`: it has no place in the name of a file.
    let pair = nodes.join("_");
    let sink = Sink::open(history.sink);
    let forwarder = Forwarder { pair, engine: engine.to_string(), index, gate, sink };
    // The driver has one under way at a time.
    let (sender, work) = mpsc::channel(1);
    tokio::spawn(forwarder.run(work, reports));
    Some(sender)
}

struct Forwarder {
    pair: String,
    engine: String,
    index: EngineIndex,
    gate: Arc<Gate>,
    /// It keeps its own time limits.
    sink: Sink,
}

impl Forwarder {
    async fn run(mut self, mut work: mpsc::Receiver<Work>, reports: mpsc::UnboundedSender<Report>) {
        let mut looks = tokio::time::interval(CHECK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let engine = self.index;
        loop {
            let report = tokio::select! {
                biased;
                next = work.recv() => {
                    let Some(Work { id, bytes }) = next else { return };
                    Report::Block { engine, id, how: self.forward(id, &bytes).await }
                }
                // A block that comes meanwhile does not wait for it.
                why_not = self.checked(&mut looks) => Report::Checked { engine, why_not },
            };
            if reports.send(report).is_err() {
                return;
            }
        }
    }

    /// From time to time, where this node does not act.
    async fn checked(&mut self, looks: &mut Interval) -> Option<String> {
        loop {
            looks.tick().await;
            if self.gate.passes().is_none() {
                return self.sink.check().await.err().map(why);
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
                let is_temporary = error.is_temporary();
                How::Failed { why: why(error), is_temporary }
            }
        }
    }
}

/// An error with what the system said, in one line: "cannot create a file" alone helps nobody.
fn why(error: SinkError) -> String {
    format!("{:#}", anyhow::Error::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn a_failure_is_told_with_its_cause() {
        let source = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = SinkError::Io { doing: "create", path: "/srv/history/a".into(), source };
        assert_eq!(why(error), "cannot create /srv/history/a: permission denied");
    }
}
