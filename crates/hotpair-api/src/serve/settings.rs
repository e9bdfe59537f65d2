//! Where to listen, under which conditions, with which limits.
use super::{ApiKeys, Token};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Certificate chain and key, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// `api.tls_cert`.
    pub cert: PathBuf,
    /// `api.tls_key`.
    pub key: PathBuf,
}

/// Why the API cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenerError {
    /// Beyond loopback without TLS, a token, or both.
    #[error(
        "api.listen = {listen} can be reached from other hosts; that needs {missing} \
         (or listen on 127.0.0.1)"
    )]
    Exposed {
        /// The address.
        listen: SocketAddr,
        /// The settings that are missing.
        missing: &'static str,
    },
    /// The token cannot be used.
    #[error(
        "the token in api.token_file cannot be used: {problem} ({} to {} bytes of visible ASCII)",
        super::token::TOKEN_BYTES_MIN,
        super::token::TOKEN_BYTES_MAX
    )]
    BadToken {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file with a secret that others may read.
    #[error("{} can be read by others (mode {mode:o}); make it 600", path.display())]
    ReadableByOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file that cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A certificate or key that cannot be used.
    #[error("cannot use {}: {problem}", path.display())]
    BadTls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The address cannot be had.
    #[error("cannot listen on {listen}")]
    Bind {
        /// The address.
        listen: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// What the API may use at most. The defaults suit a small host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once.
    pub connections_max: usize,
    /// Connections of one other host at once.
    pub connections_per_host_max: usize,
    /// Requests being worked on at once.
    pub requests_max: usize,
    /// Subscriptions, event streams and provider sessions at once.
    pub sessions_max: usize,
    /// Bytes of a request's head.
    pub head_bytes_max: usize,
    /// Bytes of a JSON body.
    pub body_bytes_max: usize,
    /// Bytes of a message from a provider.
    pub provider_bytes_max: usize,
    /// Bytes of a module.
    pub module_bytes_max: usize,
    /// How deep JSON may be nested.
    pub json_depth_max: usize,
    /// Records or tags in one answer or one write.
    pub items_max: usize,
    /// For the whole head to arrive, and how long an idle connection is kept.
    pub head_patience: Duration,
    /// For a JSON body to arrive, and between two pieces of a module.
    pub body_patience: Duration,
    /// For a client to take any of the bytes waiting for it.
    pub write_patience: Duration,
    /// For the node to answer a read.
    pub read_patience: Duration,
    /// For the node to answer a write; after it the outcome is unknown.
    pub outcome_patience: Duration,
    /// Between two signs of life asked of a WebSocket client.
    pub ping_interval: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 512,
            connections_per_host_max: 128,
            requests_max: 256,
            sessions_max: 256,
            head_bytes_max: 16 * 1024,
            body_bytes_max: 1024 * 1024,
            provider_bytes_max: 16 * 1024 * 1024,
            module_bytes_max: hotpair_types::MODULE_BYTES_MAX,
            json_depth_max: 32,
            items_max: 1_000,
            head_patience: Duration::from_secs(15),
            body_patience: Duration::from_secs(20),
            write_patience: Duration::from_secs(10),
            read_patience: Duration::from_secs(5),
            outcome_patience: Duration::from_secs(30),
            ping_interval: Duration::from_secs(10),
        }
    }
}

/// Where to listen. Made only by `ListenerSettings::new`, which refuses to be open to others
/// without TLS and a token.
#[derive(Clone, Debug)]
pub struct ListenerSettings {
    pub(crate) listen: SocketAddr,
    pub(crate) keys: ApiKeys,
    pub(crate) advertise: Option<String>,
    pub(crate) limits: Limits,
}

impl ListenerSettings {
    /// Checks where to listen.
    ///
    /// # Errors
    /// `ListenerError::Exposed` when `listen` is not loopback and TLS or token are missing; other
    /// variants when a file cannot be used.
    pub fn new(
        listen: SocketAddr,
        tls: Option<TlsFiles>,
        token_file: Option<&Path>,
    ) -> Result<Self, ListenerError> {
        if !listen.ip().to_canonical().is_loopback() {
            let missing = match (tls.is_some(), token_file.is_some()) {
                (true, true) => None,
                (true, false) => Some("api.token_file"),
                (false, true) => Some("api.tls_cert and api.tls_key"),
                (false, false) => Some("api.tls_cert, api.tls_key and api.token_file"),
            };
            if let Some(missing) = missing {
                return Err(ListenerError::Exposed { listen, missing });
            }
        }
        let keys = ApiKeys::read(tls, token_file)?;
        Ok(Self { listen, keys, advertise: None, limits: Limits::default() })
    }

    /// Asks for this token too where none is required.
    #[must_use]
    pub fn with_token(self, token: Token) -> Self {
        self.keys.set_token(token);
        self
    }

    /// What it shows and asks for; shared with the API that is served with these settings.
    #[must_use]
    pub fn keys(&self) -> ApiKeys {
        self.keys.clone()
    }

    /// The base address that others use, `api.advertise`.
    #[must_use]
    pub fn with_advertise(mut self, base: impl Into<String>) -> Self {
        self.advertise = Some(base.into());
        self
    }

    /// Other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The address that was asked for; port 0 is still 0.
    #[must_use]
    pub const fn listen(&self) -> SocketAddr {
        self.listen
    }
}

#[cfg(unix)]
pub(crate) fn refuse_readable_by_others(path: &Path) -> Result<(), ListenerError> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path)
        .map_err(|source| ListenerError::Unreadable { path: path.into(), source })?;
    let mode = metadata.mode() & 0o7777;
    if mode & 0o007 != 0 {
        return Err(ListenerError::ReadableByOthers { path: path.into(), mode });
    }
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn refuse_readable_by_others(_: &Path) -> Result<(), ListenerError> {
    Ok(())
}
