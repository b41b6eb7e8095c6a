//! A column's values as SQLite takes them, without an allocation a value.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal64Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type,
    Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, StringArray};
use arrow_buffer::NullBuffer;
use rusqlite::Statement;
use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::record::{
    DataType, write_date, write_decimal, write_sql_timestamp, write_time, write_uuid,
};

/// One column of a batch, ready to be bound row by row.
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
    Text(&'a StringArray),
    Binary(&'a BinaryArray),
    Date(&'a [i32]),
    Time(&'a [i64]),
    Timestamp(&'a [i64]),
    Uuid(&'a FixedSizeBinaryArray),
}

impl<'a> Cells<'a> {
    /// The values of `array`, which is of the Arrow type of `data_type`.
    pub(super) fn new(data_type: DataType, array: &'a ArrayRef) -> Self {
        let values = match data_type {
            DataType::Bool => Values::Bool(array.as_boolean()),
            DataType::Int16 => Values::Int16(array.as_primitive::<Int16Type>().values()),
            DataType::Int32 => Values::Int32(array.as_primitive::<Int32Type>().values()),
            DataType::Int64 => Values::Int64(array.as_primitive::<Int64Type>().values()),
            DataType::Float32 => Values::Float32(array.as_primitive::<Float32Type>().values()),
            DataType::Float64 => Values::Float64(array.as_primitive::<Float64Type>().values()),
            DataType::Decimal { scale, .. } => match array.as_primitive_opt::<Decimal64Type>() {
                Some(narrow) => Values::Decimal64(narrow.values(), scale),
                None => Values::Decimal128(array.as_primitive::<Decimal128Type>().values(), scale),
            },
            DataType::Text | DataType::Json => Values::Text(array.as_string::<i32>()),
            DataType::Binary => Values::Binary(array.as_binary::<i32>()),
            DataType::Date => Values::Date(array.as_primitive::<Date32Type>().values()),
            DataType::Time => Values::Time(array.as_primitive::<Time64MicrosecondType>().values()),
            DataType::Timestamp => {
                Values::Timestamp(array.as_primitive::<TimestampMicrosecondType>().values())
            }
            DataType::Uuid => Values::Uuid(array.as_fixed_size_binary()),
        };
        Self { nulls: array.nulls(), values }
    }

    /// Binds a row's value to a parameter; `text` is scratch that keeps its capacity.
    pub(super) fn bind(
        &self,
        statement: &mut Statement<'_>,
        parameter: usize,
        row: usize,
        text: &mut Vec<u8>,
    ) -> rusqlite::Result<()> {
        statement.raw_bind_parameter(parameter, ToSqlOutput::Borrowed(self.value(row, text)))
    }

    fn value<'v>(&'v self, row: usize, text: &'v mut Vec<u8>) -> ValueRef<'v> {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return ValueRef::Null;
        }
        text.clear();
        match &self.values {
            Values::Bool(values) => return ValueRef::Integer(i64::from(values.value(row))),
            Values::Int16(values) => return ValueRef::Integer(i64::from(values[row])),
            Values::Int32(values) => return ValueRef::Integer(i64::from(values[row])),
            Values::Int64(values) => return ValueRef::Integer(values[row]),
            Values::Float32(values) => return ValueRef::Real(f64::from(values[row])),
            Values::Float64(values) => return ValueRef::Real(values[row]),
            Values::Text(values) => return ValueRef::Text(values.value(row).as_bytes()),
            Values::Binary(values) => return ValueRef::Blob(values.value(row)),
            Values::Decimal64(values, scale) => {
                write_decimal(text, i128::from(values[row]), *scale);
            }
            Values::Decimal128(values, scale) => write_decimal(text, values[row], *scale),
            Values::Date(values) => write_date(text, i64::from(values[row])),
            Values::Time(values) => write_time(text, values[row]),
            Values::Timestamp(values) => write_sql_timestamp(text, values[row]),
            Values::Uuid(values) => write_uuid(text, values.value(row)),
        }
        ValueRef::Text(text)
    }
}
