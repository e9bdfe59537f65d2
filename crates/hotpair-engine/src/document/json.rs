//! JSON that remembers when a field is written twice, and the order in which fields stand.
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// Null, a bool, a number or a text.
    Scalar(serde_json::Value),
    /// A list; no document of ours has one, so that its length is all that is kept.
    List(usize),
    /// Fields, in the order in which they stand, doubles included.
    Object(Vec<(Box<str>, Self)>),
}

impl Json {
    /// Whether it is null, which counts as not there.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(serde_json::Value::Null))
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(it) => it.fmt(f),
            Self::List(count) => write!(f, "a list of {count}"),
            Self::Object(fields) => write!(f, "an object of {} fields", fields.len()),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Scalar(serde_json::Value::Null))
    }

    fn visit_bool<E>(self, it: bool) -> Result<Json, E> {
        Ok(Json::Scalar(it.into()))
    }

    fn visit_i64<E>(self, it: i64) -> Result<Json, E> {
        Ok(Json::Scalar(it.into()))
    }

    fn visit_u64<E>(self, it: u64) -> Result<Json, E> {
        Ok(Json::Scalar(it.into()))
    }

    fn visit_f64<E>(self, it: f64) -> Result<Json, E> {
        Ok(Json::Scalar(it.into()))
    }

    fn visit_str<E: de::Error>(self, it: &str) -> Result<Json, E> {
        Ok(Json::Scalar(it.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut count = 0;
        while list.next_element::<Json>()?.is_some() {
            count += 1;
        }
        Ok(Json::List(count))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry::<String, Json>()? {
            fields.push((field.0.into(), field.1));
        }
        Ok(Json::Object(fields))
    }
}
