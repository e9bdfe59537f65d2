//! What a batch may be: every limit, and the one place that checks them.
use std::time::Duration;

use crate::{Batch, SinkError};

/// Rows of one batch.
pub const ROWS_MAX: usize = 65_536;

/// Bytes of one text: an object, an attribute, a unit, a value.
pub const TEXT_BYTES_MAX: usize = 65_536;

/// Bytes of all texts of a batch.
pub const BATCH_TEXT_BYTES_MAX: usize = 64 << 20;

/// Bytes of the name of a pair or an engine; letters, digits, `-` and `_`.
pub const NAME_BYTES_MAX: usize = 80;

/// Bytes of a file with a password.
pub const PASSWORD_BYTES_MAX: usize = 4_096;

/// The longest that a time limit may be.
pub const TIME_LIMIT_MAX: Duration = Duration::from_hours(1);

/// The largest number that a signed column holds.
const NUMBER_MAX: u64 = i64::MAX.cast_unsigned();

impl Batch {
    /// # Errors
    /// [`SinkError::TooManyRows`], [`SinkError::Gap`], [`SinkError::Name`], [`SinkError::TextTooLong`],
    /// [`SinkError::TextsTooLong`], [`SinkError::NumberTooLarge`].
    pub(crate) fn check(&self) -> Result<(), SinkError> {
        if self.rows.len() > ROWS_MAX {
            return Err(SinkError::TooManyRows { rows: self.rows.len() });
        }
        name("pair", &self.pair)?;
        name("engine", &self.engine)?;
        number("epoch", self.first, self.epoch)?;
        let mut bytes_all = 0;
        for (index, row) in (0_u64..).zip(&self.rows) {
            let expected = self.first.saturating_add(index);
            if row.sequence != expected {
                return Err(SinkError::Gap { first: self.first, expected, found: row.sequence });
            }
            number("sequence", row.sequence, row.sequence)?;
            number("epoch", row.sequence, row.epoch)?;
            number("step", row.sequence, row.step)?;
            let texts = [
                ("object", Some(row.object.as_str())),
                ("attribute", Some(row.attribute.as_str())),
                ("value", row.value.text()),
                ("unit", row.unit.as_deref()),
            ];
            for (column, text) in texts {
                let bytes = text.map_or(0, str::len);
                if bytes > TEXT_BYTES_MAX {
                    return Err(SinkError::TextTooLong { sequence: row.sequence, column, bytes });
                }
                bytes_all += bytes;
            }
        }
        if bytes_all > BATCH_TEXT_BYTES_MAX {
            return Err(SinkError::TextsTooLong { first: self.first, bytes: bytes_all });
        }
        Ok(())
    }
}

/// A number as a signed column holds it.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).expect("a batch with a larger number is refused")
}

fn number(column: &'static str, sequence: u64, number: u64) -> Result<(), SinkError> {
    if number > NUMBER_MAX {
        return Err(SinkError::NumberTooLarge { sequence, column, number });
    }
    Ok(())
}

/// Names are part of the names of files.
fn name(what: &'static str, name: &str) -> Result<(), SinkError> {
    let sound = name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_');
    if sound && !name.is_empty() && name.len() <= NAME_BYTES_MAX {
        return Ok(());
    }
    Err(SinkError::Name { what, name: name.chars().take(2 * NAME_BYTES_MAX).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Quality, Row, Value};

    fn batch(rows: u64) -> Batch {
        let row = |sequence| Row {
            sequence,
            epoch: 1,
            object: "tank".to_owned(),
            attribute: "level".to_owned(),
            step: 1,
            at_unix_ns: 0,
            value: Value::Int(1),
            quality: Quality::Good,
            unit: None,
        };
        let (pair, engine) = ("plant".to_owned(), "boiler".to_owned());
        Batch { pair, engine, epoch: 1, first: 1, rows: (1..=rows).map(row).collect() }
    }

    fn refused(change: impl FnOnce(&mut Batch)) -> SinkError {
        let mut batch = batch(4);
        change(&mut batch);
        batch.check().expect_err("it is beyond a limit")
    }

    #[test]
    fn what_is_beyond_a_limit_is_refused_and_named() {
        batch(ROWS_MAX as u64).check().expect("as many as may be");
        let error = batch(ROWS_MAX as u64 + 1).check().expect_err("one more");
        assert!(matches!(error, SinkError::TooManyRows { rows: 65_537 }), "{error}");
        let error = refused(|it| it.rows[2].sequence = 4);
        assert!(matches!(error, SinkError::Gap { expected: 3, found: 4, .. }), "{error}");
        let error = refused(|it| it.rows[2].step = u64::MAX);
        assert!(
            matches!(error, SinkError::NumberTooLarge { sequence: 3, column: "step", .. }),
            "{error}"
        );
        let error = refused(|it| it.rows[1].unit = Some("x".repeat(TEXT_BYTES_MAX + 1)));
        assert!(
            matches!(error, SinkError::TextTooLong { sequence: 2, column: "unit", .. }),
            "{error}"
        );
        for name in ["", "a.b", "../a", "a b"] {
            let error = refused(|it| it.engine = name.to_owned());
            assert!(matches!(error, SinkError::Name { what: "engine", .. }), "{error}");
        }
    }

    #[test]
    fn all_texts_together_have_a_limit() {
        let mut batch = batch(1_025);
        for row in &mut batch.rows {
            row.object = "x".repeat(TEXT_BYTES_MAX);
        }
        let error = batch.check().expect_err("more than 64 MiB");
        assert!(matches!(error, SinkError::TextsTooLong { first: 1, .. }), "{error}");
    }
}
