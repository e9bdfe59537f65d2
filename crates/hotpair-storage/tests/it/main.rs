//! The store as its users see it: on real files, on disks that lie, and after power cuts.
#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod content;
mod before;
mod crash;
mod damage;
mod fault_disk;
mod files;
mod pages;
mod store;
mod thread;
