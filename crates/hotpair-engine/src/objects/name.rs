//! What objects, attributes and alarms are called.
use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// The longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// What a name may be, for errors.
pub(crate) const NAME_ALLOWED: &str = "1 to 64 of a-z, A-Z, 0-9, `_`, `-`";

/// The name of an object, or of an attribute or alarm within one. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// Checks a name; `None` when it is no 1 to 64 of letters, digits, `_`, `-`.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let sound = (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(legal);
        sound.then(|| Self(text.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
