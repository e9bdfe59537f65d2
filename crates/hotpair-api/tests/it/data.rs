//! Config and tags: what is written, what is refused and with which status.
use crate::client::{start, start_with};
use hotpair_api::Limits;
use hotpair_api::face::{Problem, ProblemKind, Reason, WriteOutcome};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_record_is_written_read_changed_by_etag_and_deleted() {
    let api = start().await;
    let got = api.send("PUT /api/v1/config/tags/tank/level", r#"{"type":"float"}"#).await;
    assert_eq!(got.status, 200, "{}", got.body);
    let expected = json!({"sequence":101,"epoch":3,"acknowledged":"replicated","degraded":false});
    assert_eq!(got.json(), expected);
    assert_eq!(got.header("etag"), Some("\"101\""));
    let got = api.get("/api/v1/config/tags/tank/level").await;
    assert_eq!(got.header("etag"), Some("\"101\""));
    assert_eq!(got.json()["value"], json!({"type":"float"}));
    let path = "PUT /api/v1/config/tags/tank/level";
    let json_type = "Content-Type: application/json";
    let stale = api.ask(path, &[json_type, "If-Match: \"100\""], "1").await;
    assert_eq!((stale.status, stale.problem().as_str()), (412, "version-mismatch"));
    assert_eq!(api.ask(path, &[json_type, "If-None-Match: *"], "1").await.status, 412);
    assert_eq!(api.ask(path, &[json_type, "If-Match: \"101\""], "1").await.status, 200);
    let unchanged =
        api.ask("GET /api/v1/config/tags/tank/level", &["If-None-Match: \"102\""], "").await;
    assert_eq!((unchanged.status, unchanged.body.as_str()), (304, ""));
    let path = "DELETE /api/v1/config/tags/tank/level";
    assert_eq!(api.ask(path, &["If-Match: \"101\""], "").await.status, 412);
    assert_eq!(api.ask(path, &[], "").await.status, 200);
    assert_eq!(api.get("/api/v1/config/tags/tank/level").await.problem(), "unknown-key");
    for bad in ["If-Match: 101", "If-Match: \"x\"", "If-None-Match: \"1\""] {
        let got = api.ask("PUT /api/v1/config/a", &[json_type, bad], "1").await;
        assert_eq!(got.problem(), "bad-request", "{bad}");
    }
}

#[tokio::test]
async fn records_are_listed_by_prefix_page_by_page() {
    let api = start().await;
    for key in ["a/1", "a/2", "a/3", "b"] {
        assert_eq!(api.send(&format!("PUT /api/v1/config/{key}"), "{}").await.status, 200);
    }
    let got = api.get("/api/v1/config?prefix=a/&limit=2").await.json();
    assert_eq!((&got["records"][1]["key"], &got["next"]), (&json!("a/2"), &json!("a/2")));
    let got = api.get("/api/v1/config/?prefix=a/&limit=2&after=a/2").await.json();
    assert_eq!((&got["records"][0]["key"], &got["next"]), (&json!("a/3"), &json!(null)));
    assert_eq!(api.get("/api/v1/config?prefx=a").await.problem(), "bad-request");
}

#[tokio::test]
async fn a_transaction_happens_whole_or_not_at_all() {
    let api = start().await;
    let path = "POST /api/v1/config:transaction";
    let both = r#"{"ops":[{"op":"set","key":"a","value":1},{"op":"set","key":"b","value":2}],
        "expect":[{"key":"a","version":null}]}"#;
    assert_eq!(api.send(path, both).await.status, 200);
    assert_eq!(api.send(path, both).await.problem(), "version-mismatch");
    assert_eq!(api.get("/api/v1/config/b").await.json()["version"], 101);
    for bad in [
        r#"{"ops":[]}"#,
        r#"{"ops":[{"op":"set","key":"../a","value":1}]}"#,
        r#"{"ops":[{"op":"move","key":"a"}]}"#,
        r#"{"ops":[{"op":"set","key":"a","value":1,"extra":1}]}"#,
        r#"{"ops":[{"op":"delete","key":"a"}],"expect":[{"key":"a\u001b[2J","version":1}]}"#,
    ] {
        assert_eq!(api.send(path, bad).await.problem(), "unprocessable", "{bad}");
    }
    let export = api.get("/api/v1/config:export").await;
    assert_eq!(export.json()["records"], json!({"a": 1, "b": 2}));
    let import = r#"{"format":"hotpair-config-1","records":{"c":3}}"#;
    let got = api.send("POST /api/v1/config:import?replace=true", import).await;
    assert_eq!(got.status, 200, "{}", got.body);
    assert_eq!(api.get("/api/v1/config/a").await.status, 404);
    let other = r#"{"format":"other","records":{}}"#;
    assert_eq!(api.send("POST /api/v1/config:import", other).await.problem(), "unprocessable");
    assert_eq!(api.get("/api/v1/config:history?last=3").await.status, 200);
}

#[tokio::test]
async fn a_tag_is_read_written_and_refused_by_its_declaration() {
    let api = start().await;
    let got = api.get("/api/v1/tags/tank/level").await.json();
    assert_eq!(
        (&got["value"], &got["quality"], &got["type"]),
        (&json!(41.5), &json!("good"), &json!("float"))
    );
    let path = "PUT /api/v1/tags/tank/level?ack=durable";
    let got = api
        .ask(
            path,
            &["Content-Type: application/json; charset=utf-8", "Idempotency-Key: k-1"],
            r#"{"value":42}"#,
        )
        .await;
    assert_eq!(got.json()["acknowledged"], "durable");
    let seen = api.node.with(|it| it.seen.last().cloned());
    assert_eq!(
        seen.as_deref(),
        Some(r#"WriteOptions { ack: Some(Durable), idempotency_key: Some("k-1") }"#)
    );
    assert_eq!(api.get("/api/v1/tags/tank/level").await.json()["sequence"], 101);
    let wrong = api.send("PUT /api/v1/tags/tank/level", r#"{"value":"full"}"#).await;
    assert_eq!((wrong.status, wrong.problem().as_str()), (422, "wrong-type"));
    let unknown = api.send("PUT /api/v1/tags/no/such", r#"{"value":1}"#).await;
    assert_eq!((unknown.status, unknown.problem().as_str()), (404, "unknown-tag"));
    assert_eq!(api.get("/api/v1/tags/no/such").await.problem(), "unknown-tag");
    assert_eq!(
        api.send("PUT /api/v1/tags/tank/level?ack=perhaps", r#"{"value":1}"#).await.problem(),
        "bad-request"
    );
    let got = api.get("/api/v1/tags?prefix=tank/").await.json();
    assert_eq!(got["tags"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_batch_of_tags_is_one_entry() {
    let api = start().await;
    let path = "POST /api/v1/tags:batch";
    let good = r#"{"writes":[{"path":"tank/level","value":1},{"path":"tank/pump","value":false}]}"#;
    assert_eq!(api.send(path, good).await.json()["sequence"], 101);
    assert_eq!(api.get("/api/v1/tags/tank/pump").await.json()["sequence"], 101);
    assert_eq!(api.send(path, r#"{"writes":[]}"#).await.problem(), "unprocessable");
    let many = vec![json!({"path": "tank/level", "value": 1}); 1_001];
    let many = json!({ "writes": many }).to_string();
    assert_eq!(api.send(path, &many).await.problem(), "unprocessable");
}

#[tokio::test]
async fn a_write_in_the_wrong_place_names_the_right_one() {
    let api = start().await;
    let reason = Reason::new("standby", "This node is Standby - Ready.");
    let problem = Problem::not_active("gw-b is active", Some("http://127.0.0.1:8651/".into()))
        .because(vec![reason]);
    api.node.with(|it| it.write_answer = Some(WriteOutcome::Refused(problem)));
    for (line, body) in [
        ("PUT /api/v1/tags/tank/level?ack=local", r#"{"value":1}"#),
        ("PUT /api/v1/config/a?ack=local", "1"),
        ("DELETE /api/v1/config/a?ack=local", ""),
        ("POST /api/v1/tags:batch?ack=local", r#"{"writes":[{"path":"tank/level","value":1}]}"#),
    ] {
        let got = api.send(line, body).await;
        assert_eq!((got.status, got.problem().as_str()), (421, "not-active"), "{line}");
        let path = line.split(' ').nth(1).unwrap();
        assert_eq!(got.header("location"), Some(&*format!("http://127.0.0.1:8651{path}")));
        assert_eq!(got.json()["active"], "http://127.0.0.1:8651/");
        assert_eq!(got.json()["reasons"][0]["id"], "standby");
    }
}

#[tokio::test]
async fn a_write_in_the_wrong_place_without_a_right_one_has_no_location() {
    let api = start().await;
    let problem = Problem::new(ProblemKind::NoActive, "still deciding");
    api.node.with(|it| it.write_answer = Some(WriteOutcome::Refused(problem)));
    let got = api.send("PUT /api/v1/config/a", "1").await;
    assert_eq!((got.status, got.header("location")), (503, None));
    assert_eq!(got.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn an_unknown_outcome_is_neither_success_nor_failure() {
    let api = start().await;
    let detail = "the node lost its role before the standby answered".into();
    api.node.with(|it| it.write_answer = Some(WriteOutcome::Unknown { detail }));
    let got = api.send("PUT /api/v1/tags/tank/level", r#"{"value":1}"#).await;
    assert_eq!((got.status, got.problem().as_str()), (504, "outcome-unknown"));
}

#[tokio::test]
async fn every_kind_of_problem_has_its_own_type_and_a_fitting_status() {
    let api = start().await;
    for kind in ProblemKind::ALL {
        let after = Duration::from_millis(1_200);
        let problem = Problem::new(*kind, "for this test").retry_after(after);
        api.node.with(|it| it.read_problem = Some(problem));
        let got = api.get("/api/v1/tags/tank/level").await;
        assert_eq!(got.status, kind.status());
        assert_eq!(got.problem(), kind.id());
        assert_eq!(got.header("retry-after"), Some("2"));
        assert_eq!(ProblemKind::from_type_uri(&kind.type_uri()), Some(*kind));
    }
}

#[tokio::test]
async fn bad_bodies_are_refused_with_the_right_status() {
    let api = start_with(Limits { body_bytes_max: 4_096, ..Limits::default() }, |it| it).await;
    let path = "PUT /api/v1/tags/tank/level";
    let deep = format!(r#"{{"value":{}1{}}}"#, "[".repeat(40), "]".repeat(40));
    let long = format!(r#"{{"value":"{}"}}"#, "x".repeat(5_000));
    for (body, status, kind) in [
        ("", 400, "bad-request"),
        ("{", 400, "bad-request"),
        ("nonsense", 400, "bad-request"),
        ("{\"value\":1}}", 400, "bad-request"),
        ("{\"value\":1e999}", 400, "bad-request"),
        ("[1]", 422, "unprocessable"),
        ("{}", 422, "unprocessable"),
        (r#"{"value":1,"valeu":2}"#, 422, "unprocessable"),
        (r#"{"value":1,"value":2}"#, 422, "unprocessable"),
        (r#"{"value":1,"quality":"superb"}"#, 422, "unprocessable"),
        (r#"{"value":1,"timestamp":-1}"#, 422, "unprocessable"),
        (&deep, 400, "bad-request"),
        (&long, 413, "body-too-large"),
    ] {
        let got = api.send(path, body).await;
        assert_eq!((got.status, got.problem().as_str()), (status, kind), "{body}");
    }
    for wrong in ["text/plain", "application/xml", "application/jsonp", "application/json+x", ""] {
        let got = api.ask(path, &[&format!("Content-Type: {wrong}")], r#"{"value":1}"#).await;
        assert_eq!((got.status, got.problem().as_str()), (415, "wrong-content-type"), "{wrong}");
    }
    let got = api.ask(path, &["Content-Type: application/json"], "\u{1}").await;
    assert_eq!(got.status, 400);
    for bad in ["", " ", "ä", &"x".repeat(129), "a b"] {
        let key = format!("Idempotency-Key: {bad}");
        let got = api.ask(path, &["Content-Type: application/json", &key], r#"{"value":1}"#).await;
        assert_eq!(got.problem(), "bad-request", "{bad:?}");
    }
}
