//! Runs what is redundant: runtime state providers and tags.

#![warn(missing_docs)]
