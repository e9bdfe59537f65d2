//! History as a table of PostgreSQL. One transaction a batch; a connection that is kept while all is well.
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::settings::TableName;
use crate::{Batch, Committed, SinkError, SinkSettings};
use connection::Connection;
use server::Server;

mod server;
mod tls;
mod connection;
mod table;
mod transaction;

/// One table at one server.
#[derive(Debug)]
pub(crate) struct Database {
    settings: SinkSettings,
    kept: Option<Connection>,
}

impl Database {
    pub(crate) fn new(settings: SinkSettings) -> Self {
        Self { settings, kept: None }
    }

    pub(crate) async fn commit(&mut self, batch: &Batch) -> Result<Committed, SinkError> {
        let Plan { server, table, time_limit, .. } = self.plan()?;
        if batch.rows.is_empty() {
            return Ok(Committed::default());
        }
        // Not kept while it is in use: whoever drops this future drops the connection, too.
        let mut connection = self.connect().await?;
        let deadline = Instant::now() + time_limit;
        let prepared =
            transaction::prepare(&server, &table, &mut connection.client, batch, time_limit);
        let (transaction, committed) = match timeout_at(deadline, prepared).await {
            Ok(prepared) => prepared?,
            Err(_) => return Err(server.timed_out("inserting", time_limit)),
        };
        match timeout_at(deadline, transaction.commit()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(server.failed_at_commit(&error)),
            Err(_) => {
                return Err(
                    server.unknown(format!("no answer to the commit, {time_limit:?} in all"))
                );
            }
        }
        self.kept = Some(connection);
        Ok(committed)
    }

    pub(crate) async fn check(&mut self) -> Result<(), SinkError> {
        // What was checked with a kept connection may have changed since.
        self.kept = None;
        self.kept = Some(self.connect().await?);
        Ok(())
    }

    /// The kept connection, if the server still answers there, or a new one.
    async fn connect(&mut self) -> Result<Connection, SinkError> {
        let Plan { server, table, connect_limit, .. } = self.plan()?;
        let deadline = Instant::now() + connect_limit;
        if let Some(kept) = self.kept.take() {
            match timeout_at(deadline, kept.answers()).await {
                Ok(true) => return Ok(kept),
                Ok(false) => {}
                Err(_) => return Err(server.timed_out("asking whether it is there", connect_limit)),
            }
        }
        let connecting = async {
            let connection = Connection::open(&server, &self.settings).await?;
            table::prepare(&server, &table, &connection.client).await?;
            Ok(connection)
        };
        match timeout_at(deadline, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(server.timed_out("connecting", connect_limit)),
        }
    }

    fn plan(&self) -> Result<Plan, SinkError> {
        self.settings.check()?;
        let SinkSettings::Postgres {
            host,
            port,
            database,
            user,
            table,
            connect_limit,
            time_limit,
            ..
        } = &self.settings
        else {
            unreachable!("a sink of a database has settings of one");
        };
        Ok(Plan {
            server: Server {
                host: format!("{host}:{port}"),
                database: database.clone(),
                user: user.clone(),
            },
            table: TableName::new(table)?,
            connect_limit: *connect_limit,
            time_limit: *time_limit,
        })
    }
}

/// Settings that were checked.
struct Plan {
    server: Server,
    table: TableName,
    connect_limit: Duration,
    time_limit: Duration,
}
