//! Rows as JSON text: what the sinks of JSON lines write, and what a dead letter keeps of its row.
//!
//! | type | as JSON |
//! |---|---|
//! | bool, i16, i32, i64 | `true`, `42` |
//! | decimal | a number with all digits of its scale: `12.50` |
//! | f32, f64 | the shortest number that reads back the same; NaN and infinities are `null` |
//! | text | a string; only `"`, `\` and control characters are escaped (`\u0000` included) |
//! | binary | a string in base64 with padding |
//! | date, time | `"2026-11-20"`, `"12:00:00.123456"` |
//! | timestamp | `"2026-11-20T12:00:00.123456Z"`, always with six digits, so that text sorts |
//! | uuid | `"00112233-4455-6677-8899-aabbccddeeff"` |
//! | json | the column's own text, with line breaks between its tokens turned into spaces |
//!
//! *Invariants*: one row is one line (no raw line break in it); members come in the schema's order;
//! an unchanged value, which is unknown, is no member; nothing allocates but the growing buffer.
//! *Not here*: reading JSON (`format`).

mod text;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal64Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type,
    Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};

pub(super) use text::{write_base64, write_integer, write_timestamp};
pub(crate) use text::{write_date, write_decimal, write_sql_timestamp, write_time, write_uuid};

use super::data_type::DECIMAL64_DIGITS;
use super::{Batch, DataType};
use text::write_hex;

/// A timestamp, in microseconds since 1970 UTC, as `2026-11-20T12:00:00.123456Z`.
///
/// # Panics
/// Never: only ASCII is written.
#[must_use]
pub fn format_timestamp(micros: i64) -> String {
    let mut out = Vec::with_capacity(27);
    write_timestamp(&mut out, micros);
    String::from_utf8(out).expect("digits and signs are ASCII")
}

/// Appends row `row` of `batch`, selected or not, as one JSON object without a line break. Columns
/// whose value is unchanged are left out.
///
/// # Panics
/// If `row` is out of range.
pub fn write_row(out: &mut Vec<u8>, batch: &Batch, row: usize) {
    out.push(b'{');
    write_members(out, batch, row);
    out.push(b'}');
}

/// Appends a row's members, without the braces.
pub(crate) fn write_members(out: &mut Vec<u8>, batch: &Batch, row: usize) {
    let mut first = true;
    for (field, column) in batch.schema.fields.iter().zip(&batch.columns) {
        if column.unchanged.as_ref().is_some_and(|bits| bits.value(row)) {
            continue;
        }
        if !first {
            out.push(b',');
        }
        first = false;
        write_string(out, &field.name);
        out.push(b':');
        write_value(out, field.data_type, &*column.values, row);
    }
}

/// Appends one value as JSON.
///
/// # Panics
/// If `values` is not of the Arrow type of `data_type`, or `row` is out of range.
pub fn write_value(out: &mut Vec<u8>, data_type: DataType, values: &dyn Array, row: usize) {
    if values.is_null(row) {
        out.extend_from_slice(b"null");
        return;
    }
    match data_type {
        DataType::Bool => {
            let value = values.as_boolean().value(row);
            out.extend_from_slice(if value { b"true" } else { b"false" });
        }
        DataType::Int16 => {
            write_integer(out, i64::from(values.as_primitive::<Int16Type>().value(row)));
        }
        DataType::Int32 => {
            write_integer(out, i64::from(values.as_primitive::<Int32Type>().value(row)));
        }
        DataType::Int64 => write_integer(out, values.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => write_float(out, values.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => write_float(out, values.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal { precision, scale } if precision <= DECIMAL64_DIGITS => {
            let unscaled = values.as_primitive::<Decimal64Type>().value(row);
            write_decimal(out, i128::from(unscaled), scale);
        }
        DataType::Decimal { scale, .. } => {
            write_decimal(out, values.as_primitive::<Decimal128Type>().value(row), scale);
        }
        DataType::Text => write_string(out, values.as_string::<i32>().value(row)),
        DataType::Json => write_raw(out, values.as_string::<i32>().value(row)),
        DataType::Binary => {
            in_quotes(out, |out| write_base64(out, values.as_binary::<i32>().value(row)));
        }
        DataType::Date => {
            let days = values.as_primitive::<Date32Type>().value(row);
            in_quotes(out, |out| write_date(out, i64::from(days)));
        }
        DataType::Time => {
            let micros = values.as_primitive::<Time64MicrosecondType>().value(row);
            in_quotes(out, |out| write_time(out, micros));
        }
        DataType::Timestamp => {
            let micros = values.as_primitive::<TimestampMicrosecondType>().value(row);
            in_quotes(out, |out| write_timestamp(out, micros));
        }
        DataType::Uuid => {
            in_quotes(out, |out| write_uuid(out, values.as_fixed_size_binary().value(row)));
        }
    }
}

/// Appends text as a JSON string.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut clean = 0;
    for (index, byte) in bytes.iter().enumerate() {
        if *byte >= 0x20 && *byte != b'"' && *byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[clean..index]);
        clean = index + 1;
        out.push(b'\\');
        match *byte {
            b'"' | b'\\' => out.push(*byte),
            b'\n' => out.push(b'n'),
            b'\r' => out.push(b'r'),
            b'\t' => out.push(b't'),
            control => {
                out.extend_from_slice(b"u00");
                write_hex(out, control);
            }
        }
    }
    out.extend_from_slice(&bytes[clean..]);
    out.push(b'"');
}

/// Appends JSON text as it is, but on one line: inside of JSON's strings there is no raw line
/// break, so those that are there stand between tokens.
fn write_raw(out: &mut Vec<u8>, json: &str) {
    let start = out.len();
    out.extend_from_slice(json.as_bytes());
    for byte in &mut out[start..] {
        if matches!(*byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

/// Appends a float; serde_json writes the shortest digits, and null for what JSON has no number.
pub(super) fn write_float(out: &mut Vec<u8>, value: impl serde::Serialize) {
    serde_json::to_writer(out, &value).expect("a float is JSON, and a Vec takes every byte");
}

fn in_quotes(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal64Array, Decimal128Array,
        FixedSizeBinaryArray, Float32Array, Float64Array, Int16Array, Int32Array, Int64Array,
        StringArray, Time64MicrosecondArray, TimestampMicrosecondArray,
    };
    use arrow_buffer::BooleanBuffer;

    use super::super::{Column, Field, Operation, Operations, RowMeta, Schema};
    use super::*;

    fn value(data_type: DataType, array: ArrayRef) -> String {
        let mut out = Vec::new();
        write_value(&mut out, data_type, &*array, 0);
        String::from_utf8(out).unwrap()
    }

    fn text(text: &str) -> String {
        value(DataType::Text, Arc::new(StringArray::from(vec![text])))
    }

    #[test]
    fn numbers_keep_their_digits() {
        let money = Decimal64Array::from(vec![1250]).with_precision_and_scale(18, 2).unwrap();
        let money_type = DataType::Decimal { precision: 18, scale: 2 };
        assert_eq!(value(money_type, Arc::new(money)), "12.50");
        let wide = Decimal128Array::from(vec![-(10_i128.pow(37))]);
        let wide = wide.with_precision_and_scale(38, 4).unwrap();
        let wide_type = DataType::Decimal { precision: 38, scale: 4 };
        let zeros = "0".repeat(33);
        assert_eq!(value(wide_type, Arc::new(wide)), format!("-1{zeros}.0000"));
        let int64 = Int64Array::from(vec![i64::MIN]);
        assert_eq!(value(DataType::Int64, Arc::new(int64)), "-9223372036854775808");
        assert_eq!(value(DataType::Int16, Arc::new(Int16Array::from(vec![-7]))), "-7");
        assert_eq!(value(DataType::Int32, Arc::new(Int32Array::from(vec![0]))), "0");
        assert_eq!(value(DataType::Bool, Arc::new(BooleanArray::from(vec![true]))), "true");
    }

    #[test]
    fn floats_are_shortest_and_what_json_lacks_is_null() {
        let double = |float| value(DataType::Float64, Arc::new(Float64Array::from(vec![float])));
        assert_eq!(double(0.1), "0.1");
        assert_eq!(double(f64::NAN), "null");
        assert_eq!(double(f64::NEG_INFINITY), "null");
        assert_eq!(value(DataType::Float32, Arc::new(Float32Array::from(vec![0.1]))), "0.1");
    }

    #[test]
    fn strings_escape_only_what_they_must() {
        assert_eq!(text("plain é 🦀"), "\"plain é 🦀\"");
        assert_eq!(text("\0a\"b\\c\nd\u{1f}"), "\"\\u0000a\\\"b\\\\c\\nd\\u001f\"");
        assert_eq!(text(""), "\"\"");
        let every: String = (0..=0x80_u8).map(char::from).collect();
        let back: String = serde_json::from_str(&text(&every)).unwrap();
        assert_eq!(back, every);
    }

    #[test]
    fn times_uuids_bytes_and_json_have_their_forms() {
        assert_eq!(value(DataType::Date, Arc::new(Date32Array::from(vec![0]))), "\"1970-01-01\"");
        let time = Time64MicrosecondArray::from(vec![1]);
        assert_eq!(value(DataType::Time, Arc::new(time)), "\"00:00:00.000001\"");
        let timestamp = TimestampMicrosecondArray::from(vec![1_795_176_000_000_000]);
        assert_eq!(
            value(DataType::Timestamp, Arc::new(timestamp)),
            "\"2026-11-20T12:00:00.000000Z\""
        );
        assert_eq!(format_timestamp(0), "1970-01-01T00:00:00.000000Z");
        let uuid = FixedSizeBinaryArray::try_from(vec![&[255_u8; 16]]).unwrap();
        assert_eq!(
            value(DataType::Uuid, Arc::new(uuid)),
            "\"ffffffff-ffff-ffff-ffff-ffffffffffff\""
        );
        let bytes = BinaryArray::from(vec![&b"\x00\xff"[..]]);
        assert_eq!(value(DataType::Binary, Arc::new(bytes)), "\"AP8=\"");
        let json = StringArray::from(vec!["{\n  \"a\": 1\r\n}"]);
        assert_eq!(value(DataType::Json, Arc::new(json)), "{   \"a\": 1  }");
    }

    #[test]
    fn a_row_has_the_schemas_order_and_leaves_out_what_is_unchanged() {
        let schema = Schema::new(vec![
            Field::new("b\"", DataType::Int64, true),
            Field::new("a", DataType::Text, true),
            Field::new("c", DataType::Text, true),
        ]);
        let texts: ArrayRef = Arc::new(StringArray::from(vec![None, Some("x")]));
        let mut columns: Vec<Column> = vec![
            Column::from(Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef),
            Column::from(Arc::clone(&texts)),
            Column::from(texts),
        ];
        columns[1].unchanged = Some(BooleanBuffer::from(vec![true, false]));
        let batch = Batch {
            schema: Arc::new(schema),
            columns,
            meta: Arc::new(RowMeta {
                origin: "test".into(),
                operations: Operations::All(Operation::Insert),
                event_times: None,
                processing_times: vec![0, 0].into(),
                majors: vec![1, 2].into(),
                minors: None,
                base: 0,
                mixed: None,
                late: None,
            }),
            rows: 2,
            selection: None,
            before: None,
        };
        let mut out = Vec::new();
        write_row(&mut out, &batch, 0);
        out.push(b'\n');
        write_row(&mut out, &batch, 1);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "{\"b\\\"\":1,\"c\":null}\n{\"b\\\"\":2,\"a\":\"x\",\"c\":\"x\"}"
        );
    }
}
