//! Against a real etcd. Where none is installed that is said aloud, and nothing counts as passed.
mod server;
mod grants;
mod refusals;
