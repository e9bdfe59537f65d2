//! The partner's public key, pinned, and its text form `ed25519:<base64>`.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};
use std::fmt;
use std::str::FromStr;

/// How every Ed25519 public key begins inside a certificate (RFC 8410, section 4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0];

/// An Ed25519 public key: who a node is. The order decides who dials.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PinnedKey([u8; 32]);

/// A text that is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a public key: {reason}; it looks like `ed25519:` and 43 characters of base64")]
pub struct KeyError {
    reason: &'static str,
}

impl PinnedKey {
    /// A key from its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes of the key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key of a certificate's `SubjectPublicKeyInfo`, if it is an Ed25519 one.
    pub(crate) fn from_spki(spki: &[u8]) -> Option<Self> {
        let key = spki.strip_prefix(SPKI_PREFIX.as_slice())?;
        key.try_into().ok().map(Self)
    }

    /// Whether the holder of this key signed `message`.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Display for PinnedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519:{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PinnedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PinnedKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let code = text
            .strip_prefix("ed25519:")
            .ok_or(KeyError { reason: "it does not begin with `ed25519:`" })?;
        if code.len() > 64 {
            return Err(KeyError { reason: "too long" });
        }
        let bytes = STANDARD.decode(code).map_err(|_| KeyError { reason: "not base64" })?;
        let bytes = bytes.try_into().map_err(|_| KeyError { reason: "not 32 bytes" })?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_as_it_was_written() {
        let key = PinnedKey::from_bytes([7; 32]);
        let text = key.to_string();
        assert_eq!(text, "ed25519:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
        assert_eq!(text.parse(), Ok(key));
        for bad in ["", "ed25519:", "ed25519:!!", "rsa:BwcH", "ed25519:BwcH", &text[..50]] {
            assert!(bad.parse::<PinnedKey>().is_err(), "{bad:?}");
        }
    }
}
