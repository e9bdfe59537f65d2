//! etcd's JSON: keys and values in base64, 64-bit numbers as strings, fields left out when zero.
use crate::ArbiterError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Bytes as etcd takes them.
pub(super) fn b64(text: &str) -> String {
    STANDARD.encode(text)
}

/// Holds when the key was last written at this revision; 0: it is not there.
pub(super) fn written_at(key: &str, revision: i64) -> Value {
    json!({
        "key": b64(key), "target": "MOD", "result": "EQUAL", "modRevision": revision.to_string(),
    })
}

/// Whether the comparisons of a transaction held.
pub(super) fn succeeded(answer: &Value) -> bool {
    answer.get("succeeded").and_then(Value::as_bool).unwrap_or(false)
}

/// A 64-bit number, which comes as a string.
pub(super) fn number(of: &Value, name: &str) -> Result<i64, ArbiterError> {
    of.get(name)
        .and_then(|it| it.as_str().map_or_else(|| it.as_i64(), |it| it.parse().ok()))
        .ok_or_else(|| ArbiterError::Garbled { why: format!("no number `{name}`") })
}

/// Whether an answer to a keep-alive says that the lease lives.
pub(super) fn leased(answer: &Value) -> bool {
    answer.get("result").is_some_and(|it| number(it, "TTL").is_ok_and(|seconds| seconds > 0))
}

/// A key as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) value: Option<String>,
    /// When it was written; 0: it is not there.
    pub(super) revision: i64,
}

impl Read {
    /// What the read at this place in a transaction found.
    pub(super) fn at(answer: &Value, place: usize) -> Result<Self, ArbiterError> {
        let garbled = |why: &str| ArbiterError::Garbled { why: why.to_owned() };
        let range = answer
            .pointer(&format!("/responses/{place}/response_range"))
            .ok_or_else(|| garbled("a read is missing"))?;
        let Some(found) = range.pointer("/kvs/0") else { return Ok(Self::default()) };
        // An empty value is left out.
        let value = found.get("value").and_then(Value::as_str).unwrap_or_default();
        let bytes = STANDARD.decode(value).ok().and_then(|it| String::from_utf8(it).ok());
        let value = bytes.ok_or_else(|| garbled("a value is no text"))?;
        Ok(Self { value: Some(value), revision: number(found, "mod_revision")? })
    }
}

/// The revision at which a transaction wrote.
pub(super) fn revision(answer: &Value) -> Result<u64, ArbiterError> {
    let header = answer.get("header").unwrap_or(&Value::Null);
    let revision = number(header, "revision")?;
    u64::try_from(revision)
        .map_err(|_| ArbiterError::Garbled { why: format!("revision {revision}") })
}
