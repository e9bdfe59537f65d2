//! A place that takes history, whichever it is.
use crate::database::Database;
use crate::files::Files;
use crate::{Batch, Committed, SinkError, SinkSettings};

/// A place that takes history. It is opened at the first use, and again after every failure.
#[derive(Debug)]
pub struct Sink(Kind);

#[derive(Debug)]
enum Kind {
    Files(Files),
    Database(Box<Database>),
}

impl Sink {
    /// Reaches nothing yet. Settings that cannot be are said by [`check`](Self::check) and
    /// [`commit`](Self::commit), or beforehand by [`SinkSettings::check`].
    #[must_use]
    pub fn open(settings: SinkSettings) -> Self {
        match &settings {
            SinkSettings::Parquet { .. } => Self(Kind::Files(Files::new(settings))),
            SinkSettings::Postgres { .. } => {
                Self(Kind::Database(Box::new(Database::new(settings))))
            }
        }
    }

    /// Returns when every row is durable there. To be called within a runtime of tokio with time and
    /// I/O. When the future is dropped, the outcome is unknown; committing again is safe.
    ///
    /// # Errors
    /// Nothing of the batch is there then, but for [`SinkError::Unknown`] and
    /// [`SinkError::TimedOut`], when all or nothing is, and for Parquet when a batch overlaps what is
    /// there: then parts of it may be. In any case, again later is right.
    pub async fn commit(&mut self, batch: &Batch) -> Result<Committed, SinkError> {
        batch.check()?;
        match &mut self.0 {
            Kind::Files(files) => files.commit(batch).await,
            Kind::Database(database) => database.commit(batch).await,
        }
    }

    /// Whether it can be reached and written, and is as it must be.
    ///
    /// # Errors
    /// What a commit would say.
    pub async fn check(&mut self) -> Result<(), SinkError> {
        match &mut self.0 {
            Kind::Files(files) => files.check().await,
            Kind::Database(database) => database.check().await,
        }
    }
}
