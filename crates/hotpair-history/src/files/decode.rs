//! A Parquet file back to rows. Whatever is not as it was written is said, and nothing is guessed.
use std::fs::File;
use std::path::Path;

use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};

use super::layout;
use crate::limits::ROWS_MAX;
use crate::{Quality, Row, SinkError, Value};

/// All rows of a file of this pair and engine.
///
/// # Errors
/// [`SinkError::Io`], [`SinkError::Unreadable`].
pub(super) fn decode(
    path: &Path,
    pair: &str,
    engine: &str,
) -> std::result::Result<Vec<Row>, SinkError> {
    let file = File::open(path).map_err(|source| SinkError::io("open", path, source))?;
    read(file, pair, engine)
        .map_err(|why| SinkError::Unreadable { path: path.to_owned(), why: why.to_string() })
}

fn read(file: File, pair: &str, engine: &str) -> Result<Vec<Row>> {
    let reader = SerializedFileReader::new(file)?;
    let metadata = reader.metadata().file_metadata();
    let said = metadata.key_value_metadata().map_or(&[][..], Vec::as_slice);
    let layout = said.iter().find(|it| it.key == layout::LAYOUT_KEY);
    if layout.and_then(|it| it.value.as_deref()) != Some(layout::LAYOUT) {
        return Err(wrong(format!("it is not of layout {}", layout::LAYOUT)));
    }
    if *metadata.schema() != *layout::schema() {
        return Err(wrong("its columns are not those of its layout".to_owned()));
    }
    if !usize::try_from(metadata.num_rows()).is_ok_and(|it| it <= ROWS_MAX) {
        return Err(wrong(format!("it has {} rows", metadata.num_rows())));
    }
    let mut rows = Vec::new();
    for index in 0..reader.num_row_groups() {
        group(reader.get_row_group(index)?.as_ref(), pair, engine, &mut rows)?;
    }
    Ok(rows)
}

fn group(group: &dyn RowGroupReader, pair: &str, engine: &str, rows: &mut Vec<Row>) -> Result<()> {
    let mut columns = Columns { group, next: 0 };
    for name in [pair, engine] {
        if columns.texts()?.iter().any(|it| it != name) {
            return Err(wrong(format!("it has rows that are not of {name}")));
        }
    }
    let (epoch, sequence) = (columns.numbers()?, columns.numbers()?);
    let (object, attribute) = (columns.texts()?, columns.texts()?);
    let (step, at) = (columns.numbers()?, columns.numbers()?);
    let mut value = columns.optional::<DoubleType>()?.into_iter();
    let mut value_bool = columns.optional::<BoolType>()?.into_iter();
    let mut value_int = columns.optional::<Int64Type>()?.into_iter();
    let mut value_text = columns.optional::<ByteArrayType>()?.into_iter();
    let quality = columns.texts()?;
    let mut unit = columns.optional::<ByteArrayType>()?.into_iter();
    let mut texts = object.into_iter().zip(attribute).zip(quality);
    let numbers = epoch.into_iter().zip(sequence).zip(step).zip(at);
    for (((epoch, sequence), step), at) in numbers {
        let short = || wrong("its columns are not equally long".to_owned());
        let ((object, attribute), quality) = texts.next().ok_or_else(short)?;
        let float = value.next().ok_or_else(short)?;
        let value = match (
            value_bool.next().ok_or_else(short)?,
            value_int.next().ok_or_else(short)?,
            value_text.next().ok_or_else(short)?,
        ) {
            (Some(yes), None, None) => Value::Bool(yes),
            (None, Some(int), None) => Value::Int(int),
            (None, None, Some(text)) => Value::Text(utf8(&text)?),
            (None, None, None) => {
                Value::Float(float.ok_or_else(|| wrong("a row has no value".to_owned()))?)
            }
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
                return Err(wrong("a row has two values".to_owned()));
            }
        };
        rows.push(Row {
            sequence: sequence.cast_unsigned(),
            epoch: epoch.cast_unsigned(),
            object,
            attribute,
            step: step.cast_unsigned(),
            at_unix_ns: at.checked_mul(1_000).ok_or_else(|| wrong(format!("a time of {at} us")))?,
            value,
            quality: Quality::ALL
                .into_iter()
                .find(|it| it.word() == quality)
                .ok_or_else(|| wrong(format!("a quality `{quality}`")))?,
            unit: unit.next().ok_or_else(short)?.map(|it| utf8(&it)).transpose()?,
        });
    }
    Ok(())
}

/// The columns of a row group, one after the other.
struct Columns<'a> {
    group: &'a dyn RowGroupReader,
    next: usize,
}

impl Columns<'_> {
    fn texts(&mut self) -> Result<Vec<String>> {
        self.required::<ByteArrayType>()?.iter().map(utf8).collect()
    }

    fn numbers(&mut self) -> Result<Vec<i64>> {
        self.required::<Int64Type>()
    }

    fn required<T: DataType>(&mut self) -> Result<Vec<T::T>> {
        Ok(self.read::<T>()?.1)
    }

    fn optional<T: DataType>(&mut self) -> Result<Vec<Option<T::T>>> {
        let (levels, values) = self.read::<T>()?;
        let mut values = values.into_iter();
        Ok(levels.into_iter().map(|it| if it == 0 { None } else { values.next() }).collect())
    }

    fn read<T: DataType>(&mut self) -> Result<(Vec<i16>, Vec<T::T>)> {
        let mut reader = get_typed_column_reader::<T>(self.group.get_column_reader(self.next)?);
        self.next += 1;
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        // One more than may be, so that too many are not taken for all.
        reader.read_records(ROWS_MAX + 1, Some(&mut levels), None, &mut values)?;
        Ok((levels, values))
    }
}

fn utf8(bytes: &ByteArray) -> Result<String> {
    Ok(bytes.as_utf8()?.to_owned())
}

fn wrong(why: String) -> ParquetError {
    ParquetError::General(why)
}
