//! One column under construction, and its end as an Arrow array.
//!
//! *Invariants*: a column has one value a row, a null's slot holding the type's zero. Nulls are a
//! list of rows, so that a value costs nothing for the chance of one. The buffers become Arrow's
//! without a copy (but for bools, which are packed), and the next batch starts with room for as
//! much as the last one held.
//! *Not here*: conversions (`value`).

use std::mem;
use std::sync::Arc;

use arrow_array::types::{
    Date32Type, Decimal64Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type,
    Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{
    ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, FixedSizeBinaryArray, PrimitiveArray,
    StringArray,
};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, Buffer, NullBuffer, OffsetBuffer};
use arrow_schema::DataType as Arrow;

use super::{ColumnSpec, TimeUnit};
use crate::record::DataType;

/// Values of variable length: all bytes in one buffer, and where each value ends.
#[derive(Debug)]
pub(super) struct Bytes {
    offsets: Vec<i32>,
    pub(super) data: Vec<u8>,
}

impl Bytes {
    fn with_capacity(rows: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { offsets, data: Vec::with_capacity(bytes) }
    }

    fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Appends a value.
    #[inline]
    pub(super) fn push(&mut self, value: &[u8]) {
        self.data.extend_from_slice(value);
        self.seal();
    }

    /// Makes a value of what was appended to `data` since the last one.
    #[inline]
    pub(super) fn seal(&mut self) {
        self.offsets.push(i32::try_from(self.data.len()).expect("a batch stays below 2 GiB"));
    }

    /// Takes back what was appended to `data` since the last value.
    pub(super) fn unseal(&mut self) {
        let end = self.offsets.last().copied().and_then(|end| usize::try_from(end).ok());
        self.data.truncate(end.unwrap_or(0));
    }

    fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        self.unseal();
    }

    fn take(&mut self) -> (OffsetBuffer<i32>, Buffer) {
        let next = Self::with_capacity(room(self.len()), room(self.data.len()));
        let full = mem::replace(self, next);
        (OffsetBuffer::new(full.offsets.into()), Buffer::from_vec(full.data))
    }
}

/// The values so far, by logical type, with what a conversion must know of it.
#[derive(Debug)]
pub(super) enum Values {
    Bool(Vec<bool>),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Decimal64 { values: Vec<i64>, precision: u8, scale: u8 },
    Decimal128 { values: Vec<i128>, precision: u8, scale: u8 },
    Text(Bytes),
    Json(Bytes),
    Binary(Bytes),
    Date(Vec<i32>),
    Time(Vec<i64>),
    Timestamp { values: Vec<i64>, unit: Option<TimeUnit> },
    Uuid(Vec<u8>),
}

const UUID_BYTES: usize = 16;

impl Values {
    fn new(spec: &ColumnSpec) -> Self {
        let bytes = || Bytes::with_capacity(0, 0);
        match spec.data_type {
            DataType::Bool => Self::Bool(Vec::new()),
            DataType::Int16 => Self::Int16(Vec::new()),
            DataType::Int32 => Self::Int32(Vec::new()),
            DataType::Int64 => Self::Int64(Vec::new()),
            DataType::Float32 => Self::Float32(Vec::new()),
            DataType::Float64 => Self::Float64(Vec::new()),
            DataType::Decimal { precision, scale } => match spec.data_type.arrow() {
                Arrow::Decimal64(..) => Self::Decimal64 { values: Vec::new(), precision, scale },
                _ => Self::Decimal128 { values: Vec::new(), precision, scale },
            },
            DataType::Text => Self::Text(bytes()),
            DataType::Json => Self::Json(bytes()),
            DataType::Binary => Self::Binary(bytes()),
            DataType::Date => Self::Date(Vec::new()),
            DataType::Time => Self::Time(Vec::new()),
            DataType::Timestamp => Self::Timestamp { values: Vec::new(), unit: spec.unit },
            DataType::Uuid => Self::Uuid(Vec::new()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Bool(values) => values.len(),
            Self::Int16(values) => values.len(),
            Self::Int32(values) | Self::Date(values) => values.len(),
            Self::Int64(values)
            | Self::Time(values)
            | Self::Decimal64 { values, .. }
            | Self::Timestamp { values, .. } => values.len(),
            Self::Float32(values) => values.len(),
            Self::Float64(values) => values.len(),
            Self::Decimal128 { values, .. } => values.len(),
            Self::Text(bytes) | Self::Json(bytes) | Self::Binary(bytes) => bytes.len(),
            Self::Uuid(values) => values.len() / UUID_BYTES,
        }
    }

    fn push_zero(&mut self) {
        match self {
            Self::Bool(values) => values.push(false),
            Self::Int16(values) => values.push(0),
            Self::Int32(values) | Self::Date(values) => values.push(0),
            Self::Int64(values)
            | Self::Time(values)
            | Self::Decimal64 { values, .. }
            | Self::Timestamp { values, .. } => values.push(0),
            Self::Float32(values) => values.push(0.0),
            Self::Float64(values) => values.push(0.0),
            Self::Decimal128 { values, .. } => values.push(0),
            Self::Text(bytes) | Self::Json(bytes) | Self::Binary(bytes) => bytes.seal(),
            Self::Uuid(values) => values.extend_from_slice(&[0; UUID_BYTES]),
        }
    }

    fn truncate(&mut self, rows: usize) {
        match self {
            Self::Bool(values) => values.truncate(rows),
            Self::Int16(values) => values.truncate(rows),
            Self::Int32(values) | Self::Date(values) => values.truncate(rows),
            Self::Int64(values)
            | Self::Time(values)
            | Self::Decimal64 { values, .. }
            | Self::Timestamp { values, .. } => values.truncate(rows),
            Self::Float32(values) => values.truncate(rows),
            Self::Float64(values) => values.truncate(rows),
            Self::Decimal128 { values, .. } => values.truncate(rows),
            Self::Text(bytes) | Self::Json(bytes) | Self::Binary(bytes) => bytes.truncate(rows),
            Self::Uuid(values) => values.truncate(rows * UUID_BYTES),
        }
    }

    fn take(&mut self, nulls: Option<NullBuffer>) -> ArrayRef {
        match self {
            Self::Bool(values) => {
                Arc::new(BooleanArray::new(BooleanBuffer::from(take(values)), nulls))
            }
            Self::Int16(values) => Arc::new(primitive::<Int16Type>(values, nulls)),
            Self::Int32(values) => Arc::new(primitive::<Int32Type>(values, nulls)),
            Self::Int64(values) => Arc::new(primitive::<Int64Type>(values, nulls)),
            Self::Float32(values) => Arc::new(primitive::<Float32Type>(values, nulls)),
            Self::Float64(values) => Arc::new(primitive::<Float64Type>(values, nulls)),
            Self::Decimal64 { values, precision, scale } => Arc::new(
                primitive::<Decimal64Type>(values, nulls)
                    .with_precision_and_scale(*precision, arrow_scale(*scale))
                    .expect("a decimal type has a valid precision and scale"),
            ),
            Self::Decimal128 { values, precision, scale } => Arc::new(
                primitive::<Decimal128Type>(values, nulls)
                    .with_precision_and_scale(*precision, arrow_scale(*scale))
                    .expect("a decimal type has a valid precision and scale"),
            ),
            Self::Text(bytes) | Self::Json(bytes) => {
                let (offsets, data) = bytes.take();
                Arc::new(StringArray::new(offsets, data, nulls))
            }
            Self::Binary(bytes) => {
                let (offsets, data) = bytes.take();
                Arc::new(BinaryArray::new(offsets, data, nulls))
            }
            Self::Date(values) => Arc::new(primitive::<Date32Type>(values, nulls)),
            Self::Time(values) => Arc::new(primitive::<Time64MicrosecondType>(values, nulls)),
            Self::Timestamp { values, .. } => {
                Arc::new(primitive::<TimestampMicrosecondType>(values, nulls))
            }
            Self::Uuid(values) => {
                let width = i32::try_from(UUID_BYTES).expect("16 fits");
                Arc::new(FixedSizeBinaryArray::new(width, Buffer::from_vec(take(values)), nulls))
            }
        }
    }
}

fn arrow_scale(scale: u8) -> i8 {
    i8::try_from(scale).unwrap_or(i8::MAX)
}

fn primitive<T: ArrowPrimitiveType>(
    values: &mut Vec<T::Native>,
    nulls: Option<NullBuffer>,
) -> PrimitiveArray<T> {
    PrimitiveArray::new(take(values).into(), nulls)
}

fn take<T>(values: &mut Vec<T>) -> Vec<T> {
    let next = Vec::with_capacity(room(values.len()));
    mem::replace(values, next)
}

/// Room for the next batch: batches of one source are of one size, give or take.
fn room(last: usize) -> usize {
    last + last / 16
}

/// A column under construction: one value or null a row, converted to the column's type.
#[derive(Debug)]
pub struct ColumnBuilder {
    pub(super) name: Arc<str>,
    pub(super) data_type: DataType,
    pub(super) values: Values,
    /// The kind of column that takes no null, if it is one.
    without_null: Option<&'static str>,
    nulls: Vec<usize>,
}

impl ColumnBuilder {
    /// An empty column.
    #[must_use]
    pub fn new(spec: &ColumnSpec) -> Self {
        Self {
            name: Arc::clone(&spec.name),
            data_type: spec.data_type,
            values: Values::new(spec),
            without_null: match spec {
                ColumnSpec { key: true, .. } => Some("a key"),
                ColumnSpec { required: true, .. } => Some("a required column"),
                _ => None,
            },
            nulls: Vec::new(),
        }
    }

    /// Rows so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no row yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a null.
    ///
    /// # Errors
    /// The reason, where the column takes no null; nothing is appended then.
    pub fn push_null(&mut self) -> Result<(), String> {
        if let Some(kind) = self.without_null {
            return Err(format!("expected {}, found null in {kind}", self.expected()));
        }
        self.push_absent();
        Ok(())
    }

    /// Appends a null where there is no value to speak of, such as in a row that is gone: also in a
    /// column that takes no null.
    pub(super) fn push_absent(&mut self) {
        self.nulls.push(self.len());
        self.values.push_zero();
    }

    /// Takes back all rows from `rows` on.
    pub fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        while self.nulls.last().is_some_and(|row| *row >= rows) {
            self.nulls.pop();
        }
    }

    /// Hands over the rows so far and starts again.
    ///
    /// # Panics
    /// Never: what was appended is what the array's type demands.
    #[must_use]
    pub fn finish(&mut self) -> ArrayRef {
        let nulls = self.take_nulls();
        self.values.take(nulls)
    }

    fn take_nulls(&mut self) -> Option<NullBuffer> {
        if self.nulls.is_empty() {
            return None;
        }
        let rows = self.len();
        let mut valid = BooleanBufferBuilder::new(rows);
        valid.append_n(rows, true);
        for row in self.nulls.drain(..) {
            valid.set_bit(row, false);
        }
        Some(NullBuffer::new(valid.finish()))
    }
}
