//! Reaches the partner: QUIC with pinned keys over two channels, sentinel, pairing.

#![warn(missing_docs)]
