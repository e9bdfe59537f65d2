//! What a node remembers: replicated and local redb files, journals, divergence store.

#![warn(missing_docs)]
