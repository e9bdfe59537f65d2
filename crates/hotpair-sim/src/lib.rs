//! Deterministic simulation of two cores with faults on net, disk, clock and process.

#![warn(missing_docs)]
