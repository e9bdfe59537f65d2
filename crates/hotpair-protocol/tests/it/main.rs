//! Golden bytes, round trips, and whatever else may arrive.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "tests pick what they wait for, and a panic is how they fail"
)]

mod sample;
mod golden;
mod arbitrary;
