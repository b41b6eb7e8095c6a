//! Batches as the record batches of a segment: the input's columns, then the hidden ones.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, FixedSizeBinaryArray, Int32Array, Int64Array, RecordBatch, UInt8Array,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow_schema::{ArrowError, DataType, Field, SchemaRef};

use crate::record::{Batch, Schema};

/// The Arrow schema of a segment. Every column of the input may be null here, since an unchanged
/// value is a null even where the input has none.
pub(super) fn arrow_schema(schema: &Schema) -> SchemaRef {
    let mask = DataType::FixedSizeBinary(mask_bytes(schema.fields.len()) as i32);
    let fields: Vec<Field> = schema
        .fields
        .iter()
        .map(|field| Field::new(&*field.name, field.data_type.arrow(), true))
        .chain([
            Field::new("_millrace_operation", DataType::UInt8, false),
            Field::new("_millrace_major", DataType::Int64, false),
            Field::new("_millrace_minor", DataType::Int32, false),
            Field::new("_millrace_unchanged", mask, true),
        ])
        .collect();
    Arc::new(arrow_schema::Schema::new(fields))
}

/// Whether two schemas have the same columns in the same order.
pub(super) fn same_columns(one: &arrow_schema::Schema, other: &arrow_schema::Schema) -> bool {
    let column = |field: &Arc<Field>| (field.name().clone(), field.data_type().clone());
    one.fields().iter().map(column).eq(other.fields().iter().map(column))
}

/// The batch with its hidden columns.
pub(super) fn encode(batch: &Batch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let minors = batch.meta.minors.clone().unwrap_or_else(|| vec![0; batch.rows].into());
    let hidden: [ArrayRef; 4] = [
        Arc::new(UInt8Array::new(batch.meta.operations.codes(batch.rows), None)),
        Arc::new(Int64Array::new(batch.meta.majors.clone(), None)),
        Arc::new(Int32Array::new(minors, None)),
        Arc::new(unchanged_masks(batch)),
    ];
    let columns =
        batch.columns.iter().map(|column| Arc::clone(&column.values)).chain(hidden).collect();
    RecordBatch::try_new(Arc::clone(schema), columns)
}

/// Bytes of a row's mask: one bit for each column.
fn mask_bytes(columns: usize) -> usize {
    columns.div_ceil(8).max(1)
}

/// Whether a mask says that a column is unchanged.
pub(super) fn is_unchanged(mask: &[u8], column: usize) -> bool {
    mask[column / 8] & (1 << (column % 8)) != 0
}

/// One mask a row of the columns that are unchanged in it; null where there is none.
fn unchanged_masks(batch: &Batch) -> FixedSizeBinaryArray {
    let width = mask_bytes(batch.columns.len());
    if batch.columns.iter().all(|column| column.unchanged.is_none()) {
        return FixedSizeBinaryArray::new_null(width as i32, batch.rows);
    }
    let mut masks = vec![0_u8; width * batch.rows];
    for (index, column) in batch.columns.iter().enumerate() {
        let Some(unchanged) = &column.unchanged else { continue };
        for row in unchanged.set_indices() {
            masks[row * width + index / 8] |= 1 << (index % 8);
        }
    }
    let present = BooleanBuffer::collect_bool(batch.rows, |row| {
        masks[row * width..][..width].iter().any(|bits| *bits != 0)
    });
    FixedSizeBinaryArray::new(width as i32, Buffer::from(masks), Some(NullBuffer::new(present)))
}
