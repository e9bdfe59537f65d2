//! A node's refusal: a problem document (RFC 9457).
use serde_json::{Map, Value};
use std::fmt;
use std::time::Duration;

/// Why a node did not do what it was asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Problem {
    /// The stable kind, for example `unknown-tag`: the end of the document's `type`.
    pub id: String,
    /// The same words for every problem of this kind.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// One sentence about this very case.
    pub detail: String,
    /// The base address of the node that would take it.
    pub active: Option<String>,
    /// When to try again.
    pub retry_after: Option<Duration>,
    /// Everything else the document says, for example `reasons` with evidence.
    pub extra: Map<String, Value>,
}

impl Problem {
    /// Reads an answer that is no success. One that is no problem document becomes one.
    pub(crate) fn read(status: u16, body: &[u8]) -> Self {
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(body) else {
            let detail = format!("the answer has status {status} and is no problem document");
            return Self { id: "malformed".into(), status, detail, ..Self::default() };
        };
        let mut text = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) => Some(text),
            Some(_) | None => None,
        };
        let id = text("type").unwrap_or_default();
        let id = id.strip_prefix("urn:hotpair:problem:").unwrap_or(&id).to_owned();
        let title = text("title").unwrap_or_default();
        let detail = text("detail").unwrap_or_default();
        let active = text("active");
        let retry_after = fields.remove("retry_after_s").and_then(|it| it.as_u64());
        let retry_after = retry_after.map(Duration::from_secs);
        fields.remove("status");
        Self { id, title, status, detail, active, retry_after, extra: fields }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = if self.title.is_empty() { &self.id } else { &self.title };
        write!(f, "{title}")?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_document_is_taken_apart() {
        let body = br#"{"type":"urn:hotpair:problem:not-active","title":"T","status":421,
            "detail":"D","active":"http://b:1","retry_after_s":2,"reasons":[1]}"#;
        let problem = Problem::read(421, body);
        assert_eq!(problem.id, "not-active");
        assert_eq!(problem.to_string(), "T: D");
        assert_eq!(problem.active.as_deref(), Some("http://b:1"));
        assert_eq!(problem.retry_after, Some(Duration::from_secs(2)));
        assert_eq!(problem.extra.keys().collect::<Vec<_>>(), ["reasons"]);
    }

    #[test]
    fn what_is_no_problem_document_becomes_one() {
        let problem = Problem::read(502, b"<html>");
        assert_eq!((problem.id.as_str(), problem.status), ("malformed", 502));
    }
}
