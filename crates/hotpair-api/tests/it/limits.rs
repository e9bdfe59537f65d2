//! Slow, many and large: bounded, and answered with the right status.
use crate::client::{start_with, take};
use hotpair_api::Limits;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    let limits = Limits { body_patience: Duration::from_millis(50), ..Limits::default() };
    let api = start_with(limits, |it| it).await;
    let head = "PUT /api/v1/config/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
        Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{";
    let got = api.raw(head.as_bytes()).await;
    assert_eq!((got.status, got.problem().as_str()), (408, "request-timeout"));
    let head = head.replace("PUT /api/v1/config/a", "PUT /api/v1/modules/a");
    let got = api.raw(head.replace("json", "wasm").as_bytes()).await;
    assert_eq!((got.status, got.problem().as_str()), (408, "request-timeout"));
    assert!(api.node.with(|it| it.upload_broke.clone()).is_some(), "the node is told");
}

#[tokio::test]
async fn a_head_that_does_not_arrive_is_given_up() {
    let limits = Limits { head_patience: Duration::from_millis(50), ..Limits::default() };
    let api = start_with(limits, |it| it).await;
    let mut slow = TcpStream::connect(api.address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: loc").await.unwrap();
    let got = take(&mut slow).await;
    assert!(matches!(got.status, 0 | 408), "{}", got.status);
    let mut idle = TcpStream::connect(api.address).await.unwrap();
    assert_eq!(take(&mut idle).await.status, 0, "an idle connection is closed");
}

#[tokio::test]
async fn more_connections_than_allowed_are_told_to_come_again() {
    let api = start_with(Limits { connections_max: 4, ..Limits::default() }, |it| it).await;
    api.node.with(|it| it.stuck = true);
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(TcpStream::connect(api.address).await.unwrap());
        let request = b"GET /api/v1/tags/tank/level HTTP/1.1\r\nHost: localhost\r\n\r\n";
        held.last_mut().unwrap().write_all(request).await.unwrap();
    }
    // Until all four are being answered, a newcomer may still push one of them out.
    let mut refused = 0;
    while refused < 20 {
        let got = api.get("/").await;
        if got.status == 200 {
            let mut again = TcpStream::connect(api.address).await.unwrap();
            let request = b"GET /api/v1/tags/tank/level HTTP/1.1\r\nHost: localhost\r\n\r\n";
            again.write_all(request).await.unwrap();
            held.push(again);
            continue;
        }
        assert_eq!((got.status, got.problem().as_str()), (503, "overloaded"));
        assert_eq!(got.header("retry-after"), Some("1"));
        assert_eq!(got.header("content-length").unwrap(), got.body.len().to_string());
        refused += 1;
    }
    drop(held);
    while api.get("/").await.status != 200 {
        tokio::task::yield_now().await;
    }
    let metrics = api.get("/metrics").await.body;
    assert!(metrics.contains("what=\"api-connection\"} "), "{metrics}");
}

#[tokio::test]
async fn idle_connections_cannot_keep_a_health_check_out() {
    let api = start_with(Limits { connections_max: 4, ..Limits::default() }, |it| it).await;
    let mut idle = Vec::new();
    for _ in 0..12 {
        let mut stream = TcpStream::connect(api.address).await.unwrap();
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut bytes = [0; 512];
        assert!(stream.read(&mut bytes).await.unwrap() > 0);
        idle.push(stream);
    }
    for _ in 0..20 {
        assert_eq!(api.get("/livez").await.status, 200);
    }
    let mut bytes = [0; 512];
    assert_eq!(idle[0].read(&mut bytes).await.unwrap_or(0), 0, "the longest idle was closed");
}

#[tokio::test]
async fn ten_thousand_connections_do_not_harm() {
    let api = start_with(Limits { connections_max: 64, ..Limits::default() }, |it| it).await;
    for _ in 0..100 {
        let mut flood = Vec::new();
        for _ in 0..100 {
            flood.push(TcpStream::connect(api.address).await.unwrap());
        }
    }
    while api.get("/livez").await.status != 200 {
        tokio::task::yield_now().await;
    }
    assert_eq!(api.get("/api/v1/status").await.status, 200);
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_not_read() {
    let api = start_with(Limits::default(), |it| it).await;
    let head = "PUT /api/v1/config/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
        Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n";
    let mut stream = TcpStream::connect(api.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let got = take(&mut stream).await;
    assert!(matches!(got.status, 413 | 100), "{}", got.status);
}

#[tokio::test]
async fn a_body_without_a_length_is_cut_off_at_the_limit() {
    let api = start_with(Limits { body_bytes_max: 10_000, ..Limits::default() }, |it| it).await;
    let mut text = String::from(
        "PUT /api/v1/config/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    for _ in 0..20 {
        text += &format!("400\r\n{}\r\n", "1".repeat(1_024));
    }
    text += "0\r\n\r\n";
    let got = api.raw(text.as_bytes()).await;
    assert_eq!((got.status, got.problem().as_str()), (413, "body-too-large"));
}

#[tokio::test]
async fn a_shutdown_lets_the_running_end_and_refuses_the_new() {
    let mut api = start_with(Limits::default(), |it| it).await;
    let mut idle = TcpStream::connect(api.address).await.unwrap();
    idle.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut bytes = [0; 512];
    assert!(idle.read(&mut bytes).await.unwrap() > 0);
    api.shutdown.send(true).unwrap();
    api.handle.take().unwrap().stopped().await;
    assert_eq!(idle.read(&mut bytes).await.unwrap_or(0), 0, "the idle connection is closed");
    assert!(TcpStream::connect(api.address).await.is_err());
}

#[tokio::test]
async fn a_node_that_does_not_answer_is_not_waited_for_without_end() {
    let limits = Limits {
        read_patience: Duration::from_millis(30),
        outcome_patience: Duration::from_millis(30),
        ..Limits::default()
    };
    let api = start_with(limits, |it| it).await;
    api.node.with(|it| it.stuck = true);
    let got = api.get("/api/v1/tags/tank/level").await;
    assert_eq!((got.status, got.problem().as_str()), (503, "unavailable"));
    let got = api.send("PUT /api/v1/tags/tank/level", r#"{"value":1}"#).await;
    assert_eq!((got.status, got.problem().as_str()), (504, "outcome-unknown"));
}

#[tokio::test]
async fn more_requests_than_allowed_are_shed_and_health_is_not() {
    let api = start_with(Limits { requests_max: 1, ..Limits::default() }, |it| it).await;
    api.node.with(|it| it.stuck = true);
    let mut waiting = TcpStream::connect(api.address).await.unwrap();
    let request = b"GET /api/v1/tags/tank/level HTTP/1.1\r\nHost: localhost\r\n\r\n";
    waiting.write_all(request).await.unwrap();
    loop {
        let got = api.get("/api/v1/status").await;
        if got.status == 503 {
            assert_eq!(
                (got.problem().as_str(), got.header("retry-after")),
                ("overloaded", Some("1"))
            );
            break;
        }
        tokio::task::yield_now().await;
    }
    // Judged, not shed: a loop that stands still is not sure of its role.
    let got = api.get("/active").await;
    assert!(got.status == 503 && got.body.contains("\"active\":false"), "{}", got.body);
    drop(waiting);
    api.node.with(|it| it.stuck = false);
    while api.get("/api/v1/status").await.status != 200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_loses_its_place() {
    let write_patience = Duration::from_millis(100);
    let limits = Limits { connections_max: 1, write_patience, ..Limits::default() };
    let api = start_with(limits, |it| it).await;
    let long = "x".repeat(64 * 1024 * 1024);
    api.node.with(|it| it.tags.get_mut("tank/title").unwrap().value = long.into());
    let mut slow = TcpStream::connect(api.address).await.unwrap();
    let request = b"GET /api/v1/tags/tank/title HTTP/1.1\r\nHost: localhost\r\n\r\n";
    slow.write_all(request).await.unwrap();
    slow.readable().await.unwrap();
    assert_eq!(api.get("/livez").await.status, 503, "the one place is taken");
    let freed = async {
        while api.get("/livez").await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), freed).await.expect("the place is given back");
}
