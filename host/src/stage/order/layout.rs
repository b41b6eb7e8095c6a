//! Batches as frames of a file: one Arrow stream each, whose hidden columns say what goes with each
//! row, and whose metadata what all of them have in common.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Int32Type, Int64Type, UInt8Type};
use arrow_array::{
    Array, ArrayRef, FixedSizeBinaryArray, Int32Array, Int64Array, RecordBatch, UInt8Array,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, SchemaRef};

use super::OrderError;
use super::chunk::event_times;
use crate::record::{Batch, Column, Operation, Operations, RowMeta, Schema};

/// How many hidden columns follow the input's.
const HIDDEN: usize = 6;

const INPUT: &str = "millrace.input";
const ORIGIN: &str = "millrace.origin";
const BASE: &str = "millrace.base";

/// The frame of a batch of an input.
pub(super) fn encode(input: usize, batch: &Batch) -> Result<Vec<u8>, ArrowError> {
    let schema = arrow_schema(input, batch);
    let meta = &batch.meta;
    let minors = meta.minors.clone().unwrap_or_else(|| vec![0; batch.rows].into());
    let hidden: [ArrayRef; HIDDEN] = [
        Arc::new(UInt8Array::new(meta.operations.codes(batch.rows), None)),
        Arc::new(Int64Array::new(event_times(meta).clone(), None)),
        Arc::new(Int64Array::new(meta.processing_times.clone(), None)),
        Arc::new(Int64Array::new(meta.majors.clone(), None)),
        Arc::new(Int32Array::new(minors, None)),
        Arc::new(unchanged_masks(batch)),
    ];
    let columns =
        batch.columns.iter().map(|column| Arc::clone(&column.values)).chain(hidden).collect();
    let record = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    let mut stream = StreamWriter::try_new(Vec::new(), &schema)?;
    stream.write(&record)?;
    stream.into_inner()
}

/// Every column of the input may be null here, since an unchanged value is a null even where the
/// input has none.
fn arrow_schema(input: usize, batch: &Batch) -> SchemaRef {
    let mask = DataType::FixedSizeBinary(mask_bytes(batch.columns.len()) as i32);
    let fields: Vec<Field> = batch
        .schema
        .fields
        .iter()
        .map(|field| Field::new(&*field.name, field.data_type.arrow(), true))
        .chain([
            Field::new("_millrace_operation", DataType::UInt8, false),
            Field::new("_millrace_event_time", DataType::Int64, false),
            Field::new("_millrace_processing_time", DataType::Int64, false),
            Field::new("_millrace_major", DataType::Int64, false),
            Field::new("_millrace_minor", DataType::Int32, false),
            Field::new("_millrace_unchanged", mask, true),
        ])
        .collect();
    // A frame is of one origin, which its first row tells.
    let (origin, base) = match batch.rows {
        0 => (&batch.meta.origin, batch.meta.base),
        _ => batch.meta.origin_of(0),
    };
    let common =
        [(INPUT, input.to_string()), (ORIGIN, origin.to_string()), (BASE, base.to_string())];
    Arc::new(arrow_schema::Schema::new_with_metadata(fields, common))
}

/// Bytes of a row's mask: one bit for each column.
fn mask_bytes(columns: usize) -> usize {
    columns.div_ceil(8).max(1)
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

/// The input and the batch of a frame, with the columns that the input's one of `schemas` has. They
/// are found by their names; those that the input no longer has are left out.
pub(super) fn decode(
    path: &Path,
    frame: Vec<u8>,
    schemas: &[Arc<Schema>],
) -> Result<(usize, Batch), OrderError> {
    let unreadable = |error: ArrowError| OrderError::damaged(path, error.to_string());
    let mut stream = StreamReader::try_new(Cursor::new(frame), None).map_err(unreadable)?;
    let record = stream
        .next()
        .ok_or_else(|| OrderError::damaged(path, "a frame has no rows"))?
        .map_err(unreadable)?;
    let stored = stream.schema();
    let common = |key: &str| {
        let value = stored.metadata.get(key);
        value.ok_or_else(|| OrderError::damaged(path, format!("a frame has no `{key}`")))
    };
    let no_number =
        |key: &str| OrderError::damaged(path, format!("a frame's `{key}` is no number"));
    let input = common(INPUT)?.parse::<usize>().map_err(|_| no_number(INPUT))?;
    let base = common(BASE)?.parse::<i64>().map_err(|_| no_number(BASE))?;
    let origin: Arc<str> = common(ORIGIN)?.as_str().into();
    let Some(schema) = schemas.get(input) else {
        return Err(OrderError::Input { path: path.to_owned(), input, inputs: schemas.len() });
    };
    let frame = Frame { path, record: &record, stored: &stored };
    let batch = Batch {
        schema: Arc::clone(schema),
        columns: frame.columns(input, schema)?,
        meta: Arc::new(frame.meta(origin, base)?),
        rows: record.num_rows(),
        selection: None,
        before: None,
    };
    Ok((input, batch))
}

/// A frame that reads as Arrow, and may still be anything.
struct Frame<'a> {
    path: &'a Path,
    record: &'a RecordBatch,
    stored: &'a SchemaRef,
}

impl Frame<'_> {
    fn columns(&self, input: usize, schema: &Schema) -> Result<Vec<Column>, OrderError> {
        let visible = self.visible()?;
        let masks = self.masks(visible)?;
        let column = |field: &crate::record::Field| {
            let differs = |problem: String| OrderError::Schema {
                path: self.path.to_owned(),
                input,
                column: field.name.to_string(),
                problem,
            };
            let names = self.stored.fields().iter().take(visible);
            let index = names
                .map(|stored| stored.name().as_str())
                .position(|name| name == &*field.name)
                .ok_or_else(|| differs("is missing in them".to_owned()))?;
            let values = Arc::clone(self.record.column(index));
            let (found, expected) = (values.data_type(), field.data_type.arrow());
            if *found != expected {
                return Err(differs(format!("is {found} in them and {expected} now")));
            }
            Ok(Column { values, unchanged: unchanged(masks, index) })
        };
        schema.fields.iter().map(column).collect()
    }

    fn meta(&self, origin: Arc<str>, base: i64) -> Result<RowMeta, OrderError> {
        let first = self.visible()?;
        let codes = self.values::<UInt8Type>(first)?;
        if let Some(code) = codes.iter().find(|code| Operation::from_code(**code).is_none()) {
            return Err(OrderError::damaged(self.path, format!("no operation has code {code}")));
        }
        let minors = self.values::<Int32Type>(first + 4)?;
        Ok(RowMeta {
            origin,
            operations: operations(codes),
            event_times: Some((self.values::<Int64Type>(first + 1)?, None)),
            processing_times: self.values::<Int64Type>(first + 2)?,
            majors: self.values::<Int64Type>(first + 3)?,
            minors: minors.iter().any(|minor| *minor != 0).then_some(minors),
            mixed: None,
            late: None,
            base,
        })
    }

    /// How many columns are not hidden.
    fn visible(&self) -> Result<usize, OrderError> {
        let visible = self.record.num_columns().checked_sub(HIDDEN);
        visible.ok_or_else(|| OrderError::damaged(self.path, "a frame has too few columns"))
    }

    /// The values of a hidden column, which has no nulls.
    fn values<T: ArrowPrimitiveType>(
        &self,
        index: usize,
    ) -> Result<ScalarBuffer<T::Native>, OrderError> {
        let column = self.record.column(index).as_primitive_opt::<T>();
        let column = column.filter(|column| column.null_count() == 0);
        column.map(|column| column.values().clone()).ok_or_else(|| self.ill_formed(index))
    }

    fn masks(&self, visible: usize) -> Result<&FixedSizeBinaryArray, OrderError> {
        let index = visible + HIDDEN - 1;
        let masks = self.record.column(index).as_fixed_size_binary_opt();
        masks
            .filter(|masks| masks.value_length() == mask_bytes(visible) as i32)
            .ok_or_else(|| self.ill_formed(index))
    }

    fn ill_formed(&self, index: usize) -> OrderError {
        let name = self.stored.field(index).name();
        OrderError::damaged(self.path, format!("column `{name}` is not as it is written"))
    }
}

/// One operation for all where there is one: only-insert inputs are quicker from then on.
fn operations(codes: ScalarBuffer<u8>) -> Operations {
    match codes.first().copied().and_then(Operation::from_code) {
        Some(one) if codes.iter().all(|code| *code == one as u8) => Operations::All(one),
        _ => Operations::Each(codes),
    }
}

/// The rows in which a column is unchanged; `None` where there are none.
fn unchanged(masks: &FixedSizeBinaryArray, column: usize) -> Option<BooleanBuffer> {
    if masks.null_count() == masks.len() {
        return None;
    }
    let bits = BooleanBuffer::collect_bool(masks.len(), |row| {
        masks.is_valid(row) && masks.value(row)[column / 8] & (1 << (column % 8)) != 0
    });
    (bits.count_set_bits() != 0).then_some(bits)
}
