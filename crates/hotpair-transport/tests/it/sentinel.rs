//! Hints of the kernel about the partner's process.
use crate::pair::{pair, unconnected_pair};
use hotpair_transport::{HintKind, TransportEvent};
use hotpair_types::Channel;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

fn hint(event: TransportEvent) -> Option<(Channel, HintKind)> {
    match event {
        TransportEvent::Hint { channel, kind, .. } => Some((channel, kind)),
        _ => None,
    }
}

#[tokio::test]
async fn a_killed_partner_shows_as_hints() {
    let (mut a, b) = pair().await;
    while !Channel::ALL.into_iter().all(|it| a.handle.is_watching(it)) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    b.kill().await;
    let mut gone = Vec::new();
    let mut refused = Vec::new();
    while gone.len() < 2 || refused.len() < 2 {
        match a.until("a hint", hint).await {
            (channel, HintKind::Closed | HintKind::Reset) => gone.push(channel),
            (channel, HintKind::Refused) if !refused.contains(&channel) => refused.push(channel),
            (_, HintKind::Refused) => {}
        }
    }
    gone.sort_unstable();
    assert_eq!(gone, Channel::ALL);
}

#[tokio::test]
async fn who_knocks_at_the_sentinel_cannot_push_the_partner_out() {
    let (mut a, mut b) = unconnected_pair();
    a.look_at(&b);
    b.look_at(&a);
    a.both_up().await;
    b.both_up().await;
    let mut knocking = Vec::new();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(b.addr(Channel::Redundancy)).await.unwrap();
        // The sentinel may be quicker to close than we are to speak.
        let _closed = stream.write_all(&[0; 1000]).await;
        knocking.push(stream);
    }
    for channel in Channel::ALL {
        assert!(a.handle.is_up(channel) && b.handle.is_up(channel));
    }
}
