//! Bodies of requests: bounded in bytes, depth and time.
use crate::face::{Problem, ProblemKind};
use crate::gate::Api;
use crate::name::plain;
use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, Request, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// How long the rest of a body that is too large is still read, so that the client sees the answer.
const DRAIN_PATIENCE: Duration = Duration::from_secs(2);
/// How much of it is still read, as a multiple of the limit.
const DRAIN_FACTOR: usize = 8;

/// Reads any JSON.
pub(crate) async fn json_value(api: &Api, request: Request<Body>) -> Result<Value, Problem> {
    check_json_type(request.headers())?;
    parse(&bytes(api, request).await?, api.limits.json_depth_max)
}

/// Reads a JSON object.
pub(crate) async fn json<T: DeserializeOwned>(
    api: &Api,
    request: Request<Body>,
) -> Result<T, Problem> {
    check_json_type(request.headers())?;
    parse_object(&bytes(api, request).await?, api.limits.json_depth_max)
}

/// Reads a JSON object; an empty body counts as the default.
pub(crate) async fn json_or_default<T: DeserializeOwned + Default>(
    api: &Api,
    request: Request<Body>,
) -> Result<T, Problem> {
    let typed = check_json_type(request.headers());
    let bytes = bytes(api, request).await?;
    if bytes.is_empty() {
        return Ok(T::default());
    }
    typed?;
    parse_object(&bytes, api.limits.json_depth_max)
}

/// Reads a JSON object that has arrived. Serde would take an array for a struct too.
pub(crate) fn parse_object<T: DeserializeOwned>(
    bytes: &[u8],
    depth_max: usize,
) -> Result<T, Problem> {
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        let _: Value = parse(bytes, depth_max)?;
        return Err(Problem::new(ProblemKind::Unprocessable, "the JSON is not an object"));
    }
    parse(bytes, depth_max)
}

/// Reads JSON that has arrived.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8], depth_max: usize) -> Result<T, Problem> {
    if depth(bytes) > depth_max {
        let detail = format!("the JSON is nested deeper than {depth_max}");
        return Err(Problem::new(ProblemKind::BadRequest, detail));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let kind = match error.classify() {
            serde_json::error::Category::Data => ProblemKind::Unprocessable,
            serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof
            | serde_json::error::Category::Io => ProblemKind::BadRequest,
        };
        Problem::new(kind, plain(&error.to_string()))
    })
}

/// How deep brackets are nested, strings left out. Wrong JSON gives some number.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for it in bytes {
        if in_string {
            in_string = escaped || *it != b'"';
            escaped = !escaped && *it == b'\\';
            continue;
        }
        match it {
            b'"' => in_string = true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn check_json_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |it| it.as_bytes());
    let essence = given.split(|it| *it == b';').next().unwrap_or_default().trim_ascii();
    if essence.eq_ignore_ascii_case(b"application/json") {
        return Ok(());
    }
    let given = plain(&String::from_utf8_lossy(given));
    let detail = format!("this path takes application/json, not `{given}`");
    Err(Problem::new(ProblemKind::WrongContentType, detail))
}

/// Reads a body of at most `limits.body_bytes_max`, in at most `limits.body_patience`.
async fn bytes(api: &Api, request: Request<Body>) -> Result<Bytes, Problem> {
    let bytes_max = api.limits.body_bytes_max;
    let too_large = || {
        let detail = format!("a body may have {bytes_max} bytes");
        Problem::new(ProblemKind::BodyTooLarge, detail)
    };
    let mut body = request.into_body();
    if body.size_hint().lower() > bytes_max as u64 {
        drain(body, bytes_max).await;
        return Err(too_large());
    }
    let mut whole = BytesMut::new();
    let deadline = Instant::now() + api.limits.body_patience;
    while let Some(piece) = piece(&mut body, deadline).await? {
        if whole.len() + piece.len() > bytes_max {
            drain(body, bytes_max).await;
            return Err(too_large());
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// The next piece of a body, until `deadline`.
pub(crate) async fn piece(body: &mut Body, deadline: Instant) -> Result<Option<Bytes>, Problem> {
    loop {
        let frame = tokio::time::timeout_at(deadline, body.frame()).await.map_err(|_| {
            Problem::new(ProblemKind::RequestTimeout, "the body did not arrive in time")
        })?;
        match frame {
            None => return Ok(None),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(error)) => {
                let detail = format!("the body broke off: {}", plain(&error.to_string()));
                return Err(Problem::new(ProblemKind::BadRequest, detail));
            }
        }
    }
}

/// Reads on for a while: a connection closed on unread bytes would take the answer with it.
pub(crate) async fn drain(mut body: Body, bytes_max: usize) {
    let deadline = Instant::now() + DRAIN_PATIENCE;
    let mut left = bytes_max.saturating_mul(DRAIN_FACTOR);
    while let Ok(Some(piece)) = piece(&mut body, deadline).await {
        left = left.saturating_sub(piece.len());
        if left == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        for (text, expected) in
            [("1", 0), ("[]", 1), (r#"{"a":[{}]}"#, 3), (r#"["[[[\"[["]"#, 1), (r#"["\\",[]]"#, 2)]
        {
            assert_eq!(depth(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn deep_json_is_refused_before_it_is_parsed() {
        let deep = "[".repeat(100_000);
        let problem = parse::<Value>(deep.as_bytes(), 32).unwrap_err();
        assert_eq!(problem.kind, ProblemKind::BadRequest);
        assert!(parse::<Value>(b"[[[[]]]]", 4).is_ok());
    }
}
