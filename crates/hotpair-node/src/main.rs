//! The `hotpair` command.

fn main() {}
