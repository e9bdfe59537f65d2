//! The table: made when it is not there, compared with what it must be when it is.
use tokio_postgres::Client;

use super::server::Server;
use crate::SinkError;
use crate::settings::TableName;

/// Name, type as PostgreSQL spells it, and whether it may be null.
pub(super) const COLUMNS: [(&str, &str, bool); 14] = [
    ("pair", "text", false),
    ("engine", "text", false),
    ("epoch", "bigint", false),
    ("sequence", "bigint", false),
    ("object", "text", false),
    ("attribute", "text", false),
    ("step", "bigint", false),
    ("taken_at", "timestamp with time zone", false),
    ("value", "double precision", true),
    ("value_bool", "boolean", true),
    ("value_int", "bigint", true),
    ("value_text", "text", true),
    ("quality", "text", false),
    ("unit", "text", true),
];

/// Of the primary key, in alphabetical order.
const KEY: &str = "engine, epoch, pair, sequence";

/// Two nodes make one table. The number is ours among the advisory locks of the database.
const LOCK: i64 = 0x6870_6869_7374;

/// Columns with their types, for a table of history or one that is copied to.
pub(super) fn definition() -> String {
    let columns = COLUMNS.iter().map(|(name, kind, nullable)| {
        format!("{name} {kind}{}", if *nullable { "" } else { " not null" })
    });
    columns.collect::<Vec<_>>().join(", ")
}

/// Makes sure that there is one as it must be.
pub(super) async fn prepare(
    server: &Server,
    table: &TableName,
    client: &Client,
) -> Result<(), SinkError> {
    let failed = |error: tokio_postgres::Error| server.failed("looking at the table", &error);
    let found = "select c.relkind::text, c.relpersistence::text from pg_catalog.pg_class c \
                 where c.oid = to_regclass($1)";
    let mut there = client.query_opt(found, &[&table.quoted()]).await.map_err(failed)?;
    if there.is_none() {
        let create = format!(
            "begin; select pg_advisory_xact_lock({LOCK}); create table if not exists {} \
             ({}, primary key (pair, engine, epoch, sequence)); commit",
            table.quoted(),
            definition()
        );
        let created = client.batch_execute(&create).await;
        created.map_err(|error| server.failed("creating the table", &error))?;
        there = client.query_opt(found, &[&table.quoted()]).await.map_err(failed)?;
    }
    let wrong = |what: &str, expected: &str, found: &str| {
        let (host, table) = (server.host.clone(), table.quoted().replace('"', ""));
        let (what, expected, found) = (what.to_owned(), expected.to_owned(), found.to_owned());
        Err(SinkError::Layout { host, table, what, expected, found })
    };
    let Some(there) = there else {
        return wrong("the table", "there", "gone");
    };
    let (kind, persistence): (&str, &str) = (there.get(0), there.get(1));
    // An ordinary table or a partitioned one. An unlogged one is empty after a crash.
    if !["r", "p"].contains(&kind) || persistence != "p" {
        let found = format!("of kind {kind}, persistence {persistence}");
        return wrong("the table", "an ordinary table that is logged", &found);
    }

    let columns = "select a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, \
                   a.atthasdef or a.attidentity <> '' from pg_catalog.pg_attribute a \
                   where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped";
    let columns = client.query(columns, &[&table.quoted()]).await.map_err(failed)?;
    for (name, kind, nullable) in COLUMNS {
        let Some(column) = columns.iter().find(|it| it.get::<_, &str>(0) == name) else {
            return wrong(&format!("column {name}"), kind, "missing");
        };
        let (found, not_null): (&str, bool) = (column.get(1), column.get(2));
        if found != kind {
            return wrong(&format!("column {name}"), kind, found);
        }
        if nullable && not_null {
            return wrong(&format!("column {name}"), "nullable", "not null");
        }
    }
    for column in columns {
        let (name, not_null, filled): (&str, bool, bool) =
            (column.get(0), column.get(2), column.get(3));
        if not_null && !filled && !COLUMNS.iter().any(|it| it.0 == name) {
            return wrong(&format!("column {name}"), "nullable or with a default", "neither");
        }
    }

    let key = "select coalesce(string_agg(a.attname::text, ', ' order by a.attname::text), 'none') \
               from pg_catalog.pg_index i join pg_catalog.pg_attribute a \
               on a.attrelid = i.indrelid and a.attnum = any(i.indkey) \
               where i.indrelid = to_regclass($1) and i.indisprimary";
    let key = client.query_one(key, &[&table.quoted()]).await.map_err(failed)?;
    let key: &str = key.get(0);
    if key != KEY {
        return wrong("the primary key", KEY, key);
    }
    Ok(())
}
