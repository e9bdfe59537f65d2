//! One value of a device: where it stands, how its registers are read, what becomes of it.
use hotpair_engine::tags::{TagType, Value};

/// The four tables of a Modbus device (Modbus application protocol 1.1b3, 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Bits that can be written.
    Coil,
    /// Bits that cannot.
    Discrete,
    /// Registers that cannot be written.
    Input,
    /// Registers that can.
    Holding,
}

impl Table {
    /// By its word in a record.
    pub(crate) const WORDS: [(&'static str, Self); 4] = [
        ("coil", Self::Coil),
        ("discrete", Self::Discrete),
        ("input", Self::Input),
        ("holding", Self::Holding),
    ];

    /// Whether it has bits instead of registers.
    #[must_use]
    pub const fn has_bits(self) -> bool {
        match self {
            Self::Coil | Self::Discrete => true,
            Self::Input | Self::Holding => false,
        }
    }

    /// Whether it can be written.
    #[must_use]
    pub const fn is_writable(self) -> bool {
        match self {
            Self::Coil | Self::Holding => true,
            Self::Discrete | Self::Input => false,
        }
    }
}

/// What a number is in registers of 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// One register, without a sign.
    U16,
    /// One register, two's complement.
    I16,
    /// Two registers, without a sign.
    U32,
    /// Two registers, two's complement.
    I32,
    /// Two registers, IEEE 754.
    F32,
    /// Four registers, IEEE 754.
    F64,
}

impl Number {
    /// By its word in a record.
    pub(crate) const WORDS: [(&'static str, Self); 6] = [
        ("u16", Self::U16),
        ("i16", Self::I16),
        ("u32", Self::U32),
        ("i32", Self::I32),
        ("f32", Self::F32),
        ("f64", Self::F64),
    ];

    /// How many registers it takes.
    #[must_use]
    pub const fn registers(self) -> u16 {
        match self {
            Self::U16 | Self::I16 => 1,
            Self::U32 | Self::I32 | Self::F32 => 2,
            Self::F64 => 4,
        }
    }

    /// The whole numbers it can hold; `None`: it holds fractions.
    const fn range(self) -> Option<(f64, f64)> {
        match self {
            Self::U16 => Some((0.0, u16::MAX as f64)),
            Self::I16 => Some((i16::MIN as f64, i16::MAX as f64)),
            Self::U32 => Some((0.0, u32::MAX as f64)),
            Self::I32 => Some((i32::MIN as f64, i32::MAX as f64)),
            Self::F32 | Self::F64 => None,
        }
    }
}

/// Which register of a number of several comes first. Within a register the high byte does
/// (Modbus application protocol 1.1b3, 4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WordOrder {
    /// The highest.
    #[default]
    Big,
    /// The lowest.
    Little,
}

impl WordOrder {
    /// By its word in a record.
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("big", Self::Big), ("little", Self::Little)];
}

/// How a value stands in a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Encoding {
    /// A bit of a table of bits.
    Bit,
    /// A number. Of a scaled one the value is `number * scale + offset`.
    Number {
        /// What it is.
        number: Number,
        /// The order of its registers.
        words: WordOrder,
        /// Factor and summand; `None`: as it is.
        scaling: Option<(f64, f64)>,
    },
}

/// What a device has in the place of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Raw {
    /// A bit.
    Bit(bool),
    /// Registers, the lowest address first.
    Registers(Vec<u16>),
}

/// Why a value and registers do not fit.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EncodingError {
    /// The registers hold no finite number.
    #[error("the registers {registers:04x?} are no finite number")]
    NotFinite {
        /// What stands there.
        registers: Vec<u16>,
    },
    /// A tag's type does not fit.
    #[error("a value of type {of_type} cannot be written there")]
    Type {
        /// Of the tag.
        of_type: TagType,
    },
    /// The number is beyond what the registers hold.
    #[error("{number} is beyond what the registers hold, {min} to {max}")]
    Beyond {
        /// After scaling.
        number: f64,
        /// The lowest.
        min: f64,
        /// The highest.
        max: f64,
    },
    /// Bits where registers were asked for, too few of them, or the other way round.
    #[error("the device answered something else than was asked for")]
    Shape,
}

impl Encoding {
    /// How many registers or bits it takes.
    #[must_use]
    pub const fn width(&self) -> u16 {
        match self {
            Self::Bit => 1,
            Self::Number { number, .. } => number.registers(),
        }
    }

    /// Whether a tag of this type can hold it.
    #[must_use]
    pub const fn fits(&self, of_type: TagType) -> bool {
        match (self, of_type) {
            (Self::Bit, TagType::Bool) | (Self::Number { .. }, TagType::Float) => true,
            (Self::Number { number, scaling, .. }, TagType::Int) => {
                scaling.is_none() && !matches!(number, Number::F32 | Number::F64)
            }
            (Self::Bit, TagType::Int | TagType::Float | TagType::Text)
            | (Self::Number { .. }, TagType::Bool | TagType::Text) => false,
        }
    }

    /// The value that a device has, for a tag of this type.
    ///
    /// # Errors
    /// `EncodingError` for a NaN or an infinity, and for what this cannot be.
    pub fn decode(&self, of_type: TagType, raw: &Raw) -> Result<Value, EncodingError> {
        match (self, raw) {
            (Self::Bit, Raw::Bit(it)) => Ok(Value::Bool(*it)),
            (Self::Number { number, words, scaling }, Raw::Registers(registers))
                if registers.len() == usize::from(number.registers()) =>
            {
                let found = number_of(*number, *words, registers);
                if of_type == TagType::Int && scaling.is_none() && number.range().is_some() {
                    // Whole, and of at most 32 bits.
                    return Ok(Value::Int(found as i64));
                }
                let (scale, offset) = scaling.unwrap_or((1.0, 0.0));
                let value = found * scale + offset;
                if !value.is_finite() {
                    return Err(EncodingError::NotFinite { registers: registers.clone() });
                }
                Ok(Value::Float(value))
            }
            (Self::Bit | Self::Number { .. }, Raw::Bit(_) | Raw::Registers(_)) => {
                Err(EncodingError::Shape)
            }
        }
    }

    /// What a device has to be given for a tag's value.
    ///
    /// # Errors
    /// `EncodingError` when the value has no place there.
    pub fn encode(&self, value: &Value) -> Result<Raw, EncodingError> {
        let plain = match (self, value) {
            (Self::Bit, Value::Bool(it)) => return Ok(Raw::Bit(*it)),
            (Self::Number { .. }, Value::Int(it)) => *it as f64,
            (Self::Number { .. }, Value::Float(it)) => *it,
            (Self::Bit, Value::Int(_) | Value::Float(_) | Value::Text(_))
            | (Self::Number { .. }, Value::Bool(_) | Value::Text(_)) => {
                return Err(EncodingError::Type { of_type: value.of_type() });
            }
        };
        let Self::Number { number, words, scaling } = self else {
            return Err(EncodingError::Shape);
        };
        let (scale, offset) = scaling.unwrap_or((1.0, 0.0));
        let scaled = (plain - offset) / scale;
        if let Some((min, max)) = number.range() {
            let whole = scaled.round();
            if !(min..=max).contains(&whole) {
                return Err(EncodingError::Beyond { number: whole, min, max });
            }
            return Ok(Raw::Registers(registers_of(*number, *words, whole)));
        }
        let max = if *number == Number::F32 { f64::from(f32::MAX) } else { f64::MAX };
        if !(-max..=max).contains(&scaled) {
            return Err(EncodingError::Beyond { number: scaled, min: -max, max });
        }
        Ok(Raw::Registers(registers_of(*number, *words, scaled)))
    }
}

fn number_of(number: Number, words: WordOrder, registers: &[u16]) -> f64 {
    let bits = |registers: &mut dyn Iterator<Item = &u16>| {
        registers.fold(0_u64, |bits, it| (bits << 16) | u64::from(*it))
    };
    let bits = match words {
        WordOrder::Big => bits(&mut registers.iter()),
        WordOrder::Little => bits(&mut registers.iter().rev()),
    };
    match number {
        Number::U16 | Number::U32 => bits as f64,
        Number::I16 => f64::from(bits as u16 as i16),
        Number::I32 => f64::from(bits as u32 as i32),
        Number::F32 => f64::from(f32::from_bits(bits as u32)),
        Number::F64 => f64::from_bits(bits),
    }
}

fn registers_of(number: Number, words: WordOrder, value: f64) -> Vec<u16> {
    let bits = match number {
        Number::U16 | Number::U32 => value as u64,
        Number::I16 => u64::from(value as i16 as u16),
        Number::I32 => u64::from(value as i32 as u32),
        Number::F32 => u64::from((value as f32).to_bits()),
        Number::F64 => value.to_bits(),
    };
    let count = number.registers();
    let mut registers: Vec<u16> = (0..count).rev().map(|it| (bits >> (16 * it)) as u16).collect();
    if words == WordOrder::Little {
        registers.reverse();
    }
    registers
}

/// A tag, and what it is in the device.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The tag.
    pub tag: Box<str>,
    /// What the tag holds.
    pub of_type: TagType,
    /// In which table.
    pub table: Table,
    /// Its first bit or register, counted from 0.
    pub address: u16,
    /// How it stands there.
    pub encoding: Encoding,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: Number, words: WordOrder) -> Encoding {
        Encoding::Number { number, words, scaling: None }
    }

    #[test]
    fn numbers_stand_as_the_protocol_has_them() {
        let cases = [
            (Number::U16, WordOrder::Big, 65_535.0, vec![0xffff]),
            (Number::I16, WordOrder::Big, -2.0, vec![0xfffe]),
            (Number::U32, WordOrder::Big, 65_538.0, vec![0x0001, 0x0002]),
            (Number::U32, WordOrder::Little, 65_538.0, vec![0x0002, 0x0001]),
            (Number::I32, WordOrder::Big, -65_536.0, vec![0xffff, 0x0000]),
            (Number::F32, WordOrder::Big, 1.5, vec![0x3fc0, 0x0000]),
            (Number::F32, WordOrder::Little, 1.5, vec![0x0000, 0x3fc0]),
            (Number::F64, WordOrder::Big, -2.0, vec![0xc000, 0, 0, 0]),
        ];
        for (of, words, value, registers) in cases {
            let encoding = number(of, words);
            let raw = Raw::Registers(registers);
            assert_eq!(encoding.encode(&Value::Float(value)), Ok(raw.clone()), "{encoding:?}");
            assert_eq!(encoding.decode(TagType::Float, &raw), Ok(Value::Float(value)));
        }
    }

    #[test]
    fn whole_numbers_are_whole_for_a_tag_that_is() {
        let encoding = number(Number::I16, WordOrder::Big);
        let raw = Raw::Registers(vec![0x8000]);
        assert_eq!(encoding.decode(TagType::Int, &raw), Ok(Value::Int(-32_768)));
        assert!(encoding.fits(TagType::Int) && encoding.fits(TagType::Float));
        assert!(!number(Number::F32, WordOrder::Big).fits(TagType::Int));
        assert!(!Encoding::Bit.fits(TagType::Int) && Encoding::Bit.fits(TagType::Bool));
    }

    #[test]
    fn scaling_goes_both_ways_and_ends_at_the_registers() {
        let scaling = Some((0.1, -40.0));
        let encoding = Encoding::Number { number: Number::U16, words: WordOrder::Big, scaling };
        let raw = Raw::Registers(vec![650]);
        assert_eq!(encoding.decode(TagType::Float, &raw), Ok(Value::Float(25.0)));
        assert_eq!(encoding.encode(&Value::Float(25.0)), Ok(raw));
        let beyond = encoding.encode(&Value::Float(-41.0));
        assert!(matches!(beyond, Err(EncodingError::Beyond { number: -10.0, .. })), "{beyond:?}");
        assert!(!encoding.fits(TagType::Int), "a fraction has no place there");
    }

    #[test]
    fn no_number_is_an_error_and_not_a_value() {
        let encoding = number(Number::F32, WordOrder::Big);
        let nan = Raw::Registers(vec![0x7fc0, 0]);
        let found = encoding.decode(TagType::Float, &nan);
        assert!(matches!(found, Err(EncodingError::NotFinite { .. })), "{found:?}");
        let short = encoding.decode(TagType::Float, &Raw::Registers(vec![1]));
        assert_eq!(short, Err(EncodingError::Shape));
        assert!(encoding.encode(&Value::Float(1e300)).is_err());
    }
}
