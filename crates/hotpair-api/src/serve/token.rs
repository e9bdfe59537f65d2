//! The secret that a client shows when the API listens beyond loopback.
use super::ListenerError;
use std::path::Path;

/// The shortest token, in bytes.
pub(crate) const TOKEN_BYTES_MIN: usize = 16;
/// The longest token, in bytes.
pub(crate) const TOKEN_BYTES_MAX: usize = 512;

/// A secret. Never shown, not even in debug output.
#[derive(Clone)]
pub struct Token(Box<[u8]>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(hidden)")
    }
}

impl Token {
    /// Checks a token.
    ///
    /// # Errors
    /// `ListenerError::BadToken` when it is too short, too long, or has other characters than
    /// visible ASCII.
    pub fn new(text: &str) -> Result<Self, ListenerError> {
        let length = text.len();
        if !(TOKEN_BYTES_MIN..=TOKEN_BYTES_MAX).contains(&length) {
            return Err(ListenerError::BadToken { problem: "its length is out of bounds" });
        }
        if !text.bytes().all(|it| it.is_ascii_graphic()) {
            return Err(ListenerError::BadToken { problem: "it has other than visible ASCII" });
        }
        Ok(Self(text.as_bytes().into()))
    }

    /// Reads a token from a file that nobody else may read. White space at the end is ignored.
    ///
    /// # Errors
    /// `ListenerError` when it cannot be read, others may read it, or it is no token.
    pub fn read(path: &Path) -> Result<Self, ListenerError> {
        super::settings::refuse_readable_by_others(path)?;
        let text = std::fs::read_to_string(path)
            .map_err(|source| ListenerError::Unreadable { path: path.into(), source })?;
        Self::new(text.trim_end())
    }

    /// Whether `shown` is this token. Takes the same time wherever they differ.
    #[must_use]
    pub fn matches(&self, shown: &[u8]) -> bool {
        let differing = self.0.iter().zip(shown).fold(0, |sum, (a, b)| sum | (a ^ b));
        std::hint::black_box(differing) == 0 && self.0.len() == shown.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_matches_itself_only() {
        let token = Token::new("0123456789abcdef").unwrap();
        assert!(token.matches(b"0123456789abcdef"));
        for other in ["", "0123456789abcde", "0123456789abcdeg", "0123456789abcdef0"] {
            assert!(!token.matches(other.as_bytes()), "{other}");
        }
        assert_eq!(format!("{token:?}"), "Token(hidden)");
    }

    #[test]
    fn a_short_or_strange_token_is_refused() {
        for bad in ["short", "0123456789abcdef\u{7}", &"x".repeat(513), "0123456789 bcdef"] {
            assert!(Token::new(bad).is_err(), "{bad:?}");
        }
    }
}
