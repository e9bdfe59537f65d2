//! Batches with a value of every kind.
use hotpair_history::{Batch, Committed, Quality, Row, Value};

/// Nanoseconds of the first row; a whole second, so that rows are at whole microseconds.
const BEGUN_UNIX_NS: i64 = 1_800_000_000_000_000_000;

/// Rows `first` to `last`, sealed in term 5.
pub(crate) fn batch(first: u64, last: u64) -> Batch {
    let (pair, engine) = ("plant-1".to_owned(), "boiler".to_owned());
    Batch { pair, engine, epoch: 5, first, rows: (first..=last).map(row).collect() }
}

pub(crate) fn row(sequence: u64) -> Row {
    let (value, unit) = match sequence % 5 {
        0 => (Value::Bool(sequence.is_multiple_of(2)), None),
        1 => (Value::Int(i64::MIN + i64::try_from(sequence).unwrap()), Some("L")),
        2 => (Value::Float(f64::from_bits(0x7ff8_0000_0000_0001)), Some("°C")),
        3 => (Value::Text(format!("valve {sequence} – öffnet")), None),
        _ => (Value::Float(-0.0), Some("bar")),
    };
    let quality = [Quality::Good, Quality::Uncertain, Quality::Bad][(sequence % 3) as usize];
    Row {
        sequence,
        epoch: if sequence < 150 { 3 } else { 5 },
        object: format!("tank{}", sequence % 7),
        attribute: "level".to_owned(),
        step: sequence / 10,
        at_unix_ns: BEGUN_UNIX_NS + i64::try_from(sequence).unwrap() * 1_000_000,
        value,
        quality,
        unit: unit.map(str::to_owned),
    }
}

pub(crate) fn committed(rows_new: u64, rows_known: u64) -> Committed {
    Committed { rows_new, rows_known }
}
