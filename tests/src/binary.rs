//! The real `hotpair` binary: built once, in the profile of the test itself.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};

/// Where the binary is: `HOTPAIR_BIN`, or built now.
///
/// # Errors
/// When it cannot be built.
pub fn hotpair_binary() -> Result<&'static Path> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| find_or_build().map_err(|error| format!("{error:#}")));
    built.as_deref().map_err(|error| anyhow!("{error}"))
}

/// `target/<profile>`: this is `target/<profile>/deps/it-…` or `target/<profile>/hotpair-bench`.
pub(crate) fn profile_folder() -> Result<PathBuf> {
    let test = std::env::current_exe().context("cannot tell where this test lies")?;
    let mut folder = test.parent().context("a program lies in a folder")?;
    if folder.ends_with("deps") {
        folder = folder.parent().context("deps/ lies in the folder of the profile")?;
    }
    Ok(folder.to_owned())
}

/// Cargo, as it would be called in a shell. What cargo tells a test about its package would make build
/// scripts run again, and with them half of the program be built anew each time.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let about_this =
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_", "CARGO_PRIMARY_"];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if about_this.iter().any(|it| text.starts_with(it)) {
            command.env_remove(&name);
        }
    }
    command
}

fn find_or_build() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("HOTPAIR_BIN") {
        let given = std::path::absolute(given)?;
        ensure!(given.is_file(), "HOTPAIR_BIN: there is no {}", given.display());
        return Ok(given);
    }
    let folder = profile_folder()?;
    let mut command = cargo();
    command.args(["build", "--quiet", "--package", "hotpair-node", "--bin", "hotpair"]);
    command.arg("--target-dir").arg(folder.parent().context("target/ is above the profile")?);
    if folder.ends_with("release") {
        command.arg("--release");
    }
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    let status = command.status().context("cannot run cargo")?;
    ensure!(status.success(), "the hotpair binary does not build: {status}");
    Ok(folder.join("hotpair"))
}
