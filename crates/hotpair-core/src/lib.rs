//! One node's decisions: detector, state machines and replicas put together. Pure: no clock,
//! socket, disk, randomness or async.
//!
//! The simulator and the node drive this very code; they differ only in what carries the outputs
//! out. One door: [`Core::handle`]. The modules below are in reading order.

#![warn(missing_docs)]

mod input;
mod output;
mod engine;
mod partner;
mod network;
mod core;

pub use crate::core::{Core, CoreSettings};
pub use engine::{Engine, EngineBoot};
pub use input::{EngineInput, Input};
pub use output::{EngineOutput, Output, Step, StoreOp, StoreTicket};

/// Which engine of the node: its place in the list of engines, which both nodes have in the same
/// order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EngineIndex(pub u8);

/// How many engines one pair may have.
pub const ENGINES_MAX: usize = 8;

#[cfg(test)]
mod tests;
