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
pub mod boot;
pub mod driver;
pub mod face;
mod gate;
mod addresses;
mod scans;
mod line_pace;
mod forwarder;
mod services;
mod modbus;
pub mod guard_link;
mod own_ends;
mod grants;
pub mod node;
pub mod reasons;
pub mod store;
pub mod wire;
pub mod greeting;
mod reload;
pub mod process;
pub mod guard;
pub mod demo_plant;
pub mod config_table;
mod hooks;
pub mod steps;
