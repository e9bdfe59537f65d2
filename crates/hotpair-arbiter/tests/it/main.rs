//! Against a real etcd. Where none is installed that is said aloud, and nothing counts as passed.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod server;
mod grants;
mod refusals;
