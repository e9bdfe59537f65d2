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
