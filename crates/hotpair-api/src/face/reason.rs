//! Why something is so, or may not be: the same text in CLI, API and page.
use serde::{Deserialize, Serialize};
use std::fmt;

/// One fact with the limit it was compared to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What was looked at, for example `missed beats on redundancy`.
    pub name: String,
    /// What was found.
    pub value: String,
    /// What it is compared to, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
}

impl Evidence {
    /// A fact.
    pub fn new(name: impl Into<String>, value: impl fmt::Display) -> Self {
        Self { name: name.into(), value: value.to_string(), limit: None }
    }

    /// The same with the limit it is compared to.
    #[must_use]
    pub fn against(mut self, limit: impl fmt::Display) -> Self {
        self.limit = Some(limit.to_string());
        self
    }
}

/// One reason: a stable id for programs, a sentence for people, the evidence for both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Kebab-case and stable, for example `standby-not-ready`.
    pub id: String,
    /// One sentence.
    pub text: String,
    /// The facts it rests on.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
}

impl Reason {
    /// A reason without evidence yet.
    pub fn new(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self { id: id.into(), text: text.into(), evidence: Vec::new() }
    }

    /// The same resting on one more fact.
    #[must_use]
    pub fn with(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }
}
