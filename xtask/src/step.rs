//! Runs cargo, says what it runs and how long it took.
use std::path::Path;
use std::process::Command;
use std::time::Instant;

pub(crate) fn cargo(root: &Path, arguments: &[&str]) -> bool {
    cargo_with(root, arguments, &[])
}

pub(crate) fn cargo_with(root: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> bool {
    println!("\n$ cargo {}", arguments.join(" "));
    let begun = Instant::now();
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).envs(environment.iter().copied()).current_dir(root);
    match command.status() {
        Ok(status) => {
            println!("  {status} after {:.0} s", begun.elapsed().as_secs_f64());
            status.success()
        }
        Err(error) => {
            eprintln!("cannot run cargo: {error}");
            false
        }
    }
}
