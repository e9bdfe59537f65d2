//! Why nothing comes of a command.
use super::alarm::AlarmRefusal;
use crate::objects::Name;

/// Why a command does nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlarmError {
    /// Not declared.
    #[error("object `{object}` has no alarm `{alarm}`")]
    Unknown {
        /// The object, shortened.
        object: Box<str>,
        /// The alarm, shortened.
        alarm: Box<str>,
    },
    /// It refuses.
    #[error("alarm `{object}/{alarm}`: {refusal}")]
    Refused {
        /// The object.
        object: Name,
        /// The alarm.
        alarm: Name,
        /// Why.
        #[source]
        refusal: AlarmRefusal,
    },
}

impl AlarmError {
    /// There is no such alarm.
    #[must_use]
    pub fn unknown(object: &str, alarm: &str) -> Self {
        let short = |it: &str| it.escape_default().take(80).collect::<String>().into();
        Self::Unknown { object: short(object), alarm: short(alarm) }
    }
}
