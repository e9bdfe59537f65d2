//! Attributes that a person sets: which may be set, and to what.
use super::attribute::Binding;
use super::declaration::ObjectDeclaration;
use crate::tags::{Value, ValueError};
use std::sync::Arc;

/// Why an attribute cannot be set.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AttributeError {
    /// There is no object of this name here.
    #[error("there is no object `{object}`")]
    NoObject {
        /// The name, shortened.
        object: Box<str>,
    },
    /// The object has none of this name.
    #[error("object `{object}` has no attribute `{attribute}`")]
    Unknown {
        /// The object.
        object: Box<str>,
        /// The name, shortened.
        attribute: Box<str>,
    },
    /// It comes from a tag.
    #[error("attribute `{attribute}` is an input: write its tag `{tag}`")]
    Input {
        /// The attribute.
        attribute: Box<str>,
        /// Where its value comes from.
        tag: Arc<str>,
    },
    /// It goes to a tag.
    #[error("attribute `{attribute}` is an output: the object writes it, to tag `{tag}`")]
    Output {
        /// The attribute.
        attribute: Box<str>,
        /// Where its value goes.
        tag: Arc<str>,
    },
    /// The declaration does not allow the value.
    #[error("attribute `{attribute}`: {error}")]
    Value {
        /// The attribute.
        attribute: Box<str>,
        /// Why.
        #[source]
        error: ValueError,
    },
    /// A scan is under way: its unit comes first. Possible as soon as that ends.
    #[error("object `{object}` is being scanned")]
    Scanning {
        /// The object.
        object: Box<str>,
    },
}

/// The start of a name, for an error.
pub(super) fn short(name: &str) -> Box<str> {
    name.chars().take(80).collect::<String>().into()
}

/// The place of an attribute that may be set, and the value as the declaration takes it.
pub(super) fn admitted(
    declaration: &ObjectDeclaration,
    attribute: &str,
    value: Value,
) -> Result<(usize, Value), AttributeError> {
    let Some(place) = declaration.attribute(attribute) else {
        let object = declaration.name.as_str().into();
        return Err(AttributeError::Unknown { object, attribute: short(attribute) });
    };
    let declared = &declaration.attributes[place];
    let attribute = short(attribute);
    match &declared.binding {
        Binding::Own => {}
        Binding::Input(tag) => {
            return Err(AttributeError::Input { attribute, tag: Arc::clone(tag) });
        }
        Binding::Output(tag) => {
            return Err(AttributeError::Output { attribute, tag: Arc::clone(tag) });
        }
    }
    let value = declared.declaration.admit(value);
    let value = value.map_err(|error| AttributeError::Value { attribute, error })?;
    Ok((place, value))
}
