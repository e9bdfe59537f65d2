//! Why a write of a tag is refused.
use super::BATCH_TAGS_MAX;
use super::value::ValueError;

/// Why a write was refused. Nothing of it was posted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TagError {
    /// No config record declares it.
    #[error("tag `{path}` is not declared")]
    Unknown {
        /// The tag, shortened.
        path: String,
    },
    /// The declaration does not allow the value.
    #[error("tag `{path}`: {error}")]
    Value {
        /// The tag.
        path: Box<str>,
        /// Why.
        #[source]
        error: ValueError,
    },
    /// One batch writes the same tag twice.
    #[error("tag `{path}` is in the batch twice")]
    Twice {
        /// The tag.
        path: Box<str>,
    },
    /// Too many in one batch.
    #[error("a batch of {count} tags; at most {BATCH_TAGS_MAX} are possible")]
    BatchTooLarge {
        /// How many.
        count: usize,
    },
}

impl TagError {
    /// A stable word for programs.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown-tag",
            Self::Value { error, .. } => error.id(),
            Self::Twice { .. } => "tag-twice",
            Self::BatchTooLarge { .. } => "batch-too-large",
        }
    }
}

/// A path for people, bounded.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}
