//! Decides what travels between the two nodes. Pure: no clock, socket, disk, randomness or async.

#![warn(missing_docs)]
