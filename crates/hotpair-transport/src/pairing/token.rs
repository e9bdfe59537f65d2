//! The token: one line that a person carries from host to host.
use crate::PinnedKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hotpair_types::PerChannel;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

const PREFIX: &str = "hotpair1:";
const CHECKSUM_BYTES: usize = 4;
const TEXT_BYTES_MAX: usize = 1024;

/// What the joining host has to know. Whoever has it can join in the other's place: keep it secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Where the inviting host waits.
    pub addresses: PerChannel<SocketAddr>,
    /// Its key.
    pub key: PinnedKey,
    /// Until when it waits, by its own clock. For people: only the inviting host decides.
    pub expires: SystemTime,
    pub(super) secret: [u8; 16],
}

/// A text that is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a token: {reason}; it is one line that begins with `{PREFIX}`")]
pub struct TokenError {
    reason: &'static str,
}

#[derive(Serialize, Deserialize)]
struct Content {
    redundancy: SocketAddr,
    primary: SocketAddr,
    key: [u8; 32],
    secret: [u8; 16],
    expires_unix: u64,
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let digest = digest(&SHA256, bytes);
    *digest.as_ref().first_chunk().expect("SHA-256 gives 32 bytes")
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.expires.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let content = Content {
            redundancy: self.addresses.redundancy,
            primary: self.addresses.primary,
            key: *self.key.as_bytes(),
            secret: self.secret,
            expires_unix: since.as_secs(),
        };
        let mut bytes = postcard::to_stdvec(&content).map_err(|_| fmt::Error)?;
        bytes.extend(checksum(&bytes));
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let wrong = |reason| TokenError { reason };
        let text = text.trim();
        if text.len() > TEXT_BYTES_MAX {
            return Err(wrong("too long"));
        }
        let code = text.strip_prefix(PREFIX).ok_or_else(|| wrong("it begins otherwise"))?;
        let bytes = URL_SAFE_NO_PAD.decode(code).map_err(|_| wrong("a character is wrong"))?;
        let (content, sum) = bytes
            .split_last_chunk::<CHECKSUM_BYTES>()
            .ok_or_else(|| wrong("part of it is missing"))?;
        if checksum(content) != *sum {
            return Err(wrong("part of it is missing or changed"));
        }
        let (content, rest) = postcard::take_from_bytes::<Content>(content)
            .map_err(|_| wrong("another release made it"))?;
        if !rest.is_empty() {
            return Err(wrong("another release made it"));
        }
        let since = Duration::from_secs(content.expires_unix);
        let expires = SystemTime::UNIX_EPOCH.checked_add(since);
        Ok(Self {
            addresses: PerChannel { redundancy: content.redundancy, primary: content.primary },
            key: PinnedKey::from_bytes(content.key),
            expires: expires.ok_or_else(|| wrong("its time is wrong"))?,
            secret: content.secret,
        })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}, secret not shown)", self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_no_changed_character_goes_unnoticed() {
        let token = Token {
            addresses: PerChannel {
                redundancy: "10.10.0.1:4750".parse().unwrap(),
                primary: "[fd00::1]:4750".parse().unwrap(),
            },
            key: PinnedKey::from_bytes([3; 32]),
            expires: SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_418_278),
            secret: [9; 16],
        };
        let text = token.to_string();
        assert!(text.starts_with(PREFIX) && text.len() < 200 && text.is_ascii(), "{text}");
        assert_eq!(format!(" {text}\n").parse(), Ok(token.clone()));
        assert!(!format!("{token:?}").contains("9, 9"));
        for at in PREFIX.len()..text.len() {
            let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
            let mut bent = text.clone();
            bent.replace_range(at..=at, other);
            assert!(bent.parse::<Token>().is_err(), "{bent}");
            assert!(text[..at].parse::<Token>().is_err());
        }
    }
}
