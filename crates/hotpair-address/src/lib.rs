//! Addresses that follow the active node: claimed, announced, looked after, taken back.
//!
//! [`claim`] decides, from times and what was heard; [`kernel`] puts an address on an interface and takes
//! it off; [`frame`] knows how hosts ask and tell each other who has an address. Whether this node may
//! have it at all is for its caller to say, at the moment of each effect.
//!
//! The modules below are in reading order.

#![warn(missing_docs)]

mod address;
pub mod frame;
pub mod claim;
mod message;
pub mod kernel;
pub mod lease;
mod port;

pub use address::{Hardware, VirtualAddress};
pub use port::Port;
