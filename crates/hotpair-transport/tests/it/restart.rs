//! One side dies without a word and comes back.
use crate::pair::{Side, pair};
use bytes::Bytes;
use hotpair_transport::{ChannelSettings, DownReason, TransportEvent};
use hotpair_types::{Channel, PerChannel};

/// Starts again where it was.
fn again(
    (identity, listen): (hotpair_transport::Identity, PerChannel<std::net::SocketAddr>),
    partner: &Side,
) -> Side {
    let channels =
        PerChannel::from_fn(|it| ChannelSettings { listen: listen[it], partner: partner.addr(it) });
    Side::start_on(&identity, partner.identity.key(), channels)
}

/// Waits until the connections of both channels have ended.
async fn both_down(side: &mut Side) -> PerChannel<DownReason> {
    let mut reasons = PerChannel::<Option<DownReason>>::default();
    while reasons.redundancy.is_none() || reasons.primary.is_none() {
        let down = |event| match event {
            TransportEvent::Down { channel, reason, .. } => Some((channel, reason)),
            _ => None,
        };
        let (channel, reason) = side.until("the end of the connections", down).await;
        reasons[channel] = Some(reason);
    }
    PerChannel::from_fn(|it| reasons[it].clone().unwrap())
}

#[tokio::test]
async fn a_restarted_acceptor_is_dialled_again_after_a_stateless_reset() {
    let (mut dialer, acceptor) = pair().await;
    let mut acceptor = again(acceptor.kill().await, &dialer);
    // The restarted side does not know the connection; the next packet tells the dialer, this beat
    // or one that QUIC sends for itself.
    let beat = Bytes::from(vec![1; 200]);
    for channel in Channel::ALL {
        let _known_already = dialer.handle.send_beat(channel, beat.clone());
    }
    let reasons = both_down(&mut dialer).await;
    assert_eq!(reasons, PerChannel::from_fn(|_| DownReason::Reset));
    dialer.both_up().await;
    acceptor.both_up().await;
}

#[tokio::test]
async fn a_restarted_dialer_replaces_its_old_connection() {
    let (dialer, mut acceptor) = pair().await;
    let mut dialer = again(dialer.kill().await, &acceptor);
    // The new connection comes, or the new process answers a packet meant for the old one.
    for (channel, reason) in both_down(&mut acceptor).await.iter() {
        let is_known = matches!(reason, DownReason::Replaced | DownReason::Reset);
        assert!(is_known, "{channel}: {reason}");
    }
    dialer.both_up().await;
    acceptor.both_up().await;
    assert_eq!(acceptor.handle.counters()[Channel::Primary].ups, 2);
    dialer.handle.send_beat(Channel::Primary, Bytes::from_static(b"new")).unwrap();
    let beat = |event| matches!(event, TransportEvent::Beat { .. }).then_some(());
    acceptor.until("a beat over the new connection", beat).await;
}

#[tokio::test]
async fn a_clean_stop_is_told_as_such() {
    let (dialer, mut acceptor) = pair().await;
    dialer.handle.close().await;
    let stopping = DownReason::Closed { code: 0, words: "stopping".to_owned() };
    assert_eq!(both_down(&mut acceptor).await, PerChannel::from_fn(|_| stopping.clone()));
}
