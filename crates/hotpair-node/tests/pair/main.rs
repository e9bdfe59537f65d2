//! Real pairs in one process, as a user's program builds them.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod site;
mod module;
mod follow;
mod reading;
mod alarms;
mod starting;
mod alone;
mod natives;
