//! History of objects on the node that acts: recorded with a scan, sealed, handed to the sink, and removed when
//! that has it. The standby holds what it has by the same entries.
use super::{Driver, PostedWrite};
use crate::forwarder::{How, Report, Work};
use hotpair_api::face::{HistoryFailing, HistoryMeasures, HistorySinkStatus, HistoryStatus};
use hotpair_core::EngineIndex;
use hotpair_engine::Post;
use hotpair_engine::history::{Forwarding, History, Oldest, PROVIDER, Shown};
use hotpair_engine::objects::Posts;
use hotpair_fsm::Acknowledge;
use hotpair_types::{Epoch, NodeTime, Position, Time};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// What the journal did not take is tried again after this time.
const REFUSED_PAUSE: Duration = Duration::from_millis(200);
/// A sink may fail for so long before that is an alarm.
const FAILING_MAX: Duration = Duration::from_secs(60);
/// Beyond so many parts of a hundred of what may be held an alarm is raised.
const HELD_PERCENT_ALARM: u64 = 80;
/// The sink cannot be reached from a node that does not act.
const AWAY: &str = "history-sink-away";
/// So long after samples were dropped an alarm says so.
const LOST_ALARM: Duration = Duration::from_hours(24);

/// The history of one engine on this node.
#[derive(Default)]
pub(crate) struct EngineHistory {
    pub(crate) kept: Arc<History>,
    forwarding: Forwarding,
    /// The way to the sink; absent: there is none.
    pub(crate) sink: Option<mpsc::Sender<Work>>,
    /// Since when there is something to seal, counted from when there was not.
    sealed_at: Time,
    /// The journal takes nothing before.
    refused_until: Time,
}

impl Driver {
    /// What a scan records, in the entry of its unit. Nothing where no history is kept.
    pub(super) fn history_ops(
        &mut self,
        engine: EngineIndex,
        epoch: Option<Epoch>,
        posts: &mut Posts,
        at: NodeTime,
    ) -> Vec<Post> {
        let samples = std::mem::take(&mut posts.samples);
        let Some(epoch) = epoch.filter(|_| self.settings.history.is_some()) else {
            return Vec::new();
        };
        let kept = &self.runtime(engine).history.kept;
        kept.recorded(&posts.object, posts.step, epoch.number, at, samples)
    }

    /// What was posted is history here, too.
    pub(super) fn commit_history(
        &mut self,
        engine: EngineIndex,
        position: Position,
        posts: Vec<Post>,
    ) {
        if posts.is_empty() {
            return;
        }
        if let Err(error) = self.runtime(engine).history.kept.commit(position, posts) {
            tracing::error!(%error, "what was recorded and posted cannot be taken");
        }
    }

    /// Seals, drops and forwards what is due, on every engine whose gate passes.
    pub(super) fn run_history(&mut self) {
        let settings = self.settings.clone();
        let Some(settings) = &settings.history else { return };
        let bounds = settings.bounds();
        for engine in self.indexes() {
            let now = self.clock.now();
            let runtime = self.runtime(engine);
            let history = &mut runtime.history;
            let Some(epoch) = runtime.gate.passes() else {
                // What the sink said then is nothing to whoever acts later.
                history.forwarding.forget();
                continue;
            };
            let shown = history.kept.shown();
            if shown.records == 0 {
                history.forwarding.forget();
            }
            if shown.open_records == 0 {
                history.sealed_at = now;
            }
            if now < history.refused_until {
                continue;
            }
            // Where blocks wait, small ones more would bring nothing there sooner.
            let is_due = shown.blocks == 0 && now.since(history.sealed_at) >= settings.block_age;
            let sealed = history.kept.sealed(epoch.number, is_due, &bounds);
            if sealed.is_some_and(|it| self.post_history(engine, it)) {
                self.runtime(engine).history.sealed_at = now;
            }
            let wall = self.clock.wall();
            // What is at the sink just now may be there in a moment: it is not dropped before.
            let history = &self.runtime(engine).history;
            let at_sink = history.forwarding.under_way_since();
            let may_drop = at_sink.is_none_or(|it| now.since(it) >= FAILING_MAX);
            if may_drop
                && let Some((id, posts)) = history.kept.dropped(wall, &bounds)
                && self.post_history(engine, posts)
            {
                let name = self.name_of(engine);
                tracing::error!(engine = %name, first = id.first, last = id.last, "history was full: the oldest block is dropped");
            }
            self.forward(engine, now);
        }
    }

    /// Whether the journal took it.
    fn post_history(&mut self, engine: EngineIndex, posts: Vec<Post>) -> bool {
        match self.post(engine, PostedWrite::runtime(PROVIDER, &posts).body) {
            Ok(position) => {
                self.commit_history(engine, position, posts);
                true
            }
            Err(_) => {
                let again_at = self.clock.now() + REFUSED_PAUSE;
                self.runtime(engine).history.refused_until = again_at;
                false
            }
        }
    }

    /// Hands the oldest block to the sink, when nothing can take it back any more.
    fn forward(&mut self, engine: EngineIndex, now: Time) {
        let safe = self.safe_on_disk(engine);
        let history = &mut self.runtime(engine).history;
        let Some(sink) = &history.sink else { return };
        let Some(Oldest { id, position, bytes }) = history.kept.oldest() else { return };
        if position.sequence > safe || !history.forwarding.begin(now, id) {
            return;
        }
        if sink.try_send(Work { id, bytes }).is_err() {
            let why = "the task that forwards history has ended: start this node again";
            tracing::error!(why, "history is not forwarded");
            history.forwarding.ended(now, id, Err((why.to_owned(), false)));
        }
    }

    /// Up to this sequence of the runtime journal all is on both disks, or on this one where there is no standby.
    /// What a crash of both takes back must not be in the sink: it would come once more, under another number.
    fn safe_on_disk(&self, engine: EngineIndex) -> u64 {
        let engine = self.core.engine(engine).expect("an index of this node");
        let replica = engine.replica();
        let here = replica.stored().runtime;
        match engine.machine().acknowledge() {
            Acknowledge::Degraded => here,
            Acknowledge::WhenReplicated => {
                replica.durable_at_partner().map_or(0, |it| it.runtime.min(here))
            }
            Acknowledge::Wait => 0,
        }
    }

    /// The sink has a block, or has not.
    pub(super) fn on_forwarded(&mut self, report: Report) {
        let (engine, id, how) = match report {
            Report::Block { engine, id, how } => (engine, id, how),
            Report::Checked { engine, why_not } => {
                let text = |why| format!("history could not be forwarded from this node: {why}");
                return self.show_object_alarm(engine, AWAY, why_not.map(text));
            }
        };
        let (now, wall) = (self.clock.now(), self.clock.wall());
        let name = self.name_of(engine).clone();
        let history = &mut self.runtime(engine).history;
        match how {
            How::Left => history.forwarding.left(id),
            How::Unreadable(why) => {
                tracing::error!(engine = %name, first = id.first, why, "a block of history cannot be read");
                history.forwarding.ended(now, id, Err((why, false)));
            }
            How::Failed { why, is_temporary } => {
                tracing::warn!(engine = %name, first = id.first, why, is_temporary, "the sink of history does not take a block");
                history.forwarding.ended(now, id, Err((why, is_temporary)));
            }
            How::Committed { rows_new, rows_known } => {
                tracing::debug!(engine = %name, first = id.first, last = id.last, rows_new, rows_known, "history is in the sink");
                let is_done = history.forwarding.ended(now, id, Ok(()));
                let posts = history.kept.committed(id, wall).filter(|_| is_done);
                // Not taken: it goes to the sink once more, which knows it.
                if let Some(posts) = posts
                    && self.runtime(engine).gate.passes().is_some()
                {
                    self.post_history(engine, posts);
                }
            }
        }
        self.changed();
    }

    /// Alarms, as long as their cause lasts.
    pub(super) fn look_at_history(&mut self) {
        for engine in self.indexes() {
            let behind = self.history_behind(engine);
            self.show_object_alarm(engine, "history-behind", behind);
            if self.runtime(engine).gate.passes().is_some() {
                self.runtime(engine).alarms.remove(AWAY);
            }
            let lost = self.history_lost(engine);
            self.show_object_alarm(engine, "history-lost", lost);
        }
    }

    fn history_behind(&mut self, engine: EngineIndex) -> Option<String> {
        let now = self.clock.now();
        let settings = self.settings.clone();
        let runtime = self.runtime(engine);
        let acts = runtime.gate.passes().is_some();
        let history = &runtime.history;
        // No number that changes by itself: each would be news.
        let Shown { records, bytes, .. } = history.kept.shown();
        let Some(settings) = &settings.history else {
            let text = "samples of history are held, and no sink is set up for them";
            return (records > 0).then(|| text.to_owned());
        };
        let failing = history.forwarding.failing().filter(|_| acts && records > 0);
        let failing = failing.filter(|it| !it.is_temporary || now.since(it.since) >= FAILING_MAX);
        let since = history.forwarding.under_way_since().filter(|_| acts);
        let hangs = since.is_some_and(|it| now.since(it) >= FAILING_MAX);
        let percent = bytes.saturating_mul(100) / settings.held_bytes_max;
        let full = (percent > HELD_PERCENT_ALARM).then(|| {
            format!("more than {HELD_PERCENT_ALARM} % of what may be held waits for the sink; then the oldest is dropped")
        });
        let why = match failing {
            Some(it) => format!("history does not reach its sink and is held here: {}", it.why),
            None if hangs => "the sink of history does not answer; it is held here".to_owned(),
            None => return full.map(|it| format!("history is behind: {it}")),
        };
        Some(full.map_or_else(|| why.clone(), |it| format!("{why}; {it}")))
    }

    fn history_lost(&mut self, engine: EngineIndex) -> Option<String> {
        let wall = self.clock.wall();
        let head = self.runtime(engine).history.kept.shown().head;
        let ago = Duration::from_millis(wall.0.saturating_sub(head.lost_at.0));
        // Without their number, which would be news with each.
        let text = || {
            "samples of history were dropped: no more could be held; `hotpair history status` counts them".to_owned()
        };
        (head.lost > 0 && ago < LOST_ALARM).then(text)
    }

    /// As this node holds it.
    pub(crate) fn history_status(&mut self, engine: EngineIndex) -> HistoryStatus {
        let now = self.clock.now();
        let sink = self.settings.history.as_ref().map(|it| HistorySinkStatus {
            kind: it.kind().to_owned(),
            target: it.target(),
            held_bytes_max: it.held_bytes_max,
        });
        let runtime = self.runtime(engine);
        let forwards = runtime.gate.passes().is_some() && sink.is_some();
        let Shown { head, blocks, records, open_records, bytes, oldest_at } =
            runtime.history.kept.shown();
        let failing = runtime.history.forwarding.failing().filter(|_| forwards);
        let failing = failing.map(|it| HistoryFailing {
            why: it.why.clone(),
            temporary: it.is_temporary,
            times: it.count,
            for_ms: u64::try_from(now.since(it.since).as_millis()).unwrap_or(u64::MAX),
        });
        let when = |it: NodeTime| Some(it.0).filter(|it| *it != 0);
        HistoryStatus {
            sink,
            forwards,
            held_records: records,
            open_records,
            held_blocks: blocks,
            held_bytes: bytes,
            oldest_ms: oldest_at.map(|it| it.0),
            newest: head.next - 1,
            done: head.done,
            committed: head.committed,
            committed_at_ms: when(head.committed_at),
            lost: head.lost,
            lost_at_ms: when(head.lost_at),
            failing,
        }
    }

    /// Figures, where history is kept or held.
    pub(crate) fn history_measures(&self, engine: EngineIndex) -> Option<HistoryMeasures> {
        let shown = self.engines[usize::from(engine.0)].history.kept.shown();
        let is_kept = self.settings.history.is_some() || shown.records > 0;
        is_kept.then_some(HistoryMeasures {
            held_bytes: shown.bytes,
            held_records: shown.records,
            committed_records: shown.head.committed,
            lost_records: shown.head.lost,
        })
    }
}
