//! The nouns every hotpair crate shares. No behaviour that needs I/O, no sibling imports.
//!
//! The modules below are in reading order.

#![warn(missing_docs)]

mod time;
mod pair;
mod name;
mod instance;
mod epoch;
mod position;
mod lineage;
mod state;
mod marks;
mod mode;
mod item;
mod module;

pub use epoch::Epoch;
pub use instance::Instance;
pub use item::{ItemKey, NodeTime};
pub use lineage::{
    History, JournalHistory, LINEAGE_SPANS_MAX, Lineage, LineageError, Relation, Span,
};
pub use marks::Marks;
pub use mode::{Ack, ConflictWinner, Mode, RecoveryMode, StartAlone, WritableOn};
pub use module::MODULE_BYTES_MAX;
pub use name::{EngineName, NAME_BYTES_MAX, NameError, NodeName};
pub use pair::{Channel, Designation, PerChannel};
pub use position::{JournalKind, Position, Positions};
pub use state::StateId;
pub use time::Time;
