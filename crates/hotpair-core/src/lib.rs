//! One node's decisions: detector, state machines and replicas put together. Pure.

#![warn(missing_docs)]
