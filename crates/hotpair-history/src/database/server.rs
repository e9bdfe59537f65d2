//! Who the server is, and what its failures mean.
use std::error::Error as _;
use std::time::Duration;

use tokio_postgres::Error;

use crate::SinkError;

/// Whom errors name.
#[derive(Clone, Debug)]
pub(super) struct Server {
    /// And its port.
    pub(super) host: String,
    pub(super) database: String,
    pub(super) user: String,
}

/// Classes of SQLSTATE in which the server refuses us, and the code for missing rights.
const REFUSED: [&str; 4] = ["28", "3D", "3F", "42501"];

impl Server {
    /// Before the commit: whatever it is, nothing was committed.
    pub(super) fn failed(&self, doing: &'static str, error: &Error) -> SinkError {
        let (host, database) = (self.host.clone(), self.database.clone());
        if let Some(said) = error.as_db_error() {
            let sqlstate = said.code().code().to_owned();
            let message = match said.detail() {
                Some(detail) => format!("{}: {detail}", said.message()),
                None => said.message().to_owned(),
            };
            if REFUSED.iter().any(|it| sqlstate.starts_with(it)) {
                let user = self.user.clone();
                return SinkError::Refused { host, database, user, sqlstate, message };
            }
            return SinkError::Server { host, database, doing, sqlstate, message };
        }
        let why = chain(error);
        // The kinds of this error have no other name outside of their crate.
        if why.starts_with("error performing TLS handshake") {
            return SinkError::Tls { host, why };
        }
        if why.starts_with("authentication error") || why.starts_with("invalid configuration") {
            let (user, sqlstate) = (self.user.clone(), "here".to_owned());
            return SinkError::Refused { host, database, user, sqlstate, message: why };
        }
        SinkError::Unreachable { host, database, doing, why }
    }

    /// At the commit: only an error of severity ERROR says that it was rolled back.
    pub(super) fn failed_at_commit(&self, error: &Error) -> SinkError {
        match error.as_db_error() {
            Some(said) if said.severity() == "ERROR" => self.failed("committing", error),
            Some(said) => self.unknown(format!("{}: {}", said.severity(), said.message())),
            None => self.unknown(chain(error)),
        }
    }

    pub(super) fn unknown(&self, why: String) -> SinkError {
        SinkError::Unknown { host: self.host.clone(), database: self.database.clone(), why }
    }

    pub(super) fn timed_out(&self, doing: &'static str, limit: Duration) -> SinkError {
        let place = format!("database {} at {}", self.database, self.host);
        SinkError::TimedOut { place, doing, limit }
    }
}

/// An error and what caused it, in one line.
pub(super) fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(it) = cause {
        text = format!("{text}: {it}");
        cause = it.source();
    }
    text
}
