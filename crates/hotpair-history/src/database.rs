//! History as a table of PostgreSQL.
use crate::{Batch, Committed, SinkError, SinkSettings};
#[derive(Debug)]
pub(crate) struct Database {
    settings: SinkSettings,
}
impl Database {
    pub(crate) fn new(settings: SinkSettings) -> Self {
        Self { settings }
    }
    pub(crate) async fn commit(&mut self, _batch: &Batch) -> Result<Committed, SinkError> {
        self.settings.check()?;
        std::future::ready(()).await;
        Err(SinkError::Setting { setting: "sink", value: "postgres".to_owned(), why: "not yet" })
    }
    pub(crate) async fn check(&mut self) -> Result<(), SinkError> {
        self.settings.check()?;
        std::future::ready(()).await;
        Err(SinkError::Setting { setting: "sink", value: "postgres".to_owned(), why: "not yet" })
    }
}
