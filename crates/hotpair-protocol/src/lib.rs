//! Messages between the two nodes in postcard: frames, limits, versions, golden bytes.

#![warn(missing_docs)]
