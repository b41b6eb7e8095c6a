//! Cells of key columns as bytes, so that keys of any types and widths compare and hash alike.
//!
//! *Invariants*: two rows of columns of the same types give the same bytes exactly if all their
//! cells are equal (floats: if their bits are); what varies in length carries it in front.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal64Type, Decimal128Type, Float32Type, Float64Type,
    Int16Type, Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, StringArray};
use arrow_schema::{DataType as Arrow, TimeUnit};

/// One key column, seen as bytes.
pub(super) enum KeyCells<'a> {
    Bits(&'a BooleanArray),
    /// Cells of equal width, one after the other.
    Fixed(&'a [u8], usize),
    Uuids(&'a FixedSizeBinaryArray),
    Text(&'a StringArray),
    Binary(&'a BinaryArray),
}

impl<'a> KeyCells<'a> {
    /// The cells of a column.
    ///
    /// # Panics
    /// If no column type is carried by this Arrow type.
    pub(super) fn of(column: &'a ArrayRef) -> Self {
        match column.data_type() {
            Arrow::Boolean => Self::Bits(column.as_boolean()),
            Arrow::Int16 => fixed::<Int16Type>(column),
            Arrow::Int32 => fixed::<Int32Type>(column),
            Arrow::Int64 => fixed::<Int64Type>(column),
            Arrow::Float32 => fixed::<Float32Type>(column),
            Arrow::Float64 => fixed::<Float64Type>(column),
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

    /// Appends one cell's bytes; a null's are those of whatever its slot holds.
    pub(super) fn append(&self, row: usize, key: &mut Vec<u8>) {
        match self {
            Self::Bits(cells) => key.push(u8::from(cells.value(row))),
            Self::Fixed(bytes, width) => key.extend_from_slice(&bytes[row * width..][..*width]),
            Self::Uuids(cells) => key.extend_from_slice(cells.value(row)),
            Self::Text(cells) => append_sized(cells.value(row).as_bytes(), key),
            Self::Binary(cells) => append_sized(cells.value(row), key),
        }
    }
}

fn fixed<T: ArrowPrimitiveType>(column: &ArrayRef) -> KeyCells<'_> {
    // The buffer of a sliced array's values begins at its first value.
    let values = column.as_primitive::<T>().values();
    KeyCells::Fixed(values.inner().as_slice(), size_of::<T::Native>())
}

fn append_sized(bytes: &[u8], key: &mut Vec<u8>) {
    key.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    key.extend_from_slice(bytes);
}
