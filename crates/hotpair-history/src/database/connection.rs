//! A connection: opened with what the settings allow, closed when it is dropped.
use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};

use super::server::Server;
use super::tls::MakeTls;
use crate::limits::PASSWORD_BYTES_MAX;
use crate::{SinkError, SinkSettings};

/// A client and the task that moves its bytes.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) client: Client,
    task: JoinHandle<()>,
}

impl Connection {
    /// # Errors
    /// When it cannot be had, or a file of the settings cannot be read.
    pub(super) async fn open(server: &Server, settings: &SinkSettings) -> Result<Self, SinkError> {
        let SinkSettings::Postgres {
            host,
            port,
            database,
            user,
            password_file,
            tls_ca_file,
            connect_limit,
            time_limit,
            ..
        } = settings
        else {
            unreachable!("a sink of a database has settings of one");
        };
        let mut config = Config::new();
        config
            .host(host)
            .port(*port)
            .dbname(database)
            .user(user)
            .application_name("hotpair-history")
            .connect_timeout(*connect_limit)
            .tcp_user_timeout(*time_limit)
            .keepalives_idle(*time_limit);
        if let Ok(address) = host.parse::<IpAddr>() {
            config.hostaddr(address);
        }
        if let Some(path) = password_file {
            config.password(password(path).await?);
        }
        let failed = |error: tokio_postgres::Error| server.failed("connecting", &error);
        // A unix socket has no name that a certificate could be for.
        if let Some(path) = tls_ca_file.as_ref().filter(|_| !host.starts_with('/')) {
            let tls = MakeTls::new(&server.host, path).await?;
            config.ssl_mode(SslMode::Require);
            let (client, connection) = config.connect(tls).await.map_err(failed)?;
            return Ok(Self::drive(client, connection));
        }
        config.ssl_mode(SslMode::Disable);
        let (client, connection) = config.connect(NoTls).await.map_err(failed)?;
        Ok(Self::drive(client, connection))
    }

    fn drive<S, T>(client: Client, connection: tokio_postgres::Connection<S, T>) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await {
                // Whoever uses the client is told as well; this one has the cause.
                tracing::debug!(%error, "a connection of history ended");
            }
        });
        Self { client, task }
    }

    /// Whether the server is still there.
    pub(super) async fn answers(&self) -> bool {
        !self.client.is_closed() && self.client.simple_query("").await.is_ok()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The first line of a file.
async fn password(path: &std::path::Path) -> Result<String, SinkError> {
    let failed = |source| SinkError::io("read the password in", path, source);
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata().await.map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let why = "it can be read by others; do chmod 600";
        let value = format!("{} (mode {mode:04o})", path.display());
        return Err(SinkError::Setting { setting: "password_file", value, why });
    }
    let mut text = String::new();
    let most = PASSWORD_BYTES_MAX as u64 + 1;
    file.take(most).read_to_string(&mut text).await.map_err(failed)?;
    let line = text.lines().next().unwrap_or_default();
    if text.len() > PASSWORD_BYTES_MAX || line.is_empty() {
        let why = "it must hold a password of at most 4,096 bytes";
        let value = path.display().to_string();
        return Err(SinkError::Setting { setting: "password_file", value, why });
    }
    Ok(line.to_owned())
}
