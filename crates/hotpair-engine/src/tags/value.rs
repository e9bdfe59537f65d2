//! What a tag can hold, and how it looks in JSON.
use bytestring::ByteString;
use std::fmt;

/// The longest text a tag can hold.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// What kind of value a tag holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TagType {
    /// `true` or `false`.
    Bool,
    /// A whole number of 64 bits, signed.
    Int,
    /// A finite number.
    Float,
    /// Text of at most [`TEXT_BYTES_MAX`].
    Text,
}

impl TagType {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Bool, Self::Int, Self::Float, Self::Text];

    /// The name in a declaration.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::Text => "text",
        }
    }

    /// The type with this name.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.id() == id)
    }
}

impl fmt::Display for TagType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// A value of a tag.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A finite number.
    Float(f64),
    /// Text: a part of the bytes that it was read from, where it was read from bytes. Boxed, because it is
    /// twice as large as the others.
    Text(Box<ByteString>),
}

impl Value {
    /// What kind it is.
    #[must_use]
    pub const fn of_type(&self) -> TagType {
        match self {
            Self::Bool(_) => TagType::Bool,
            Self::Int(_) => TagType::Int,
            Self::Float(_) => TagType::Float,
            Self::Text(_) => TagType::Text,
        }
    }

    /// How it looks in JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Bool(it) => (*it).into(),
            Self::Int(it) => (*it).into(),
            Self::Float(it) => (*it).into(),
            Self::Text(it) => (&***it).into(),
        }
    }

    /// Reads JSON; a number without fraction or exponent is an int.
    ///
    /// # Errors
    /// `ValueError::NotAValue` for null, lists and objects, `NotFinite` for numbers out of range.
    pub fn from_json(json: &serde_json::Value) -> Result<Self, ValueError> {
        match json {
            serde_json::Value::Bool(it) => Ok(Self::Bool(*it)),
            serde_json::Value::Number(it) => match (it.as_i64(), it.as_f64()) {
                (Some(int), _) => Ok(Self::Int(int)),
                (None, Some(float)) if float.is_finite() => Ok(Self::Float(float)),
                (None, _) => Err(ValueError::NotFinite),
            },
            serde_json::Value::String(it) => Ok(it.as_str().into()),
            serde_json::Value::Null => Err(ValueError::NotAValue { found: "null" }),
            serde_json::Value::Array(_) => Err(ValueError::NotAValue { found: "a list" }),
            serde_json::Value::Object(_) => Err(ValueError::NotAValue { found: "an object" }),
        }
    }

    /// Memory beyond the value itself.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::Bool(_) | Self::Int(_) | Self::Float(_) => 0,
            Self::Text(it) => it.len(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(it) => it.fmt(f),
            Self::Int(it) => it.fmt(f),
            Self::Float(it) => fmt::Debug::fmt(it, f),
            Self::Text(it) => fmt::Debug::fmt(it, f),
        }
    }
}

impl From<bool> for Value {
    fn from(it: bool) -> Self {
        Self::Bool(it)
    }
}

impl From<i64> for Value {
    fn from(it: i64) -> Self {
        Self::Int(it)
    }
}

impl From<i32> for Value {
    fn from(it: i32) -> Self {
        Self::Int(it.into())
    }
}

impl From<f64> for Value {
    fn from(it: f64) -> Self {
        Self::Float(it)
    }
}

impl From<&str> for Value {
    fn from(it: &str) -> Self {
        Self::Text(Box::new(it.into()))
    }
}

/// How far a value can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Quality {
    /// Written by somebody who vouches for it.
    #[default]
    Good,
    /// Written by somebody who doubts it.
    Uncertain,
    /// Not to be used, or there is none.
    Bad,
}

impl Quality {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Good, Self::Uncertain, Self::Bad];

    /// The name in JSON.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Uncertain => "uncertain",
            Self::Bad => "bad",
        }
    }

    /// The quality with this name.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.id() == id)
    }
}

/// Why a tag does not take a value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ValueError {
    /// JSON that is no bool, number or text.
    #[error("a bool, a number or a text is needed, not {found}")]
    NotAValue {
        /// What it is.
        found: &'static str,
    },
    /// A number beyond what a float can hold, or not a number.
    #[error("the number is not finite")]
    NotFinite,
    /// Another type than the declared one.
    #[error("a value of type {expected} is needed, {found} is of type {}", found.of_type())]
    WrongType {
        /// The declared type.
        expected: TagType,
        /// What was written, text shortened.
        found: Value,
    },
    /// Below or above the declared limits.
    #[error("{value} is not within {} to {}", shown(.min.as_ref()), shown(.max.as_ref()))]
    OutOfLimits {
        /// What was written.
        value: Value,
        /// The lowest that is allowed.
        min: Option<Value>,
        /// The highest that is allowed.
        max: Option<Value>,
    },
    /// Longer than is allowed.
    #[error("a text of {bytes} bytes, at most {bytes_max} are allowed")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
}

impl ValueError {
    /// A stable word for programs.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::NotAValue { .. } => "not-a-value",
            Self::NotFinite => "not-finite",
            Self::WrongType { .. } => "wrong-type",
            Self::OutOfLimits { .. } => "out-of-limits",
            Self::TooLong { .. } => "too-long",
        }
    }
}

fn shown(limit: Option<&Value>) -> String {
    limit.map_or_else(|| "any".to_owned(), ToString::to_string)
}
