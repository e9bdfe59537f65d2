//! The client against small nodes that do what the test says.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod node;
mod requests;
mod subscriptions;
