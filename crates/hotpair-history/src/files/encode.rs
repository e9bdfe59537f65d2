//! Rows to the bytes of a Parquet file: the same rows give the same bytes, whoever encodes them.
use std::sync::Arc;

use parquet::basic::{Compression, Encoding};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::ColumnPath;

use super::layout;
use crate::limits::signed;
use crate::{Batch, Row};

/// Whose numbers mostly grow: differences are small.
const GROWING: [&str; 4] = ["epoch", "sequence", "step", "taken_at"];

/// These rows of a batch as one file with one row group.
pub(super) fn encode(batch: &Batch, rows: &[Row]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let properties = Arc::new(properties(batch));
    let mut file = SerializedFileWriter::new(&mut bytes, layout::schema(), properties)?;
    let mut group = file.next_row_group()?;
    let columns = &mut group;
    texts(columns, rows, |_| &batch.pair)?;
    texts(columns, rows, |_| &batch.engine)?;
    numbers(columns, rows, |it| signed(it.epoch))?;
    numbers(columns, rows, |it| signed(it.sequence))?;
    texts(columns, rows, |it| &it.object)?;
    texts(columns, rows, |it| &it.attribute)?;
    numbers(columns, rows, |it| signed(it.step))?;
    numbers(columns, rows, Row::at_unix_us)?;
    optional::<DoubleType>(columns, rows, |it| it.value.number())?;
    optional::<BoolType>(columns, rows, |it| it.value.bool())?;
    optional::<Int64Type>(columns, rows, |it| it.value.int())?;
    optional::<ByteArrayType>(columns, rows, |it| it.value.text().map(ByteArray::from))?;
    texts(columns, rows, |it| it.quality.word())?;
    optional::<ByteArrayType>(columns, rows, |it| it.unit.as_deref().map(ByteArray::from))?;
    group.close()?;
    file.close()?;
    Ok(bytes)
}

fn properties(batch: &Batch) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        // What the oldest readers know.
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::SNAPPY)
        // Not the version of a library: it would make other bytes of the same rows.
        .set_created_by(format!("hotpair version {}", layout::LAYOUT))
        .set_max_row_group_row_count(None)
        .set_key_value_metadata(Some(layout::metadata(&batch.pair, &batch.engine, batch.epoch)));
    for column in GROWING.map(ColumnPath::from) {
        properties = properties
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
    }
    properties.build()
}

type Group<'a, 'b> = SerializedRowGroupWriter<'a, &'b mut Vec<u8>>;

fn texts<'r>(
    group: &mut Group<'_, '_>,
    rows: &'r [Row],
    of: impl Fn(&'r Row) -> &'r str,
) -> Result<()> {
    let values: Vec<ByteArray> = rows.iter().map(|it| ByteArray::from(of(it))).collect();
    column::<ByteArrayType>(group, &values, None)
}

fn numbers(group: &mut Group<'_, '_>, rows: &[Row], of: impl Fn(&Row) -> i64) -> Result<()> {
    column::<Int64Type>(group, &rows.iter().map(of).collect::<Vec<_>>(), None)
}

fn optional<T: DataType>(
    group: &mut Group<'_, '_>,
    rows: &[Row],
    of: impl Fn(&Row) -> Option<T::T>,
) -> Result<()> {
    let all: Vec<Option<T::T>> = rows.iter().map(of).collect();
    let levels: Vec<i16> = all.iter().map(|it| i16::from(it.is_some())).collect();
    column::<T>(group, &all.into_iter().flatten().collect::<Vec<_>>(), Some(&levels))
}

fn column<T: DataType>(
    group: &mut Group<'_, '_>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<()> {
    let mut writer = group
        .next_column()?
        .ok_or_else(|| ParquetError::General("more columns than the layout has".to_owned()))?;
    writer.typed::<T>().write_batch(values, levels, None)?;
    writer.close()
}
