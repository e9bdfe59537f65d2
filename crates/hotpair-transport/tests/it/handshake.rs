//! Who gets in and who does not, and that both sides hear of it.
use crate::pair::{Side, identities, pair};
use crate::stranger;
use hotpair_transport::{AlarmKind, By, Direction, Identity, Refusal, TransportEvent};
use hotpair_types::Channel;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

fn refused(event: TransportEvent) -> Option<Refusal> {
    match event {
        TransportEvent::Refused { refusal, .. } => Some(refusal),
        _ => None,
    }
}

#[tokio::test]
async fn two_that_know_each_other_connect_on_both_channels() {
    let (a, b) = pair().await;
    for side in [&a, &b] {
        assert_eq!(side.handle.data_channel(), Some(Channel::Redundancy));
        for channel in Channel::ALL {
            assert!(side.handle.beat_bytes_max(channel).unwrap() >= 1162);
            assert_eq!(side.handle.counters()[channel].ups, 1);
            assert_eq!(side.handle.counters()[channel].refused, 0);
        }
    }
}

#[tokio::test]
async fn a_dialer_with_the_wrong_key_is_refused_and_both_hear_of_it() {
    let [low, high] = identities();
    let expected = Identity::generate().unwrap();
    let mut dialer = Side::start(&low, high.key());
    let mut acceptor = Side::start(&high, expected.key());
    dialer.look_at(&acceptor);
    let there = acceptor.until("a refusal", refused).await;
    assert_eq!((there.direction, there.by), (Direction::Inbound, By::Us));
    assert_eq!(there.key, Some(low.key()));
    assert_eq!(there.why, "the key is not the pinned one");
    let here = dialer.until("a refusal", refused).await;
    assert_eq!((here.direction, here.by), (Direction::Outbound, By::Them));
    assert!(
        !dialer.handle.is_up(Channel::Redundancy) && !acceptor.handle.is_up(Channel::Redundancy)
    );
}

#[tokio::test]
async fn an_acceptor_with_the_wrong_key_is_refused_and_both_hear_of_it() {
    let [low, high] = identities();
    let mut expected = Identity::generate().unwrap();
    while expected.key() < low.key() {
        expected = Identity::generate().unwrap();
    }
    let mut dialer = Side::start(&low, expected.key());
    let mut acceptor = Side::start(&high, low.key());
    dialer.look_at(&acceptor);
    let here = dialer.until("a refusal", refused).await;
    assert_eq!((here.direction, here.by), (Direction::Outbound, By::Us));
    assert_eq!(here.key, Some(high.key()));
    let there = acceptor.until("a refusal", refused).await;
    assert_eq!((there.direction, there.by), (Direction::Inbound, By::Them));
}

#[tokio::test]
async fn who_shows_no_certificate_is_refused() {
    let (_a, mut b) = pair().await;
    let endpoint = stranger::endpoint();
    let config = stranger::quic(stranger::builder().with_no_client_auth());
    let connecting = endpoint.connect_with(config, b.addr(Channel::Primary), "x.invalid").unwrap();
    let refusal = b.until("a refusal", refused).await;
    assert_eq!((refusal.direction, refusal.by, refusal.key), (Direction::Inbound, By::Us, None));
    expect_test::expect!["peer sent no certificates"].assert_eq(&refusal.why);
    if let Ok(connection) = connecting.await {
        connection.closed().await;
    }
    assert!(b.handle.is_up(Channel::Primary), "the partner does not notice");
    assert_eq!(b.handle.counters()[Channel::Primary].ups, 1);
}

#[tokio::test]
async fn the_right_certificate_without_its_private_key_is_refused() {
    let (a, mut b) = pair().await;
    // The thief has seen the certificate of a and signs with a key of its own.
    let thief = Identity::generate().unwrap();
    let provider = rustls::crypto::ring::default_provider();
    let signing = provider.key_provider.load_private_key(stranger::key(&thief)).unwrap();
    let shown = vec![stranger::certificate(&a.identity)];
    let certified = Arc::new(rustls::sign::CertifiedKey::new(shown, signing));
    let resolver = Arc::new(rustls::sign::SingleCertAndKey::from(certified));
    let config = stranger::quic(stranger::builder().with_client_cert_resolver(resolver));
    let endpoint = stranger::endpoint();
    let connecting =
        endpoint.connect_with(config, b.addr(Channel::Redundancy), "x.invalid").unwrap();
    let refusal = b.until("a refusal", refused).await;
    assert_eq!(refusal.key, Some(a.identity.key()));
    assert_eq!(refusal.why, "the key was shown but not proven: the signature is wrong");
    drop(connecting);
    assert_eq!(b.handle.counters()[Channel::Redundancy].ups, 1, "the thief did not get in");
}

#[tokio::test]
async fn an_expired_certificate_with_the_pinned_key_is_let_in_with_an_alarm() {
    let day = Duration::from_secs(86_400);
    let now = SystemTime::now();
    let spans = [
        (now - 3 * day, now - 2 * day, AlarmKind::Expired),
        (now + 2 * day, now + 3 * day, AlarmKind::NotYetValid),
    ];
    for (from, until, expected) in spans {
        let odd = Identity::generate_valid(from, until).unwrap();
        let good = Identity::generate().unwrap();
        let mut a = Side::start(&odd, good.key());
        let mut b = Side::start(&good, odd.key());
        a.look_at(&b);
        b.look_at(&a);
        let alarm = |event| match event {
            TransportEvent::CertificateAlarm { kind, .. } => Some(kind),
            _ => None,
        };
        assert_eq!(b.until("an alarm", alarm).await, expected);
        a.both_up().await;
        b.both_up().await;
    }
}

#[tokio::test]
async fn a_renewed_certificate_does_not_disturb_a_live_connection_and_serves_the_next() {
    let (mut a, mut b) = pair().await;
    for side in [&a, &b] {
        side.handle.renew_identity(&side.identity.renew().unwrap()).unwrap();
    }
    assert_eq!(a.handle.counters()[Channel::Primary].ups, 1);
    a.handle.disconnect(Channel::Primary, 7, "try the new one");
    for side in [&mut a, &mut b] {
        let primary_up = |event| match event {
            TransportEvent::Up { channel: Channel::Primary, connection, .. } if connection > 2 => {
                Some(())
            }
            _ => None,
        };
        side.until("primary again", primary_up).await;
        assert_eq!(side.handle.counters()[Channel::Redundancy].ups, 1);
    }
}
