//! Why a third party gave no answer.

/// No answer; what was asked for may have been done or not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArbiterError {
    /// None of its addresses answered.
    #[error("the arbiter does not answer: {}", tried.join("; "))]
    Away {
        /// Each address, and why.
        tried: Vec<String>,
    },
    /// It refused.
    #[error("the arbiter refused: {why}")]
    Refused {
        /// In its words.
        why: String,
    },
    /// What it said is not understood.
    #[error("the arbiter's answer is not understood: {why}")]
    Garbled {
        /// What is wrong with it.
        why: String,
    },
    /// A setting cannot be.
    #[error("{field}: {why}")]
    Settings {
        /// Which.
        field: &'static str,
        /// What is allowed.
        why: String,
    },
}
