//! etcd's JSON: keys and values in base64, 64-bit numbers as strings, fields left out when zero.
use crate::ArbiterError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Bytes as etcd takes them.
pub(super) fn b64(text: &str) -> String {
    STANDARD.encode(text)
}

/// Holds when there is no such key.
pub(super) fn is_missing(key: &str) -> Value {
    json!({"key": b64(key), "target": "CREATE", "result": "EQUAL", "createRevision": "0"})
}

/// Holds when the key has this value.
pub(super) fn kv(key: &str, value: &str) -> Value {
    json!({"key": b64(key), "target": "VALUE", "result": "EQUAL", "value": b64(value)})
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

/// What a transaction that did not hold read instead.
pub(super) struct Read {
    pub(super) holder: Option<String>,
    pub(super) alone: Option<String>,
}

impl Read {
    pub(super) fn of_failure(answer: &Value) -> Result<Self, ArbiterError> {
        let range = |index: usize| -> Result<Option<String>, ArbiterError> {
            let range = answer
                .pointer(&format!("/responses/{index}/response_range"))
                .ok_or_else(|| ArbiterError::Garbled { why: "a read is missing".to_owned() })?;
            let Some(value) = range.pointer("/kvs/0/value").and_then(Value::as_str) else {
                return Ok(None);
            };
            let bytes = STANDARD.decode(value).ok().and_then(|it| String::from_utf8(it).ok());
            bytes
                .map(Some)
                .ok_or_else(|| ArbiterError::Garbled { why: "a value is no text".to_owned() })
        };
        Ok(Self { holder: range(0)?, alone: range(1)? })
    }

    /// The revision at which a transaction wrote.
    pub(super) fn revision(answer: &Value) -> Result<u64, ArbiterError> {
        let header = answer.get("header").unwrap_or(&Value::Null);
        let revision = number(header, "revision")?;
        u64::try_from(revision)
            .map_err(|_| ArbiterError::Garbled { why: format!("revision {revision}") })
    }
}
