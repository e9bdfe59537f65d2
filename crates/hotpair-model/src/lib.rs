//! Walks through every state that two machines of `hotpair-fsm` can reach, in ticks of a clock, with faults;
//! for development alone. What it bounds away stands in docs/design/model.md.
//!
//! The modules below are in reading order.

#![warn(missing_docs)]

mod ticks;
mod senses;
mod host;
mod step;
mod world;
mod third;
mod possible;
mod moves;
mod rules;
mod rest;
mod walk;
mod plans;
mod two_of_three;

pub use host::Todo;
pub use plans::{Plan, everything, pairs, plans};
pub use rules::Promises;
pub use step::{Fault, Step};
pub use two_of_three::Row;
pub use walk::{
    Bounds, Edge, Seen, begin, choices, is_within, level_pair, not_taken, walk, wander,
};
pub use world::{Planted, Setup, World};
