//! An attribute of an object: a typed value with limits, its own or bound to a tag.
use super::name::Name;
use crate::document::{Fields, Json, Walk};
use crate::tags::{
    Declaration, Limits, Quality, TEXT_BYTES_MAX, TagRecord, TagType, UNIT_BYTES_MAX, Value,
};
use hotpair_types::NodeTime;
use std::sync::Arc;

/// Where an attribute's value comes from or goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// The object's own: the program and people write it.
    Own,
    /// Read from this tag before each scan. Nobody else writes it.
    Input(Arc<str>),
    /// Written to this tag after each scan.
    Output(Arc<str>),
}

impl Binding {
    /// The tag, if there is one.
    #[must_use]
    pub fn tag(&self) -> Option<&Arc<str>> {
        match self {
            Self::Own => None,
            Self::Input(tag) | Self::Output(tag) => Some(tag),
        }
    }
}

/// A declared attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeDeclaration {
    /// Its name within the object.
    pub name: Name,
    /// Type, unit, initial value, limits. An output without limits has those of its tag.
    pub declaration: Declaration,
    /// Where its value comes from or goes to.
    pub binding: Binding,
    /// Whether its changes are recorded in history.
    pub history: bool,
}

impl AttributeDeclaration {
    /// Its value before anybody wrote: uncertain when it is declared, else bad and a zero.
    #[must_use]
    pub fn first(&self) -> TagRecord {
        let (value, quality) = match &self.declaration.initial {
            Some(value) => (value.clone(), Quality::Uncertain),
            None => (self.zero(), Quality::Bad),
        };
        TagRecord { value, quality, timestamp: NodeTime(0) }
    }

    fn zero(&self) -> Value {
        match self.declaration.of_type {
            TagType::Bool => Value::Bool(false),
            TagType::Int => Value::Int(0),
            TagType::Float => Value::Float(0.0),
            TagType::Text => Value::from(""),
        }
    }

    /// Reads the field `attributes.NAME`.
    pub(super) fn read(walk: &mut Walk, place: &str, name: Name, json: &Json) -> Option<Self> {
        const KNOWN: &[&str] = &["type", "unit", "initial", "limits", "history"];
        let fields = walk.fields(place, json, Some(KNOWN))?;
        let types = TagType::ALL.map(|it| (it.id(), it));
        let history = walk.bool(&fields, "history").unwrap_or(false);
        let unit = walk.text(&fields, "unit", UNIT_BYTES_MAX).map(Into::into);
        walk.needed(&fields, "type", "one of bool, int, float, text");
        let of_type = walk.choice(&fields, "type", &types)?;
        let limits = limits(walk, &fields, of_type, unit.as_deref());
        let mut declaration = Declaration { of_type, unit, initial: None, limits };
        if let Some(json) = fields.get("initial") {
            declaration.initial = admitted(walk, &fields.place("initial"), json, &declaration);
        }
        Some(Self { name, declaration, binding: Binding::Own, history })
    }
}

/// What a value of this declaration may be, with the unit.
pub(crate) fn allowed(declaration: &Declaration) -> String {
    let Declaration { of_type, unit, limits: Limits { min, max, bytes_max }, .. } = declaration;
    let unit = unit.as_ref().map_or_else(String::new, |it| format!(" {it}"));
    let range = match (min, max) {
        (None, None) => String::new(),
        (Some(min), None) => format!(", at least {min}{unit}"),
        (None, Some(max)) => format!(", at most {max}{unit}"),
        (Some(min), Some(max)) => format!(", from {min} to {max}{unit}"),
    };
    match of_type {
        TagType::Text => format!("a text of at most {} bytes", bytes_max.unwrap_or(TEXT_BYTES_MAX)),
        TagType::Bool => "true or false".into(),
        TagType::Int => format!("a whole number{range}"),
        TagType::Float => format!("a number{range}"),
    }
}

/// A value of the document, in the declared type and within its limits.
pub(crate) fn admitted(
    walk: &mut Walk,
    place: &str,
    json: &Json,
    declaration: &Declaration,
) -> Option<Value> {
    let value = match json {
        Json::Scalar(it) => Value::from_json(it).and_then(|it| declaration.admit(it)).ok(),
        Json::List(_) | Json::Object(_) => None,
    };
    if value.is_none() {
        walk.complain(place, json, allowed(declaration));
    }
    value
}

fn limits(walk: &mut Walk, fields: &Fields<'_>, of_type: TagType, unit: Option<&str>) -> Limits {
    let mut limits = Limits::default();
    let Some(json) = fields.get("limits") else { return limits };
    let place = fields.place("limits");
    let Some(fields) = walk.fields(&place, json, Some(&["min", "max", "max_bytes"])) else {
        return limits;
    };
    let is_number = matches!(of_type, TagType::Int | TagType::Float);
    for name in ["min", "max"] {
        let Some(json) = fields.get(name) else { continue };
        let place = fields.place(name);
        if !is_number {
            walk.complain(
                place,
                json,
                format!("nothing: an attribute of type {of_type} has no such limit"),
            );
            continue;
        }
        // Within the lower limit when that is known: so an upper one below it is complained of.
        let until_now = limits.clone();
        let unit = unit.map(Into::into);
        let declaration = Declaration { of_type, unit, initial: None, limits: until_now };
        let value = admitted(walk, &place, json, &declaration);
        if name == "min" {
            limits.min = value;
        } else {
            limits.max = value;
        }
    }
    if let Some(json) = fields.get("max_bytes") {
        let bytes = match json {
            Json::Scalar(it) => it.as_u64().and_then(|it| usize::try_from(it).ok()),
            Json::List(_) | Json::Object(_) => None,
        };
        limits.bytes_max = bytes.filter(|it| (1..=TEXT_BYTES_MAX).contains(it));
        let place = fields.place("max_bytes");
        if of_type != TagType::Text {
            limits.bytes_max = None;
            walk.complain(
                place,
                json,
                format!("nothing: an attribute of type {of_type} has no such limit"),
            );
        } else if limits.bytes_max.is_none() {
            walk.complain(place, json, format!("a whole number from 1 to {TEXT_BYTES_MAX}"));
        }
    }
    limits
}
