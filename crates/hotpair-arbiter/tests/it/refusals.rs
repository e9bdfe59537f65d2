//! No answer, a late one, or not one of etcd's.
use crate::server::{Server, ask, client};
use hotpair_arbiter::{Arbiter, ArbiterError, Etcd, EtcdSettings};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

const LEASE: Duration = Duration::from_secs(600);

fn settings(addresses: &[&str], millis: u64) -> EtcdSettings {
    EtcdSettings {
        addresses: addresses.iter().map(|it| (*it).to_owned()).collect(),
        call_time_max: Duration::from_millis(millis),
    }
}

#[test]
fn an_address_that_cannot_be_is_refused_by_name() {
    for address in ["", "etcd:2379", "https://etcd:2379", "http://etcd", "http://etcd:2379/v3"] {
        let error = Etcd::new(settings(&[address], 100)).unwrap_err().to_string();
        assert!(error.contains("arbiter.etcd") && error.contains("http://HOST:PORT"), "{error}");
    }
    assert!(Etcd::new(settings(&[], 100)).is_err());
    Etcd::new(settings(&["http://10.0.0.1:2379/"], 100)).unwrap();
}

#[tokio::test]
async fn nobody_there_is_said_with_every_address() {
    // A port that was free a moment ago, on an address of this process alone.
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let error = client(&address).take(&ask("a", LEASE)).await.unwrap_err();
    let ArbiterError::Away { tried } = &error else { panic!("{error:?}") };
    assert_eq!(tried.len(), 1);
    assert!(tried[0].contains(&address), "{error}");
}

#[tokio::test]
async fn one_that_is_frozen_is_late_and_the_next_is_asked() {
    let Some(server) = Server::start() else { return };
    server.signal("-STOP");
    let frozen = Etcd::new(settings(&[&server.address], 300)).unwrap();
    let error = frozen.take(&ask("a", LEASE)).await.unwrap_err();
    assert!(matches!(error, ArbiterError::Away { .. }), "{error:?}");
    let Some(other) = Server::start() else { return };
    let both = Etcd::new(settings(&[&server.address, &other.address], 4_000)).unwrap();
    both.take(&ask("a", LEASE)).await.unwrap();
    server.signal("-CONT");
}

#[tokio::test]
async fn what_is_no_answer_of_etcd_is_an_error_and_bounded() {
    for body in ["not json", "[]", "{\"ID\":\"x\"}", "{\"error\":\"\\u0007bad\",\"code\":3}"] {
        let error = answered_with(body.to_owned()).await;
        assert!(!error.to_string().contains('\u{7}'), "escaped: {error}");
    }
    let error = answered_with("x".repeat(1 << 20)).await;
    assert!(error.to_string().len() < 1_000, "{error}");
}

/// A server that says the same to everybody.
async fn answered_with(body: String) -> ArbiterError {
    answered("HTTP/1.1 200 OK", body).await
}

async fn answered(head: &'static str, body: String) -> ArbiterError {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut seen = [0; 4096];
        drop(stream.read(&mut seen));
        let head = format!("{head}\r\ncontent-length: {}\r\n\r\n", body.len());
        drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())));
    });
    client(&address).take(&ask("a", LEASE)).await.unwrap_err()
}

#[tokio::test]
async fn a_lease_that_cannot_be_is_refused_before_anybody_is_asked() {
    let etcd = client("http://127.0.0.1:1");
    for lease in [Duration::ZERO, Duration::from_secs(3_601)] {
        let error = etcd.take(&ask("a", lease)).await.unwrap_err().to_string();
        assert!(error.contains("arbiter.lease"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_wants_tls_is_quoted() {
    let head = "HTTP/1.0 400 Bad Request";
    let error = answered(head, "Client sent an HTTP request to an HTTPS server.\n".into()).await;
    let ArbiterError::Refused { why } = error else { panic!("{error:?}") };
    assert!(why.contains("HTTPS server"), "{why}");
}
