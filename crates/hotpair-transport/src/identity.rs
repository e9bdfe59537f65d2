//! Who this node is: an Ed25519 key that never leaves the host, and a certificate around it.
use crate::certificate::{Validity, certificate_key, certificate_validity};
use crate::key::PinnedKey;
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, PKCS_ED25519,
};
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How long a new certificate is valid. Expiry is an alarm, never a reason to lose a partner.
const VALID: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// How far back its validity begins, so that clocks apart do no harm.
const VALID_BEFORE: Duration = Duration::from_secs(30 * 24 * 3600);
/// A key file is a few hundred bytes; more is not read.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// A key pair and its self-signed certificate. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    inner: Arc<Inner>,
}

struct Inner {
    private: PrivatePkcs8KeyDer<'static>,
    signer: Ed25519KeyPair,
    certificate: CertificateDer<'static>,
    key: PinnedKey,
    validity: Validity,
}

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file cannot be read or written.
    #[error("the key file {path} cannot be used")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others can read the private key.
    #[error(
        "the key file {path} can be read by others (mode {mode:03o}): chmod 600 it, or make a new key"
    )]
    ReadableByOthers {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The content is no key and certificate.
    #[error("no identity: {what}")]
    Content {
        /// What is wrong.
        what: String,
    },
}

fn content(what: impl fmt::Display) -> IdentityError {
    IdentityError::Content { what: what.to_string() }
}

impl Identity {
    /// A new key, with a certificate that is valid from now on for years.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn generate() -> Result<Self, IdentityError> {
        let now = SystemTime::now();
        Self::generate_valid(now - VALID_BEFORE, now + VALID)
    }

    /// A new key, with a certificate that is valid between these.
    ///
    /// # Errors
    /// When the system gives no randomness, or the times cannot be written.
    pub fn generate_valid(from: SystemTime, until: SystemTime) -> Result<Self, IdentityError> {
        let pair = KeyPair::generate_for(&PKCS_ED25519).map_err(content)?;
        Self::certify(&pair, from, until)
    }

    /// The same key with a new certificate, valid from now on.
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub fn renew(&self) -> Result<Self, IdentityError> {
        let now = SystemTime::now();
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(&self.inner.private, &PKCS_ED25519);
        Self::certify(&pair.map_err(content)?, now - VALID_BEFORE, now + VALID)
    }

    fn certify(pair: &KeyPair, from: SystemTime, until: SystemTime) -> Result<Self, IdentityError> {
        let mut params = CertificateParams::new(vec![SERVER_NAME.to_owned()]).map_err(content)?;
        params.distinguished_name.push(DnType::CommonName, "hotpair node");
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.not_before = from.into();
        params.not_after = until.into();
        let certificate = params.self_signed(pair).map_err(content)?;
        Self::assemble(PrivatePkcs8KeyDer::from(pair.serialize_der()), certificate.der().clone())
    }

    fn assemble(
        private: PrivatePkcs8KeyDer<'static>,
        certificate: CertificateDer<'static>,
    ) -> Result<Self, IdentityError> {
        let signer = Ed25519KeyPair::from_pkcs8_maybe_unchecked(private.secret_pkcs8_der())
            .map_err(|it| content(format_args!("the private key is no Ed25519 key ({it})")))?;
        let public = signer.public_key().as_ref();
        let key = PinnedKey::from_bytes(public.try_into().expect("Ed25519 keys have 32 bytes"));
        if certificate_key(&certificate) != Some(key) {
            return Err(content("the certificate is not that of the private key"));
        }
        let validity = certificate_validity(&certificate)
            .ok_or_else(|| content("the certificate does not say when it is valid"))?;
        Ok(Self { inner: Arc::new(Inner { private, signer, certificate, key, validity }) })
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// When it cannot be read, can be read by others, or is no identity.
    pub fn load(path: &Path) -> Result<Self, IdentityError> {
        let file = |source| IdentityError::File { path: path.to_owned(), source };
        let facts = fs::metadata(path).map_err(file)?;
        let mode = facts.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(IdentityError::ReadableByOthers { path: path.to_owned(), mode });
        }
        if facts.len() > FILE_BYTES_MAX {
            return Err(content("the file is too long for a key"));
        }
        Self::from_pem(&fs::read(path).map_err(file)?)
    }

    /// Reads a private key and a certificate in PEM.
    ///
    /// # Errors
    /// When either is missing or they do not belong together.
    pub fn from_pem(pem: &[u8]) -> Result<Self, IdentityError> {
        let private = PrivatePkcs8KeyDer::from_pem_slice(pem)
            .map_err(|it| content(format_args!("no private key ({it})")))?;
        let certificate = CertificateDer::from_pem_slice(pem)
            .map_err(|it| content(format_args!("no certificate ({it})")))?;
        Self::assemble(private, certificate)
    }

    /// The private key and the certificate in PEM. Keep it secret.
    #[must_use]
    pub fn to_pem(&self) -> String {
        let mut text = pem_block("PRIVATE KEY", self.inner.private.secret_pkcs8_der());
        text.push_str(&pem_block("CERTIFICATE", &self.inner.certificate));
        text
    }

    /// Writes a key file that only its owner can read, replacing an old one in one step.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), IdentityError> {
        let write = || {
            let draft = path.with_extension("new");
            let _absent = fs::remove_file(&draft);
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create_new(true).mode(0o600).open(&draft)?;
            file.write_all(self.to_pem().as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, path)?;
            path.parent().map_or(Ok(()), |it| {
                fs::File::open(if it.as_os_str().is_empty() { Path::new(".") } else { it })?
                    .sync_all()
            })
        };
        write().map_err(|source| IdentityError::File { path: path.to_owned(), source })
    }

    /// The public key, for the partner to pin.
    #[must_use]
    pub fn key(&self) -> PinnedKey {
        self.inner.key
    }

    /// When the certificate is valid.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.inner.validity
    }

    /// Signs a message, for example the guard's.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature = self.inner.signer.sign(message);
        signature.as_ref().try_into().expect("Ed25519 signatures have 64 bytes")
    }

    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.inner.certificate.clone()]
    }

    pub(crate) fn private(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.inner.private.clone_key())
    }

    /// A secret that outlives the process, for one purpose.
    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.inner.private.secret_pkcs8_der());
        let tag = hmac::sign(&key, purpose.as_bytes());
        tag.as_ref().try_into().expect("HMAC-SHA256 gives 32 bytes")
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.inner.key)
    }
}

/// What every certificate says and every dialler asks for; nothing is decided by it.
pub(crate) const SERVER_NAME: &str = "node.hotpair.invalid";

fn pem_block(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let code = base64::engine::general_purpose::STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in code.as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_reads_back_and_only_its_owner_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.key");
        let identity = Identity::generate().unwrap();
        identity.save(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read = Identity::load(&path).unwrap();
        assert_eq!(read.key(), identity.key());
        assert_eq!(read.derive("x"), identity.derive("x"));
        assert_ne!(read.derive("x"), identity.derive("y"));

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = Identity::load(&path).unwrap_err();
        assert!(matches!(refused, IdentityError::ReadableByOthers { mode: 0o640, .. }));
    }

    #[test]
    fn a_certificate_of_another_key_is_no_identity() {
        let (a, b) = (Identity::generate().unwrap(), Identity::generate().unwrap());
        let cut = |pem: String| {
            let at = pem.find("-----BEGIN CERTIFICATE").unwrap();
            (pem[..at].to_owned(), pem[at..].to_owned())
        };
        let mixed = cut(a.to_pem()).0 + &cut(b.to_pem()).1;
        assert!(Identity::from_pem(mixed.as_bytes()).is_err());
        assert!(Identity::from_pem(b"").is_err());
    }

    #[test]
    fn a_renewed_certificate_keeps_the_key() {
        let old = Identity::generate_valid(SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH).unwrap();
        let new = old.renew().unwrap();
        assert_eq!(new.key(), old.key());
        assert!(new.validity().until > SystemTime::now());
    }

    #[test]
    fn what_one_signs_only_its_key_confirms() {
        let (a, b) = (Identity::generate().unwrap(), Identity::generate().unwrap());
        let signature = a.sign(b"fenced");
        assert!(a.key().verify(b"fenced", &signature));
        assert!(!a.key().verify(b"fenceD", &signature));
        assert!(!b.key().verify(b"fenced", &signature));
        assert!(!a.key().verify(b"fenced", b"short"));
    }
}
