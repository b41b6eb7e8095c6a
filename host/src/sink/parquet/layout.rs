//! Batches as Parquet columns.
//!
//! | type | in Parquet |
//! |---|---|
//! | bool, f32, f64 | `BOOLEAN`, `FLOAT`, `DOUBLE` |
//! | i16, i32, i64 | `INT32` as `INTEGER(16)`, `INT32`, `INT64` |
//! | decimal | `DECIMAL` in `INT32` up to 9 digits, `INT64` up to 18, else fixed-length bytes |
//! | text, json | `BYTE_ARRAY` as `STRING`, `JSON` |
//! | binary | `BYTE_ARRAY` |
//! | date, time | `DATE`, `TIME(MICROS)` without a zone |
//! | timestamp | `TIMESTAMP(MICROS)`, adjusted to UTC |
//! | uuid | 16 bytes as `UUID` |
//!
//! *Invariants*: a column is `REQUIRED` exactly where the input says that it is never null. No
//! Arrow schema is embedded: Parquet's own types say everything, and older readers of Arrow do not
//! know short decimals.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, SchemaRef, TimeUnit};
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::errors::ParquetError;
use parquet::schema::types::{SchemaDescriptor, Type, TypePtr};

use crate::record::{Batch, DataType, Field, Schema};

const UTC: &str = "UTC";

/// The columns of a part, as Arrow and as Parquet have them.
#[derive(Debug)]
pub(super) struct Layout {
    pub arrow: SchemaRef,
    pub parquet: SchemaDescriptor,
}

impl Layout {
    pub(super) fn of(schema: &Schema) -> Result<Self, ParquetError> {
        let fields: Vec<arrow_schema::Field> = schema
            .fields
            .iter()
            .map(|field| arrow_schema::Field::new(&*field.name, arrow(field), field.nullable))
            .collect();
        let arrow = Arc::new(arrow_schema::Schema::new(fields));
        let converted = ArrowSchemaConverter::new().convert(&arrow)?;
        let columns = schema
            .fields
            .iter()
            .zip(converted.root_schema().get_fields())
            .map(|(field, column)| annotated(field, column))
            .collect::<Result<Vec<TypePtr>, ParquetError>>()?;
        let root = Type::group_type_builder("rows").with_fields(columns).build()?;
        Ok(Self { arrow, parquet: SchemaDescriptor::new(Arc::new(root)) })
    }

    /// The batch with the columns of the part; its values are shared, not copied.
    pub(super) fn encode(&self, batch: &Batch) -> Result<RecordBatch, ArrowError> {
        let columns = batch.schema.fields.iter().zip(&batch.columns);
        let columns = columns.map(|(field, column)| in_utc(field, &column.values)).collect();
        RecordBatch::try_new(Arc::clone(&self.arrow), columns)
    }
}

/// Only with a zone is a timestamp taken for a moment.
fn arrow(field: &Field) -> arrow_schema::DataType {
    match field.data_type {
        DataType::Timestamp => {
            arrow_schema::DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
        }
        other => other.arrow(),
    }
}

fn in_utc(field: &Field, values: &ArrayRef) -> ArrayRef {
    match field.data_type {
        DataType::Timestamp => {
            Arc::new(values.as_primitive::<TimestampMicrosecondType>().clone().with_timezone(UTC))
        }
        _ => Arc::clone(values),
    }
}

/// The column's type with what Arrow's types cannot say: that bytes are a uuid, or text is JSON.
fn annotated(field: &Field, column: &TypePtr) -> Result<TypePtr, ParquetError> {
    let repetition = if field.nullable { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    let builder = match field.data_type {
        DataType::Uuid => Type::primitive_type_builder(&field.name, Physical::FIXED_LEN_BYTE_ARRAY)
            .with_length(16)
            .with_logical_type(Some(LogicalType::Uuid)),
        DataType::Json => Type::primitive_type_builder(&field.name, Physical::BYTE_ARRAY)
            .with_logical_type(Some(LogicalType::Json)),
        _ => return Ok(Arc::clone(column)),
    };
    Ok(Arc::new(builder.with_repetition(repetition).build()?))
}
