//! Rows as CSV text (RFC 4180), each line ended by a line feed alone.
//!
//! | type | as CSV |
//! |---|---|
//! | bool, i16, i32, i64, decimal, f32, f64 | as in JSON, but `NaN`, `Infinity`, `-Infinity` |
//! | text, json | the text, in quotes where it needs them |
//! | binary, date, time, timestamp, uuid | as in JSON, without the quotes |
//! | null | [`CsvStyle::null`], never in quotes |
//!
//! *Invariants*: a field is in quotes only where it must be: when it holds the delimiter, a quote
//! or a line break, when it is empty, or when it would read as a null. So nulls and values differ,
//! and a reader that heeds quotes gets back what was written. Nothing allocates for each row but
//! the growing buffer.
//! *Not here*: reading CSV (`format`, `table`), values that are unchanged, which have no place in a
//! line.

#[cfg(test)]
mod tests;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal64Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type,
    Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{
    Array, BinaryArray, BooleanArray, Date32Array, Decimal64Array, Decimal128Array,
    FixedSizeBinaryArray, Float32Array, Float64Array, Int16Array, Int32Array, Int64Array,
    StringArray, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow_buffer::NullBuffer;

use super::data_type::DECIMAL64_DIGITS;
use super::json::{
    write_base64, write_date, write_decimal, write_float, write_integer, write_time,
    write_timestamp, write_uuid,
};
use super::{Batch, DataType, Schema};

/// How fields are told apart, and nulls from texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvStyle {
    /// Between two fields. It is none of the characters that numbers, times and base64 are made of.
    pub delimiter: u8,
    /// What stands for a null; has neither the delimiter, nor a quote, nor a line break.
    pub null: String,
}

impl CsvStyle {
    /// Commas, and nothing for a null.
    pub const DEFAULT: Self = Self { delimiter: b',', null: String::new() };

    /// Whether fields can be told apart by this byte: a character of ASCII that stands neither in
    /// numbers, times and base64, nor for a quote or the end of a line.
    #[must_use]
    pub fn can_delimit(byte: u8) -> bool {
        byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\"\n\r\0+-.:/=".contains(&byte)
    }
}

/// Appends the names of the columns as a line, without its end.
pub(crate) fn write_csv_names(out: &mut Vec<u8>, style: &CsvStyle, schema: &Schema) {
    for (index, field) in schema.fields.iter().enumerate() {
        if index > 0 {
            out.push(style.delimiter);
        }
        write_text(out, style, &field.name);
    }
}

/// The rows of a batch, ready to be written as lines: each column's type is looked up once.
pub(crate) struct CsvRows<'a> {
    style: &'a CsvStyle,
    columns: Vec<Column<'a>>,
}

struct Column<'a> {
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

enum Values<'a> {
    Bool(&'a BooleanArray),
    Int16(&'a Int16Array),
    Int32(&'a Int32Array),
    Int64(&'a Int64Array),
    Float32(&'a Float32Array),
    Float64(&'a Float64Array),
    Decimal64(&'a Decimal64Array, u8),
    Decimal128(&'a Decimal128Array, u8),
    Text(&'a StringArray),
    Binary(&'a BinaryArray),
    Date(&'a Date32Array),
    Time(&'a Time64MicrosecondArray),
    Timestamp(&'a TimestampMicrosecondArray),
    Uuid(&'a FixedSizeBinaryArray),
}

impl<'a> CsvRows<'a> {
    /// The rows of `batch`, selected or not.
    ///
    /// # Panics
    /// If a column is not of the Arrow type of its field, which is the batch's invariant.
    pub(crate) fn of(batch: &'a Batch, style: &'a CsvStyle) -> Self {
        let fields = batch.schema.fields.iter().zip(&batch.columns);
        let columns = fields.map(|(field, column)| Column::of(field.data_type, &*column.values));
        Self { style, columns: columns.collect() }
    }

    /// Appends row `row` as a line, with its end.
    pub(crate) fn write(&self, out: &mut Vec<u8>, row: usize) {
        for (index, column) in self.columns.iter().enumerate() {
            if index > 0 {
                out.push(self.style.delimiter);
            }
            column.write(out, self.style, row);
        }
        out.push(b'\n');
    }
}

impl<'a> Column<'a> {
    fn of(data_type: DataType, array: &'a dyn Array) -> Self {
        let values = match data_type {
            DataType::Bool => Values::Bool(array.as_boolean()),
            DataType::Int16 => Values::Int16(array.as_primitive::<Int16Type>()),
            DataType::Int32 => Values::Int32(array.as_primitive::<Int32Type>()),
            DataType::Int64 => Values::Int64(array.as_primitive::<Int64Type>()),
            DataType::Float32 => Values::Float32(array.as_primitive::<Float32Type>()),
            DataType::Float64 => Values::Float64(array.as_primitive::<Float64Type>()),
            DataType::Decimal { precision, scale } if precision <= DECIMAL64_DIGITS => {
                Values::Decimal64(array.as_primitive::<Decimal64Type>(), scale)
            }
            DataType::Decimal { scale, .. } => {
                Values::Decimal128(array.as_primitive::<Decimal128Type>(), scale)
            }
            DataType::Text | DataType::Json => Values::Text(array.as_string::<i32>()),
            DataType::Binary => Values::Binary(array.as_binary::<i32>()),
            DataType::Date => Values::Date(array.as_primitive::<Date32Type>()),
            DataType::Time => Values::Time(array.as_primitive::<Time64MicrosecondType>()),
            DataType::Timestamp => {
                Values::Timestamp(array.as_primitive::<TimestampMicrosecondType>())
            }
            DataType::Uuid => Values::Uuid(array.as_fixed_size_binary()),
        };
        Self { nulls: array.nulls(), values }
    }

    fn write(&self, out: &mut Vec<u8>, style: &CsvStyle, row: usize) {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            out.extend_from_slice(style.null.as_bytes());
            return;
        }
        if let Values::Text(texts) = &self.values {
            write_text(out, style, texts.value(row));
            return;
        }
        let start = out.len();
        self.values.write(out, row);
        // No delimiter, quote or line break is in these, but they may look like a null.
        if out.len() == start || &out[start..] == style.null.as_bytes() {
            out.insert(start, b'"');
            out.push(b'"');
        }
    }
}

impl Values<'_> {
    fn write(&self, out: &mut Vec<u8>, row: usize) {
        match self {
            Self::Bool(values) => {
                out.extend_from_slice(if values.value(row) { b"true" } else { b"false" });
            }
            Self::Int16(values) => write_integer(out, i64::from(values.value(row))),
            Self::Int32(values) => write_integer(out, i64::from(values.value(row))),
            Self::Int64(values) => write_integer(out, values.value(row)),
            Self::Float32(values) => write_number(out, values.value(row)),
            Self::Float64(values) => write_number(out, values.value(row)),
            Self::Decimal64(values, scale) => {
                write_decimal(out, i128::from(values.value(row)), *scale);
            }
            Self::Decimal128(values, scale) => write_decimal(out, values.value(row), *scale),
            Self::Text(values) => out.extend_from_slice(values.value(row).as_bytes()),
            Self::Binary(values) => write_base64(out, values.value(row)),
            Self::Date(values) => write_date(out, i64::from(values.value(row))),
            Self::Time(values) => write_time(out, values.value(row)),
            Self::Timestamp(values) => write_timestamp(out, values.value(row)),
            Self::Uuid(values) => write_uuid(out, values.value(row)),
        }
    }
}

/// Appends a float; where JSON has no number for it, by the names that SQL has.
fn write_number<F: Copy + Into<f64> + serde::Serialize>(out: &mut Vec<u8>, value: F) {
    let wide: f64 = value.into();
    if wide.is_finite() {
        write_float(out, value);
    } else if wide.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if wide > 0.0 {
        out.extend_from_slice(b"Infinity");
    } else {
        out.extend_from_slice(b"-Infinity");
    }
}

/// Appends text, in quotes where it needs them.
fn write_text(out: &mut Vec<u8>, style: &CsvStyle, text: &str) {
    let bytes = text.as_bytes();
    let is_plain = !bytes.is_empty()
        && bytes != style.null.as_bytes()
        && memchr::memchr3(b'"', b'\n', b'\r', bytes).is_none()
        && memchr::memchr(style.delimiter, bytes).is_none();
    if is_plain {
        out.extend_from_slice(bytes);
        return;
    }
    out.push(b'"');
    let mut written = 0;
    for quote in memchr::memchr_iter(b'"', bytes) {
        out.extend_from_slice(&bytes[written..=quote]);
        out.push(b'"');
        written = quote + 1;
    }
    out.extend_from_slice(&bytes[written..]);
    out.push(b'"');
}
