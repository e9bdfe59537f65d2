//! What programs bring: runtime state providers and modules; and the rest of the paths.
use crate::client::{start, start_with};
use crate::follow::{closed, next, open, status_of};
use futures_util::{SinkExt, StreamExt};
use hotpair_api::Limits;
use hotpair_api::face::{
    DivergedEntry, Divergence, DivergenceSummary, PositionStatus, ProviderEvent, ProviderItem,
    ProviderOp,
};
use hotpair_types::{JournalKind, StateId};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn a_program_is_a_provider() {
    let api = start().await;
    let mut socket = open(&api, "/api/v1/providers/plant").await.unwrap();
    let welcome = next(&mut socket).await;
    assert_eq!(
        welcome,
        json!({"kind":"welcome","provider":"plant","encoding":"json","node":"gw-a"})
    );
    let role = next(&mut socket).await;
    assert_eq!(role, json!({"kind":"role","state":"active","epoch":3,"may_post":true}));
    let taken = api.node.with(|it| it.provider.clone()).unwrap();
    let item = |item: &str, value: &[u8]| ProviderItem { item: item.into(), value: value.into() };
    let ops = vec![
        ProviderOp::Set(item("pump", b"{\"on\":true}")),
        ProviderOp::Set(item("raw", &[0xff, 0])),
        ProviderOp::Remove { item: "old".into() },
    ];
    taken.offer(ProviderEvent::Apply { ops, sequence: 9, epoch: 2 }).unwrap();
    let expected = json!({"kind":"apply","sequence":9,"epoch":2,"ops":[
        {"op":"set","item":"pump","value":{"on":true}},
        {"op":"set","item":"raw","value_base64":"/wA="},
        {"op":"remove","item":"old"}]});
    assert_eq!(next(&mut socket).await, expected);
    let items = vec![item("pump", b"1")];
    taken.offer(ProviderEvent::Restore { items, sequence: 10, epoch: 3 }).unwrap();
    let expected =
        json!({"kind":"restore","sequence":10,"epoch":3,"items":[{"item":"pump","value":1}]});
    assert_eq!(next(&mut socket).await, expected);
    taken.offer(ProviderEvent::SnapshotWanted { id: 4 }).unwrap();
    assert_eq!(next(&mut socket).await, json!({"kind":"snapshot-wanted","id":4}));
    let snapshot = r#"{"kind":"snapshot","id":4,"items":[{"item":"pump","value":1}]}"#;
    socket.send(Message::text(snapshot)).await.unwrap();
    let role = ProviderEvent::Role { state: StateId::SwitchingToStandby, epoch: 3 };
    taken.offer(role).unwrap();
    assert_eq!(next(&mut socket).await["may_post"], false);
    let close = ProviderEvent::Close { reason: "undeployed".into() };
    taken.offer(close).unwrap();
    assert_eq!(closed(&mut socket).await, (1001, "undeployed".into()));
}

#[tokio::test]
async fn a_program_that_does_not_keep_up_is_told_to_begin_again() {
    let api = start().await;
    let mut socket = open(&api, "/api/v1/providers/plant").await.unwrap();
    next(&mut socket).await;
    next(&mut socket).await;
    let taken = api.node.with(|it| it.provider.clone()).unwrap();
    // More than the sockets take, while nothing is read.
    let item = ProviderItem { item: "pump".into(), value: vec![b'1'; 100_000] };
    let mut sequence = 0;
    loop {
        sequence += 1;
        let ops = vec![ProviderOp::Set(item.clone())];
        if taken.offer(ProviderEvent::Apply { ops, sequence, epoch: 2 }).is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let mut heard = 0;
    let (code, reason) = loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => {
                let message: serde_json::Value = serde_json::from_str(&text).unwrap();
                heard += 1;
                assert_eq!(message["sequence"], heard, "no gap before the end");
            }
            Message::Close(frame) => {
                let frame = frame.unwrap();
                break (u16::from(frame.code), frame.reason.to_string());
            }
            other => assert!(other.is_ping(), "{other:?}"),
        }
    };
    assert_eq!(code, 1013);
    assert_eq!(reason, "lagged: events were missed; connect again, a restore comes first");
    assert!(heard < sequence);
}

#[tokio::test]
async fn posts_keep_their_order_and_get_their_own_answers() {
    let api = start().await;
    let mut socket = open(&api, "/api/v1/providers/plant").await.unwrap();
    next(&mut socket).await;
    next(&mut socket).await;
    for id in 1..=50 {
        let post = json!({"kind":"post","id":id,"ops":[{"op":"set","item":"n","value":id}],"ack":"durable"});
        socket.feed(Message::text(post.to_string())).await.unwrap();
    }
    socket.flush().await.unwrap();
    let mut answers = Vec::new();
    while answers.len() < 50 {
        answers.push(next(&mut socket).await);
    }
    for answer in &answers {
        let id = answer["id"].as_u64().unwrap();
        assert_eq!(answer["sequence"], 100 + id, "posted in the order of the messages");
        assert_eq!(
            (&answer["outcome"], &answer["acknowledged"]),
            (&json!("done"), &json!("durable"))
        );
    }
    let bad = r#"{"kind":"post","id":51,"ops":[{"op":"set","item":"../x","value":1}]}"#;
    socket.send(Message::text(bad)).await.unwrap();
    let answer = next(&mut socket).await;
    assert_eq!(
        (&answer["outcome"], &answer["problem"]["status"]),
        (&json!("refused"), &json!(422))
    );
}

#[tokio::test]
async fn a_message_that_is_none_ends_the_session() {
    let api = start().await;
    for text in
        ["{", "[]", r#"{"kind":"dance"}"#, r#"{"kind":"post","ops":[]}"#, &"[".repeat(1_000)]
    {
        let mut socket = open(&api, "/api/v1/providers/plant").await.unwrap();
        socket.send(Message::text(text)).await.unwrap();
        assert_eq!(closed(&mut socket).await.0, 1008, "{text}");
    }
}

#[tokio::test]
async fn a_second_provider_of_the_same_name_is_refused() {
    let api = start().await;
    let _held = open(&api, "/api/v1/providers/plant").await.unwrap();
    assert_eq!(status_of(open(&api, "/api/v1/providers/plant").await), 409);
    let got = api.ask("GET /api/v1/providers/plant", &[], "").await;
    assert_eq!(got.problem(), "bad-request");
}

#[tokio::test]
async fn a_module_arrives_in_pieces_and_is_removed() {
    let api = start_with(Limits { module_bytes_max: 300_000, ..Limits::default() }, |it| it).await;
    let wasm = "Content-Type: application/wasm";
    let got = api.ask("PUT /api/v1/modules/pump.wasm", &[wasm], &"w".repeat(250_000)).await;
    assert_eq!(got.status, 200, "{}", got.body);
    assert_eq!(
        (&got.json()["module"]["size"], &got.json()["sequence"]),
        (&json!(250_000), &json!(101))
    );
    assert_eq!(api.get("/api/v1/modules").await.json()["modules"][0]["name"], "pump.wasm");
    let got = api.ask("PUT /api/v1/modules/pump.wasm", &[wasm], &"w".repeat(300_001)).await;
    assert_eq!((got.status, got.problem().as_str()), (413, "body-too-large"));
    let chunked = format!(
        "PUT /api/v1/modules/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{wasm}\r\n\
         Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
        format!("10000\r\n{}\r\n", "w".repeat(65_536)).repeat(6)
    );
    assert_eq!(api.raw(chunked.as_bytes()).await.problem(), "body-too-large");
    assert!(api.node.with(|it| it.upload_broke.take()).is_some());
    assert_eq!(api.node.with(|it| it.modules["pump.wasm"].len()), 250_000);
    assert_eq!(api.ask("PUT /api/v1/modules/a", &[wasm], "").await.problem(), "unprocessable");
    assert_eq!(api.send("PUT /api/v1/modules/a", "{}").await.problem(), "wrong-content-type");
    assert_eq!(api.ask("PUT /api/v1/modules/.a", &[wasm], "x").await.problem(), "bad-path");
    assert_eq!(api.ask("DELETE /api/v1/modules/pump.wasm", &[], "").await.status, 200);
    assert_eq!(
        api.ask("DELETE /api/v1/modules/pump.wasm", &[], "").await.problem(),
        "unknown-module"
    );
}

#[tokio::test]
async fn kept_entries_are_listed_shown_replayed_and_discarded() {
    let api = start().await;
    let summary = DivergenceSummary {
        id: "e4-e5-100".into(),
        at_ms: 1,
        fork: PositionStatus { epoch: 3, sequence: 100 },
        journal: JournalKind::Runtime,
        winning_epoch: 5,
        losing_epoch: 4,
        losing_node: "gw-b".into(),
        rule: "longest-active".into(),
        entries: 1,
        settled: 0,
    };
    let entry = DivergedEntry {
        number: 1,
        position: PositionStatus { epoch: 4, sequence: 101 },
        item: "tags/tank/level".into(),
        losing_value: Some(json!(1)),
        losing_at_ms: 1,
        winning_value: Some(json!(2)),
        winning_at_ms: Some(2),
        settled: false,
    };
    api.node.with(|it| it.divergences.push(Divergence { summary, kept: vec![entry] }));
    assert_eq!(api.get("/api/v1/divergence").await.json()["divergences"][0]["id"], "e4-e5-100");
    let shown = api.get("/api/v1/divergence/e4-e5-100").await.json();
    assert_eq!(
        (&shown["rule"], &shown["kept"][0]["losing_value"]),
        (&json!("longest-active"), &json!(1))
    );
    let got = api.send("POST /api/v1/divergence/e4-e5-100/replay", r#"{"entries":[1]}"#).await;
    assert_eq!(got.json()["entries"][0], json!({"number":1,"sequence":200,"refused":null}));
    assert_eq!(api.ask("DELETE /api/v1/divergence/e4-e5-100", &[], "").await.status, 204);
    assert_eq!(api.get("/api/v1/divergence/e4-e5-100").await.problem(), "unknown-divergence");
}

#[tokio::test]
async fn the_figures_have_the_names_of_the_contract() {
    let api = start().await;
    let got = api.get("/metrics").await;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(got.header("content-type"), Some(content_type));
    for line in [
        "hotpair_build_info{version=\"0.1.0\",node=\"gw-a\"} 1",
        "hotpair_state{engine=\"main\",state=\"active\"} 1",
        "hotpair_state{engine=\"main\",state=\"standby-ready\"} 0",
        "hotpair_partner_state{engine=\"main\",state=\"standby-ready\"} 1",
        "hotpair_epoch{engine=\"main\"} 3",
        "hotpair_arbiter_reachable{engine=\"main\"} 1",
        "hotpair_grant_left_seconds{engine=\"main\"} 1.5",
        "hotpair_role_changes_total{engine=\"main\",cause=\"fenced\"} 2",
        "hotpair_beat_missed_total{channel=\"redundancy\"} 3",
        "hotpair_beat_round_trip_seconds_bucket{le=\"+Inf\",channel=\"primary\"} 2",
        "hotpair_replication_lag_entries{engine=\"main\",journal=\"runtime\"} 4",
        "hotpair_replication_lag_seconds{engine=\"main\"} 0.25",
        "hotpair_queue_bytes{queue=\"redundancy-data\"} 512",
        "hotpair_commit_seconds_count{engine=\"main\"} 2",
        "hotpair_scan_seconds_count{engine=\"main\",object=\"tank-1\"} 2",
        "hotpair_scan_jitter_seconds_count{engine=\"main\",object=\"tank-1\"} 2",
        "hotpair_scan_overruns_total{engine=\"main\",object=\"tank-1\"} 7",
        "hotpair_object_alarms{engine=\"main\",state=\"unacknowledged\"} 1",
        "hotpair_history_held_bytes{engine=\"main\"} 700",
        "hotpair_history_held_records{engine=\"main\"} 12",
        "hotpair_history_committed_records_total{engine=\"main\"} 4000",
        "hotpair_history_lost_records_total{engine=\"main\"} 3",
        "hotpair_sync_bytes_done{engine=\"main\"} 10",
        "hotpair_sync_bytes_total{engine=\"main\"} 20",
        "hotpair_divergence_entries{engine=\"main\"} 1",
        "hotpair_certificate_expiry_seconds 1000.0",
        "hotpair_takeover_seconds_sum{engine=\"main\"} 0.5002",
        "hotpair_refused_total{what=\"hello\"} 1",
        "# EOF",
    ] {
        assert!(got.body.lines().any(|it| it == line), "no `{line}` in\n{}", got.body);
    }
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let api = start().await;
    let got = api.get("/").await;
    let policy = got.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(policy.contains("connect-src 'self' http://127.0.0.1:8651 ws://127.0.0.1:8651;"));
    for path in ["/", "/page/page.css", "/page/page.js"] {
        let body = api.get(path).await.body;
        let outside = body.replace("http://www.w3.org/2000/svg", "");
        assert!(!outside.contains("src=\"http") && !outside.contains("href=\"http"), "{path}");
        assert!(!outside.contains("@import") && !outside.contains("url(http"), "{path}");
        assert!(!outside.contains("innerHTML") && !outside.contains(" style=\""), "{path}");
    }
}
