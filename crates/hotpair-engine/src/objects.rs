//! Objects: programs that are scanned, declared in config data, with attributes bound to tags.
//!
//! Everything here is pure: times and inputs go in, values come out. The node reads clocks, runs
//! scans on threads, posts what they changed (docs/design/engine.md).

mod name;
mod fault;
mod attribute;
mod surroundings;
mod declaration;
mod program;
mod statistics;
mod scheduler;
mod setting;
mod unit;
mod checkpoint;
mod checkpoints;
mod native;
mod natives;
mod object;
mod runner;
mod declared;

pub use attribute::{AttributeDeclaration, Binding};
pub(crate) use attribute::{admitted, allowed};
pub use checkpoint::Checkpoint;
pub use checkpoints::{Checkpoints, PROVIDER, UnitError};
pub use declaration::{
    ALARMS_MAX, ATTRIBUTES_MAX, CONFIG_PREFIX, DOCUMENT_BYTES_MAX, OBJECTS_MAX, ObjectDeclaration,
    PERIOD_MAX, PERIOD_MIN, SCAN_LIMIT_MAX, SCAN_LIMIT_PERIODS, Schedule,
};
pub use declared::{Declared, ModulePorts, Proposed, Read};
pub use fault::{Fault, FaultKind, REASON_BYTES_MAX};
pub use name::{NAME_BYTES_MAX, Name};
pub use native::{NATIVE_CHUNK_BYTES, Native, NativeObject, Scan};
pub use natives::{NATIVE_PREFIX, NativeRefusal, Natives};
pub use object::Object;
pub use program::{CHUNK_BYTES_MAX, Chunk, Inputs, Outputs, Program, Said};
pub use runner::{Begin, Ended, Job, MakeProgram, Posts, Runner};
pub use scheduler::{Due, Next, Scheduler, Shown, Verdict};
pub use setting::AttributeError;
pub use statistics::{CLASSES, Statistics};
pub use surroundings::{Around, Port, Surroundings};
pub use unit::{IDENTITY_BYTES_MAX, UNIT_BYTES_MAX, Unit};
