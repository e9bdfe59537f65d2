//! Loopback QUIC with mutual TLS: two transports, real sockets, no fixed port.
mod pair;
mod handshake;
mod beats;
mod lanes;
mod plain;
mod restart;
mod sentinel;
mod pairing;
