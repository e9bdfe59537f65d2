//! The engine as the node uses it.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod admission;
mod alarms;
mod alarm_table;
mod alarm_bytes;
mod checkpoints;
mod declarations;
mod encoding;
mod examples;
mod history;
mod recording;
mod module_objects;
mod module_state;
mod object_declarations;
mod providers;
mod claims;
mod running;
mod scans;
mod scheduling;
mod subscriptions;
mod tags;
mod tank;
mod subscribers;
mod table;
mod wat;
