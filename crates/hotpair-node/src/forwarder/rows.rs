//! A block as the rows of a sink.
use bytes::Bytes;
use hotpair_engine::history::{BlockId, Recorded, Sample, scans};
use hotpair_engine::tags::{DecodeError, Quality, Value};
use hotpair_history::{self as sink, Batch, Row};

const NANOS_A_MILLI: i64 = 1_000_000;

pub(super) fn batch(
    pair: &str,
    engine: &str,
    id: BlockId,
    bytes: &Bytes,
) -> Result<Batch, DecodeError> {
    let mut rows = Vec::with_capacity(usize::try_from(id.count()).unwrap_or(0).min(bytes.len()));
    for scan in scans(bytes)? {
        let Recorded { first, epoch, object, step, at, samples } = scan;
        let millis = i64::try_from(at.0).unwrap_or(i64::MAX);
        let at_unix_ns = millis.saturating_mul(NANOS_A_MILLI);
        for (sequence, sample) in (first..).zip(samples) {
            let Sample { attribute, unit, value, quality } = sample;
            rows.push(Row {
                sequence,
                epoch,
                object: object.to_string(),
                attribute: attribute.to_string(),
                step,
                at_unix_ns,
                value: value_of(&value),
                quality: quality_of(quality),
                unit: unit.map(Into::into),
            });
        }
    }
    let (pair, engine) = (pair.to_owned(), engine.to_owned());
    Ok(Batch { pair, engine, epoch: id.epoch, first: id.first, rows })
}

fn value_of(value: &Value) -> sink::Value {
    match value {
        Value::Bool(it) => sink::Value::Bool(*it),
        Value::Int(it) => sink::Value::Int(*it),
        Value::Float(it) => sink::Value::Float(*it),
        Value::Text(it) => sink::Value::Text(it.to_string()),
    }
}

const fn quality_of(quality: Quality) -> sink::Quality {
    match quality {
        Quality::Good => sink::Quality::Good,
        Quality::Uncertain => sink::Quality::Uncertain,
        Quality::Bad => sink::Quality::Bad,
    }
}
