//! Following tags, alarms, events and status over a WebSocket; resumes after the last sequence.
use super::board::Board;
use super::parts::Query;
use crate::answer::Answer;
use crate::face::{
    Feed, FeedEnd, FeedItem, FeedProgress, FeedStart, NodeStatus, Problem, ProblemKind,
    SubscribeRequest,
};
use crate::gate::{Api, PROTOCOL, Shared};
use crate::name::{ITEM_BYTES_MAX, check_plain_name};
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use hotpair_types::EngineName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// Messages put together before they are flushed.
const BATCH_MAX: usize = 128;
/// Bytes of a message from a client of a subscription, which says at most how far it is.
const INCOMING_BYTES_MAX: usize = 4 * 1024;
/// The shortest time between two status messages.
const STATUS_INTERVAL_MIN: Duration = Duration::from_millis(100);
/// The longest time that values may be gathered.
const COALESCE_MS_MAX: u64 = 10_000;

/// Close codes (RFC 6455, 7.4).
pub(super) mod code {
    pub(crate) const GOING_AWAY: u16 = 1001;
    pub(crate) const POLICY: u16 = 1008;
    pub(crate) const TOO_BIG: u16 = 1009;
    pub(crate) const TRY_AGAIN: u16 = 1013;
    /// Ours: begin again with all values.
    pub(crate) const REPLACED: u16 = 4001;
}

pub(super) fn routes(board: Board) -> Board {
    board.add("get", "/api/v1/subscribe", subscribe)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubscribeQuery {
    engine: Option<EngineName>,
    #[serde(default = "yes")]
    tags: bool,
    #[serde(default)]
    alarms: bool,
    #[serde(default = "yes")]
    events: bool,
    #[serde(default)]
    status: bool,
    #[serde(default)]
    prefix: String,
    last: Option<String>,
    since_event: Option<u64>,
    #[serde(default)]
    coalesce_ms: u64,
    name: Option<String>,
}

const fn yes() -> bool {
    true
}

/// The first message, and status messages; the others are `FeedItem`.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Outgoing<'a> {
    Hello {
        node: &'a str,
        #[serde(flatten)]
        start: FeedStart,
    },
    Status {
        status: &'a NodeStatus,
    },
}

async fn subscribe(
    State(api): State<Shared>,
    Query(query): Query<SubscribeQuery>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answer {
    let upgrade = upgradable(upgrade)?;
    if query.prefix.len() > ITEM_BYTES_MAX {
        return Err(Problem::new(ProblemKind::BadRequest, "`prefix` is too long"));
    }
    let (last_epoch, last) = query.last.as_deref().map_or(Ok((None, None)), position)?;
    if let Some(name) = &query.name {
        check_plain_name(name).map_err(|it| Problem { kind: ProblemKind::BadRequest, ..it })?;
    }
    let place = api.session()?;
    let request = SubscribeRequest {
        tags: query.tags,
        prefix: query.prefix,
        alarms: query.alarms,
        events: query.events,
        last,
        last_epoch,
        since_event: query.since_event,
        name: query.name,
    };
    let feed = api.ask(api.face.subscribe(query.engine, request)).await?;
    let coalesce = Duration::from_millis(query.coalesce_ms.min(COALESCE_MS_MAX));
    let status = query.status.then(|| api.face.status());
    let upgrade = upgrade.max_message_size(INCOMING_BYTES_MAX).max_frame_size(INCOMING_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| async move {
        Session::new(&api, socket, coalesce).run(feed, status).await;
        drop(place);
    }))
}

/// A request that is a WebSocket's, or the problem that says so.
pub(super) fn upgradable(
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<WebSocketUpgrade, Problem> {
    let upgrade = upgrade
        .map_err(|error| Problem::new(ProblemKind::BadRequest, format!("a WebSocket: {error}")))?;
    Ok(upgrade.protocols([PROTOCOL]))
}

const NOTHING_ELSE: &str = "this socket takes {\"has\": \"EPOCH:SEQUENCE\"} and nothing else";

/// What a client says it has: `{"has": "EPOCH:SEQUENCE"}`.
fn has(text: &str) -> Option<(u64, u64)> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Has {
        has: String,
    }
    let Has { has } = serde_json::from_str(text).ok()?;
    let (epoch, sequence) = has.split_once(':')?;
    Some((epoch.parse().ok()?, sequence.parse().ok()?))
}

/// `SEQUENCE` or `EPOCH:SEQUENCE`.
fn position(text: &str) -> Result<(Option<u64>, Option<u64>), Problem> {
    let bad = |_| Problem::new(ProblemKind::BadRequest, "`last` is SEQUENCE or EPOCH:SEQUENCE");
    match text.split_once(':') {
        None => Ok((None, Some(text.parse().map_err(bad)?))),
        Some((epoch, last)) => {
            Ok((Some(epoch.parse().map_err(bad)?), Some(last.parse().map_err(bad)?)))
        }
    }
}

/// Why a session ends; `None`: the connection is gone already.
type Farewell = Option<(u16, &'static str)>;

struct Session<'a> {
    api: &'a Api,
    sink: SplitSink<WebSocket, Message>,
    stream: SplitStream<WebSocket>,
    coalesce: Duration,
    /// The epoch and sequence of the newest value that was written.
    reached: (u64, u64),
    /// Tags by path that wait for the end of the gathering.
    gathered: BTreeMap<String, (u64, FeedItem)>,
}

impl<'a> Session<'a> {
    fn new(api: &'a Api, socket: WebSocket, coalesce: Duration) -> Self {
        let (sink, stream) = socket.split();
        Self { api, sink, stream, coalesce, reached: (0, 0), gathered: BTreeMap::new() }
    }

    async fn run(mut self, mut feed: Feed, status: Option<watch::Receiver<Arc<NodeStatus>>>) {
        let farewell = match self.follow(&mut feed, status).await {
            Ok(farewell) | Err(farewell) => farewell,
        };
        if let Some((code, reason)) = farewell {
            let frame = CloseFrame { code, reason: reason.into() };
            // The client may be gone; there is nobody else to tell.
            let _ = self.sink.send(Message::Close(Some(frame))).await;
        }
    }

    async fn follow(
        &mut self,
        feed: &mut Feed,
        mut status: Option<watch::Receiver<Arc<NodeStatus>>>,
    ) -> Result<Farewell, Farewell> {
        let node = self.api.status().node.clone();
        self.put(&Outgoing::Hello { node: &node, start: feed.start }).await?;
        if let Some(status) = &mut status {
            status.mark_changed();
        }
        self.flush().await?;
        let mut shutdown = self.api.shutdown.clone();
        let ping = self.api.limits.ping_interval;
        let mut pings = interval_at(Instant::now() + ping, ping);
        let gather = self.coalesce.max(Duration::from_millis(1));
        let mut gatherings = interval_at(Instant::now() + gather, gather);
        gatherings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let mut status_after = Instant::now();
        loop {
            tokio::select! {
                () = crate::serve::stopped(&mut shutdown) => {
                    return Ok(Some((code::GOING_AWAY, "the node stops")));
                }
                incoming = self.stream.next() => {
                    heard = Instant::now();
                    match incoming {
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Text(text))) => match has(&text) {
                            Some((epoch, sequence)) => feed.progress.confirmed(epoch, sequence),
                            None => return Ok(Some((code::POLICY, NOTHING_ELSE))),
                        },
                        Some(Ok(Message::Binary(_))) => {
                            return Ok(Some((code::POLICY, NOTHING_ELSE)));
                        }
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(None),
                    }
                }
                item = feed.next() => {
                    let Some(item) = item else {
                        self.release().await?;
                        return Ok(Some(farewell(feed.end())));
                    };
                    self.take(item).await?;
                    for _ in 1..BATCH_MAX {
                        let Some(item) = feed.try_next() else { break };
                        self.take(item).await?;
                    }
                    self.flush().await?;
                    self.note(&feed.progress);
                }
                _ = gatherings.tick(), if !self.gathered.is_empty() => {
                    self.release().await?;
                    self.note(&feed.progress);
                }
                () = changed(&mut status, status_after) => {
                    if let Some(status) = &mut status {
                        let now = Arc::clone(&status.borrow_and_update());
                        self.put(&Outgoing::Status { status: &now }).await?;
                        self.flush().await?;
                    }
                    status_after = Instant::now() + STATUS_INTERVAL_MIN;
                }
                _ = pings.tick() => {
                    if heard.elapsed() > 3 * ping {
                        return Ok(None);
                    }
                    self.sink.send(Message::Ping(bytes::Bytes::new())).await.map_err(|_| None)?;
                }
            }
        }
    }

    /// Sends an item, or gathers it.
    async fn take(&mut self, item: FeedItem) -> Result<(), Farewell> {
        if self.coalesce.is_zero() {
            return self.put_item(&item).await;
        }
        match &item {
            FeedItem::Tag(tag) => {
                let (path, sequence) = (tag.path.clone(), tag.sequence);
                self.gathered.insert(path, (sequence, item));
                Ok(())
            }
            FeedItem::TagRemoved { path, sequence } => {
                let (path, sequence) = (path.clone(), *sequence);
                self.gathered.insert(path, (sequence, item));
                Ok(())
            }
            FeedItem::Level { .. } => {
                self.release().await?;
                self.put_item(&item).await
            }
            FeedItem::Event { .. } | FeedItem::Alarm(_) | FeedItem::AlarmRemoved { .. } => {
                self.put_item(&item).await
            }
        }
    }

    /// What was written to the connection, unless older values are still gathered.
    fn note(&self, progress: &FeedProgress) {
        if self.gathered.is_empty() {
            progress.written(self.reached.0, self.reached.1);
        }
    }

    async fn put_item(&mut self, item: &FeedItem) -> Result<(), Farewell> {
        self.reached = match item {
            FeedItem::Tag(tag) => (tag.epoch, tag.sequence),
            FeedItem::TagRemoved { sequence, .. } => (self.reached.0, *sequence),
            FeedItem::Level { position } => (position.epoch, position.sequence),
            FeedItem::Event { .. } | FeedItem::Alarm(_) | FeedItem::AlarmRemoved { .. } => {
                self.reached
            }
        };
        self.put(item).await
    }

    /// Sends what was gathered, in the order of sequences.
    async fn release(&mut self) -> Result<(), Farewell> {
        let mut items: Vec<_> = std::mem::take(&mut self.gathered).into_values().collect();
        items.sort_by_key(|it| it.0);
        for (_, item) in items {
            self.put_item(&item).await?;
        }
        self.flush().await
    }

    async fn put(&mut self, message: &impl Serialize) -> Result<(), Farewell> {
        let text = serde_json::to_string(message).expect("our messages have string keys");
        self.sink.feed(Message::Text(text.into())).await.map_err(|_| None)
    }

    async fn flush(&mut self) -> Result<(), Farewell> {
        self.sink.flush().await.map_err(|_| None)
    }
}

/// Waits for a new status, but not before `after`.
async fn changed(status: &mut Option<watch::Receiver<Arc<NodeStatus>>>, after: Instant) {
    let Some(status) = status else { return std::future::pending().await };
    tokio::time::sleep_until(after).await;
    if status.changed().await.is_err() {
        // The node is gone; the feed will say so.
        std::future::pending().await
    }
}

const fn farewell(end: FeedEnd) -> (u16, &'static str) {
    match end {
        FeedEnd::Node => (code::GOING_AWAY, "the node ended the subscription"),
        FeedEnd::Lagged => (code::TRY_AGAIN, "lagged: the client did not keep up"),
        FeedEnd::Replaced => (code::REPLACED, "the history was replaced: begin again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_a_sequence_with_or_without_its_epoch() {
        assert_eq!(position("17").unwrap(), (None, Some(17)));
        assert_eq!(position("3:17").unwrap(), (Some(3), Some(17)));
        for bad in ["", "x", "3:", ":3", "-1", "1:2:3"] {
            assert!(position(bad).is_err(), "{bad}");
        }
    }
}
