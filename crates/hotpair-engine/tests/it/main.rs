//! The engine as the node uses it.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod checkpoints;
mod declarations;
mod encoding;
mod object_declarations;
mod providers;
mod scheduling;
mod subscriptions;
mod tags;
mod table;
