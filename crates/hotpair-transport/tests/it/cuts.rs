//! Lines that are cut and heal, in one direction or both.
use crate::line::Line;
use crate::pair::{Side, unconnected_pair};
use bytes::Bytes;
use hotpair_transport::{Lane, TransportEvent};
use hotpair_types::Channel;
use std::time::Duration;

async fn over_a_line() -> (Side, Side, Line) {
    let (mut dialer, mut acceptor) = unconnected_pair();
    let line = Line::to(acceptor.addr(Channel::Redundancy)).await;
    dialer.handle.set_partner(Channel::Redundancy, line.near);
    dialer.handle.set_partner(Channel::Primary, acceptor.addr(Channel::Primary));
    acceptor.handle.set_partner(Channel::Redundancy, dialer.addr(Channel::Redundancy));
    dialer.both_up().await;
    acceptor.both_up().await;
    (dialer, acceptor, line)
}

/// Sends beats as a node does until one arrives that was sent after the call.
async fn until_beat(from: &Side, to: &mut Side) {
    let mut interval = tokio::time::interval(Duration::from_millis(50));
    let number = std::process::id().to_be_bytes();
    tokio::time::timeout(crate::pair::PATIENCE, async {
        loop {
            tokio::select! {
                _ = interval.tick() => {
                    let beat = Bytes::copy_from_slice(&number);
                    let _down = from.handle.send_beat(Channel::Redundancy, beat);
                }
                event = to.events.recv() => {
                    if let TransportEvent::Beat { channel: Channel::Redundancy, .. } = event.unwrap() {
                        return;
                    }
                }
            }
        }
    })
    .await
    .expect("a beat arrives");
}

/// Sends beats until it is dropped.
fn beating(side: &Side) -> tokio::task::JoinSet<()> {
    let handle = side.handle.clone();
    let mut beating = tokio::task::JoinSet::new();
    beating.spawn(async move {
        let mut interval = tokio::time::interval(Duration::from_millis(50));
        loop {
            interval.tick().await;
            for channel in Channel::ALL {
                let _down = handle.send_beat(channel, Bytes::from_static(b"beat"));
            }
        }
    });
    beating
}

async fn down(side: &mut Side) {
    side.until("the end of the connection", |event| {
        matches!(event, TransportEvent::Down { channel: Channel::Redundancy, .. }).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_line_that_heals_is_used_again_at_once() {
    let (mut dialer, mut acceptor, line) = over_a_line().await;
    until_beat(&dialer, &mut acceptor).await;
    // Longer than the silence after which another connection is dialled beside the first, shorter
    // than the backstop.
    line.set(false, false);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    while acceptor.events.try_recv().is_some() {}
    line.set(true, true);
    let healed = std::time::Instant::now();
    until_beat(&dialer, &mut acceptor).await;
    until_beat(&acceptor, &mut dialer).await;
    let took = healed.elapsed();
    assert!(took < Duration::from_millis(2500), "QUIC alone would have asked after {took:?}");
    assert!(dialer.handle.is_up(Channel::Primary), "the other channel did not notice");
}

#[tokio::test]
async fn a_long_cut_ends_the_connection_and_the_heal_makes_a_new_one() {
    let (mut dialer, mut acceptor, line) = over_a_line().await;
    line.set(false, false);
    tokio::join!(down(&mut dialer), down(&mut acceptor));
    assert_eq!(acceptor.handle.data_channel(), Some(Channel::Primary));
    line.set(true, true);
    dialer.both_up().await;
    acceptor.both_up().await;
    until_beat(&acceptor, &mut dialer).await;
}

#[tokio::test]
async fn while_one_direction_is_cut_the_other_is_heard() {
    let (dialer, mut acceptor, line) = over_a_line().await;
    line.set(true, false);
    // Longer than any detection bound in use, though data had filled the line before.
    let queued = dialer.handle.send_on(Channel::Redundancy, Lane::Data, vec![0; 4 << 20].into());
    queued.unwrap();
    let begun = std::time::Instant::now();
    while begun.elapsed() < Duration::from_secs(4) {
        let waited = std::time::Instant::now();
        until_beat(&dialer, &mut acceptor).await;
        assert!(waited.elapsed() < Duration::from_secs(1), "a beat came after {waited:?}");
    }
}

#[tokio::test]
async fn data_leaves_a_channel_that_is_cut_in_either_direction_long_before_its_connection_ends() {
    for (to_acceptor, to_dialer) in [(false, false), (true, false), (false, true)] {
        let (mut dialer, mut acceptor, line) = over_a_line().await;
        let _beats = [beating(&dialer), beating(&acceptor)];
        line.set(to_acceptor, to_dialer);
        for side in [&mut dialer, &mut acceptor] {
            side.until("a move to primary", |event| match event {
                TransportEvent::Moved { to: Some(Channel::Primary), .. } => Some(()),
                TransportEvent::Down { channel: Channel::Redundancy, reason, .. } => {
                    panic!("only when the connection ended: {reason}")
                }
                _ => None,
            })
            .await;
        }
        line.set(true, true);
        for side in [&mut dialer, &mut acceptor] {
            side.until("a move back", |event| match event {
                TransportEvent::Moved { to: Some(Channel::Redundancy), .. } => Some(()),
                _ => None,
            })
            .await;
        }
    }
}
