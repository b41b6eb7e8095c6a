//! Key columns as bytes: equal cells encode alike, others never do, and cells side by side stay apart.
//!
//! *Invariants*: the encoding is frozen, since saved state is found by it. Floats have one NaN and no
//! negative zero.
//! *Not here*: what keys are for (`stage`, `sink`).

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal64Type, Decimal128Type, Float32Type, Float64Type,
    Int16Type, Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, StringArray};
use arrow_schema::{DataType as Arrow, TimeUnit};

/// The cells of one key column.
pub(crate) struct KeyCells<'a>(Cells<'a>);

enum Cells<'a> {
    Bits(&'a BooleanArray),
    /// Cells of equal width, one after the other.
    Fixed(&'a [u8], usize, &'a ArrayRef),
    Float32(&'a [f32], &'a ArrayRef),
    Float64(&'a [f64], &'a ArrayRef),
    Uuids(&'a FixedSizeBinaryArray),
    Text(&'a StringArray),
    Binary(&'a BinaryArray),
}

impl<'a> KeyCells<'a> {
    /// The cells of a column.
    ///
    /// # Panics
    /// If no column type is carried by the array's: batches are checked where they are made.
    pub(crate) fn of(column: &'a ArrayRef) -> Self {
        Self(Cells::of(column))
    }

    /// Appends the cell of a row to an encoded key: its length, one more than it has bytes and 0 for
    /// null, as a variable-length integer, and then its bytes.
    #[inline]
    pub(crate) fn append(&self, row: usize, key: &mut Vec<u8>) {
        self.0.append(row, key);
    }
}

impl<'a> Cells<'a> {
    fn of(column: &'a ArrayRef) -> Self {
        match column.data_type() {
            Arrow::Boolean => Self::Bits(column.as_boolean()),
            Arrow::Int16 => fixed::<Int16Type>(column),
            Arrow::Int32 => fixed::<Int32Type>(column),
            Arrow::Int64 => fixed::<Int64Type>(column),
            Arrow::Float32 => Self::Float32(column.as_primitive::<Float32Type>().values(), column),
            Arrow::Float64 => Self::Float64(column.as_primitive::<Float64Type>().values(), column),
            Arrow::Decimal64(..) => fixed::<Decimal64Type>(column),
            Arrow::Decimal128(..) => fixed::<Decimal128Type>(column),
            Arrow::Date32 => fixed::<Date32Type>(column),
            Arrow::Time64(TimeUnit::Microsecond) => fixed::<Time64MicrosecondType>(column),
            Arrow::Timestamp(TimeUnit::Microsecond, _) => fixed::<TimestampMicrosecondType>(column),
            Arrow::FixedSizeBinary(_) => Self::Uuids(column.as_fixed_size_binary()),
            Arrow::Utf8 => Self::Text(column.as_string()),
            Arrow::Binary => Self::Binary(column.as_binary()),
            other => panic!("no column type is carried by {other}"),
        }
    }

    fn append(&self, row: usize, key: &mut Vec<u8>) {
        match self {
            Self::Bits(cells) => {
                push(key, valid(*cells, row).then(|| [u8::from(cells.value(row))]))
            }
            Self::Fixed(bytes, width, column) => {
                push(key, valid(column, row).then(|| &bytes[row * width..][..*width]));
            }
            Self::Float32(values, column) => {
                let value = canonical(f64::from(values[row])) as f32;
                push(key, valid(column, row).then(|| value.to_le_bytes()));
            }
            Self::Float64(values, column) => {
                let value = canonical(values[row]);
                push(key, valid(column, row).then(|| value.to_le_bytes()));
            }
            Self::Uuids(cells) => push(key, valid(*cells, row).then(|| cells.value(row))),
            Self::Text(cells) => push(key, valid(*cells, row).then(|| cells.value(row))),
            Self::Binary(cells) => push(key, valid(*cells, row).then(|| cells.value(row))),
        }
    }
}

fn valid(column: &(impl Array + ?Sized), row: usize) -> bool {
    column.is_valid(row)
}

/// The value with the one NaN and without negative zero.
fn canonical(value: f64) -> f64 {
    if value.is_nan() {
        f64::NAN
    } else if value == 0.0 {
        0.0
    } else {
        value
    }
}

fn fixed<T: ArrowPrimitiveType>(column: &ArrayRef) -> Cells<'_> {
    // The buffer of a sliced array's values begins at its first value.
    let values = column.as_primitive::<T>().values();
    Cells::Fixed(values.inner().as_slice(), size_of::<T::Native>(), column)
}

fn push(key: &mut Vec<u8>, value: Option<impl AsRef<[u8]>>) {
    let Some(value) = value else {
        key.push(0);
        return;
    };
    let value = value.as_ref();
    let mut length = value.len() + 1;
    while length >= 0x80 {
        key.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    key.push(length as u8);
    key.extend_from_slice(value);
}
