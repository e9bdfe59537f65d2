//! The driver of a hotpair node: settings, effects, guard and command line. The only crate that
//! knows all the others.
//!
//! **Invariant:** only `clock.rs` reads a clock; decisions are made in `hotpair-core` alone.

#![warn(missing_docs)]

pub mod clock;
pub mod logging;
pub mod run_file;
pub mod settings;
pub mod cli;
