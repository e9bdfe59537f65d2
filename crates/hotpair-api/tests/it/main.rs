//! The API over real sockets, in front of a node without an inside.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "tests")]
mod fake;
mod client;
mod health;
