//! Decides the role of one engine from events. Pure: no clock, socket, disk, randomness or async.

#![warn(missing_docs)]
