//! HTTP, WebSocket, status page and metrics over one narrow trait.
//!
//! `face` is what a node implements, `serve` what it calls. Every path is in `routes`, and what is
//! described at `/api/v1/openapi.json` is tested to be the same (docs/design/interfaces.md).

#![warn(missing_docs)]

pub mod face;
mod name;
mod answer;
mod body;
mod serve;
mod gate;
mod routes;

pub use face::NodeFace;
pub use routes::router;
pub use serve::{
    ApiKeys, Limits, ListenerError, ListenerSettings, ServeHandle, TlsFiles, Token, serve,
};
