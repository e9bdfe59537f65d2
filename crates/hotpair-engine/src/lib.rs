//! Runs what is redundant: runtime state providers, tags, modules, objects, alarms, history.
//!
//! Nothing here knows a socket, a disk, a role or the partner. A provider holds state; the node
//! carries its updates (docs/design/replication.md, "Runtime state providers").
//!
//! The modules below are in reading order.

#![warn(missing_docs)]

mod provider;
mod registry;
pub mod tags;
pub mod document;
pub mod objects;
pub mod alarms;
pub mod history;
pub mod modules;
pub mod subscribers;

pub use document::{Complaint, Complaints};
pub use provider::{Item, Post, ProviderError, RuntimeStateProvider, Update};
pub use registry::{PROVIDERS_MAX, ProviderRegistry, RegistryError};
