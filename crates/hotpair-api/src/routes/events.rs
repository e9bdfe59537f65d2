//! What happened: as a list, or as a stream of server-sent events.
use super::board::Board;
use super::parts::{LastQuery, Name, Query};
use crate::answer::{Answer, ok};
use crate::face::{CommandKind, Event, Feed, FeedItem, Problem, ProblemKind, SubscribeRequest};
use crate::gate::{Api, Shared};
use crate::name::plain;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use axum::response::sse::{self, KeepAlive, Sse};
use futures_util::stream;
use hotpair_types::EngineName;
use serde::Deserialize;
use serde_json::json;
use std::convert::Infallible;
use tokio::sync::OwnedSemaphorePermit;

/// How many events are given without `last`.
const EVENTS_DEFAULT: usize = 100;

pub(super) fn routes(board: Board) -> Board {
    board.add("get", "/api/v1/events", events).add("get", "/api/v1/why", why).add(
        "get",
        "/api/v1/why-not/{command}",
        why_not,
    )
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventsQuery {
    engine: Option<EngineName>,
    since: Option<u64>,
    last: Option<usize>,
}

async fn events(
    State(api): State<Shared>,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Answer {
    let accepts = headers.get(header::ACCEPT).map_or(&b""[..], |it| it.as_bytes());
    if accepts.starts_with(b"text/event-stream") {
        return follow(api, query, &headers).await;
    }
    let count_max = query.last.unwrap_or(EVENTS_DEFAULT).clamp(1, api.limits.items_max);
    let since = query.since.unwrap_or(0);
    let events = api.ask(api.face.events(query.engine, since, count_max)).await?;
    let next = events.last().map_or(since, |it| it.number);
    ok(&json!({ "events": events, "next": next }))
}

/// One stream with what it holds on to.
struct Stream {
    feed: Feed,
    api: Shared,
    _place: OwnedSemaphorePermit,
}

async fn follow(api: Shared, query: EventsQuery, headers: &HeaderMap) -> Answer {
    let place = api.session()?;
    let resumed = headers.get("last-event-id").and_then(|it| it.to_str().ok()?.parse().ok());
    let request = SubscribeRequest {
        events: true,
        since_event: resumed.or(query.since),
        ..SubscribeRequest::default()
    };
    let feed = api.ask(api.face.subscribe(query.engine, request)).await?;
    let interval = api.limits.ping_interval;
    let stream = Stream { feed, api, _place: place };
    let stream = stream::unfold(stream, async |mut stream| {
        let event = next_event(&mut stream.feed, &stream.api).await?;
        let text = serde_json::to_string(&event).expect("an event has string keys");
        let message = sse::Event::default().id(event.number.to_string()).data(text);
        Some((Ok::<_, Infallible>(message), stream))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(interval)).into_response())
}

async fn next_event(feed: &mut Feed, api: &Api) -> Option<Event> {
    let mut shutdown = api.shutdown.clone();
    loop {
        let item = tokio::select! {
            item = feed.next() => item?,
            () = crate::serve::stopped(&mut shutdown) => return None,
        };
        match item {
            FeedItem::Event { event } => return Some(event),
            FeedItem::Tag(_)
            | FeedItem::TagRemoved { .. }
            | FeedItem::Alarm(_)
            | FeedItem::AlarmRemoved { .. }
            | FeedItem::Level { .. } => {}
        }
    }
}

async fn why(State(api): State<Shared>, Query(query): Query<LastQuery>) -> Answer {
    let count_max = query.last.unwrap_or(1).clamp(1, api.limits.items_max);
    let events = api.ask(api.face.why(query.engine, count_max)).await?;
    ok(&json!({ "events": events }))
}

async fn why_not(
    State(api): State<Shared>,
    Name(command): Name,
    Query(query): Query<super::parts::EngineQuery>,
) -> Answer {
    let kind: CommandKind = serde_json::from_value(json!(command)).map_err(|_| {
        let detail = format!("there is no command `{}`", plain(&command));
        Problem::new(ProblemKind::NotFound, detail)
    })?;
    let reasons = api.ask(api.face.why_not(query.engine, kind)).await?;
    ok(&json!({ "command": kind, "allowed": reasons.is_empty(), "reasons": reasons }))
}
