//! Following: server-sent events and WebSockets.
use crate::client::{Running, start, start_with};
use futures_util::{SinkExt, StreamExt};
use hotpair_api::face::{FeedItem, Reached};
use hotpair_api::{Limits, Token};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

type Socket = tokio_tungstenite::WebSocketStream<TcpStream>;

pub async fn open(api: &Running, path: &str) -> Result<Socket, Error> {
    open_as(api, path, None).await
}

async fn open_as(api: &Running, path: &str, protocols: Option<&str>) -> Result<Socket, Error> {
    let stream = TcpStream::connect(api.address).await?;
    let mut request = format!("ws://{}{path}", api.address).into_client_request()?;
    if let Some(protocols) = protocols {
        request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
    }
    Ok(tokio_tungstenite::client_async(request, stream).await?.0)
}

pub async fn next(socket: &mut Socket) -> Value {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Close(frame) => panic!("closed: {frame:?}"),
            _ => {}
        }
    }
}

pub async fn closed(socket: &mut Socket) -> (u16, String) {
    loop {
        match socket.next().await {
            Some(Ok(Message::Close(Some(frame)))) => {
                return (frame.code.into(), frame.reason.to_string());
            }
            Some(Ok(_)) => {}
            other => panic!("no close frame: {other:?}"),
        }
    }
}

pub fn status_of(result: Result<Socket, Error>) -> u16 {
    match result {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_subscription_gives_all_values_first_and_then_what_changes() {
    let api = start().await;
    let mut socket = open(&api, "/api/v1/subscribe?prefix=tank/").await.unwrap();
    let hello = next(&mut socket).await;
    let expected =
        json!({"kind":"hello","node":"gw-a","resumed":false,"position":{"epoch":3,"sequence":100}});
    assert_eq!(hello, expected);
    for path in ["tank/level", "tank/pump", "tank/title"] {
        let tag = next(&mut socket).await;
        assert_eq!((&tag["kind"], &tag["path"]), (&json!("tag"), &json!(path)));
    }
    assert_eq!(next(&mut socket).await["kind"], "level");
    api.node.set_tag("tank/level", json!(43));
    let tag = next(&mut socket).await;
    assert_eq!(
        (&tag["value"], &tag["sequence"], &tag["epoch"]),
        (&json!(43), &json!(101), &json!(3))
    );
}

#[tokio::test]
async fn a_subscription_resumes_after_the_last_sequence() {
    let api = start().await;
    api.node.set_tag("tank/level", json!(1));
    api.node.set_tag("tank/pump", json!(false));
    let mut socket = open(&api, "/api/v1/subscribe?last=3:101&events=false").await.unwrap();
    assert_eq!(next(&mut socket).await["resumed"], true);
    assert_eq!(next(&mut socket).await["path"], "tank/pump");
    assert_eq!(next(&mut socket).await["kind"], "level");
    let request = api.node.with(|it| it.feeds[0].0.clone());
    assert_eq!((request.last, request.last_epoch, request.events), (Some(101), Some(3), false));
    assert_eq!(api.get("/api/v1/subscribe?last=1").await.problem(), "bad-request");
    assert_eq!(status_of(open(&api, "/api/v1/subscribe?last=x").await), 400);
}

#[tokio::test]
async fn status_and_events_follow_when_asked_for() {
    let api = start().await;
    let path = "/api/v1/subscribe?tags=false&status=true&since_event=0";
    let mut socket = open(&api, path).await.unwrap();
    assert_eq!(next(&mut socket).await["kind"], "hello");
    let (mut status, mut event) = (None, None);
    while status.is_none() || event.is_none() {
        let message = next(&mut socket).await;
        match message["kind"].as_str().unwrap() {
            "status" => status = Some(message["status"].clone()),
            "event" => event = Some(message["event"].clone()),
            other => panic!("{other}"),
        }
    }
    assert_eq!(status.unwrap()["engines"][0]["state"], "active");
    assert_eq!(event.unwrap()["cause"], "fenced");
    api.node.change(|it| it.engines[0].paused = true);
    let message = next(&mut socket).await;
    assert_eq!(message["status"]["engines"][0]["paused"], true);
}

#[tokio::test]
async fn gathered_values_come_once_and_in_order() {
    let api = start().await;
    let path = "/api/v1/subscribe?events=false&coalesce_ms=50";
    let mut socket = open(&api, path).await.unwrap();
    for _ in 0..5 {
        next(&mut socket).await;
    }
    for value in 0..100 {
        api.node.set_tag("tank/pump", json!(value % 2 == 0));
        api.node.set_tag("tank/level", json!(value));
    }
    let (mut messages, mut last, mut ends) = (0, 0, 0);
    // The last value of each of the two tags.
    while ends < 2 {
        let sequence = next(&mut socket).await["sequence"].as_u64().unwrap();
        assert!(sequence > last, "{sequence} after {last}");
        last = sequence;
        messages += 1;
        ends += u32::from(sequence >= 299);
    }
    assert!(messages < 100, "{messages} messages for 200 changes");
    // The node sees how far it has come, also when everything was gathered.
    reached(&api, Reached { epoch: 3, sequence: last, is_confirmed: false }).await;
}

/// Waits until the node sees that the client has come so far.
async fn reached(api: &Running, wanted: Reached) {
    let seen = async {
        while api.node.with(|it| it.feeds[0].2.get()) != wanted {
            tokio::task::yield_now().await;
        }
    };
    let seen = tokio::time::timeout(std::time::Duration::from_secs(10), seen).await;
    assert!(seen.is_ok(), "{:?}", api.node.with(|it| it.feeds[0].2.get()));
}

#[tokio::test]
async fn a_client_may_say_what_it_has_and_nothing_else() {
    let api = start().await;
    let mut socket = open(&api, "/api/v1/subscribe?name=hmi-1").await.unwrap();
    assert_eq!(api.node.with(|it| it.feeds[0].0.name.clone()).as_deref(), Some("hmi-1"));
    socket.send(Message::Text(r#"{"has": "3:7"}"#.into())).await.unwrap();
    reached(&api, Reached { epoch: 3, sequence: 7, is_confirmed: true }).await;
    for text in ["{}", r#"{"has": "7"}"#, r#"{"has": "3:7", "more": 1}"#, "hello"] {
        let mut socket = open(&api, "/api/v1/subscribe").await.unwrap();
        socket.send(Message::Text(text.into())).await.unwrap();
        assert_eq!(closed(&mut socket).await.0, 1008, "{text}");
    }
    assert_eq!(status_of(open(&api, "/api/v1/subscribe?name=a%2Fb").await), 400);
}

#[tokio::test]
async fn a_client_that_does_not_keep_up_is_let_go_with_the_reason() {
    let api = start().await;
    api.node.with(|it| it.feed_items_max = 8);
    let mut socket = open(&api, "/api/v1/subscribe").await.unwrap();
    let hello = next(&mut socket).await;
    assert_eq!(hello["kind"], "hello");
    while api.node.with(|it| !it.feeds.is_empty()) {
        api.node.set_tag("tank/title", json!("x".repeat(10_000)));
    }
    let (code, reason) = closed(&mut socket).await;
    assert_eq!(code, 1013);
    assert!(reason.starts_with("lagged"), "{reason}");
}

#[tokio::test]
async fn a_replaced_history_and_a_stopping_node_are_told_apart() {
    let api = start().await;
    let mut socket = open(&api, "/api/v1/subscribe").await.unwrap();
    next(&mut socket).await;
    for (_, feed, _) in api.node.with(|it| std::mem::take(&mut it.feeds)) {
        feed.replaced();
    }
    assert_eq!(closed(&mut socket).await.0, 4001);
    let mut socket = open(&api, "/api/v1/subscribe").await.unwrap();
    next(&mut socket).await;
    api.shutdown.send(true).unwrap();
    assert_eq!(closed(&mut socket).await.0, 1001);
}

#[tokio::test]
async fn a_subscriber_that_talks_is_closed() {
    let api = start().await;
    let mut socket = open(&api, "/api/v1/subscribe").await.unwrap();
    socket.send(Message::text("hello?")).await.unwrap();
    assert_eq!(closed(&mut socket).await.0, 1008);
}

#[tokio::test]
async fn sessions_are_bounded() {
    let api = start_with(Limits { sessions_max: 2, ..Limits::default() }, |it| it).await;
    let held = [
        open(&api, "/api/v1/subscribe").await.unwrap(),
        open(&api, "/api/v1/subscribe").await.unwrap(),
    ];
    assert_eq!(status_of(open(&api, "/api/v1/subscribe").await), 503);
    assert_eq!(status_of(open(&api, "/api/v1/providers/a").await), 503);
    let stream = api.ask("GET /api/v1/events", &["Accept: text/event-stream"], "").await;
    assert_eq!((stream.status, stream.header("retry-after")), (503, Some("5")));
    drop(held);
    while open(&api, "/api/v1/subscribe").await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_browser_shows_its_token_as_a_protocol() {
    let token = "correct-horse-battery-staple";
    let api = start_with(Limits::default(), |it| it.with_token(Token::new(token).unwrap())).await;
    assert_eq!(status_of(open(&api, "/api/v1/subscribe").await), 401);
    let wrong = "hotpair, hotpair.token.AAAA";
    assert_eq!(status_of(open_as(&api, "/api/v1/subscribe", Some(wrong)).await), 401);
    // The token in base64url without padding.
    let right = "hotpair, hotpair.token.Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5LXN0YXBsZQ";
    let mut socket = open_as(&api, "/api/v1/subscribe", Some(right)).await.unwrap();
    assert_eq!(next(&mut socket).await["kind"], "hello");
}

#[tokio::test]
async fn events_follow_as_server_sent_events_and_resume() {
    let api = start().await;
    for (header, expected) in [("X: y", 7), ("Last-Event-ID: 7", 8)] {
        let stream = TcpStream::connect(api.address).await.unwrap();
        let (reading, mut writing) = stream.into_split();
        let request = format!(
            "GET /api/v1/events?since=0 HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\
             Accept: text/event-stream\r\n\r\n"
        );
        writing.write_all(request.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(reading).lines();
        let mut head = Vec::new();
        loop {
            let line = lines.next_line().await.unwrap().unwrap();
            if line.is_empty() {
                break;
            }
            head.push(line.to_ascii_lowercase());
        }
        assert!(head.contains(&"content-type: text/event-stream".into()), "{head:?}");
        let mut event = api.node.with(|it| it.events[0].clone());
        event.number = 8;
        api.node.publish(&FeedItem::Event { event });
        let mut id = None;
        let data = loop {
            let line = lines.next_line().await.unwrap().unwrap();
            if let Some(number) = line.strip_prefix("id: ") {
                id = Some(number.to_owned());
            }
            if let Some(data) = line.strip_prefix("data: ") {
                break serde_json::from_str::<Value>(data).unwrap();
            }
        };
        assert_eq!(data["number"], expected);
        assert_eq!(id, Some(expected.to_string()));
    }
}

#[tokio::test]
async fn events_are_listed_since_a_number() {
    let api = start().await;
    let got = api.get("/api/v1/events").await.json();
    assert_eq!((&got["events"][0]["number"], &got["next"]), (&json!(7), &json!(7)));
    let got = api.get("/api/v1/events?since=7").await.json();
    assert_eq!(got, json!({"events": [], "next": 7}));
    let got = api.get("/api/v1/why?last=3").await.json();
    assert_eq!(got["events"][0]["evidence"][1]["limit"], "5");
}
