//! The demo's client: counts in a tag, through every takeover, and knows what was acknowledged.

use super::super::ask::{Ask, Question};
use hotpair_api::face::{Done, Tag};
use serde_json::json;
use std::time::{Duration, Instant};

/// The tag that the client writes.
pub(super) const COUNTER: &str = "client/counter";
/// Between two writes.
const WRITE_INTERVAL: Duration = Duration::from_millis(20);
/// Between two attempts while nobody takes the write.
const RETRY_INTERVAL: Duration = Duration::from_millis(2);
/// How long a node may take to answer before the other one is asked.
const ANSWER_PATIENCE: Duration = Duration::from_millis(400);

/// Writes one number after the other to whichever node is active. One that is not acknowledged is
/// sent again with the same key, so that it counts once.
#[derive(Debug)]
pub(super) struct Client {
    ways: [Ask; 2],
    at: usize,
    next: u64,
    acknowledged: u64,
    last_acknowledged: Instant,
    longest_pause: Duration,
    /// The last acknowledgements of each node.
    newest: [Option<Instant>; 2],
    /// The first one of a node after the other's last.
    first: Option<(Instant, usize)>,
    lost: u64,
    next_write: Instant,
}

impl Client {
    pub(super) fn new(ways: [Ask; 2]) -> Self {
        let now = Instant::now();
        Self {
            ways,
            at: 0,
            next: 1,
            acknowledged: 0,
            last_acknowledged: now,
            longest_pause: Duration::ZERO,
            newest: [None; 2],
            first: None,
            lost: 0,
            next_write: now,
        }
    }

    /// The way to the node that takes the writes.
    pub(super) const fn way(&self) -> &Ask {
        &self.ways[self.at]
    }

    /// The newest number that was acknowledged.
    pub(super) const fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// How many acknowledged numbers were missing on the node that took over.
    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }

    pub(super) const fn longest_pause(&self) -> Duration {
        self.longest_pause
    }

    /// From `at` to the first write that `node` acknowledged after the other had been left.
    pub(super) fn first_acknowledged_after(&self, at: Instant, node: usize) -> Option<Duration> {
        let (first, by) = self.first?;
        (by == node && first > at).then(|| first - at)
    }

    /// One attempt to write one cycle, and the pause after it.
    pub(super) async fn write_once(&mut self) {
        tokio::time::sleep_until(self.next_write.into()).await;
        let way = &self.ways[self.at];
        // Before the first write to another node: what does it have?
        let changed = self.newest[self.at].is_none_or(|it| Some(it) < self.newest[1 - self.at]);
        let has = if changed && self.acknowledged > 0 { count_of(way).await } else { None };
        let question = Question::post("/api/v1/tags:batch")
            .header("idempotency-key", format!("demo-{}", self.next))
            .json(&json!({"writes": [{"path": COUNTER, "value": self.next}]}));
        // `once`, without following: whoever acknowledges is who took it.
        let answer = tokio::time::timeout(ANSWER_PATIENCE, way.here::<Done>(question)).await;
        let now = Instant::now();
        match answer {
            Ok(Ok(_)) => {
                if let Some(has) = has {
                    self.lost = self.lost.max(self.acknowledged.saturating_sub(has));
                }
                if changed {
                    self.first = Some((now, self.at));
                }
                self.longest_pause = self.longest_pause.max(now - self.last_acknowledged);
                self.acknowledged = self.next;
                self.last_acknowledged = now;
                self.newest[self.at] = Some(now);
                self.next += 1;
                self.next_write = (self.next_write + WRITE_INTERVAL).max(now);
            }
            Ok(Err(_)) | Err(_) => {
                self.at = 1 - self.at;
                self.next_write = now + RETRY_INTERVAL;
            }
        }
    }

    /// How many acknowledged numbers are missing now on the node that is written to.
    pub(super) async fn lost_now(&mut self) -> u64 {
        let has = count_of(&self.ways[self.at]).await.unwrap_or(0);
        self.lost = self.lost.max(self.acknowledged.saturating_sub(has));
        self.lost
    }
}

async fn count_of(way: &Ask) -> Option<u64> {
    let question = Question::get(format!("/api/v1/tags/{}", COUNTER));
    let tag = tokio::time::timeout(ANSWER_PATIENCE, way.here::<Tag>(question)).await.ok()?.ok()?;
    tag.value.as_u64()
}
