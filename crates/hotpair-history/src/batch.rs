//! What is committed: rows of history, their key, and when two of them are the same.

/// A sealed block of history, as it is forwarded: complete, immutable, the same whoever forwards it.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The pair that it is history of.
    pub pair: String,
    /// The engine of that pair.
    pub engine: String,
    /// Of the term in which it was sealed.
    pub epoch: u64,
    /// The sequence of the first row.
    pub first: u64,
    /// Sequences from `first` on without a gap.
    pub rows: Vec<Row>,
}

/// One value of one attribute at one scan. With the pair and the engine of its batch, `epoch` and
/// `sequence` are its key.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Counted by the engine, without gap.
    pub sequence: u64,
    /// Of the term in which it was recorded.
    pub epoch: u64,
    /// Which object.
    pub object: String,
    /// Which of its attributes.
    pub attribute: String,
    /// The number of the scan.
    pub step: u64,
    /// When, in nanoseconds since 1970. Sinks keep microseconds, rounded down.
    pub at_unix_ns: i64,
    /// What it was.
    pub value: Value,
    /// How far it can be trusted.
    pub quality: Quality,
    /// Of what it is a number.
    pub unit: Option<String>,
}

/// What an attribute was.
#[derive(Clone, Debug)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number. NaN is one, and stays the NaN it was.
    Float(f64),
    /// A text.
    Text(String),
}

/// Bit by bit: NaN is the same as itself, and 0 is not -0.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::Int(left), Self::Int(right)) => left == right,
            (Self::Float(left), Self::Float(right)) => left.to_bits() == right.to_bits(),
            (Self::Text(left), Self::Text(right)) => left == right,
            (Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Text(_), _) => false,
        }
    }
}

impl Value {
    /// Every number as one that can be drawn: yes is 1, and a text is none.
    #[expect(clippy::cast_precision_loss, reason = "the exact one stands in a column of its own")]
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Bool(yes) => Some(f64::from(u8::from(*yes))),
            Self::Int(int) => Some(*int as f64),
            Self::Float(float) => Some(*float),
            Self::Text(_) => None,
        }
    }

    pub(crate) fn bool(&self) -> Option<bool> {
        if let Self::Bool(yes) = self { Some(*yes) } else { None }
    }

    pub(crate) fn int(&self) -> Option<i64> {
        if let Self::Int(int) = self { Some(*int) } else { None }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

/// How far a value can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// As it should be.
    Good,
    /// Perhaps old, perhaps of a doubtful source.
    Uncertain,
    /// Not to be used.
    Bad,
}

impl Quality {
    pub(crate) const ALL: [Self; 3] = [Self::Good, Self::Uncertain, Self::Bad];

    /// As it stands in files and tables.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Uncertain => "uncertain",
            Self::Bad => "bad",
        }
    }
}

/// What a sink answers when the rows are durable there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Rows that were not there before.
    pub rows_new: u64,
    /// Rows that were there already, forwarded a second time.
    pub rows_known: u64,
}

impl Row {
    /// Microseconds since 1970, rounded down: what every reader of Parquet and PostgreSQL holds.
    pub(crate) fn at_unix_us(&self) -> i64 {
        self.at_unix_ns.div_euclid(1_000)
    }

    /// The first column in which another row of the same key differs.
    pub(crate) fn differs_in(&self, other: &Self) -> Option<&'static str> {
        [
            ("object", self.object == other.object),
            ("attribute", self.attribute == other.attribute),
            ("step", self.step == other.step),
            ("taken_at", self.at_unix_us() == other.at_unix_us()),
            ("value", self.value == other.value),
            ("quality", self.quality == other.quality),
            ("unit", self.unit == other.unit),
        ]
        .into_iter()
        .find_map(|(column, same)| (!same).then_some(column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_same_bit_by_bit() {
        assert_eq!(Value::Float(f64::NAN), Value::Float(f64::NAN));
        assert_ne!(Value::Float(0.0), Value::Float(-0.0));
        assert_ne!(Value::Int(1), Value::Float(1.0));
    }

    #[test]
    fn time_before_1970_is_rounded_down_too() {
        let row = Row {
            sequence: 1,
            epoch: 1,
            object: String::new(),
            attribute: String::new(),
            step: 1,
            at_unix_ns: -1,
            value: Value::Bool(true),
            quality: Quality::Good,
            unit: None,
        };
        assert_eq!(row.at_unix_us(), -1);
    }
}
