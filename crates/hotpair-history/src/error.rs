//! What a sink can fail of, with the evidence, and whether it passes by itself.
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::limits::{BATCH_TEXT_BYTES_MAX, NAME_BYTES_MAX, ROWS_MAX, TEXT_BYTES_MAX};

/// Why rows were not committed, or a sink cannot be used. Whatever it is, committing again later is safe.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// The caller made it too large.
    #[error("a block has {rows} rows; at most {ROWS_MAX} are taken")]
    TooManyRows {
        /// How many it has.
        rows: usize,
    },
    /// Sequences must be without gap.
    #[error("the block of sequence {first} on has {found} where {expected} must be")]
    Gap {
        /// Where the block begins.
        first: u64,
        /// What had to come.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// A pair or engine that cannot be part of a file's name.
    #[error(
        "`{name}` cannot name a {what}: 1 to {NAME_BYTES_MAX} letters, digits, `-` and `_` can"
    )]
    Name {
        /// `pair` or `engine`.
        what: &'static str,
        /// Its beginning.
        name: String,
    },
    /// A text beyond the limit.
    #[error(
        "{column} of the row of sequence {sequence} has {bytes} bytes; at most {TEXT_BYTES_MAX} are taken"
    )]
    TextTooLong {
        /// Which row.
        sequence: u64,
        /// Which column.
        column: &'static str,
        /// How long it is.
        bytes: usize,
    },
    /// All texts of a block beyond the limit.
    #[error(
        "the texts of the block of sequence {first} on have {bytes} bytes; at most {BATCH_TEXT_BYTES_MAX} are taken"
    )]
    TextsTooLong {
        /// Where the block begins.
        first: u64,
        /// How long they are.
        bytes: usize,
    },
    /// Columns are signed.
    #[error("{column} of the row of sequence {sequence} is {number}, too large for a column")]
    NumberTooLarge {
        /// Which row.
        sequence: u64,
        /// Which column.
        column: &'static str,
        /// The number.
        number: u64,
    },
    /// The same key with other contents. What is there stays.
    #[error(
        "{place} has another row {pair}/{engine}, epoch {epoch}, sequence {sequence}: {column} differs; what is there stays"
    )]
    Conflict {
        /// The file or table.
        place: String,
        /// Of the key.
        pair: String,
        /// Of the key.
        engine: String,
        /// Of the key.
        epoch: u64,
        /// Of the key.
        sequence: u64,
        /// The first column that differs.
        column: String,
    },
    /// A setting that cannot be.
    #[error("{setting} of a sink cannot be `{value}`: {why}")]
    Setting {
        /// Its name.
        setting: &'static str,
        /// What it is.
        value: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It took longer than the settings allow. Nothing was committed, or it will be found at the next attempt.
    #[error("{place} did not answer within {limit:?} ({doing})")]
    TimedOut {
        /// The directory or server.
        place: String,
        /// What was being done.
        doing: &'static str,
        /// How long it was waited for.
        limit: Duration,
    },
    /// It is not made here: beneath a mount that is not there nothing may be written.
    #[error(
        "there is no directory {}: it is not made here, in case a mount is missing", .path.display()
    )]
    DirectoryMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// No room, or a quota is used up. Nothing is left of the attempt.
    #[error("no room for {}", .path.display())]
    Full {
        /// The file that did not fit.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or directory that cannot be used.
    #[error("cannot {doing} {}", .path.display())]
    Io {
        /// A verb.
        doing: &'static str,
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process puts the same rows there at this moment.
    #[error("{} is being written by another process", .path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// A file that has the name of ours, and is none or is damaged.
    #[error("{} is not readable as history: {why}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Rows cannot be encoded.
    #[error("rows cannot be encoded for {}: {why}", .path.display())]
    Encode {
        /// The file that they were for.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Passwords and history do not travel in the open.
    #[error("{host} is not this host, so TLS is required: name the certificates of its CA")]
    TlsRequired {
        /// Whom it would connect to.
        host: String,
    },
    /// The certificate of the server or of its CA.
    #[error("no TLS with {host}: {why}")]
    Tls {
        /// The server.
        host: String,
        /// What is wrong.
        why: String,
    },
    /// The server refuses us: user, password, database or rights.
    #[error("{host} refuses user {user} at database {database} ({sqlstate}): {message}")]
    Refused {
        /// The server.
        host: String,
        /// Of the settings.
        database: String,
        /// Of the settings.
        user: String,
        /// What the standard calls it.
        sqlstate: String,
        /// What the server says.
        message: String,
    },
    /// The connection cannot be had or ended, and nothing was committed.
    #[error("no connection to database {database} at {host} ({doing}): {why}")]
    Unreachable {
        /// The server.
        host: String,
        /// Of the settings.
        database: String,
        /// What was being done.
        doing: &'static str,
        /// What is known.
        why: String,
    },
    /// The server said no, and nothing was committed.
    #[error("database {database} at {host} failed ({doing}, {sqlstate}): {message}")]
    Server {
        /// The server.
        host: String,
        /// Of the settings.
        database: String,
        /// What was being done.
        doing: &'static str,
        /// What the standard calls it.
        sqlstate: String,
        /// What the server says.
        message: String,
    },
    /// Rows were inserted and are not seen: a trigger, a rule or row security of the table.
    #[error("table {table} at {host} does not keep the row of sequence {sequence} as inserted")]
    NotKept {
        /// The server.
        host: String,
        /// Of the settings.
        table: String,
        /// Of the first row that is missing.
        sequence: u64,
    },
    /// The table is not as it must be.
    #[error("table {table} at {host} has another layout: {what} must be {expected}, is {found}")]
    Layout {
        /// The server.
        host: String,
        /// Of the settings.
        table: String,
        /// A column, the key, or the table itself.
        what: String,
        /// As it must be.
        expected: String,
        /// As it is.
        found: String,
    },
    /// The connection ended, or was given up, at the commit itself.
    #[error("whether database {database} at {host} has committed is unknown: {why}")]
    Unknown {
        /// The server.
        host: String,
        /// Of the settings.
        database: String,
        /// What is known.
        why: String,
    },
}

impl SinkError {
    /// Whether it may pass by itself: try again later. Otherwise somebody must act first.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::TimedOut { .. }
            | Self::Full { .. }
            | Self::Busy { .. }
            | Self::Unreachable { .. }
            | Self::Unknown { .. } => true,
            Self::Io { source, .. } => passes(source.kind()),
            Self::Server { sqlstate, .. } | Self::Refused { sqlstate, .. } => {
                state_passes(sqlstate)
            }
            Self::TooManyRows { .. }
            | Self::Gap { .. }
            | Self::Name { .. }
            | Self::TextTooLong { .. }
            | Self::TextsTooLong { .. }
            | Self::NumberTooLarge { .. }
            | Self::Conflict { .. }
            | Self::Setting { .. }
            | Self::DirectoryMissing { .. }
            | Self::Unreadable { .. }
            | Self::Encode { .. }
            | Self::TlsRequired { .. }
            | Self::Tls { .. }
            | Self::NotKept { .. }
            | Self::Layout { .. } => false,
        }
    }

    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        let no_room = matches!(
            source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        );
        if no_room { Self::Full { path, source } } else { Self::Io { doing, path, source } }
    }
}

/// A network behind the file system, another process, or a lack of memory.
fn passes(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::TimedOut
            | io::ErrorKind::WouldBlock
            | io::ErrorKind::Interrupted
            | io::ErrorKind::ResourceBusy
            | io::ErrorKind::StaleNetworkFileHandle
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::OutOfMemory
            | io::ErrorKind::NotFound
    )
}

/// Classes and codes of SQLSTATE (appendix A of PostgreSQL's manual) that pass by themselves.
fn state_passes(sqlstate: &str) -> bool {
    // Connections, transactions that lost against another, resources, an operator's stop.
    const CLASSES: [&str; 4] = ["08", "40", "53", "57"];
    // A lock was not had in time; a server that is a standby, for now; an end within a transaction.
    const CODES: [&str; 4] = ["55P03", "25006", "25P03", "25P04"];
    // A database that was dropped does not come back.
    sqlstate != "57P04"
        && (CLASSES.iter().any(|it| sqlstate.starts_with(it)) || CODES.contains(&sqlstate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_told_from_what_does_not() {
        for (sqlstate, passes) in [
            ("53100", true),
            ("57P01", true),
            ("57P04", false),
            ("40P01", true),
            ("25006", true),
            ("28P01", false),
            ("3D000", false),
            ("42501", false),
            ("23514", false),
        ] {
            assert_eq!(state_passes(sqlstate), passes, "{sqlstate}");
        }
    }

    #[test]
    fn a_quota_is_no_room() {
        let error = SinkError::io("write", Path::new("/a"), io::Error::from_raw_os_error(122));
        assert!(matches!(&error, SinkError::Full { .. }) && error.is_temporary(), "{error:?}");
    }
}
