//! Plain UDP for the guard, a small synchronous process without QUIC.
