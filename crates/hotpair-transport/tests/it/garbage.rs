//! The pinned key says what it should not, and strangers come in crowds.
use crate::pair::{Side, identities, pair};
use crate::stranger;
use bytes::Bytes;
use hotpair_transport::{DownReason, Identity, Lane, TransportEvent};
use hotpair_types::Channel;

/// A real acceptor, and a raw connection that shows the partner's key.
async fn acceptor_and_raw_partner() -> (Side, quinn::Connection, quinn::Endpoint) {
    let [low, high] = identities();
    let mut acceptor = Side::start(&high, low.key());
    let endpoint = stranger::endpoint();
    let address = acceptor.addr(Channel::Redundancy);
    let config = stranger::as_identity(&low);
    let connection = endpoint.connect_with(config, address, "x.invalid").unwrap().await.unwrap();
    acceptor.until("the connection", crate::pair::up_event).await;
    (acceptor, connection, endpoint)
}

async fn violation(side: &mut Side) -> String {
    side.until("the end of the connection", |event| match event {
        TransportEvent::Down { reason: DownReason::Violation(what), .. } => Some(what),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn a_frame_longer_than_allowed_ends_the_connection_before_it_is_read() {
    let (mut acceptor, connection, _endpoint) = acceptor_and_raw_partner().await;
    let mut stream = connection.open_uni().await.unwrap();
    stream.write_all(&[1, 0xff, 0xff, 0xff, 0xff]).await.unwrap();
    let what = violation(&mut acceptor).await;
    assert_eq!(what, "a frame of 4294967295 bytes, 16777216 are allowed");
    let quinn::ConnectionError::ApplicationClosed(closed) = connection.closed().await else {
        panic!("closed in another way")
    };
    assert_eq!(closed.error_code, 2u32.into());
    assert_eq!(closed.reason, what);
}

#[tokio::test]
async fn a_second_stream_of_a_lane_and_an_unknown_lane_end_the_connection() {
    for codes in [[2, 2], [1, 9]] {
        let (mut acceptor, connection, _endpoint) = acceptor_and_raw_partner().await;
        let mut streams = Vec::new();
        for code in codes {
            let mut stream = connection.open_uni().await.unwrap();
            let _closed = stream.write_all(&[code]).await;
            streams.push(stream);
        }
        let what = violation(&mut acceptor).await;
        assert!(what.contains("stream"), "{what}");
    }
}

#[tokio::test]
async fn who_never_ends_a_frame_holds_one_place_and_nothing_else() {
    let (mut acceptor, connection, _endpoint) = acceptor_and_raw_partner().await;
    let mut control = connection.open_uni().await.unwrap();
    let mut data = connection.open_uni().await.unwrap();
    data.write_all(&[2, 0, 0x10, 0, 0, 7]).await.unwrap();
    control.write_all(&[1, 0, 0, 0, 2, b'o', b'k']).await.unwrap();
    let frame = |event| match event {
        TransportEvent::Frame(it) => Some((it.lane, it.into_bytes())),
        _ => None,
    };
    assert_eq!(acceptor.until("a frame", frame).await, (Lane::Control, Bytes::from_static(b"ok")));
}

#[tokio::test]
async fn data_that_came_before_the_first_control_frame_is_handed_on_after_it() {
    let (mut acceptor, connection, _endpoint) = acceptor_and_raw_partner().await;
    let mut data = connection.open_uni().await.unwrap();
    data.write_all(&[2, 0, 0, 0, 4, b'd', b'a', b't', b'a']).await.unwrap();
    data.finish().unwrap();
    data.stopped().await.unwrap();
    let mut control = connection.open_uni().await.unwrap();
    control.write_all(&[1, 0, 0, 0, 5, b'h', b'e', b'l', b'l', b'o']).await.unwrap();
    for expected in [b"hello".as_slice(), b"data"] {
        let frame = |event| match event {
            TransportEvent::Frame(it) => Some(it.into_bytes()),
            _ => None,
        };
        assert_eq!(acceptor.until("a frame", frame).await, expected);
    }
}

#[tokio::test]
async fn a_crowd_of_strangers_is_refused_and_the_partner_does_not_notice() {
    let (a, mut b) = pair().await;
    let stranger = Identity::generate().unwrap();
    let endpoint = stranger::endpoint();
    let mut attempts = Vec::new();
    for _ in 0..200 {
        let config = stranger::as_identity(&stranger);
        let address = b.addr(Channel::Redundancy);
        attempts.push(endpoint.connect_with(config, address, "x.invalid").unwrap());
    }
    let crowd = tokio::spawn(async move {
        for attempt in attempts {
            if let Ok(connection) = attempt.await {
                connection.closed().await;
            }
        }
    });
    let refused = |event| matches!(event, TransportEvent::Refused { .. }).then_some(());
    b.until("a refusal", refused).await;
    a.handle.send_beat(Channel::Redundancy, Bytes::from_static(b"beat")).unwrap();
    let beat = |event| matches!(event, TransportEvent::Beat { .. }).then_some(());
    b.until("a beat", beat).await;
    crowd.abort();
    let counters = b.handle.counters()[Channel::Redundancy];
    assert_eq!(counters.ups, 1);
    assert!(counters.refused >= 1 && counters.refused <= 60, "{counters:?}");
}
