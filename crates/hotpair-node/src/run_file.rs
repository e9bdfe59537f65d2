//! `run.json` in the data directory: where this node really listens, for scripts and tests.
use hotpair_types::PerChannel;
use serde::{Deserialize, Serialize};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What stands in `run.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunFile {
    /// The name of the node.
    pub node: String,
    /// The process that runs the node.
    pub node_pid: u32,
    /// Its guard; absent when the node runs without one.
    pub guard_pid: Option<u32>,
    /// The start of the node.
    pub instance: String,
    /// The base address of the HTTP API.
    pub api: String,
    /// Where the channels listen.
    pub channels: PerChannel<SocketAddr>,
}

impl RunFile {
    /// Where it stands below a data directory.
    #[must_use]
    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("run.json")
    }

    /// Writes it whole or not at all.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn write(&self, data_dir: &Path) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        let new = data_dir.join("run.json.new");
        std::fs::File::create(&new)?.write_all(&text)?;
        std::fs::rename(new, Self::path(data_dir))
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is missing or is not a `run.json`.
    pub fn read(data_dir: &Path) -> io::Result<Self> {
        let text = std::fs::read(Self::path(data_dir))?;
        serde_json::from_slice(&text).map_err(io::Error::other)
    }

    /// Removes it, if it is there.
    pub fn remove(data_dir: &Path) {
        if let Err(error) = std::fs::remove_file(Self::path(data_dir))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "cannot remove run.json");
        }
    }
}
