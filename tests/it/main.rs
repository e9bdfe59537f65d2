//! Real pairs of the real binary.
