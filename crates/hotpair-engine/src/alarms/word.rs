//! Who did something to an alarm, and what they say about it.
use std::fmt;

/// The longest name of a person or rule, in bytes.
pub const WHO_BYTES_MAX: usize = 64;
/// The longest comment, in bytes.
pub const COMMENT_BYTES_MAX: usize = 512;

/// Who, and what they say. Checked once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    who: Box<str>,
    comment: Box<str>,
}

/// A name or comment that cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// Nobody.
    #[error("`who` is empty: 1 to {WHO_BYTES_MAX} bytes are needed")]
    Nobody,
    /// Too long.
    #[error("`{field}` has {bytes} bytes, at most {bytes_max} are allowed")]
    TooLong {
        /// `who` or `comment`.
        field: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// It would play tricks where it is shown.
    #[error("`{field}` has a control character")]
    Control {
        /// `who` or `comment`.
        field: &'static str,
    },
}

impl Word {
    /// Checks a name and a comment; the comment may be empty.
    ///
    /// # Errors
    /// `WordError` when one is too long, has control characters, or nobody is named.
    pub fn new(who: &str, comment: &str) -> Result<Self, WordError> {
        if who.is_empty() {
            return Err(WordError::Nobody);
        }
        for (field, text, bytes_max) in
            [("who", who, WHO_BYTES_MAX), ("comment", comment, COMMENT_BYTES_MAX)]
        {
            if text.len() > bytes_max {
                return Err(WordError::TooLong { field, bytes: text.len(), bytes_max });
            }
            if text.chars().any(char::is_control) {
                return Err(WordError::Control { field });
            }
        }
        Ok(Self { who: who.into(), comment: comment.into() })
    }

    /// The person, or the rule.
    #[must_use]
    pub fn who(&self) -> &str {
        &self.who
    }

    /// What they say; may be empty.
    #[must_use]
    pub fn comment(&self) -> &str {
        &self.comment
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { who, comment } = self;
        if comment.is_empty() { f.write_str(who) } else { write!(f, "{who}: {comment}") }
    }
}
