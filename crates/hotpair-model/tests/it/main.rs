//! One binary: the walks, what they reach together, the table of the modes, and that the check barks.
mod table;
mod walks;
mod barks;
