//! The columns of a file, in their order, and what its metadata says.
use std::sync::Arc;

use parquet::file::metadata::KeyValue;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::TypePtr;

/// Changes when the meaning of a column does.
pub(super) const LAYOUT: &str = "1";

/// Under which it stands in the metadata.
pub(super) const LAYOUT_KEY: &str = "hotpair.layout";

const COLUMNS: &str = "message history {
    required binary pair (STRING);
    required binary engine (STRING);
    required int64 epoch;
    required int64 sequence;
    required binary object (STRING);
    required binary attribute (STRING);
    required int64 step;
    required int64 taken_at (TIMESTAMP(MICROS, true));
    optional double value;
    optional boolean value_bool;
    optional int64 value_int;
    optional binary value_text (STRING);
    required binary quality (STRING);
    optional binary unit (STRING);
}";

pub(super) fn schema() -> TypePtr {
    Arc::new(parse_message_type(COLUMNS).expect("a constant that the tests parse"))
}

/// What a file says of itself.
pub(super) fn metadata(pair: &str, engine: &str, epoch: u64) -> Vec<KeyValue> {
    [
        (LAYOUT_KEY, LAYOUT.to_owned()),
        ("hotpair.pair", pair.to_owned()),
        ("hotpair.engine", engine.to_owned()),
        ("hotpair.sealed_epoch", epoch.to_string()),
        ("hotpair.key", "pair, engine, epoch, sequence".to_owned()),
    ]
    .into_iter()
    .map(|(key, value)| KeyValue::new(key.to_owned(), value))
    .collect()
}
