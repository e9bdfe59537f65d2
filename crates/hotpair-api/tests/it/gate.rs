//! What is turned away before any route sees it.
use crate::client::{start, start_with};
use hotpair_api::face::{Command, CommandKind, Evidence, Reason};
use hotpair_api::{Limits, ListenerError, ListenerSettings, TlsFiles, Token};
use std::os::unix::fs::PermissionsExt;

const TOKEN: &str = "correct-horse-battery-staple";

#[tokio::test]
async fn tricks_with_paths_are_refused_on_every_route() {
    let api = start().await;
    for path in [
        "/api/v1/config/a/../b",
        "/api/v1/config/%2e%2e/b",
        "/api/v1/config/a%2Fb",
        "/api/v1/tags//x",
        "/api/v1/tags/a%00",
        "/api/v1/tags/a%1b[2J",
        "/page/../secret",
        "/%2e",
        "/api/v1/tags/a%0d%0aSet-Cookie:x",
    ] {
        let got = api.get(path).await;
        assert_eq!((got.status, got.problem().as_str()), (400, "bad-path"), "{path}");
        assert!(!got.body.contains('\u{1b}'));
    }
    let long = format!("/api/v1/tags/{}", "x".repeat(2_000));
    let got = api.get(&long).await;
    assert_eq!(got.problem(), "bad-path");
    assert!(got.body.len() < 1_000, "a hostile name is cut short: {}", got.body.len());
    assert_eq!(api.get("/api/v1/tags/a%E2%80%AEb").await.problem(), "bad-path");
    assert_eq!(api.get("/api/v1/tags/a%ff").await.problem(), "bad-path");
    assert_eq!(api.get("/api/v2").await.problem(), "not-found");
    let got = api.ask("PATCH /api/v1/config/a", &[], "").await;
    assert_eq!((got.status, got.problem().as_str()), (405, "method-not-allowed"));
    let allowed = got.header("allow").unwrap_or_default();
    assert!(["GET", "PUT", "DELETE"].iter().all(|it| allowed.contains(it)), "{allowed}");
    assert_eq!(api.get("/api/v1/tags/%252e%252e/a").await.problem(), "bad-path");
    assert_eq!(api.get("/api/v1/tags/100%25").await.problem(), "unknown-tag");
    assert_eq!(api.get("/api/v1/status?engine=%1b").await.problem(), "bad-request");
    assert_eq!(api.get("/api/v1/status?engine=other").await.problem(), "unknown-engine");
}

#[tokio::test]
async fn nonsense_instead_of_http_is_answered_and_closed() {
    let api = start().await;
    for bytes in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], b"\0\0\0\0\r\n\r\n", b"GET\r\n\r\n"]
    {
        let got = api.raw(bytes).await;
        assert_eq!(got.status, 400, "{bytes:?}");
    }
    let head = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(40_000));
    assert_eq!(api.raw(head.as_bytes()).await.status, 431);
    assert_eq!(api.get("/livez").await.status, 200);
}

#[tokio::test]
async fn a_token_is_asked_for_everywhere_but_for_health_and_the_empty_page() {
    let api = start_with(Limits::default(), |it| it.with_token(Token::new(TOKEN).unwrap())).await;
    for path in [
        "/api/v1/status",
        "/metrics",
        "/api/v1/openapi.json",
        "/api/v1/tags",
        "/nowhere",
        "/api/v1/subscribe",
    ] {
        let got = api.get(path).await;
        assert_eq!((got.status, got.problem().as_str()), (401, "token-needed"), "{path}");
        assert_eq!(got.header("www-authenticate"), Some("Bearer"));
        let wrong = format!("Authorization: Bearer {TOKEN}x");
        assert_eq!(api.ask(&format!("GET {path}"), &[&wrong], "").await.status, 401);
    }
    for path in ["/livez", "/readyz", "/active", "/", "/page/page.js"] {
        assert_eq!(api.get(path).await.status, 200, "{path}");
    }
    assert!(!api.get("/readyz?verbose").await.body.contains("storage"));
    let right = format!("Authorization: bearer {TOKEN}");
    assert_eq!(api.ask("GET /api/v1/status", &[&right], "").await.status, 200);
    assert!(api.ask("GET /readyz?verbose", &[&right], "").await.body.contains("storage"));
    let basic = format!("Authorization: Basic {TOKEN}");
    assert_eq!(api.ask("GET /api/v1/status", &[&basic], "").await.status, 401);
}

#[tokio::test]
async fn a_foreign_page_cannot_use_the_api_through_a_browser() {
    let api = start().await;
    let command = "POST /api/v1/promote";
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"] {
        let got = api.ask(command, &[&format!("Origin: {origin}")], "").await;
        assert_eq!((got.status, got.problem().as_str()), (403, "foreign-origin"), "{origin}");
    }
    let rebound = format!(
        "GET /api/v1/status HTTP/1.1\r\nHost: evil.example:{}\r\nConnection: close\r\n\r\n",
        api.address.port()
    );
    assert_eq!(api.raw(rebound.as_bytes()).await.problem(), "foreign-origin");
    let own = format!("Origin: http://{}", api.address);
    assert_eq!(api.ask("POST /api/v1/pause", &[&own], "").await.status, 202);
}

#[tokio::test]
async fn the_partners_page_may_read_and_not_write() {
    let api = start().await;
    let partner = "Origin: http://127.0.0.1:8651";
    let got = api.ask("GET /api/v1/status", &[partner], "").await;
    assert_eq!(got.header("access-control-allow-origin"), Some("http://127.0.0.1:8651"));
    let got = api.ask("OPTIONS /api/v1/status", &[partner], "").await;
    assert_eq!(
        (got.status, got.header("access-control-allow-headers")),
        (204, Some("authorization"))
    );
    assert_eq!(api.ask("POST /api/v1/pause", &[partner], "").await.status, 403);
}

#[tokio::test]
async fn a_refused_command_gives_every_reason_with_its_evidence() {
    let api = start().await;
    let not_ready = Reason::new("standby-not-ready", "The standby is Standby - Syncing Data.")
        .with(Evidence::new("bytes to go", 4_096).against(0));
    let paused = Reason::new("paused", "The pair is paused.");
    api.node.with(|it| it.refusals = vec![not_ready, paused]);
    let got = api.ask("POST /api/v1/switchover", &[], "").await;
    assert_eq!((got.status, got.problem().as_str()), (409, "command-refused"));
    let json = got.json();
    assert_eq!(json["reasons"][0]["evidence"][0]["limit"], "0");
    assert_eq!(json["reasons"][1]["id"], "paused");
    assert_eq!(json["active"], "http://127.0.0.1:8651");
    let why_not = api.get("/api/v1/why-not/switchover").await.json();
    assert_eq!((&why_not["allowed"], &why_not["reasons"]), (&false.into(), &json["reasons"]));
    assert_eq!(api.get("/api/v1/why-not/dance").await.problem(), "not-found");
}

#[tokio::test]
async fn every_command_reaches_the_node_with_its_choices_and_caller() {
    let api = start().await;
    for (line, body, expected) in [
        ("switchover", "", Command::Switchover { dry_run: false }),
        ("switchover?dry_run=true", "", Command::Switchover { dry_run: true }),
        ("switchover", r#"{"dry_run":true}"#, Command::Switchover { dry_run: true }),
        ("promote", "", Command::Promote { accept_data_loss: false }),
        ("promote", r#"{"accept_data_loss":true}"#, Command::Promote { accept_data_loss: true }),
        ("become-active", "", Command::BecomeActive),
        ("pause", "{}", Command::Pause),
        ("resume", "", Command::Resume),
        ("reinit", "", Command::Reinit),
        ("drain", "", Command::Drain),
        ("drill", "", Command::Drill),
        ("engines/main/deploy", "", Command::Deploy),
        ("engines/main/undeploy", "", Command::Undeploy),
        ("engines/main/restart", "", Command::Restart),
        ("log", r#"{"level":"debug"}"#, Command::Log(hotpair_api::face::LogLevel::Debug)),
    ] {
        let agent = "User-Agent: cli/1\u{1b}[2J";
        let headers = ["Content-Type: application/json", &agent.replace('\u{1b}', "")];
        let got = api.ask(&format!("POST /api/v1/{line}"), &headers, body).await;
        let dry = expected == Command::Switchover { dry_run: true };
        assert_eq!(got.status, if dry { 200 } else { 202 }, "{line} {body}: {}", got.body);
        assert_eq!(got.json()["command"], expected.kind().to_string());
        let seen = api.node.with(|it| it.seen.last().cloned()).unwrap();
        assert_eq!(seen, format!("{expected:?} by cli/1[2J"));
    }
    for (line, body, status) in [
        ("switchover", r#"{"dryrun":true}"#, 422),
        ("switchover?accept_data_loss=true", "", 400),
        ("pause", r#"{"x":1}"#, 422),
        ("pause?dry_run=true", "", 400),
        ("engines/main/explode", "", 404),
        ("engines/Main!/deploy", "", 404),
        ("log", r#"{"level":"loud"}"#, 422),
    ] {
        let got = api.send(&format!("POST /api/v1/{line}"), body).await;
        assert_eq!(got.status, status, "{line} {body}");
        got.problem();
    }
    let forecast = api.ask("POST /api/v1/switchover?dry_run=true", &[], "").await.json();
    assert_eq!(forecast["forecast"]["gap_ms"], 4.5);
    assert_eq!(serde_json::to_value(CommandKind::BecomeActive).unwrap(), "become-active");
}

#[test]
fn being_open_to_others_takes_tls_and_a_token() {
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    let files = TlsFiles { cert: directory.path().join("cert"), key: directory.path().join("key") };
    for listen in ["0.0.0.0:8650", "192.168.1.11:8650", "[::]:8650"] {
        let listen = listen.parse().unwrap();
        for (tls, token) in
            [(None, None), (Some(files.clone()), None), (None, Some(token.as_path()))]
        {
            let error = ListenerSettings::new(listen, tls, token).unwrap_err();
            assert!(matches!(error, ListenerError::Exposed { .. }), "{error}");
            assert!(error.to_string().contains("can be reached from other hosts"), "{error}");
        }
        let error = ListenerSettings::new(listen, Some(files.clone()), Some(&token)).unwrap_err();
        assert!(matches!(error, ListenerError::Unreadable { .. }), "{error}");
    }
    for listen in ["127.0.0.1:8650", "127.1.2.3:0", "[::1]:8650", "[::ffff:127.0.0.1]:8650"] {
        assert!(ListenerSettings::new(listen.parse().unwrap(), None, None).is_ok(), "{listen}");
    }
}

#[test]
fn a_secret_that_others_may_read_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    std::fs::write(&token, TOKEN).unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = Token::read(&token).unwrap_err();
    assert!(matches!(error, ListenerError::ReadableByOthers { mode: 0o644, .. }), "{error}");
}
