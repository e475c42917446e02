//! A table as Parquet: one row group, every column optional, plain types that all readers know.

use super::table::{Cell, Table};
use crate::Error;
use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::sync::Arc;

impl Table {
    /// The table as the bytes of a Parquet file. Empty cells are nulls.
    ///
    /// # Errors
    /// Columns of one name.
    pub fn parquet(&self) -> Result<Vec<u8>, Error> {
        self.write().map_err(|source| Error::machine("results.parquet", source))
    }

    fn write(&self) -> Result<Vec<u8>, ParquetError> {
        let fields = self.columns.iter().map(|(name, cells)| field(name, cells)).collect::<Result<Vec<_>, _>>()?;
        let schema = Arc::new(Type::group_type_builder("results").with_fields(fields).build()?);
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(WriterProperties::builder().build()))?;
        let mut group = writer.next_row_group()?;
        for (_, cells) in &self.columns {
            let Some(mut column) = group.next_column()? else { break };
            let there: Vec<i16> = cells.iter().map(|cell| i16::from(*cell != Cell::Empty)).collect();
            match physical(cells) {
                Physical::INT64 => {
                    let values: Vec<i64> =
                        cells.iter().filter_map(|c| if let Cell::Integer(i) = c { Some(*i) } else { None }).collect();
                    column.typed::<Int64Type>().write_batch(&values, Some(&there), None)?;
                }
                Physical::DOUBLE => {
                    let values: Vec<f64> =
                        cells.iter().filter_map(|c| if let Cell::Number(x) = c { Some(*x) } else { None }).collect();
                    column.typed::<DoubleType>().write_batch(&values, Some(&there), None)?;
                }
                Physical::BOOLEAN => {
                    let values: Vec<bool> =
                        cells.iter().filter_map(|c| if let Cell::Flag(b) = c { Some(*b) } else { None }).collect();
                    column.typed::<BoolType>().write_batch(&values, Some(&there), None)?;
                }
                _ => {
                    let texts = cells.iter().filter(|c| **c != Cell::Empty);
                    let values: Vec<ByteArray> = texts.map(|c| ByteArray::from(c.text().into_bytes())).collect();
                    column.typed::<ByteArrayType>().write_batch(&values, Some(&there), None)?;
                }
            }
            column.close()?;
        }
        group.close()?;
        writer.into_inner()
    }
}

fn field(name: &str, cells: &[Cell]) -> Result<Arc<Type>, ParquetError> {
    let physical = physical(cells);
    let logical = (physical == Physical::BYTE_ARRAY).then_some(LogicalType::String);
    let builder = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
    Ok(Arc::new(builder.with_logical_type(logical).build()?))
}

/// The type of a column, whose cells are of one kind.
fn physical(cells: &[Cell]) -> Physical {
    match cells.iter().find(|cell| **cell != Cell::Empty) {
        Some(Cell::Integer(_)) => Physical::INT64,
        Some(Cell::Number(_)) | None => Physical::DOUBLE,
        Some(Cell::Flag(_)) => Physical::BOOLEAN,
        Some(Cell::Text(_) | Cell::Empty) => Physical::BYTE_ARRAY,
    }
}
