//! Whom a command trusts when it asks over https: exactly the given certificate, or what it signed.

use super::ask::Base;
use super::exit::Failure;
use super::init::shown;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The most certificates that are read from a file.
const CERTIFICATES_MAX: usize = 64;

/// What a TLS connection trusts.
#[derive(Clone, Debug, Default)]
pub(super) struct Tls {
    certificates: Option<PathBuf>,
}

impl Tls {
    /// Trusts the certificates in this file.
    pub(super) const fn trusting(certificates: Option<PathBuf>) -> Self {
        Self { certificates }
    }

    /// For connections to `base`.
    pub(super) fn config(&self, base: &impl std::fmt::Display) -> Result<ClientConfig, Failure> {
        let Some(file) = &self.certificates else {
            let text = "whom to trust? Give the certificate with --api-ca, or the node with -c";
            return Err(Failure::WrongUse(format!("{base}: {text}")));
        };
        config(file)
    }

    pub(super) async fn wrap(
        &self,
        base: &Base,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, Failure> {
        let config = self.config(base)?;
        let wrong = |text: String| Failure::NotReachable(format!("{base}: {text}"));
        let name = ServerName::try_from(base.host().to_owned());
        let name = name.map_err(|_| wrong("no name that a certificate could have".to_owned()))?;
        let connect = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        connect.map_err(|error| wrong(format!("no trust over TLS: {error}")))
    }
}

fn config(file: &Path) -> Result<ClientConfig, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::Failed(format!("no certificates can be had from {}: {error}", shown(file)))
    };
    let mut trusted = Vec::new();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|it| wrong(&it))? {
        trusted.push(certificate.map_err(|it| wrong(&it))?);
        if trusted.len() > CERTIFICATES_MAX {
            return Err(wrong(&"too many"));
        }
    }
    if trusted.is_empty() {
        return Err(wrong(&"there are none"));
    }
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    // One that cannot sign others is trusted as itself alone.
    roots.add_parsable_certificates(trusted.iter().cloned());
    let signed =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let trust = Trust { trusted, signed: signed.build().ok(), provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|it| wrong(&it))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust))
        .with_no_client_auth();
    Ok(config)
}

#[derive(Debug)]
struct Trust {
    trusted: Vec<CertificateDer<'static>>,
    signed: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.trusted.contains(end_entity) {
            return Ok(ServerCertVerified::assertion());
        }
        let Some(signed) = &self.signed else {
            return Err(rustls::CertificateError::UnknownIssuer.into());
        };
        signed.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
