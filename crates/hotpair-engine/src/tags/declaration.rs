//! What a config record says about a tag: `tags/<path>` = `{type, unit, initial, limits}`.
use super::value::{TEXT_BYTES_MAX, TagType, Value, ValueError};
use serde_json::{Map, Value as Json};

/// The longest path of a tag.
pub const PATH_BYTES_MAX: usize = 255;
/// How many tags one engine can have.
pub const TAGS_MAX: usize = 1_000_000;
/// The longest unit.
pub const UNIT_BYTES_MAX: usize = 64;

/// What may be written to a tag.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// What kind of value.
    pub of_type: TagType,
    /// For people, for example `mm`.
    pub unit: Option<Box<str>>,
    /// Its value until somebody writes.
    pub initial: Option<Value>,
    /// The bounds of a value.
    pub limits: Limits,
}

/// The bounds of a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Of an int or float: the lowest.
    pub min: Option<Value>,
    /// Of an int or float: the highest.
    pub max: Option<Value>,
    /// Of a text.
    pub bytes_max: Option<usize>,
}

/// Why a config record declares no tag. Names the field.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DeclarationError {
    /// The key is no path.
    #[error(
        "`{path}` is no path of a tag: 1 to 255 of a-z, A-Z, 0-9, `_`, `-`, `.`, in parts between `/`"
    )]
    BadPath {
        /// What was given, shortened.
        path: String,
    },
    /// Not JSON.
    #[error("not JSON: {reason}")]
    NotJson {
        /// What the parser says.
        reason: String,
    },
    /// Not an object.
    #[error("a declaration is an object with `type`, not {found}")]
    NotAnObject {
        /// What it is.
        found: &'static str,
    },
    /// A field nobody knows.
    #[error("field `{field}` is not known; there are {allowed}")]
    UnknownField {
        /// The field, shortened.
        field: String,
        /// The fields there are.
        allowed: &'static str,
    },
    /// A field that has to be there.
    #[error("field `{field}` is missing")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A field with a value it cannot have.
    #[error("field `{field}`: {reason}")]
    BadField {
        /// The field.
        field: &'static str,
        /// Why.
        reason: String,
    },
    /// No room for one more.
    #[error("{TAGS_MAX} tags are declared, no more are possible")]
    TooMany,
}

impl DeclarationError {
    /// The field it is about.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::UnknownField { field, .. } => Some(field),
            Self::Missing { field } | Self::BadField { field, .. } => Some(field),
            Self::BadPath { .. }
            | Self::NotJson { .. }
            | Self::NotAnObject { .. }
            | Self::TooMany => None,
        }
    }
}

impl Declaration {
    /// Reads the record of the tag `path`. Null counts as not there.
    ///
    /// # Errors
    /// `DeclarationError` names the field.
    pub fn from_json(path: &str, json: &[u8]) -> Result<Self, DeclarationError> {
        if !is_path(path) {
            return Err(DeclarationError::BadPath { path: path.chars().take(80).collect() });
        }
        let json = serde_json::from_slice(json).map_err(|error: serde_json::Error| {
            DeclarationError::NotJson { reason: error.to_string() }
        })?;
        let fields = object(&json)?;
        only(fields, &["type", "unit", "initial", "limits"], "type, unit, initial, limits")?;
        let of_type = match present(fields, "type") {
            None => return Err(DeclarationError::Missing { field: "type" }),
            Some(Json::String(id)) => TagType::from_id(id),
            Some(_) => None,
        };
        let of_type =
            of_type.ok_or_else(|| bad("type", "one of bool, int, float, text is needed"))?;
        let unit = match present(fields, "unit") {
            None => None,
            Some(Json::String(unit))
                if unit.len() <= UNIT_BYTES_MAX && !unit.chars().any(char::is_control) =>
            {
                Some(unit.as_str().into())
            }
            Some(_) => return Err(bad("unit", "a text of at most 64 bytes is needed")),
        };
        let limits = present(fields, "limits").map(|it| Limits::from_json(of_type, it));
        let limits = limits.transpose()?.unwrap_or_default();
        let mut declaration = Self { of_type, unit, initial: None, limits };
        if let Some(initial) = present(fields, "initial") {
            let admitted = Value::from_json(initial).and_then(|it| declaration.admit(it));
            declaration.initial = Some(admitted.map_err(|error| bad("initial", error))?);
        }
        Ok(declaration)
    }

    /// Checks a value and gives it in the declared type.
    ///
    /// # Errors
    /// `ValueError` says what does not fit.
    pub fn admit(&self, value: Value) -> Result<Value, ValueError> {
        let value = typed(self.of_type, value)?;
        let Limits { min, max, bytes_max } = &self.limits;
        match &value {
            Value::Bool(_) => {}
            Value::Int(_) | Value::Float(_) => {
                let below = min.as_ref().is_some_and(|min| less(&value, min));
                let above = max.as_ref().is_some_and(|max| less(max, &value));
                if below || above {
                    return Err(ValueError::OutOfLimits {
                        value,
                        min: min.clone(),
                        max: max.clone(),
                    });
                }
            }
            Value::Text(text) => {
                let bytes_max = bytes_max.unwrap_or(TEXT_BYTES_MAX);
                if text.len() > bytes_max {
                    return Err(ValueError::TooLong { bytes: text.len(), bytes_max });
                }
            }
        }
        Ok(value)
    }
}

impl Limits {
    fn from_json(of_type: TagType, json: &Json) -> Result<Self, DeclarationError> {
        let fields = json.as_object().ok_or_else(|| bad("limits", "an object is needed"))?;
        only(fields, &["min", "max", "max_bytes"], "limits.min, limits.max, limits.max_bytes")?;
        let number = |field, name| {
            let Some(json) = present(fields, field) else { return Ok(None) };
            if !matches!(of_type, TagType::Int | TagType::Float) {
                return Err(bad(name, format!("a tag of type {of_type} has no such limit")));
            }
            let value = Value::from_json(json).and_then(|it| typed(of_type, it));
            value.map(Some).map_err(|error| bad(name, error))
        };
        let min = number("min", "limits.min")?;
        let max = number("max", "limits.max")?;
        if let (Some(min), Some(max)) = (&min, &max)
            && less(max, min)
        {
            return Err(bad("limits.max", format!("{max} is below limits.min {min}")));
        }
        let bytes_max = match present(fields, "max_bytes") {
            None => None,
            Some(_) if of_type != TagType::Text => {
                let reason = format!("a tag of type {of_type} has no such limit");
                return Err(bad("limits.max_bytes", reason));
            }
            Some(json) => {
                let bytes = json.as_u64().and_then(|it| usize::try_from(it).ok());
                let bytes = bytes.filter(|it| (1..=TEXT_BYTES_MAX).contains(it));
                let reason = "a whole number from 1 to 65536 is needed";
                Some(bytes.ok_or_else(|| bad("limits.max_bytes", reason))?)
            }
        };
        Ok(Self { min, max, bytes_max })
    }
}

/// Whether a text can be a tag's path.
#[must_use]
pub fn is_path(path: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let part = |it: &str| !it.is_empty() && it != "." && it != ".." && it.bytes().all(legal);
    path.len() <= PATH_BYTES_MAX && path.split('/').all(part)
}

fn typed(of_type: TagType, value: Value) -> Result<Value, ValueError> {
    match (of_type, value) {
        (TagType::Float, Value::Float(it)) if !it.is_finite() => Err(ValueError::NotFinite),
        // Above 2^53 the nearest float is taken, as every JSON reader does.
        (TagType::Float, Value::Int(it)) => Ok(Value::Float(it as f64)),
        (expected, value) if value.of_type() == expected => Ok(value),
        (expected, Value::Text(text)) => {
            let found = Value::from(&*text.chars().take(40).collect::<String>());
            Err(ValueError::WrongType { expected, found })
        }
        (expected, found) => Err(ValueError::WrongType { expected, found }),
    }
}

fn less(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Int(one), Value::Int(other)) => one < other,
        (Value::Float(one), Value::Float(other)) => one < other,
        (Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_), _) => false,
    }
}

fn object(json: &Json) -> Result<&Map<String, Json>, DeclarationError> {
    let found = match json {
        Json::Object(fields) => return Ok(fields),
        Json::Null => "null",
        Json::Bool(_) => "a bool",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
    };
    Err(DeclarationError::NotAnObject { found })
}

fn only(
    fields: &Map<String, Json>,
    known: &[&str],
    allowed: &'static str,
) -> Result<(), DeclarationError> {
    match fields.keys().find(|it| !known.contains(&it.as_str())) {
        None => Ok(()),
        Some(field) => {
            let field = field.chars().take(80).collect();
            Err(DeclarationError::UnknownField { field, allowed })
        }
    }
}

fn present<'a>(fields: &'a Map<String, Json>, name: &str) -> Option<&'a Json> {
    fields.get(name).filter(|it| !it.is_null())
}

fn bad(field: &'static str, reason: impl ToString) -> DeclarationError {
    DeclarationError::BadField { field, reason: reason.to_string() }
}
