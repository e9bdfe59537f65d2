//! Loopback QUIC with mutual TLS: two transports, real sockets, no fixed port.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "tests pick what they wait for, and a panic is how they fail"
)]

mod pair;
mod handshake;
mod beats;
mod line;
mod cuts;
mod lanes;
mod plain;
mod restart;
mod sentinel;
mod stranger;
mod wrong_pin;
mod garbage;
mod probe;
mod pairing;
