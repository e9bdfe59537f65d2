//! Answers: JSON, and problem documents (RFC 9457).
use crate::face::{Problem, ProblemKind, Reason, WriteOutcome};
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

/// What a route gives.
pub(crate) type Answer = Result<Response, Problem>;

/// A problem as JSON.
#[derive(Serialize)]
pub(crate) struct ProblemDocument<'a> {
    #[serde(rename = "type")]
    type_uri: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[Reason]>::is_empty")]
    reasons: &'a [Reason],
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
}

impl<'a> From<&'a Problem> for ProblemDocument<'a> {
    fn from(problem: &'a Problem) -> Self {
        Self {
            type_uri: problem.kind.type_uri(),
            title: problem.kind.title(),
            status: problem.kind.status(),
            detail: &problem.detail,
            reasons: &problem.reasons,
            active: problem.active.as_deref(),
            retry_after_s: retry_after_s(problem),
        }
    }
}

impl ProblemKind {
    /// The whole `type` of the problem document.
    #[must_use]
    pub fn type_uri(self) -> String {
        format!("urn:hotpair:problem:{}", self.id())
    }

    /// The kind with this `type`.
    #[must_use]
    pub fn from_type_uri(uri: &str) -> Option<Self> {
        let id = uri.strip_prefix("urn:hotpair:problem:")?;
        Self::ALL.iter().copied().find(|it| it.id() == id)
    }
}

/// In whole seconds, at least one; every 429 and 503 has it.
fn retry_after_s(problem: &Problem) -> Option<u64> {
    let whole = |it: std::time::Duration| it.as_millis().div_ceil(1_000).max(1);
    match problem.retry_after {
        Some(after) => Some(u64::try_from(whole(after)).unwrap_or(u64::MAX)),
        None => matches!(problem.kind.status(), 429 | 503).then_some(1),
    }
}

/// Carries the request's own path to the place where `Location` is made.
#[derive(Clone, Debug)]
pub(crate) struct Misdirected {
    pub(crate) base: String,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.kind.status()).expect("the table has legal statuses");
        let document = ProblemDocument::from(&self);
        let mut response = json(status, &document);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = document.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.kind == ProblemKind::TokenNeeded {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let (ProblemKind::NotActive, Some(base)) = (self.kind, self.active) {
            response.extensions_mut().insert(Misdirected { base });
        }
        response
    }
}

/// JSON with a status.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let bytes = serde_json::to_vec(value).expect("our own types have string keys and sound values");
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

/// JSON with status 200.
pub(crate) fn ok(value: &impl Serialize) -> Answer {
    Ok(json(StatusCode::OK, value))
}

/// The same with one more header.
pub(crate) fn with_header(mut response: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// The answer to a write.
pub(crate) fn written(outcome: WriteOutcome) -> Answer {
    match outcome {
        WriteOutcome::Done(done) => ok(&done),
        WriteOutcome::Refused(problem) => Err(problem),
        WriteOutcome::Unknown { detail } => Err(Problem::new(ProblemKind::OutcomeUnknown, detail)),
    }
}

/// A problem document as a JSON value, for messages in WebSockets.
pub(crate) fn document(problem: &Problem) -> Value {
    serde_json::to_value(ProblemDocument::from(problem)).expect("it has string keys")
}
