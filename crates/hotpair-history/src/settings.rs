//! Which sink, and where: settings that can be checked without reaching it.
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::SinkError;
use crate::limits::TIME_LIMIT_MAX;

/// How long a commit may take if nobody says otherwise.
pub const TIME_LIMIT_DEFAULT: Duration = Duration::from_secs(30);

/// How long a connection may take if nobody says otherwise.
pub const CONNECT_LIMIT_DEFAULT: Duration = Duration::from_secs(10);

/// Where PostgreSQL listens if nobody says otherwise.
pub const PORT_DEFAULT: u16 = 5432;

/// Bytes of an identifier in PostgreSQL.
const IDENTIFIER_BYTES_MAX: usize = 63;

/// A sink and what it needs to know. No secret stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinkSettings {
    /// A file for each block in one directory.
    Parquet {
        /// Must be there; on a mounted disk, one within the mount.
        directory: PathBuf,
        /// How long a commit may take.
        time_limit: Duration,
    },
    /// A table of a PostgreSQL server.
    Postgres {
        /// A name, an IP address, or the directory of a unix socket (a path).
        host: String,
        /// Its port; part of the name of a unix socket, too.
        port: u16,
        /// Which database.
        database: String,
        /// As whom.
        user: String,
        /// Its password, the first line; read at each connection.
        password_file: Option<PathBuf>,
        /// Certificates (PEM) of the CA that the server's is checked against. Without it the
        /// connection is not encrypted, which only this host itself may be.
        tls_ca_file: Option<PathBuf>,
        /// `table` or `schema.table`, in lower case. Made when it is not there.
        table: String,
        /// How long connecting may take, checking the table included.
        connect_limit: Duration,
        /// How long a commit may take, connecting not included.
        time_limit: Duration,
    },
}

impl SinkSettings {
    /// Files in this directory, with defaults.
    #[must_use]
    pub fn parquet(directory: PathBuf) -> Self {
        Self::Parquet { directory, time_limit: TIME_LIMIT_DEFAULT }
    }

    /// A table at this server, with defaults.
    #[must_use]
    pub fn postgres(host: &str, database: &str, user: &str, table: &str) -> Self {
        Self::Postgres {
            host: host.to_owned(),
            port: PORT_DEFAULT,
            database: database.to_owned(),
            user: user.to_owned(),
            password_file: None,
            tls_ca_file: None,
            table: table.to_owned(),
            connect_limit: CONNECT_LIMIT_DEFAULT,
            time_limit: TIME_LIMIT_DEFAULT,
        }
    }

    /// Whether this can name a table: `table` or `schema.table`, each an identifier in lower case.
    #[must_use]
    pub fn is_table(text: &str) -> bool {
        TableName::new(text).is_ok()
    }

    /// Whether a server is spoken to through TLS alone: it is not this host.
    #[must_use]
    pub fn needs_tls(host: &str) -> bool {
        !is_this_host(host)
    }

    /// Whether such a sink can be at all; whether it can be reached is for [`Sink::check`](crate::Sink::check).
    ///
    /// # Errors
    /// [`SinkError::Setting`], [`SinkError::TlsRequired`].
    pub fn check(&self) -> Result<(), SinkError> {
        match self {
            Self::Parquet { directory, time_limit } => {
                if !directory.is_absolute() {
                    let value = directory.display().to_string();
                    let why = "it must be an absolute path";
                    return Err(SinkError::Setting { setting: "directory", value, why });
                }
                limit("time limit", *time_limit)
            }
            Self::Postgres {
                host,
                database,
                user,
                tls_ca_file,
                table,
                connect_limit,
                time_limit,
                port: _,
                password_file: _,
            } => {
                for (setting, value) in [("host", host), ("database", database), ("user", user)] {
                    if value.is_empty() || value.contains('\0') {
                        let (value, why) = (value.clone(), "it must say something");
                        return Err(SinkError::Setting { setting, value, why });
                    }
                }
                if tls_ca_file.is_none() && Self::needs_tls(host) {
                    return Err(SinkError::TlsRequired { host: host.clone() });
                }
                limit("connect limit", *connect_limit)?;
                limit("time limit", *time_limit)?;
                TableName::new(table).map(drop)
            }
        }
    }
}

/// A unix socket or loopback: nobody is between.
fn is_this_host(host: &str) -> bool {
    host.starts_with('/')
        || host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

fn limit(setting: &'static str, limit: Duration) -> Result<(), SinkError> {
    if limit.is_zero() || limit > TIME_LIMIT_MAX {
        let why = "it must be more than nothing and at most an hour";
        return Err(SinkError::Setting { setting, value: format!("{limit:?}"), why });
    }
    Ok(())
}

/// A table's name that is safe within a statement.
#[derive(Clone, Debug)]
pub(crate) struct TableName(String);

impl TableName {
    /// # Errors
    /// [`SinkError::Setting`] when it is none.
    pub(crate) fn new(text: &str) -> Result<Self, SinkError> {
        let parts: Vec<&str> = text.split('.').collect();
        if parts.len() > 2 || !parts.iter().all(|it| is_identifier(it)) {
            let why = "it must be `table` or `schema.table` of a-z, 0-9 and `_`, \
                       each at most 63 bytes and not beginning with a digit";
            return Err(SinkError::Setting { setting: "table", value: text.to_owned(), why });
        }
        Ok(Self(parts.iter().map(|it| format!("\"{it}\"")).collect::<Vec<_>>().join(".")))
    }

    /// As it stands in a statement.
    pub(crate) fn quoted(&self) -> &str {
        &self.0
    }
}

fn is_identifier(text: &str) -> bool {
    let sound = text.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_');
    sound
        && text.len() <= IDENTIFIER_BYTES_MAX
        && text.bytes().next().is_some_and(|it| !it.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_host_is_spoken_to_in_the_open() {
        for host in ["/run/postgresql", "localhost", "127.0.0.7", "::1"] {
            SinkSettings::postgres(host, "plant", "hotpair", "history").check().expect(host);
        }
        for host in ["192.0.2.1", "db.example.com", "localhost.example.com"] {
            let error = SinkSettings::postgres(host, "plant", "hotpair", "history").check();
            assert!(matches!(error, Err(SinkError::TlsRequired { .. })), "{host}: {error:?}");
        }
    }

    #[test]
    fn a_table_cannot_carry_a_statement() {
        for (name, quoted) in [("history", "\"history\""), ("plant.user", "\"plant\".\"user\"")] {
            assert_eq!(TableName::new(name).expect(name).quoted(), quoted);
        }
        for name in ["", "a.b.c", ".a", "a.", "History", "a\";drop", "1a", "a b", &"a".repeat(64)] {
            let error = TableName::new(name);
            assert!(matches!(error, Err(SinkError::Setting { .. })), "{name}: {error:?}");
        }
    }

    #[test]
    fn a_limit_is_neither_nothing_nor_for_ever() {
        for time_limit in [Duration::ZERO, Duration::MAX] {
            let settings = SinkSettings::Parquet { directory: "/a".into(), time_limit };
            assert!(settings.check().is_err(), "{time_limit:?}");
        }
    }
}
