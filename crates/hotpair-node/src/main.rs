//! The `hotpair` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    hotpair_node::cli::main()
}
