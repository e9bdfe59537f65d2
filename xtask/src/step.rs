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
    // What cargo says of this program would make build scripts run again, and much be built anew.
    let about_this =
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_", "CARGO_PRIMARY_"];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if about_this.iter().any(|it| text.starts_with(it)) {
            command.env_remove(&name);
        }
    }
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
