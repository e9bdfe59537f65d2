//! Settings from a file, and who else may read the files that hold secrets.

use super::reader::Reader;
use super::{Api, Node, Problems, Settings, check_host, sections};
use hotpair_types::{Channel, PerChannel};
use std::io::Read as _;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The largest settings file that is read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Why settings could not be had from a file.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no settings file.
    #[error("{} is larger than {FILE_BYTES_MAX} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// What stands in it is wrong.
    #[error(transparent)]
    Wrong(#[from] Problems),
    /// Somebody else can read a secret.
    #[error(
        "{} can be read by others (mode {mode:04o}); do `chmod 600 {}`",
        path.display(), path.display()
    )]
    ReadableByOthers {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

/// A node that has no partner yet: what `hotpair init` wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpaired {
    /// Who this node is.
    pub node: Node,
    /// Where it is reached.
    pub listen: PerChannel<SocketAddr>,
    /// Its HTTP interface.
    pub api: Api,
}

/// Reads and checks a settings file, and that the key beside it is a secret.
///
/// # Errors
/// [`LoadError`]
pub fn load(path: &Path) -> Result<Settings, LoadError> {
    let text = read_file(path)?;
    let file = path.display().to_string();
    let settings = Settings::parse(&file, &text)?;
    check_host(&file, &text, &settings)?;
    check_key_file(&settings.key_file())?;
    for secret in [&settings.api.token_file, &settings.api.tls.as_ref().map(|it| it.key.clone())] {
        secret.as_deref().map_or(Ok(()), check_key_file)?;
    }
    Ok(settings)
}

/// Reads as much as pairing needs from a settings file that may have no partner yet.
///
/// # Errors
/// [`LoadError`]
pub fn load_unpaired(path: &Path) -> Result<Unpaired, LoadError> {
    let text = read_file(path)?;
    let file = path.display().to_string();
    let reader = Reader::new(&file, &text)?;
    let node = sections::node(&reader);
    let listen = PerChannel::from_fn(|channel| {
        let path = match channel {
            Channel::Redundancy => "channels.redundancy.listen",
            Channel::Primary => "channels.primary.listen",
        };
        reader.required(path, sections::address)
    });
    let api = sections::api(&reader);
    reader.finish()?;
    let read = || {
        let listen = PerChannel { redundancy: listen.redundancy?, primary: listen.primary? };
        Some(Unpaired { node: node?, listen, api: api? })
    };
    let unpaired = read().expect("what could not be read has noted a problem");
    check_key_file(&unpaired.node.data_dir.join("node.key"))?;
    Ok(unpaired)
}

/// The text of a settings file.
///
/// # Errors
/// `LoadError::Read` and `LoadError::TooLarge`
pub fn read_file(path: &Path) -> Result<String, LoadError> {
    let failed = |source| LoadError::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(LoadError::TooLarge { path: path.to_owned() });
    }
    Ok(text)
}

/// Refuses a secret that others can read. A file that is not there is somebody else's error.
///
/// # Errors
/// `LoadError::ReadableByOthers`
pub fn check_key_file(path: &Path) -> Result<(), LoadError> {
    let Ok(metadata) = std::fs::metadata(path) else { return Ok(()) };
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(LoadError::ReadableByOthers { path: path.to_owned(), mode });
    }
    Ok(())
}
