//! Listening, and everything that happens before a request reaches a route.

mod settings;
mod token;
mod tls;
mod keys;
mod connection;
mod places;
mod accept;

pub(crate) use accept::stopped;
pub use accept::{ServeHandle, serve};
pub use keys::ApiKeys;
pub use settings::{Limits, ListenerError, ListenerSettings, TlsFiles};
pub use token::Token;
