//! Alarms of objects, by the states of ISA-18.2.
//!
//! A pure machine for each: values, times that went by and commands go in, a new record comes out. The
//! record is complete, so that the partner goes on with it as if nothing had happened.

mod declaration;
mod state;
mod word;
mod alarm;
mod encoding;
mod observed;
mod error;
mod table;

pub use alarm::{AlarmRecord, AlarmRefusal, Command, LastChange, SHELF_MAX, SHELF_MIN};
pub(crate) use declaration::as_float;
pub use declaration::{
    AlarmDeclaration, Condition, DELAY_MAX, Level, Limit, MESSAGE_BYTES_MAX, OnBadQuality, Priority,
};
pub use error::AlarmError;
pub use observed::Observed;
pub use state::{AlarmEdge, AlarmState, Cause, EDGES};
pub use table::{AlarmShown, Alarms, PROVIDER};
pub use word::{COMMENT_BYTES_MAX, WHO_BYTES_MAX, Word, WordError};
