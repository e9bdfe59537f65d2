//! Where history goes: Parquet files and PostgreSQL. A [`Batch`] of rows is committed to a [`Sink`], each row once.
//!
//! What holds for every sink:
//! - `commit` returns when the rows are durable, whole batches or nothing;
//! - the key of a row is (pair, engine, epoch, sequence), for ever. A row that is there already is
//!   compared and counted, never doubled and never overwritten; one that differs is
//!   [`SinkError::Conflict`];
//! - so whatever failed, or has an unknown outcome, may be committed again, by either node.
//!
//! Nothing here knows a role or a term: the caller says what goes where. Columns and the reasons are
//! in docs/history.md and docs/decisions/0045-history-sinks.md.

#![warn(missing_docs)]

mod batch;
mod limits;
mod error;
mod settings;
mod sink;
mod files;
mod database;

pub use batch::{Batch, Committed, Quality, Row, Value};
pub use error::SinkError;
pub use files::read_files;
pub use limits::{
    BATCH_TEXT_BYTES_MAX, NAME_BYTES_MAX, PASSWORD_BYTES_MAX, ROWS_MAX, TEXT_BYTES_MAX,
    TIME_LIMIT_MAX,
};
pub use settings::{CONNECT_LIMIT_DEFAULT, PORT_DEFAULT, SinkSettings, TIME_LIMIT_DEFAULT};
pub use sink::Sink;
