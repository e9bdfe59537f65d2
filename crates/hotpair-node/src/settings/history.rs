//! `[history]`: where what objects record goes to, and how much of it is held until it is there.
use super::field::{Field, own, running, should};
use super::reader::Reader;
use super::sections::{HOUR, SECOND, absolute};
use super::{Settings, duration_text, size_text};
use hotpair_engine::history::{BLOCK_BYTES_MAX, Bounds};
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
    pub sink: HistorySink,
    /// So many samples are a block.
    pub block_records_max: u32,
    /// What was recorded is sealed after so long, and goes to the sink.
    pub block_age: Duration,
    /// More bytes than these are not held.
    pub held_bytes_max: u64,
}

/// Where history goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistorySink {
    /// Files in a directory.
    Parquet {
        /// Which both nodes reach, best as the same.
        directory: PathBuf,
    },
}

impl HistorySettings {
    /// When a block is sealed, and how much is held.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        let block_records_max = self.block_records_max.into();
        Bounds { block_records_max, held_bytes_max: self.held_bytes_max }
    }
}

impl HistorySink {
    /// Its name in the settings.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Parquet { .. } => "parquet",
        }
    }

    /// Which directory or table, for people.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::Parquet { directory } => directory.display().to_string(),
        }
    }
}

/// The fields of history.
pub(super) const OF_HISTORY: &[Field] = &[
    should(own(
        "history.sink",
        "\"parquet\"",
        None,
        "Where attributes of objects with `\"history\": true` are recorded to. Without it nothing is recorded.",
    )),
    running(should(own(
        "history.block_records_max",
        "1 to 100000",
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
        "Where the Parquet files go. Both nodes write there, best to the same directory on a host of its own.",
    ),
];

pub(super) fn read(reader: &Reader<'_>) -> Option<Option<HistorySettings>> {
    let block_records_max = reader.count("history.block_records_max", 1..=100_000);
    let block_age = reader.duration("history.block_age", SECOND..=HOUR);
    let held_bytes_max = reader.size("history.held_max", HELD_LEAST..=4096 * MIB);
    let directory = reader.text_and("history.parquet.directory", absolute);
    if !reader.has("history") {
        return Some(None);
    }
    reader.required("history.sink", |text| match text {
        "parquet" => Ok(()),
        _ => Err("not one of the choices".to_owned()),
    })?;
    if !reader.has("history.parquet.directory") {
        let help = "[history.parquet]\ndirectory = \"/srv/history\"";
        reader.refuse("history.sink", "`parquet` needs a directory".to_owned(), help);
    }
    Some(Some(HistorySettings {
        sink: HistorySink::Parquet { directory: directory? },
        block_records_max: block_records_max?,
        block_age: block_age?,
        held_bytes_max: held_bytes_max?,
    }))
}

impl Settings {
    /// The text of one setting of history.
    pub(super) fn history_value(&self, name: &str) -> Option<String> {
        let history = self.history.as_ref()?;
        Some(match name {
            "sink" => history.sink.kind().to_owned(),
            "block_records_max" => history.block_records_max.to_string(),
            "block_age" => duration_text(history.block_age),
            "held_max" => size_text(history.held_bytes_max),
            "parquet.directory" => match &history.sink {
                HistorySink::Parquet { directory } => directory.display().to_string(),
            },
            unknown => unreachable!("`history.{unknown}` has no value here"),
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
