//! A program in any language as a runtime state provider, over a WebSocket.

mod message;

use super::board::Board;
use super::parts::{Name, Query, check_idempotency_key};
use super::subscribe::{code, upgradable};
use crate::answer::Answer;
use crate::body::parse_object;
use crate::face::{
    Problem, ProblemKind, ProviderEncoding, ProviderEnd, ProviderPost, ProviderSession,
    ProviderStart, WriteOptions, WriteOutcome,
};
use crate::gate::{Api, Shared};
use crate::name::check_plain_name;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use futures_util::stream::{FuturesUnordered, SplitSink};
use futures_util::{SinkExt, StreamExt};
use hotpair_types::EngineName;
use message::{Incoming, OpMessage, OutcomeMessage, Outgoing, parse_items};
use serde::Deserialize;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use tokio::time::{Instant, interval_at};

/// Bytes of the reason of a close (RFC 6455, 5.5).
const REASON_BYTES_MAX: usize = 123;
/// Posts that may be under way at once in a session; further ones wait in the connection.
const POSTS_MAX: usize = 64;

pub(super) fn routes(board: Board) -> Board {
    board.add("get", "/api/v1/providers/{name}", provider)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderQuery {
    engine: Option<EngineName>,
    #[serde(default)]
    encoding: ProviderEncoding,
}

async fn provider(
    State(api): State<Shared>,
    Name(name): Name,
    Query(query): Query<ProviderQuery>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answer {
    check_plain_name(&name)?;
    let upgrade = upgradable(upgrade)?;
    let place = api.session()?;
    let registration = api.face.provider(query.engine, name.clone(), query.encoding);
    let start = api.ask(registration).await?;
    let bytes_max = api.limits.provider_bytes_max;
    let upgrade = upgrade.max_message_size(bytes_max).max_frame_size(bytes_max);
    Ok(upgrade.on_upgrade(move |socket| async move {
        talk(&api, socket, name, query.encoding, start).await;
        drop(place);
    }))
}

/// The end of a session with close code and reason; `None`: the connection is gone already.
type Farewell = Option<(u16, String)>;

async fn talk(
    api: &Api,
    socket: WebSocket,
    provider: String,
    encoding: ProviderEncoding,
    start: ProviderStart,
) {
    let (mut sink, stream) = socket.split();
    let welcome = Outgoing::Welcome { provider, encoding, node: api.status().node.clone() };
    let farewell = match converse(api, &mut sink, stream, encoding, welcome, start).await {
        Ok(farewell) | Err(farewell) => farewell,
    };
    if let Some((code, reason)) = farewell {
        let reason = &reason[..reason.floor_char_boundary(REASON_BYTES_MAX)];
        let frame = CloseFrame { code, reason: reason.into() };
        // The program may be gone; there is nobody else to tell.
        let _ = sink.send(Message::Close(Some(frame))).await;
    }
}

fn farewell(end: ProviderEnd) -> (u16, String) {
    match end {
        ProviderEnd::Node => (code::GOING_AWAY, "the node ended the session".into()),
        ProviderEnd::Lagged => (
            code::TRY_AGAIN,
            "lagged: events were missed; connect again, a restore comes first".into(),
        ),
    }
}

type Posted = Pin<Box<dyn Future<Output = (u64, OutcomeMessage)> + Send>>;

async fn converse(
    api: &Api,
    sink: &mut SplitSink<WebSocket, Message>,
    mut stream: futures_util::stream::SplitStream<WebSocket>,
    encoding: ProviderEncoding,
    welcome: Outgoing,
    start: ProviderStart,
) -> Result<Farewell, Farewell> {
    let session: Arc<dyn ProviderSession> = Arc::from(start.session);
    let mut events = start.events;
    let mut posts = FuturesUnordered::<Posted>::new();
    let mut shutdown = api.shutdown.clone();
    let ping = api.limits.ping_interval;
    let mut pings = interval_at(Instant::now() + ping, ping);
    let mut heard = Instant::now();
    send(sink, welcome).await?;
    loop {
        tokio::select! {
            () = crate::serve::stopped(&mut shutdown) => {
                return Ok(Some((code::GOING_AWAY, "the node stops".into())));
            }
            Some((id, outcome)) = posts.next() => {
                send(sink, Outgoing::Posted { id, outcome }).await?;
            }
            event = events.next() => {
                let Some(event) = event else { return Ok(Some(farewell(events.end()))) };
                match Outgoing::of(event, encoding) {
                    Ok(message) => send(sink, message).await?,
                    Err(reason) => return Ok(Some((code::GOING_AWAY, reason))),
                }
            }
            incoming = stream.next(), if posts.len() < POSTS_MAX => {
                heard = Instant::now();
                match incoming {
                    Some(Ok(Message::Text(text))) => {
                        match read(api, &session, text.as_bytes()).await {
                            Ok(Some(mut post)) => match poll_once(&mut post).await {
                                Poll::Ready((id, outcome)) => {
                                    send(sink, Outgoing::Posted { id, outcome }).await?;
                                }
                                Poll::Pending => posts.push(post),
                            },
                            Ok(None) => {}
                            Err(problem) => return Ok(Some((code::POLICY, problem.detail))),
                        }
                    }
                    Some(Ok(Message::Binary(_))) => {
                        return Ok(Some((code::POLICY, "messages are text".into())));
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_))) | None => return Ok(None),
                    Some(Err(_)) => {
                        return Ok(Some((code::TOO_BIG, "unreadable or too large".into())));
                    }
                }
            }
            _ = pings.tick() => {
                // A session that waits for its own posts is not read, so it cannot be silent.
                if posts.is_empty() && heard.elapsed() > 3 * ping {
                    return Ok(None);
                }
                sink.send(Message::Ping(bytes::Bytes::new())).await.map_err(|_| None)?;
            }
        }
    }
}

/// Starts a post at once, so that the order of posts is the order of messages.
async fn poll_once(post: &mut Posted) -> Poll<(u64, OutcomeMessage)> {
    poll_fn(|cx| Poll::Ready(post.as_mut().poll(cx))).await
}

/// Reads a message. A post that cannot be carried out is answered; a message that is none ends
/// the session.
async fn read(
    api: &Api,
    session: &Arc<dyn ProviderSession>,
    text: &[u8],
) -> Result<Option<Posted>, Problem> {
    match parse_object(text, api.limits.json_depth_max)? {
        Incoming::Snapshot { id, items } => {
            api.ask(session.snapshot(id, parse_items(items)?)).await?;
            Ok(None)
        }
        Incoming::Post { id, ops, ack, idempotency_key } => {
            let post = checked(api, ops, WriteOptions { ack, idempotency_key });
            let session = Arc::clone(session);
            let patience = api.limits.outcome_patience;
            Ok(Some(Box::pin(async move {
                let outcome = match post {
                    Err(problem) => OutcomeMessage::refused(&problem),
                    Ok(post) => match tokio::time::timeout(patience, session.post(post)).await {
                        Ok(Ok(outcome)) => outcome.into(),
                        Ok(Err(problem)) => OutcomeMessage::refused(&problem),
                        Err(_) => WriteOutcome::Unknown {
                            detail: format!("the node did not answer for {patience:?}"),
                        }
                        .into(),
                    },
                };
                (id, outcome)
            })))
        }
    }
}

fn checked(api: &Api, ops: Vec<OpMessage>, options: WriteOptions) -> Result<ProviderPost, Problem> {
    let items_max = api.limits.items_max;
    if ops.is_empty() || ops.len() > items_max {
        let detail = format!("a post has 1 to {items_max} operations, not {}", ops.len());
        return Err(Problem::new(ProblemKind::Unprocessable, detail));
    }
    if let Some(key) = &options.idempotency_key {
        check_idempotency_key(key)?;
    }
    let ops = ops.into_iter().map(OpMessage::parse).collect::<Result<_, _>>()?;
    Ok(ProviderPost { ops, options })
}

async fn send(sink: &mut SplitSink<WebSocket, Message>, message: Outgoing) -> Result<(), Farewell> {
    let large = message.is_large();
    let write = move || serde_json::to_string(&message).expect("our messages have string keys");
    let text = if large {
        // A whole state: writing it out would hold a thread that others need.
        tokio::task::spawn_blocking(write).await.map_err(|_| None)?
    } else {
        write()
    };
    sink.send(Message::Text(text.into())).await.map_err(|_| None)
}
