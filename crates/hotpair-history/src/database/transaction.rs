//! One batch in one transaction: copied beside the table, inserted where it is not, compared where it is.
use std::borrow::Cow;
use std::pin::pin;
use std::time::{Duration, SystemTime};

use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, IsolationLevel, Transaction};

use super::server::Server;
use super::table::{self, COLUMNS};
use crate::limits::signed;
use crate::settings::TableName;
use crate::{Batch, Committed, Row, SinkError};

/// Of this session and transaction alone.
const STAGE: &str = "pg_temp.hotpair_history_stage";

/// For `COPY`, in the order of the columns.
const TYPES: [Type; COLUMNS.len()] = [
    Type::TEXT,
    Type::TEXT,
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::TEXT,
    Type::INT8,
    Type::TIMESTAMPTZ,
    Type::FLOAT8,
    Type::BOOL,
    Type::INT8,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
];

/// Everything but the commit.
///
/// # Errors
/// Nothing was committed then.
pub(super) async fn prepare<'c>(
    server: &Server,
    table: &TableName,
    client: &'c mut Client,
    batch: &Batch,
    time_limit: Duration,
) -> Result<(Transaction<'c>, Committed), SinkError> {
    let failed = |doing| move |error: Error| server.failed(doing, &error);
    // Each statement sees what others have committed before it: the comparison comes after the insert
    // has waited for them.
    let transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::ReadCommitted)
        .read_only(false)
        .start()
        .await
        .map_err(failed("beginning"))?;
    transaction.batch_execute(&prelude(time_limit)).await.map_err(failed("beginning"))?;
    copy(&transaction, batch).await.map_err(failed("copying"))?;
    let inserted = transaction.execute(&insert(table), &[]).await.map_err(failed("inserting"))?;
    let other = transaction.query_opt(&compare(table), &[]).await.map_err(failed("comparing"))?;
    if let Some(other) = other {
        let (epoch, sequence, column): (i64, i64, String) =
            (other.get(0), other.get(1), other.get(2));
        let (sequence, name) = (sequence.cast_unsigned(), table.quoted().replace('"', ""));
        if column == MISSING {
            return Err(SinkError::NotKept { host: server.host.clone(), table: name, sequence });
        }
        return Err(SinkError::Conflict {
            place: format!("table {name} of database {} at {}", server.database, server.host),
            pair: batch.pair.clone(),
            engine: batch.engine.clone(),
            epoch: epoch.cast_unsigned(),
            sequence,
            column,
        });
    }
    let rows_known = (batch.rows.len() as u64).saturating_sub(inserted);
    Ok((transaction, Committed { rows_new: inserted, rows_known }))
}

fn prelude(time_limit: Duration) -> String {
    let limit_ms = time_limit.as_millis();
    let columns = table::definition();
    format!(
        // Durable when it is said; what the server asks beyond that stays.
        "select set_config('synchronous_commit', case current_setting('synchronous_commit') \
         when 'remote_apply' then 'remote_apply' else 'on' end, true); \
         set local lock_timeout = {limit_ms}; \
         set local idle_in_transaction_session_timeout = {limit_ms}; \
         /* It would end the wait for a standby and call that committed. */ \
         set local statement_timeout = 0; \
         /* A batch is looked up by the key, however large the table is thought to be. */ \
         set local enable_hashjoin = off; set local enable_mergejoin = off; \
         create temporary table {STAGE} ({columns}) on commit drop"
    )
}

async fn copy(transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
    let sink = transaction.copy_in(&format!("copy {STAGE} from stdin binary")).await?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &TYPES));
    for row in &batch.rows {
        let values: [&(dyn ToSql + Sync); COLUMNS.len()] = [
            &batch.pair,
            &batch.engine,
            &signed(row.epoch),
            &signed(row.sequence),
            &storable(&row.object),
            &storable(&row.attribute),
            &signed(row.step),
            &at(row),
            &row.value.number(),
            &row.value.bool(),
            &row.value.int(),
            &row.value.text().map(storable),
            &row.quality.word(),
            &row.unit.as_deref().map(storable),
        ];
        writer.as_mut().write(&values).await?;
    }
    writer.finish().await?;
    Ok(())
}

/// The order of the key: two nodes that insert the same rows wait for each other, and neither for ever.
fn insert(table: &TableName) -> String {
    let columns = COLUMNS.map(|it| it.0).join(", ");
    format!(
        "insert into {} ({columns}) select {columns} from {STAGE} order by epoch, sequence \
         on conflict (pair, engine, epoch, sequence) do nothing",
        table.quoted()
    )
}

/// What [`compare`] says of a row that is not there.
const MISSING: &str = "missing";

/// The first row that is not there as it was copied, and the column.
fn compare(table: &TableName) -> String {
    let differs = COLUMNS.iter().skip(4).map(|(name, kind, _)| {
        // Bit by bit: for the server NaN is NaN, and 0 is -0.
        let of = if *kind == "double precision" { "float8send" } else { "" };
        format!("when {of}(s.{name}) is distinct from {of}(t.{name}) then '{name}'")
    });
    format!(
        "select epoch, sequence, differs from (select s.epoch, s.sequence, \
         case when t.pair is null then '{MISSING}' {} end as differs \
         from {STAGE} s left join {} t on t.pair = s.pair and t.engine = s.engine \
         and t.epoch = s.epoch and t.sequence = s.sequence) as rows \
         where differs is not null order by epoch, sequence limit 1",
        differs.collect::<Vec<_>>().join(" "),
        table.quoted()
    )
}

fn at(row: &Row) -> SystemTime {
    let micros = row.at_unix_us();
    let distance = Duration::from_micros(micros.unsigned_abs());
    if micros < 0 { SystemTime::UNIX_EPOCH - distance } else { SystemTime::UNIX_EPOCH + distance }
}

/// PostgreSQL has no text with NUL; the sign for what cannot be shown takes its place.
fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}
