//! One value of a message into its column.
//!
//! *Invariants*: a refused value leaves its column as it was; a decimal never becomes a float, and
//! text in base64 is taken for a number only where a schema says so, and never for the number that
//! its characters look like.
//! *Not here*: times (`moment`), what a scalar means for a type (`format::value`).

use std::io::Write;

use super::members::{each_member, found};
use super::moment;
use super::schema::Semantic;
use crate::format::builder::Values;
use crate::format::json::{Cursor, Kind, inner, push_plain, unescape};
use crate::format::number::Numeric;
use crate::format::value::Excerpt;
use crate::format::{ColumnBuilder, Scalar, TimeUnit, encoding};
use crate::record::{DataType, write_decimal};

/// What stands for a value that the source left out because it did not change.
const PLACEHOLDER: &str = "\"__debezium_unavailable_value\"";
/// The same as bytes, in base64 and in hexadecimal digits.
const BINARY_PLACEHOLDERS: [&str; 2] = [
    "\"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==\"",
    "\"5f5f646562657a69756d5f756e617661696c61626c655f76616c7565\"",
];
/// The same as an array of texts, an array of numbers, and a map.
const NESTED_PLACEHOLDERS: [&str; 3] = [
    "[\"__debezium_unavailable_value\"]",
    "[95,95,100,101,98,101,122,105,117,109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,97,108,\
     117,101]",
    "{\"__debezium_unavailable_value\":\"__debezium_unavailable_value\"}",
];

/// What is in a text that holds the placeholder: it in plain, and as bytes in either writing.
const TRACES: [&str; 3] = [
    "__debezium_unavailable_value",
    "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==",
    "5f5f646562657a69756d5f756e617661696c61626c655f76616c7565",
];

/// The digits after the point that a decimal may have here as it may anywhere.
const MAX_SCALE: u8 = 38;

/// Buffers that conversions use, kept from value to value.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) text: String,
    bytes: Vec<u8>,
    digits: Vec<u8>,
}

/// Whether the value whose checked text is `raw` only says that it did not change.
pub(super) fn is_unavailable(data_type: DataType, kind: Kind, raw: &str) -> bool {
    match kind {
        Kind::String => {
            raw == PLACEHOLDER
                || data_type == DataType::Binary && BINARY_PLACEHOLDERS.contains(&raw)
        }
        Kind::Array | Kind::Object => NESTED_PLACEHOLDERS.iter().any(|placeholder| {
            raw.bytes().filter(|byte| !matches!(byte, b' ' | b'\t')).eq(placeholder.bytes())
        }),
        Kind::Null | Kind::Bool | Kind::Number => false,
    }
}

/// Appends the value whose checked text is `raw`.
///
/// # Errors
/// The reason, where the column does not take it; nothing is appended then.
pub(super) fn push(
    column: &mut ColumnBuilder,
    semantic: Option<Semantic>,
    unit: Option<TimeUnit>,
    (kind, raw): (Kind, &str),
    scratch: &mut Scratch,
) -> Result<(), String> {
    match (column.data_type, kind) {
        (_, Kind::Null) => column.push_null(),
        (DataType::Date | DataType::Time | DataType::Timestamp, _) => {
            moment::push(column, semantic, unit, (kind, raw), scratch)
        }
        (DataType::Json, _) if TRACES.iter().any(|trace| raw.contains(trace)) => Err(
            "found a document with `__debezium_unavailable_value` in it, which stands for a value that \
             the source left out because it did not change: declare its members as columns of their \
             own, or set REPLICA IDENTITY FULL on the table"
                .to_owned(),
        ),
        (DataType::Json, Kind::String) => push_document(column, raw, scratch),
        (DataType::Json, Kind::Array) if has_lost_elements(raw) => Err(
            "found an array of arrays, whose elements Debezium loses: leave the column out, or make \
             a json of it in the source"
                .to_owned(),
        ),
        (DataType::Json, _) => push_plain(column, kind, raw, &mut scratch.text),
        // MySQL's booleans are small integers.
        (DataType::Bool, Kind::Number) if matches!(raw, "0" | "1") => {
            column.push(Scalar::Bool(raw == "1"))
        }
        (DataType::Bool | DataType::Binary | DataType::Uuid, _) => {
            push_plain(column, kind, raw, &mut scratch.text)
        }
        (_, Kind::String) => match semantic {
            Some(Semantic::Decimal { scale }) => push_unscaled(column, inner(raw), scale, scratch),
            Some(Semantic::Bits) if column.data_type != DataType::Text => {
                push_bits(column, raw, scratch)
            }
            _ => push_text(column, semantic, raw, scratch),
        },
        (_, Kind::Object) => match variable_scale(raw) {
            Some((scale, value)) => push_unscaled(column, value, scale, scratch),
            None => push_plain(column, kind, raw, &mut scratch.text),
        },
        _ => push_plain(column, kind, raw, &mut scratch.text),
    }
}

/// A text into a column of text or numbers.
fn push_text(
    column: &mut ColumnBuilder,
    semantic: Option<Semantic>,
    raw: &str,
    scratch: &mut Scratch,
) -> Result<(), String> {
    let text = unescape(inner(raw), &mut scratch.text);
    if column.data_type == DataType::Text {
        return column.push(Scalar::Text(text));
    }
    if let Some((single, double)) = not_finite(text) {
        match &mut column.values {
            Values::Float32(values) => values.push(single),
            Values::Float64(values) => values.push(double),
            _ => return Err(format!("found `{text}`, which no {} holds", column.data_type)),
        }
        return Ok(());
    }
    let mut is_base64 = || {
        scratch.bytes.clear();
        !text.is_empty() && encoding::base64(text, &mut scratch.bytes)
    };
    // Digits may be the base64 of another number, and only a schema would tell. With its point, a
    // number is no base64.
    let may_be_bytes =
        semantic.is_none() && matches!(column.data_type, DataType::Decimal { scale: 1.., .. });
    if Numeric::parse(text).is_some() && !(may_be_bytes && is_base64()) {
        return column.push(Scalar::Text(text));
    }
    let (expected, found) = (column.expected(), Excerpt(text));
    let hint = match column.data_type {
        DataType::Float32 | DataType::Float64 => "",
        _ if !is_base64() => "",
        DataType::Decimal { .. } => {
            ": a decimal in base64 needs its schema; set `decimal.handling.mode=string` in the connector"
        }
        _ => ": bytes in base64 need their schema",
    };
    Err(format!("expected {expected}, found the text \"{found}\"{hint}"))
}

/// What Debezium writes for what is no number or beyond all, as an f32 and an f64. PostgreSQL's
/// `numeric` has other words for it than its floats.
fn not_finite(text: &str) -> Option<(f32, f64)> {
    Some(match text {
        "NaN" | "NAN" => (f32::NAN, f64::NAN),
        "Infinity" | "POSITIVE_INFINITY" => (f32::INFINITY, f64::INFINITY),
        "-Infinity" | "NEGATIVE_INFINITY" => (f32::NEG_INFINITY, f64::NEG_INFINITY),
        _ => return None,
    })
}

/// A document that stands as text. Line breaks between its tokens become spaces; others there are
/// none in a document.
fn push_document(
    column: &mut ColumnBuilder,
    raw: &str,
    scratch: &mut Scratch,
) -> Result<(), String> {
    let text = unescape(inner(raw), &mut scratch.text);
    if text.contains('\n') {
        return column.push(Scalar::Text(&text.replace('\n', " ")));
    }
    column.push(Scalar::Text(text))
}

/// Whether an array holds Java's words for an array in place of one.
fn has_lost_elements(raw: &str) -> bool {
    raw.contains("\"[Ljava.lang.") || raw.contains("\"[[L")
}

/// The scale and the value of a decimal that carries its scale, which is an object of the two.
fn variable_scale(raw: &str) -> Option<(i64, &str)> {
    let mut cursor = Cursor::new(raw.as_bytes(), 0);
    let (mut scale, mut value, mut other) = (None, None, false);
    // Checked text: no error is left to report.
    each_member(raw, &mut cursor, 0, |name, cursor| {
        let member = found(cursor, 1)?;
        let text = raw.get(member.start..member.end).unwrap_or_default();
        match (name, member.kind) {
            ("scale", Kind::Number) => scale = text.parse().ok(),
            ("value", Kind::String) => value = Some(inner(text)),
            _ => other = true,
        }
        Ok(())
    })
    .ok()?;
    if other { None } else { scale.zip(value) }
}

/// A decimal's big-endian bytes in base64, to be divided by 10^`scale`.
fn push_unscaled(
    column: &mut ColumnBuilder,
    raw: &str,
    scale: i64,
    scratch: &mut Scratch,
) -> Result<(), String> {
    let Scratch { text, bytes, digits } = scratch;
    let text = unescape(raw, text);
    bytes.clear();
    if !encoding::base64(text, bytes) || bytes.is_empty() {
        let expected = column.expected();
        return Err(format!(
            "expected {expected} as bytes in base64, found the text \"{}\"",
            Excerpt(text)
        ));
    }
    if bytes.len() > size_of::<i128>() {
        let bits = bytes.len() * 8;
        return Err(format!("a decimal of {bits} bits is out of range for {}", column.data_type));
    }
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let start = if negative { -1 } else { 0 };
    let unscaled = bytes.iter().fold(start, |value: i128, byte| (value << 8) | i128::from(*byte));
    digits.clear();
    match u8::try_from(scale) {
        Ok(scale) if scale <= MAX_SCALE => write_decimal(digits, unscaled, scale),
        _ => write!(digits, "{unscaled}e{}", scale.saturating_neg()).expect("a Vec takes all"),
    }
    column.push(Scalar::Number(std::str::from_utf8(digits).expect("digits are ASCII")))
}

/// Bits as little-endian bytes in base64, as the number that they are.
fn push_bits(column: &mut ColumnBuilder, raw: &str, scratch: &mut Scratch) -> Result<(), String> {
    let text = unescape(inner(raw), &mut scratch.text);
    scratch.bytes.clear();
    if !encoding::base64(text, &mut scratch.bytes) || scratch.bytes.len() > size_of::<u64>() {
        let expected = column.expected();
        return Err(format!(
            "expected {expected} as at most 64 bits in base64, found the text \"{}\"",
            Excerpt(text)
        ));
    }
    let bits = scratch.bytes.iter().rev().fold(0, |bits: u64, byte| (bits << 8) | u64::from(*byte));
    scratch.digits.clear();
    write!(scratch.digits, "{bits}").expect("a Vec takes all");
    column.push(Scalar::Number(std::str::from_utf8(&scratch.digits).expect("digits are ASCII")))
}
