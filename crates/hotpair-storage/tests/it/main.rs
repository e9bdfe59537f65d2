//! The store as its users see it: on real files, on disks that lie, and after power cuts.
mod content;
mod crash;
mod damage;
mod fault_disk;
mod files;
mod store;
mod thread;
