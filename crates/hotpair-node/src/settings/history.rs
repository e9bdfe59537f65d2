//! `[history]`: where what objects record goes to, and how much of it is held until it is there.
use super::field::{Field, own, running, should};
use super::reader::{Reader, allowed_text};
use super::sections::{HOUR, SECOND, absolute};
use super::{Settings, duration_text, size_text};
use hotpair_engine::history::{BLOCK_BYTES_MAX, Bounds};
use hotpair_history::{CONNECT_LIMIT_DEFAULT, SinkError, SinkSettings, TIME_LIMIT_DEFAULT};
use std::path::PathBuf;
use std::time::Duration;

const MIB: u64 = 1 << 20;
/// Several blocks, so that one that is dropped is not all there is.
const HELD_LEAST: u64 = 4 * MIB;
const _: () = assert!(HELD_LEAST >= 4 * BLOCK_BYTES_MAX, "a few blocks can be held");

/// `[history]`, when there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistorySettings {
    /// Where it goes to.
    pub sink: SinkSettings,
    /// So many samples are a block.
    pub block_records_max: u32,
    /// What was recorded is sealed after so long, and goes to the sink.
    pub block_age: Duration,
    /// More bytes than these are not held.
    pub held_bytes_max: u64,
}

impl HistorySettings {
    /// When a block is sealed, and how much is held.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        let block_records_max = self.block_records_max.into();
        Bounds { block_records_max, held_bytes_max: self.held_bytes_max }
    }

    /// The kind of the sink, as the settings name it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.sink {
            SinkSettings::Parquet { .. } => "parquet",
            SinkSettings::Postgres { .. } => "postgres",
        }
    }

    /// Which directory or table, for people.
    #[must_use]
    pub fn target(&self) -> String {
        match &self.sink {
            SinkSettings::Parquet { directory, .. } => directory.display().to_string(),
            SinkSettings::Postgres { host, port, database, table, .. } => {
                format!("table {table} of database {database} at {host}, port {port}")
            }
        }
    }
}

/// The fields of history.
pub(super) const OF_HISTORY: &[Field] = &[
    should(own(
        "history.sink",
        "\"parquet\" or \"postgres\"",
        None,
        "Where attributes of objects with `\"history\": true` are recorded to. Without it nothing is recorded.",
    )),
    running(should(own(
        "history.block_records_max",
        "1 to 50000",
        Some("10000"),
        "So many samples are sealed into a block, which goes to the sink as a whole. A block has at most 512 KiB in any case.",
    ))),
    running(should(own(
        "history.block_age",
        "1s to 1h",
        Some("\"5s\""),
        "What was recorded is sealed after so long, though it does not fill a block.",
    ))),
    running(should(own(
        "history.held_max",
        "4 MiB to 4 GiB",
        Some("\"64 MiB\""),
        "The most that each node holds, in memory and on disk, of what is not in the sink yet. Beyond it the oldest block is dropped, with an alarm.",
    ))),
    own(
        "history.parquet.directory",
        "an absolute path",
        None,
        "Where the Parquet files go. Both nodes write there, best to the same directory on a host of its own. It is not made: a mount may be missing.",
    ),
    own(
        "history.postgres.host",
        "a name, an IP address, or the directory of a unix socket",
        None,
        "Where the PostgreSQL server is.",
    ),
    own("history.postgres.port", "1 to 65535", Some("5432"), "Its port."),
    own("history.postgres.database", "a name", None, "Which database."),
    own("history.postgres.user", "a name", None, "As whom the node connects."),
    own(
        "history.postgres.password_file",
        "an absolute path",
        None,
        "A file with the password, its first line; readable by nobody else. Read at each connection.",
    ),
    own(
        "history.postgres.tls_ca_file",
        "an absolute path",
        None,
        "Certificates, PEM, that the server's is checked against. Without it the connection is not encrypted, which is allowed to this host alone.",
    ),
    should(own(
        "history.postgres.table",
        "`table` or `schema.table`, each of a-z, 0-9 and `_`, at most 63, not beginning with a digit",
        Some("\"history\""),
        "Made when it is not there.",
    )),
];

pub(super) fn read(reader: &Reader<'_>) -> Option<Option<HistorySettings>> {
    // Each is read before the first `?`, so that all problems are found.
    let block_records_max = reader.count("history.block_records_max", 1..=50_000);
    let block_age = reader.duration("history.block_age", SECOND..=HOUR);
    let held_bytes_max = reader.size("history.held_max", HELD_LEAST..=4096 * MIB);
    let parquet = parquet(reader);
    let postgres = postgres(reader);
    if !reader.has("history") {
        return Some(None);
    }
    let kinds = [("parquet", true), ("postgres", false)];
    let is_parquet = reader.required("history.sink", |text| {
        let known = kinds.iter().find(|it| it.0 == text);
        known.map(|it| it.1).ok_or_else(|| "not one of the choices".to_owned())
    })?;
    let needed: &[&str] = if is_parquet {
        &["history.parquet.directory"]
    } else {
        &["history.postgres.host", "history.postgres.database", "history.postgres.user"]
    };
    for path in needed.iter().filter(|it| !reader.has(it)) {
        let help = allowed_text(super::field::field(path).allowed);
        reader.refuse("history.sink", format!("`{path}` is missing"), help);
    }
    let sink = if is_parquet { parquet } else { postgres }?;
    if let Err(error) = sink.check() {
        reader.refuse("history.sink", error.to_string(), "see docs/history.md");
    }
    Some(Some(HistorySettings {
        sink,
        block_records_max: block_records_max?,
        block_age: block_age?,
        held_bytes_max: held_bytes_max?,
    }))
}

fn parquet(reader: &Reader<'_>) -> Option<SinkSettings> {
    reader.text_and("history.parquet.directory", absolute).map(SinkSettings::parquet)
}

fn postgres(reader: &Reader<'_>) -> Option<SinkSettings> {
    let text = |path: &str| {
        reader.text_and(path, |it| match it {
            "" => Err("it must say something".to_owned()),
            it if it.contains('\0') => Err("it cannot hold a NUL".to_owned()),
            it => Ok(it.to_owned()),
        })
    };
    let host = text("history.postgres.host");
    let port = reader.count("history.postgres.port", 1..=65_535);
    let database = text("history.postgres.database");
    let user = text("history.postgres.user");
    let password_file = reader.text_and("history.postgres.password_file", absolute);
    let tls_ca_file = reader.text_and("history.postgres.tls_ca_file", absolute);
    let table = reader.text_and("history.postgres.table", |it| {
        let is_one = SinkSettings::is_table(it);
        is_one.then(|| it.to_owned()).ok_or_else(|| "not the name of a table".to_owned())
    });
    let is_open = !reader.has("history.postgres.tls_ca_file");
    if is_open && let Some(host) = host.clone().filter(|it| SinkSettings::needs_tls(it)) {
        let why = SinkError::TlsRequired { host }.to_string();
        reader.refuse("history.postgres.host", why, "see docs/history.md");
        return None;
    }
    Some(SinkSettings::Postgres {
        host: host?,
        port: u16::try_from(port?).expect("the range was checked"),
        database: database?,
        user: user?,
        password_file,
        tls_ca_file,
        table: table?,
        connect_limit: CONNECT_LIMIT_DEFAULT,
        time_limit: TIME_LIMIT_DEFAULT,
    })
}

impl Settings {
    /// The text of one setting of history.
    pub(super) fn history_value(&self, name: &str) -> Option<String> {
        let history = self.history.as_ref()?;
        Some(match name {
            "sink" => history.kind().to_owned(),
            "block_records_max" => history.block_records_max.to_string(),
            "block_age" => duration_text(history.block_age),
            "held_max" => size_text(history.held_bytes_max),
            sink => return sink_value(&history.sink, sink),
        })
    }

    /// Takes over what may change while running, where history is kept before and after.
    pub(super) fn take_live_history(&mut self, new: &Self) {
        if let (Some(history), Some(new)) = (&mut self.history, &new.history) {
            history.block_records_max = new.block_records_max;
            history.block_age = new.block_age;
            history.held_bytes_max = new.held_bytes_max;
        }
    }
}

fn sink_value(sink: &SinkSettings, name: &str) -> Option<String> {
    let path = |it: &Option<PathBuf>| it.as_ref().map(|it| it.display().to_string());
    match (sink, name) {
        (SinkSettings::Parquet { directory, .. }, "parquet.directory") => {
            Some(directory.display().to_string())
        }
        (SinkSettings::Postgres { host, .. }, "postgres.host") => Some(host.clone()),
        (SinkSettings::Postgres { port, .. }, "postgres.port") => Some(port.to_string()),
        (SinkSettings::Postgres { database, .. }, "postgres.database") => Some(database.clone()),
        (SinkSettings::Postgres { user, .. }, "postgres.user") => Some(user.clone()),
        (SinkSettings::Postgres { password_file, .. }, "postgres.password_file") => {
            path(password_file)
        }
        (SinkSettings::Postgres { tls_ca_file, .. }, "postgres.tls_ca_file") => path(tls_ca_file),
        (SinkSettings::Postgres { table, .. }, "postgres.table") => Some(table.clone()),
        // A setting of the other sink.
        (SinkSettings::Parquet { .. } | SinkSettings::Postgres { .. }, _) => None,
    }
}
