//! What is wrong with a document: every field, what was given, what is allowed.
use std::fmt;

const GIVEN_CHARS_MAX: usize = 80;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Complaint {
    /// The field, as a path from the document: `alarms.level-high.limit`. Empty: the document itself.
    pub field: Box<str>,
    /// What stands there, shortened; `nothing` where something is missing.
    pub given: Box<str>,
    /// What may stand there.
    pub allowed: Box<str>,
}

impl Complaint {
    /// A complaint; what is given is shortened.
    pub fn new(
        field: impl Into<Box<str>>,
        given: impl fmt::Display,
        allowed: impl Into<Box<str>>,
    ) -> Self {
        let given = given.to_string();
        let mut short: String = given.chars().take(GIVEN_CHARS_MAX).collect();
        if short.len() < given.len() {
            short.push('…');
        }
        Self { field: field.into(), given: short.into(), allowed: allowed.into() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, given, allowed } = self;
        if field.is_empty() {
            return write!(f, "{given}; allowed: {allowed}");
        }
        write!(f, "`{field}`: {given}; allowed: {allowed}")
    }
}

/// Everything that is wrong with one document, in the order of their fields' names. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Complaints(pub Vec<Complaint>);

impl Complaints {
    /// All of them.
    #[must_use]
    pub fn as_slice(&self) -> &[Complaint] {
        &self.0
    }
}

impl fmt::Display for Complaints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, complaint) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            complaint.fmt(f)?;
        }
        Ok(())
    }
}
