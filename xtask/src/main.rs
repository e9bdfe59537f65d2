//! `cargo xtask <task>`: everything this repository does that cargo does not.

fn main() {}
