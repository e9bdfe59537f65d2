//! The name of a file says what is in it, so that whoever forwards a block makes the same file.
use std::fmt;

use crate::{Batch, Row};

/// `PAIR.ENGINE.eEPOCH.sFIRST-LAST.parquet`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileName {
    pub(super) pair: String,
    pub(super) engine: String,
    /// In which the block was sealed.
    pub(super) epoch: u64,
    pub(super) first: u64,
    pub(super) last: u64,
}

impl FileName {
    /// Of a file with these rows of a batch.
    pub(super) fn of(batch: &Batch, rows: &[Row]) -> Self {
        let first = rows.first().map_or(batch.first, |it| it.sequence);
        Self {
            pair: batch.pair.clone(),
            engine: batch.engine.clone(),
            epoch: batch.epoch,
            first,
            last: rows.last().map_or(first, |it| it.sequence),
        }
    }

    /// `None`: it is not one of ours.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_suffix(".parquet")?.split('.');
        let (pair, engine) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let epoch = parts.next()?.strip_prefix('e')?.parse().ok()?;
        let (first, last) = parts.next()?.strip_prefix('s')?.split_once('-')?;
        let (first, last) = (first.parse().ok()?, last.parse().ok()?);
        let name = Self { pair, engine, epoch, first, last };
        (name.to_string() == text && parts.next().is_none()).then_some(name)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pair, engine, epoch, first, last } = self;
        write!(f, "{pair}.{engine}.e{epoch:08}.s{first:012}-{last:012}.parquet")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_was_written_and_no_other_is() {
        let text = "plant-1.boiler.e00000005.s000000000100-000000000199.parquet";
        let name = FileName::parse(text).expect("a name of ours");
        assert_eq!((name.epoch, name.first, name.last), (5, 100, 199));
        assert_eq!(name.to_string(), text);
        for other in [
            "plant-1.boiler.e5.s100-199.parquet",
            "plant-1.boiler.e00000005.s000000000100-000000000199.parquet.tmp",
            "plant-1.boiler.x.e00000005.s000000000100-000000000199.parquet",
            "boiler.e00000005.s000000000100-000000000199.parquet",
            "other.parquet",
        ] {
            assert_eq!(FileName::parse(other), None, "{other}");
        }
    }
}
