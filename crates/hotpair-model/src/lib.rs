//! Walks through every state that two machines of `hotpair-fsm` can reach, in ticks of a clock, with faults;
//! for development alone. What it bounds away stands in docs/design/model.md.
//!
//! The modules below are in reading order.

#![warn(missing_docs)]

mod ticks;
mod senses;
mod histories;
mod host;
mod step;
mod world;
mod third;
mod possible;
mod moves;
mod roles;
mod rules;
mod rest;
mod reached;
mod walk;
mod prelude;
mod plans;
mod rare;
mod hunts;
mod two_of_three;

pub use host::Todo;
pub use hunts::hunts;
pub use plans::{Plan, everything, pairs, plans};
pub use prelude::Lead;
pub use reached::{Edge, edges, not_reached, table, tell_edge};
pub use rules::Promises;
pub use step::{Fault, Step};
pub use two_of_three::Row;
pub use walk::{Bounds, Seen, begin, choices, is_within, level_pair, walk, wander};
pub use world::{Planted, Setup, SyncPace, World};
