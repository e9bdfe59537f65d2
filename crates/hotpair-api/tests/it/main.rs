//! The API over real sockets, in front of a node without an inside.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]
mod client;
mod data;
mod described;
mod fake;
mod follow;
mod gate;
mod health;
mod limits;
mod page;
mod secure;
mod programs;
