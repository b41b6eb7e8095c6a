//! The values of one column of a piece, written row by row.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal64Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type,
    Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray};
use arrow_buffer::{BooleanBuffer, NullBuffer};

use super::digits::{self, Day};
use super::line::{Line, Padded};
use super::text;
use crate::record::{DataType, Operation, Operations, write_decimal, write_time};
use crate::sink::stream_load::held::Piece;
use crate::sink::stream_load::target::{ColumnType, Mapped, Origin};

/// A column's values.
pub(super) struct Cells<'a> {
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

enum Values<'a> {
    Bool(&'a BooleanArray),
    Int16(&'a [i16]),
    Int32(&'a [i32]),
    Int64(&'a [i64]),
    Float32(&'a [f32]),
    Float64(&'a [f64]),
    /// Unscaled values, and the scale.
    Decimal64(&'a [i64], u8),
    Decimal128(&'a [i128], u8),
    /// Where each begins, and all of them.
    Text(&'a [i32], &'a [u8]),
    Binary(&'a BinaryArray),
    /// Whether the column is of days and times.
    Date(&'a [i32], Day, bool),
    Time(&'a [i64]),
    /// Whether zero fractions are written: in text, where order counts.
    Timestamp(&'a [i64], Day, bool),
    Uuid(&'a FixedSizeBinaryArray),
    /// The same for every row.
    Same(Padded),
    Operations(&'a [u8]),
    Bits(&'a BooleanBuffer),
}

impl<'a> Cells<'a> {
    /// The values of a column of the layout in a piece's rows.
    pub(super) fn new(mapped: &Mapped, piece: &'a Piece, synced_at: &Padded) -> Self {
        let values = match mapped.origin {
            Origin::Input(index) => {
                let array = &piece.batch.columns[index].values;
                return Self { nulls: array.nulls(), values: Values::of(mapped, array) };
            }
            Origin::Op => match &piece.batch.meta.operations {
                Operations::All(operation) => Values::Same(same(operation.name())),
                Operations::Each(codes) => Values::Operations(codes),
            },
            Origin::Deleted => match &piece.deletes {
                None => Values::Same(same("false")),
                Some(deletes) => Values::Bits(deletes),
            },
            Origin::SyncedAt => Values::Same(synced_at.clone()),
            Origin::Version => Values::Int64(&piece.batch.meta.majors),
        };
        Self { nulls: None, values }
    }

    /// Whether a row has no value. A float that neither format has a number for is none; the checks
    /// before have refused it.
    #[inline(always)]
    pub(super) fn is_null(&self, row: usize) -> bool {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return true;
        }
        match &self.values {
            Values::Float32(values) => !values[row].is_finite(),
            Values::Float64(values) => !values[row].is_finite(),
            _ => false,
        }
    }

    /// A row's text, as bytes; of a column that is no text, nothing.
    #[inline(always)]
    pub(super) fn text(&self, row: usize) -> &'a [u8] {
        let (values, span) = self.span(row);
        &values[span]
    }

    /// The bytes of a column's texts, and where the row's are.
    #[inline(always)]
    pub(super) fn span(&self, row: usize) -> (&'a [u8], Range<usize>) {
        match self.values {
            // Offsets are never negative.
            Values::Text(offsets, values) => {
                (values, offsets[row] as usize..offsets[row + 1] as usize)
            }
            _ => (&[], 0..0),
        }
    }

    /// Appends a row's value, which is not null, without quotes and escapes.
    #[inline(always)]
    pub(super) fn write(&mut self, line: &mut Line, row: usize) {
        match &mut self.values {
            Values::Bool(values) => write_bool(line, values.value(row)),
            Values::Bits(values) => write_bool(line, values.value(row)),
            Values::Int16(values) => digits::write_integer(line, values[row]),
            Values::Int32(values) => digits::write_integer(line, values[row]),
            Values::Int64(values) => digits::write_integer(line, values[row]),
            Values::Float32(values) => write_float(line, values[row]),
            Values::Float64(values) => write_float(line, values[row]),
            Values::Decimal64(values, scale) => digits::write_decimal64(line, values[row], *scale),
            Values::Decimal128(values, scale) => match i64::try_from(values[row]) {
                Ok(small) => digits::write_decimal64(line, small, *scale),
                Err(_) => line.by(|out| write_decimal(out, values[row], *scale)),
            },
            Values::Text(offsets, values) => {
                line.span(values, offsets[row] as usize..offsets[row + 1] as usize);
            }
            Values::Binary(values) => line.by(|out| text::write_base64(out, values.value(row))),
            Values::Date(values, day, has_time) => {
                day.write_date(line, i64::from(values[row]));
                if *has_time {
                    line.put(b" 00:00:00", 9);
                }
            }
            Values::Time(values) => line.by(|out| write_time(out, values[row])),
            Values::Timestamp(values, day, is_long) => {
                day.write_timestamp(line, values[row], *is_long);
            }
            Values::Uuid(values) => digits::write_uuid(line, values.value(row)),
            Values::Same(text) => text.put(line),
            Values::Operations(codes) => {
                let name = Operation::from_code(codes[row]).map_or("", Operation::name);
                line.bytes(name.as_bytes());
            }
        }
    }
}

impl<'a> Values<'a> {
    fn of(mapped: &Mapped, array: &'a ArrayRef) -> Self {
        match mapped.field {
            DataType::Bool => Self::Bool(array.as_boolean()),
            DataType::Int16 => Self::Int16(array.as_primitive::<Int16Type>().values()),
            DataType::Int32 => Self::Int32(array.as_primitive::<Int32Type>().values()),
            DataType::Int64 => Self::Int64(array.as_primitive::<Int64Type>().values()),
            DataType::Float32 => Self::Float32(array.as_primitive::<Float32Type>().values()),
            DataType::Float64 => Self::Float64(array.as_primitive::<Float64Type>().values()),
            DataType::Decimal { scale, .. } => match array.as_primitive_opt::<Decimal64Type>() {
                Some(narrow) => Self::Decimal64(narrow.values(), scale),
                None => Self::Decimal128(array.as_primitive::<Decimal128Type>().values(), scale),
            },
            DataType::Text | DataType::Json => {
                let texts = array.as_string::<i32>();
                Self::Text(texts.value_offsets(), texts.value_data())
            }
            DataType::Binary => Self::Binary(array.as_binary::<i32>()),
            DataType::Date => {
                let has_time = matches!(mapped.target, ColumnType::DateTime { .. });
                let values = array.as_primitive::<Date32Type>().values();
                Self::Date(values, Day::default(), has_time)
            }
            DataType::Time => Self::Time(array.as_primitive::<Time64MicrosecondType>().values()),
            DataType::Timestamp => {
                let is_long = !matches!(mapped.target, ColumnType::DateTime { .. });
                let values = array.as_primitive::<TimestampMicrosecondType>().values();
                Self::Timestamp(values, Day::default(), is_long)
            }
            DataType::Uuid => Self::Uuid(array.as_fixed_size_binary()),
        }
    }
}

/// What every row has.
fn same(text: &str) -> Padded {
    Padded::new(text.as_bytes().to_vec())
}

#[inline(always)]
fn write_bool(line: &mut Line, value: bool) {
    if value { line.put(b"true", 4) } else { line.put(b"false", 5) }
}

/// Appends the shortest digits that read back as the same finite float.
fn write_float(line: &mut Line, value: impl serde::Serialize) {
    line.by(|out| {
        serde_json::to_writer(out, &value).expect("a float is JSON, and a Vec takes every byte");
    });
}
