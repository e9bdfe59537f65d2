//! Frames: in order on each lane, bounded, and moved to the other channel when one is gone.
use crate::pair::{HELLO, Side, pair};
use bytes::Bytes;
use hotpair_transport::{FRAME_BYTES_MAX, Lane, SendError, TransportEvent};
use hotpair_types::Channel;

async fn frame(side: &mut Side) -> (Channel, Lane, Bytes) {
    let frame = |event| match event {
        TransportEvent::Frame(it) if it.bytes == HELLO => None,
        TransportEvent::Frame(it) => Some((it.channel, it.lane, it.into_bytes())),
        _ => None,
    };
    side.until("a frame", frame).await
}

/// Waits until data goes over this channel.
async fn moved(side: &mut Side, expected: Channel) {
    side.until("a move", |event| match event {
        TransportEvent::Moved { to, .. } => (to == Some(expected)).then_some(()),
        _ => None,
    })
    .await;
}

/// The frame with this number, distinguishable from every other.
fn numbered(lane: Lane, number: u32) -> Bytes {
    let mut bytes = vec![lane as u8; 4 + (number as usize * 37) % 300];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    bytes.into()
}

#[tokio::test]
async fn frames_of_one_lane_keep_their_order() {
    const COUNT: u32 = 3000;
    let (a, mut b) = pair().await;
    let sender = a.handle.clone();
    let sending = tokio::spawn(async move {
        for number in 0..COUNT {
            for lane in Lane::ALL {
                sender.send_waiting(lane, numbered(lane, number)).await.unwrap();
            }
            if number % 50 == 0 {
                sender.send_waiting(Lane::Data, Bytes::new()).await.unwrap();
            }
        }
    });
    let (mut next, mut empty) = ([0; 3], 0);
    while next != [COUNT; 3] {
        let (channel, lane, bytes) = frame(&mut b).await;
        assert_eq!(channel, Channel::Redundancy);
        if bytes.is_empty() {
            empty += 1;
            continue;
        }
        let number = &mut next[lane as usize];
        assert_eq!(bytes, numbered(lane, *number));
        *number += 1;
    }
    assert_eq!(empty, COUNT / 50);
    sending.await.unwrap();
}

#[tokio::test]
async fn a_full_queue_says_so_and_a_long_frame_is_refused() {
    let (a, mut b) = pair().await;
    const MIB: usize = 1024 * 1024;
    let full = Bytes::from(vec![3; MIB]);
    let long = Bytes::from(vec![3; FRAME_BYTES_MAX + 1]);
    let refused = a.handle.send(Lane::Data, long);
    assert!(matches!(refused, Err(SendError::TooLong { .. })));
    // Nobody takes anything at the other end: first the lines fill up, then the queue.
    let mut sent = 0;
    let overloaded = loop {
        match a.handle.send(Lane::Bulk, full.clone()) {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
    };
    let limit_bytes = Lane::Bulk.queue_bytes_max();
    assert_eq!(overloaded, SendError::Overloaded { lane: Lane::Bulk, limit_bytes });
    assert!(sent >= limit_bytes / MIB);
    // Control still goes through.
    a.handle.send(Lane::Control, Bytes::from_static(b"still here")).unwrap();
    loop {
        let (_, lane, bytes) = frame(&mut b).await;
        if lane == Lane::Control {
            assert_eq!(bytes, Bytes::from_static(b"still here"));
            break;
        }
        sent -= 1;
    }
    for _ in 0..sent {
        let (_, lane, bytes) = frame(&mut b).await;
        assert_eq!((lane, bytes.len()), (Lane::Bulk, MIB));
    }
}

#[tokio::test]
async fn data_moves_to_primary_and_back() {
    let (mut a, mut b) = pair().await;
    a.handle.avoid(Channel::Redundancy, true);
    assert_eq!(a.handle.data_channel(), Some(Channel::Primary), "degraded though connected");
    a.handle.send(Lane::Data, Bytes::from_static(b"one")).unwrap();
    let expected = (Channel::Primary, Lane::Data, Bytes::from_static(b"one"));
    assert_eq!(frame(&mut b).await, expected);
    a.handle.avoid(Channel::Redundancy, false);
    assert_eq!(a.handle.data_channel(), Some(Channel::Redundancy));
    while a.events.try_recv().is_some() {}

    // The line of redundancy is cut: where the partner was, nobody is.
    a.handle.set_partner(Channel::Redundancy, crate::pair::nowhere());
    b.handle.disconnect(Channel::Redundancy, 9, "cut");
    moved(&mut a, Channel::Primary).await;
    a.handle.send(Lane::Data, Bytes::from_static(b"two")).unwrap();
    assert_eq!(frame(&mut b).await.0, Channel::Primary);
    a.handle.set_partner(Channel::Redundancy, b.addr(Channel::Redundancy));
    moved(&mut a, Channel::Redundancy).await;
    a.greet(Channel::Redundancy);
    a.handle.send(Lane::Data, Bytes::from_static(b"three")).unwrap();
    assert_eq!(frame(&mut b).await.0, Channel::Redundancy);
}

#[tokio::test]
async fn what_was_queued_before_a_clean_stop_arrives() {
    let (a, mut b) = pair().await;
    a.handle.send(Lane::Control, Bytes::from_static(b"leaving")).unwrap();
    a.handle.close().await;
    assert_eq!(frame(&mut b).await.2, Bytes::from_static(b"leaving"));
}

#[tokio::test]
async fn the_first_frame_of_a_connection_is_a_control_frame() {
    let (mut a, mut b) = crate::pair::unconnected_pair();
    a.look_at(&b);
    a.both_up().await;
    b.both_up().await;
    for number in 0..100 {
        a.handle.send(Lane::Data, numbered(Lane::Data, number)).unwrap();
    }
    a.handle.send(Lane::Bulk, numbered(Lane::Bulk, 0)).unwrap();
    a.handle.send(Lane::Control, Bytes::from_static(b"first")).unwrap();
    assert_eq!(frame(&mut b).await.2, Bytes::from_static(b"first"));
    let mut rest = Vec::new();
    for _ in 0..101 {
        rest.push(frame(&mut b).await.1);
    }
    assert_eq!(rest.iter().filter(|it| **it == Lane::Data).count(), 100);
}
