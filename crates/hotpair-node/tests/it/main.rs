//! The `hotpair` command from outside: texts, statuses, bad input.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod command;
mod fake;
mod help;
mod statuses;
mod settings;
mod secure;
mod making;
mod pairing;
mod asking;
mod demo;
mod hostile;
