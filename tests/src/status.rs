//! What a node says of itself at `/api/v1/status`.
use std::fmt;

use serde_json::Value;

/// One answer of one node.
#[derive(Clone, PartialEq)]
pub struct Status(Value);

impl Status {
    pub(crate) const fn new(value: Value) -> Self {
        Self(value)
    }

    /// All of it.
    #[must_use]
    pub const fn json(&self) -> &Value {
        &self.0
    }

    /// An engine's part; `Null` when there is none of that name.
    #[must_use]
    pub fn engine(&self, name: &str) -> &Value {
        let engines = self.0["engines"].as_array().map_or(&[][..], Vec::as_slice);
        engines.iter().find(|it| it["name"] == name).unwrap_or(&Value::Null)
    }

    /// Whether an alarm with this id is raised.
    #[must_use]
    pub fn has_alarm(&self, id: &str) -> bool {
        self.0["alarms"].as_array().is_some_and(|it| it.iter().any(|it| it["id"] == id))
    }

    /// The state of the default engine, as its kebab-case id.
    #[must_use]
    pub fn state(&self) -> &str {
        self.engine("main")["state"].as_str().unwrap_or_default()
    }

    /// The state it reports of its partner.
    #[must_use]
    pub fn partner_state(&self) -> &str {
        self.engine("main")["partner_state"].as_str().unwrap_or_default()
    }

    /// Whether the default engine is in a state that acts.
    #[must_use]
    pub fn is_active(&self) -> bool {
        ["active", "active-standby-not-available"].contains(&self.state())
    }

    /// The number of the default engine's epoch, however it is written.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        number(&self.engine("main")["epoch"])
    }

    /// Where a journal (`config`, `runtime`) of the default engine ends: epoch number, sequence.
    #[must_use]
    pub fn position(&self, journal: &str) -> (u64, u64) {
        let position = &self.engine("main")["positions"][journal];
        (number(&position["epoch"]), number(&position["sequence"]))
    }

    /// A channel's part.
    #[must_use]
    pub fn channel(&self, name: &str) -> &Value {
        &self.0["channels"][name]
    }

    /// Whether the text stands anywhere in it, in any case.
    #[must_use]
    pub fn mentions(&self, text: &str) -> bool {
        self.0.to_string().to_lowercase().contains(&text.to_lowercase())
    }
}

/// A number, the `number` of an object, or the digits of a text such as `e7`.
pub(crate) fn number(value: &Value) -> u64 {
    match value {
        Value::Number(number) => number.as_u64().unwrap_or_default(),
        Value::String(text) => text.trim_start_matches('e').parse().unwrap_or_default(),
        Value::Object(fields) => fields.get("number").map_or(0, number),
        Value::Null | Value::Bool(_) | Value::Array(_) => 0,
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
