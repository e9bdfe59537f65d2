//! TLS 1.3 and nothing older, mutual, without resumption, tickets or early data.
use crate::identity::Identity;
use crate::pin::{PinVerifier, Pins};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::crypto::CryptoProvider;
use rustls::version::TLS13;
use std::sync::Arc;

/// What two nodes speak.
const ALPN: &[u8] = b"hotpair/1";
/// What two hosts that are no pair yet speak.
const ALPN_PAIRING: &[u8] = b"hotpair-pairing/1";
/// What a command speaks that only wants to know whether it would be let in.
pub(crate) const ALPN_PROBE: &[u8] = b"hotpair-probe/1";

/// Makes the TLS side of each handshake anew, so that what one shows is not mixed up with another.
#[derive(Debug)]
pub(crate) struct Tls {
    identity: Identity,
    provider: Arc<CryptoProvider>,
    /// What is accepted; the first is what is asked for.
    alpn: &'static [&'static [u8]],
}

impl Tls {
    pub(crate) fn new(identity: Identity) -> Self {
        Self {
            identity,
            provider: Arc::new(rustls::crypto::ring::default_provider()),
            alpn: &[ALPN, ALPN_PROBE],
        }
    }

    pub(crate) fn for_pairing(identity: Identity) -> Self {
        Self { alpn: &[ALPN_PAIRING], ..Self::new(identity) }
    }

    pub(crate) fn for_probing(identity: Identity) -> Self {
        Self { alpn: &[ALPN_PROBE], ..Self::new(identity) }
    }

    /// The same identity, only asking whether it would be let in.
    pub(crate) fn asking(&self) -> Self {
        Self::for_probing(self.identity.clone())
    }

    pub(crate) fn verifier(&self, pins: Pins) -> Arc<PinVerifier> {
        let algorithms = self.provider.signature_verification_algorithms;
        Arc::new(PinVerifier::new(pins, algorithms))
    }

    pub(crate) fn server(
        &self,
        verifier: Arc<PinVerifier>,
    ) -> Result<QuicServerConfig, rustls::Error> {
        let mut config = rustls::ServerConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.identity.chain(), self.identity.private())?;
        config.alpn_protocols = self.alpn.iter().map(|it| it.to_vec()).collect();
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        Ok(QuicServerConfig::try_from(config)
            .expect("TLS 1.3 with ring has an initial cipher suite"))
    }

    pub(crate) fn client(
        &self,
        verifier: Arc<PinVerifier>,
    ) -> Result<QuicClientConfig, rustls::Error> {
        let mut config = rustls::ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_auth_cert(self.identity.chain(), self.identity.private())?;
        config.alpn_protocols = vec![self.alpn[0].to_vec()];
        config.resumption = rustls::client::Resumption::disabled();
        config.enable_early_data = false;
        config.enable_sni = false;
        Ok(QuicClientConfig::try_from(config)
            .expect("TLS 1.3 with ring has an initial cipher suite"))
    }
}
