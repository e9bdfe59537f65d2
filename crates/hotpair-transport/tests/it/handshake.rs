//! Who gets in and who does not, and that both sides hear of it.
use crate::pair::{Side, identities, pair};
use hotpair_transport::{AlarmKind, By, Direction, Identity, Refusal, TransportEvent};
use hotpair_types::Channel;
use quinn::crypto::rustls::QuicClientConfig;
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
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer))
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"hotpair/1".to_vec()];
    let crypto = QuicClientConfig::try_from(tls).unwrap();
    let endpoint = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    let config = quinn::ClientConfig::new(Arc::new(crypto));
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
    let chain = pem_certificate(&a.identity);
    let signer = pem_key(&thief);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let signing = provider.key_provider.load_private_key(signer).unwrap();
    let certified = Arc::new(rustls::sign::CertifiedKey::new(vec![chain], signing));
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer))
        .with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
    tls.alpn_protocols = vec![b"hotpair/1".to_vec()];
    let crypto = QuicClientConfig::try_from(tls).unwrap();
    let endpoint = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    let config = quinn::ClientConfig::new(Arc::new(crypto));
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

fn pem_certificate(identity: &Identity) -> rustls::pki_types::CertificateDer<'static> {
    use rustls::pki_types::pem::PemObject as _;
    rustls::pki_types::CertificateDer::from_pem_slice(identity.to_pem().as_bytes()).unwrap()
}

fn pem_key(identity: &Identity) -> rustls::pki_types::PrivateKeyDer<'static> {
    use rustls::pki_types::pem::PemObject as _;
    rustls::pki_types::PrivateKeyDer::from_pem_slice(identity.to_pem().as_bytes()).unwrap()
}

/// A stranger that does not care whom it talks to.
#[derive(Debug)]
struct AnyServer;

impl rustls::client::danger::ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _end_entity: &rustls::pki_types::CertificateDer<'_>,
        _intermediates: &[rustls::pki_types::CertificateDer<'_>],
        _server_name: &rustls::pki_types::ServerName<'_>,
        _ocsp_response: &[u8],
        _now: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &rustls::pki_types::CertificateDer<'_>,
        _dss: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &rustls::pki_types::CertificateDer<'_>,
        _dss: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        vec![rustls::SignatureScheme::ED25519]
    }
}
