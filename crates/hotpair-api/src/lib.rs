//! HTTP, WebSocket, status page and metrics over one narrow trait.

#![warn(missing_docs)]

pub mod face;

pub use face::NodeFace;
