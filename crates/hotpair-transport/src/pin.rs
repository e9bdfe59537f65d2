//! Lets exactly one key in. Its signature in the handshake is really verified; there is no CA.
use crate::certificate::{Validity, certificate_key, certificate_validity};
use crate::event::AlarmKind;
use crate::key::PinnedKey;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use std::sync::Mutex;
use std::time::SystemTime;

/// Who is let in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pins {
    /// Who proves this key.
    Partner(PinnedKey),
    /// Whoever proves a key; what else it has to prove is asked afterwards. Only while inviting.
    Anybody,
}

impl Pins {
    fn admits(self, key: PinnedKey) -> bool {
        match self {
            Self::Partner(partner) => key == partner,
            Self::Anybody => true,
        }
    }
}

/// What one handshake showed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// The key of the certificate, proven or not.
    pub(crate) key: Option<PinnedKey>,
    /// Whether that key is one of the pinned ones.
    pub(crate) is_pinned: bool,
    /// Whether the pinned key also signed this handshake: its holder lives.
    pub(crate) is_proven: bool,
    /// Why nobody was let in.
    pub(crate) why: Option<&'static str>,
    /// What the certificate says of its validity.
    pub(crate) validity: Option<Validity>,
    /// What is wrong with it though the key is right.
    pub(crate) alarm: Option<AlarmKind>,
}

/// Judges one handshake.
#[derive(Debug)]
pub(crate) struct PinVerifier {
    pins: Pins,
    algorithms: WebPkiSupportedAlgorithms,
    seen: Mutex<Seen>,
}

impl PinVerifier {
    pub(crate) fn new(pins: Pins, algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { pins, algorithms, seen: Mutex::default() }
    }

    pub(crate) fn seen(&self) -> Seen {
        *self.seen.lock().expect("nobody panics while holding it")
    }

    fn judge(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let mut seen = self.seen.lock().expect("nobody panics while holding it");
        *seen = Seen { key: certificate_key(certificate), ..Seen::default() };
        let Some(key) = seen.key else {
            seen.why = Some("the certificate has no Ed25519 key");
            return Err(CertificateError::BadEncoding.into());
        };
        seen.is_pinned = self.pins.admits(key);
        if !seen.is_pinned {
            seen.why = Some("the key is not the pinned one");
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        seen.validity = certificate_validity(certificate);
        let now = SystemTime::now();
        seen.alarm = match seen.validity {
            None => Some(AlarmKind::Unreadable),
            Some(it) if now > it.until => Some(AlarmKind::Expired),
            Some(it) if now < it.from => Some(AlarmKind::NotYetValid),
            Some(_) => None,
        };
        Ok(())
    }

    fn verify_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verdict = verify_tls13_signature(message, certificate, dss, &self.algorithms);
        let mut seen = self.seen.lock().expect("nobody panics while holding it");
        match &verdict {
            Ok(_) => seen.is_proven = seen.is_pinned,
            Err(_) => {
                seen.why = Some("the key was shown but not proven: the signature is wrong");
            }
        }
        drop(seen);
        verdict
    }
}

/// TLS 1.2 is not spoken.
fn only_tls13() -> Error {
    Error::General("only TLS 1.3 is spoken".to_owned())
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge(end_entity).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(only_tls13())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

impl ClientCertVerifier for PinVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.judge(end_entity).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(only_tls13())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}
