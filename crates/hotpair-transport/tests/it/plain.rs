//! Packets of a guard beside QUIC on the same port.
use crate::pair::{PATIENCE, pair};
use bytes::Bytes;
use hotpair_transport::{SendError, TransportEvent};
use hotpair_types::Channel;
use std::net::UdpSocket;
use std::time::Duration;

#[tokio::test]
async fn packets_that_are_not_quic_are_handed_out_beside_it() {
    let (a, mut b) = pair().await;
    let guard = UdpSocket::bind("127.0.0.1:0").unwrap();
    let said = [b"\x01fenced".to_vec(), vec![0x80; 1200], vec![0x3f]];
    for packet in &said {
        guard.send_to(packet, b.addr(Channel::Redundancy)).unwrap();
    }
    for packet in &said {
        let plain = |event| match event {
            TransportEvent::Plain { channel, from, bytes, .. } => Some((channel, from, bytes)),
            _ => None,
        };
        let (channel, from, bytes) = b.until("a plain packet", plain).await;
        assert_eq!((channel, from), (Channel::Redundancy, guard.local_addr().unwrap()));
        assert_eq!(bytes, packet);
        b.handle.send_plain(channel, from, b"\x02heard").unwrap();
        let mut buffer = [0; 100];
        let (length, answered) = guard.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..length], answered), (b"\x02heard".as_slice(), b.addr(channel)));
    }
    // QUIC went on.
    a.handle.send_beat(Channel::Redundancy, Bytes::from_static(b"beat")).unwrap();
    let beat = |event| matches!(event, TransportEvent::Beat { .. }).then_some(());
    b.until("a beat", beat).await;
    assert_eq!(b.handle.counters()[Channel::Redundancy].plain_received, 3);
    let to = guard.local_addr().unwrap();
    let quic_like = b.handle.send_plain(Channel::Redundancy, to, b"@");
    assert_eq!(quic_like, Err(SendError::System));
}

#[tokio::test]
async fn a_flood_of_plain_packets_is_bounded_and_stops_nobody() {
    let (a, mut b) = pair().await;
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let target = b.addr(Channel::Primary);
    // Two kinds of rubbish: beside QUIC, and looking like the start of a handshake.
    let mut initial = vec![0; 1200];
    initial[..6].copy_from_slice(&[0xc0, 0, 0, 0, 1, 8]);
    for index in 0..20_000u32 {
        initial[6..10].copy_from_slice(&index.to_be_bytes());
        let _full = stranger.send_to(&initial, target);
        let _full = stranger.send_to(&[0; 64], target);
    }
    // The socket's own buffer may be full of rubbish: one beat may be lost, the next is not.
    let mut plain = 0;
    let mut repeat = tokio::time::interval(Duration::from_millis(20));
    tokio::time::timeout(PATIENCE, async {
        loop {
            tokio::select! {
                _ = repeat.tick() => {
                    a.handle.send_beat(Channel::Primary, Bytes::from_static(b"beat")).unwrap();
                }
                event = b.events.recv() => match event.expect("the transport lives") {
                    TransportEvent::Beat { .. } => break,
                    TransportEvent::Plain { .. } => plain += 1,
                    _ => {}
                }
            }
        }
    })
    .await
    .unwrap();
    assert!(plain <= 1100, "{plain} waited");
    for channel in Channel::ALL {
        assert!(b.handle.is_up(channel));
    }
}
