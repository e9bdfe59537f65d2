//! Alarms of objects, by the states of ISA-18.2.

mod declaration;

pub(crate) use declaration::as_float;
pub use declaration::{
    AlarmDeclaration, Condition, DELAY_MAX, Level, Limit, MESSAGE_BYTES_MAX, OnBadQuality, Priority,
};
