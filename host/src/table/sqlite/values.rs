//! A value of SQLite's into a column as what it is, or not at all. Text of more digits than a
//! decimal's scale is rounded half away from zero, as it is everywhere.
//!
//! SQLite types values, not columns: a column that is declared `INTEGER` may hold text. So each value
//! is looked at, and what it is decides what may become of it; the conversion itself is the one that
//! all text formats share.
//!
//! | value | goes into |
//! |---|---|
//! | `INTEGER` | integers, `bool` (0 and 1), decimals, floats that hold it exactly, `text`, `json`; `date` as days, `time` as microseconds |
//! | `REAL` | floats, and nothing else |
//! | `TEXT` | decimals, `text`, `json`, `uuid`, and `date`, `time`, `timestamp` in ISO 8601 |
//! | `BLOB` | `binary`; `uuid`, if it has 16 bytes |

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::BinaryBuilder;
use rusqlite::types::ValueRef;

use crate::format::{ColumnBuilder, Scalar};
use crate::record::{DataType, write_uuid};
use crate::table::TableColumn;

/// A column under construction.
pub(super) enum Cells {
    /// Of values that have a text.
    Scalars {
        /// The shared conversion.
        builder: ColumnBuilder,
        /// What the column is declared as.
        data_type: DataType,
    },
    /// Of bytes, which the shared conversion would want as base64.
    Binary {
        /// The values.
        builder: BinaryBuilder,
        /// Whether null is an error.
        required: bool,
    },
}

impl Cells {
    /// An empty column.
    pub(super) fn new(column: &TableColumn) -> Self {
        match column.data_type {
            DataType::Binary => {
                Self::Binary { builder: BinaryBuilder::new(), required: column.required }
            }
            data_type => Self::Scalars { builder: ColumnBuilder::new(&column.spec()), data_type },
        }
    }

    /// Appends a value.
    ///
    /// # Errors
    /// What was found and what was expected, if it does not fit.
    pub(super) fn push(&mut self, value: ValueRef<'_>) -> Result<(), String> {
        match self {
            Self::Scalars { builder, data_type } => push(builder, *data_type, value),
            Self::Binary { builder, required } => {
                match value {
                    ValueRef::Blob(bytes) => builder.append_value(bytes),
                    ValueRef::Null if !*required => builder.append_null(),
                    other => {
                        return Err(format!("expected binary as a BLOB, found {}", found(other)));
                    }
                }
                Ok(())
            }
        }
    }

    /// The column.
    pub(super) fn finish(self) -> ArrayRef {
        match self {
            Self::Scalars { mut builder, .. } => builder.finish(),
            Self::Binary { mut builder, .. } => Arc::new(builder.finish()),
        }
    }
}

fn push(
    builder: &mut ColumnBuilder,
    data_type: DataType,
    value: ValueRef<'_>,
) -> Result<(), String> {
    match value {
        ValueRef::Null => builder.push_null(),
        ValueRef::Integer(number) => integer(builder, data_type, number),
        ValueRef::Real(number) => match data_type {
            // The shortest text that reads back as this very number.
            DataType::Float32 | DataType::Float64 => {
                builder.push(Scalar::Number(&format!("{number:?}")))
            }
            DataType::Decimal { .. } => Err(format!(
                "expected {data_type}, found {}: money is never a float; store decimals as TEXT or INTEGER",
                found(value)
            )),
            _ => Err(refused(data_type, value)),
        },
        ValueRef::Text(bytes) => match (data_type, str::from_utf8(bytes)) {
            (_, Err(_)) => Err(format!("expected {data_type}, found TEXT that is not UTF-8")),
            (
                DataType::Bool
                | DataType::Int16
                | DataType::Int32
                | DataType::Int64
                | DataType::Float32
                | DataType::Float64,
                Ok(_),
            ) => Err(refused(data_type, value)),
            // The text formats have counts as text, too; here a count is an INTEGER.
            (DataType::Date | DataType::Time | DataType::Timestamp, Ok(text))
                if text.trim().parse::<f64>().is_ok() =>
            {
                Err(format!("expected {data_type} in ISO 8601, found {}", found(value)))
            }
            (_, Ok(text)) => builder.push(Scalar::Text(text)),
        },
        ValueRef::Blob(bytes) if data_type == DataType::Uuid && bytes.len() == 16 => {
            let mut text = Vec::with_capacity(36);
            write_uuid(&mut text, bytes);
            builder.push(Scalar::Text(&String::from_utf8_lossy(&text)))
        }
        ValueRef::Blob(_) => Err(refused(data_type, value)),
    }
}

fn integer(builder: &mut ColumnBuilder, data_type: DataType, number: i64) -> Result<(), String> {
    let value = ValueRef::Integer(number);
    match data_type {
        DataType::Bool => match number {
            0 | 1 => builder.push(Scalar::Bool(number == 1)),
            _ => Err(format!("expected bool as 0 or 1, found {}", found(value))),
        },
        DataType::Float32 if !is_exact(number, f32::MANTISSA_DIGITS) => {
            Err(format!("{} has more digits than an f32 holds", found(value)))
        }
        DataType::Float64 if !is_exact(number, f64::MANTISSA_DIGITS) => {
            Err(format!("{} has more digits than an f64 holds", found(value)))
        }
        DataType::Timestamp => Err(format!(
            "expected timestamp as ISO 8601 TEXT, found {}: for seconds since 1970, select \
             datetime(…, 'unixepoch')",
            found(value)
        )),
        _ => builder.push(Scalar::Number(&number.to_string())),
    }
}

/// Whether a float of so many binary digits holds every integer up to this one.
fn is_exact(number: i64, digits: u32) -> bool {
    number.unsigned_abs() <= 1 << digits
}

fn refused(data_type: DataType, value: ValueRef<'_>) -> String {
    format!("expected {data_type}, found {}", found(value))
}

/// A value with its type, for messages.
fn found(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(_) => format!("the INTEGER {}", shown(value)),
        ValueRef::Real(_) => format!("the REAL {}", shown(value)),
        ValueRef::Text(_) => format!("the TEXT {}", shown(value)),
        ValueRef::Blob(_) => shown(value),
    }
}

/// A value in one short line.
pub(super) fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Text(bytes) => format!("\"{}\"", clipped(&String::from_utf8_lossy(bytes))),
        ValueRef::Blob(bytes) => format!("a BLOB of {} bytes", bytes.len()),
    }
}

const CLIP_CHARS: usize = 40;

/// The beginning of a text, with what cannot be seen written out.
pub(super) fn clipped(text: &str) -> String {
    let mut clipped = String::new();
    for (index, char) in text.chars().enumerate() {
        match char {
            _ if index == CLIP_CHARS => {
                clipped.push('…');
                break;
            }
            // Its debugging form would escape these too, and they are plain to see.
            '"' | '\'' | '\\' => clipped.push(char),
            char => clipped.extend(char.escape_debug()),
        }
    }
    clipped
}
