//! The driver: settings, effects, guard and command line of a hotpair node.

#![warn(missing_docs)]
