//! An earlier release of the binary, built from its commit: what this one must work with.
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::binary::{cargo, profile_folder};

/// A release that was given to users.
#[derive(Debug)]
pub struct Release {
    /// Its version.
    pub version: &'static str,
    /// Its commit.
    pub commit: &'static str,
    built: OnceLock<Result<Option<PathBuf>, String>>,
}

/// The release before this one.
pub static LAST_RELEASE: Release = Release {
    version: "0.1.0",
    commit: "73a5f92d431bf0400c2ee41d1ed5e88829c731ea",
    built: OnceLock::new(),
};

impl Release {
    /// Its binary, built once for each clone and kept in `target/`; `None` when its commit is not in
    /// this clone, as in a shallow one.
    ///
    /// # Errors
    /// When it does not build.
    pub fn binary(&self) -> Result<Option<&Path>> {
        let built = self.built.get_or_init(|| self.build().map_err(|error| format!("{error:#}")));
        built.as_ref().map(Option::as_deref).map_err(|error| anyhow!("{error}"))
    }

    fn build(&self) -> Result<Option<PathBuf>> {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("tests/ is in the root")?;
        let known = Command::new("git")
            .args(["cat-file", "-e", &format!("{}^{{commit}}", self.commit)])
            .current_dir(root)
            .stderr(Stdio::null())
            .status();
        if !known.is_ok_and(|it| it.success()) {
            return Ok(None);
        }
        let profile = profile_folder()?;
        let target = profile.parent().context("target/ is above the profile")?;
        let place = target.join(format!("release-{}", self.version));
        let (source, built) = (place.join("source"), place.join("target"));
        let binary = built.join("debug/hotpair");
        let mark = place.join("built");
        if std::fs::read_to_string(&mark).is_ok_and(|it| it == self.commit) && binary.is_file() {
            return Ok(Some(binary));
        }
        println!("building release {} from its commit, once", self.version);
        self.unpack(root, &source)?;
        let status = cargo()
            .args(["build", "--quiet", "--locked", "--package", "hotpair-node", "--bin", "hotpair"])
            .arg("--target-dir")
            .arg(&built)
            .current_dir(&source)
            .status()
            .context("cannot run cargo")?;
        ensure!(status.success(), "release {} does not build: {status}", self.version);
        std::fs::write(&mark, self.commit)?;
        Ok(Some(binary))
    }

    fn unpack(&self, root: &Path, source: &Path) -> Result<()> {
        std::fs::create_dir_all(source)?;
        let mut archive = Command::new("git")
            .args(["archive", "--format=tar", self.commit])
            .current_dir(root)
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run git")?;
        let tar = archive.stdout.take().context("it was asked for")?;
        let unpacked = Command::new("tar").arg("-x").current_dir(source).stdin(tar).status();
        let unpacked = unpacked.context("cannot run tar")?;
        ensure!(archive.wait()?.success() && unpacked.success(), "{} is not unpacked", self.commit);
        Ok(())
    }
}
