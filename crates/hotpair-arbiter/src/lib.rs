//! The third party of mode `arbiter`: who holds the grant of an engine, and who went on alone.
//!
//! It answers questions and decides nothing: when to ask, how long a grant is believed and what
//! follows is decided by the state machine. A grant ends by itself when its holder does not renew
//! it. The holder counts from *before* it asked, the arbiter from when it was asked, so the holder
//! always stops first (docs/design/states.md, "Arithmetic").
//!
//! Another arbiter than etcd is another implementation of [`Arbiter`].

#![warn(missing_docs)]

mod arbiter;
mod error;
mod etcd;

pub use arbiter::{Answer, Arbiter, Ask, EngineKey, Grant, Holder, Renewed, Seen, Taken};
pub use error::ArbiterError;
pub use etcd::{Etcd, EtcdSettings};
