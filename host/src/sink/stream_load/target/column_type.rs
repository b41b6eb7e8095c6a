//! Column types of both systems: read, printed, and what DDL gives for a column of the input.
//!
//! | input | StarRocks | Doris |
//! |---|---|---|
//! | bool | BOOLEAN | BOOLEAN |
//! | i16, i32, i64 | SMALLINT, INT, BIGINT | the same |
//! | f32, f64 | FLOAT, DOUBLE | the same |
//! | decimal(p,s) | DECIMAL(p,s) | DECIMAL(p,s) |
//! | text, binary (base64) | VARCHAR(1048576) | STRING |
//! | the same in a key | VARCHAR(255) | VARCHAR(255) |
//! | date | DATE | DATE |
//! | timestamp | DATETIME | DATETIME(6) |
//! | time | VARCHAR(16) | VARCHAR(16) |
//! | uuid | VARCHAR(36) | VARCHAR(36) |
//! | json | JSON | JSON |

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use crate::record::DataType;
use crate::sink::stream_load::config::System;

/// Bytes of the longest VARCHAR of every StarRocks in use; later ones take more.
const STARROCKS_VARCHAR_MAX: u32 = 1_048_576;
/// Bytes of StarRocks's STRING, and of the longest VARCHAR of Doris.
pub(super) const VARCHAR_MAX: u32 = 65_533;
/// Bytes of a text in the key: StarRocks encodes keys of no more than 128 bytes by default, so that
/// longer ones want another key.
const KEY_TEXT_BYTES: u32 = 255;
/// `12:00:00.123456`.
const TIME_BYTES: u32 = 16;
/// `00112233-4455-6677-8899-aabbccddeeff`.
const UUID_BYTES: u32 = 36;
/// Digits of a fraction of a second that both systems keep at most.
const MICROS: u8 = 6;

/// The type of a column at the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sink::stream_load) enum ColumnType {
    /// True or false.
    Boolean,
    /// 8 bits.
    TinyInt,
    /// 16 bits.
    SmallInt,
    /// 32 bits.
    Int,
    /// 64 bits.
    BigInt,
    /// 128 bits.
    LargeInt,
    /// IEEE single.
    Float,
    /// IEEE double.
    Double,
    /// Exact digits.
    Decimal {
        /// In all.
        precision: u8,
        /// After the point.
        scale: u8,
    },
    /// Text of so many bytes, padded.
    Char(u32),
    /// Text of so many bytes at most.
    Varchar(u32),
    /// Doris's text without a length.
    String,
    /// A day.
    Date,
    /// A day and time.
    DateTime {
        /// Digits of the fraction of a second.
        scale: u8,
    },
    /// A JSON value.
    Json,
    /// Bytes.
    VarBinary,
    /// Any other, as the server writes it.
    Other(String),
}

impl ColumnType {
    /// Reads a type as a server of `system` writes it.
    pub(super) fn of(system: System, text: &str) -> Self {
        let Ok(read) = text.parse::<Self>();
        match (system, read) {
            // StarRocks has microseconds in every DATETIME, and STRING is short for a VARCHAR.
            (System::StarRocks, Self::DateTime { .. }) => Self::DateTime { scale: MICROS },
            (System::StarRocks, Self::String) => Self::Varchar(VARCHAR_MAX),
            (_, read) => read,
        }
    }

    /// The type as statements of `system` name it.
    pub(super) fn sql(&self, system: System) -> String {
        match (system, self) {
            (System::StarRocks, Self::DateTime { .. }) => "DATETIME".to_owned(),
            _ => self.to_string(),
        }
    }

    /// The smallest and greatest integer that it holds, where it is a type of integers.
    pub(super) const fn integers(&self) -> Option<(i128, i128)> {
        Some(match self {
            Self::TinyInt => (i8::MIN as i128, i8::MAX as i128),
            Self::SmallInt => (i16::MIN as i128, i16::MAX as i128),
            Self::Int => (i32::MIN as i128, i32::MAX as i128),
            Self::BigInt => (i64::MIN as i128, i64::MAX as i128),
            Self::LargeInt => (i128::MIN, i128::MAX),
            _ => return None,
        })
    }

    /// How many bytes of text it holds, where it is a type of text: `u32::MAX` for any.
    pub(super) const fn text_bytes(&self) -> Option<u32> {
        match self {
            Self::Char(bytes) | Self::Varchar(bytes) => Some(*bytes),
            Self::String => Some(u32::MAX),
            _ => None,
        }
    }
}

/// What DDL gives for a column of the input.
pub(in crate::sink::stream_load) fn column_type(
    system: System,
    data_type: DataType,
    key: bool,
) -> ColumnType {
    let long_text = match (key, system) {
        (true, _) => ColumnType::Varchar(KEY_TEXT_BYTES),
        (false, System::StarRocks) => ColumnType::Varchar(STARROCKS_VARCHAR_MAX),
        (false, System::Doris) => ColumnType::String,
    };
    match data_type {
        DataType::Bool => ColumnType::Boolean,
        DataType::Int16 => ColumnType::SmallInt,
        DataType::Int32 => ColumnType::Int,
        DataType::Int64 => ColumnType::BigInt,
        DataType::Float32 => ColumnType::Float,
        DataType::Float64 => ColumnType::Double,
        DataType::Decimal { precision, scale } => ColumnType::Decimal { precision, scale },
        DataType::Text | DataType::Binary => long_text,
        // Neither system takes JSON in a key.
        DataType::Json if key => long_text,
        DataType::Json => ColumnType::Json,
        DataType::Date => ColumnType::Date,
        DataType::Time => ColumnType::Varchar(TIME_BYTES),
        DataType::Timestamp => ColumnType::DateTime { scale: MICROS },
        DataType::Uuid => ColumnType::Varchar(UUID_BYTES),
    }
}

impl FromStr for ColumnType {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.trim().to_ascii_lowercase();
        let end = lower.find(['(', '<', ' ']).unwrap_or(lower.len());
        let (base, rest) = lower.split_at(end);
        let arguments: Vec<u32> = rest
            .strip_prefix('(')
            .and_then(|rest| rest.split_once(')'))
            .map(|(inner, _)| inner.split(',').filter_map(|one| one.trim().parse().ok()).collect())
            .unwrap_or_default();
        let argument = |index: usize| arguments.get(index).copied();
        let small = |index: usize| argument(index).and_then(|value| u8::try_from(value).ok());
        Ok(match base {
            "boolean" | "bool" => Self::Boolean,
            // How the catalogue of both shows a BOOLEAN.
            "tinyint" if argument(0) == Some(1) => Self::Boolean,
            "tinyint" => Self::TinyInt,
            "smallint" => Self::SmallInt,
            "int" | "integer" => Self::Int,
            // How the catalogue of Doris shows a LARGEINT.
            "bigint" if lower.ends_with("unsigned") => Self::LargeInt,
            "bigint" => Self::BigInt,
            "largeint" => Self::LargeInt,
            "float" => Self::Float,
            "double" => Self::Double,
            "decimal" | "decimalv2" | "decimalv3" | "decimal32" | "decimal64" | "decimal128"
            | "numeric" => {
                Self::Decimal { precision: small(0).unwrap_or(9), scale: small(1).unwrap_or(0) }
            }
            "char" | "character" => Self::Char(argument(0).unwrap_or(1)),
            "varchar" => Self::Varchar(argument(0).unwrap_or(VARCHAR_MAX)),
            "string" | "text" => Self::String,
            "date" | "datev2" => Self::Date,
            "datetime" | "datetimev2" => Self::DateTime { scale: small(0).unwrap_or(0) },
            "json" | "jsonb" => Self::Json,
            "varbinary" | "binary" => Self::VarBinary,
            _ => Self::Other(text.trim().to_owned()),
        })
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boolean => "BOOLEAN",
            Self::TinyInt => "TINYINT",
            Self::SmallInt => "SMALLINT",
            Self::Int => "INT",
            Self::BigInt => "BIGINT",
            Self::LargeInt => "LARGEINT",
            Self::Float => "FLOAT",
            Self::Double => "DOUBLE",
            Self::Decimal { precision, scale } => return write!(f, "DECIMAL({precision},{scale})"),
            Self::Char(bytes) => return write!(f, "CHAR({bytes})"),
            Self::Varchar(bytes) => return write!(f, "VARCHAR({bytes})"),
            Self::String => "STRING",
            Self::Date => "DATE",
            Self::DateTime { scale: 0 } => "DATETIME",
            Self::DateTime { scale } => return write!(f, "DATETIME({scale})"),
            Self::Json => "JSON",
            Self::VarBinary => "VARBINARY",
            Self::Other(text) => text,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_servers_write_them() {
        for (text, wanted) in [
            ("boolean", ColumnType::Boolean),
            ("tinyint(1)", ColumnType::Boolean),
            ("tinyint(4)", ColumnType::TinyInt),
            ("int(11)", ColumnType::Int),
            ("BIGINT", ColumnType::BigInt),
            ("bigint unsigned", ColumnType::LargeInt),
            ("bigint(20) unsigned", ColumnType::LargeInt),
            ("decimal(18, 2)", ColumnType::Decimal { precision: 18, scale: 2 }),
            ("DECIMALV3(38,9)", ColumnType::Decimal { precision: 38, scale: 9 }),
            ("decimal", ColumnType::Decimal { precision: 9, scale: 0 }),
            ("char(10)", ColumnType::Char(10)),
            ("varchar(65533)", ColumnType::Varchar(65533)),
            ("varchar(*)", ColumnType::Varchar(65533)),
            ("text", ColumnType::String),
            ("datetime", ColumnType::DateTime { scale: 0 }),
            ("datetimev2(3)", ColumnType::DateTime { scale: 3 }),
            ("jsonb", ColumnType::Json),
            ("array<int(11)>", ColumnType::Other("array<int(11)>".to_owned())),
            ("variant", ColumnType::Other("variant".to_owned())),
            ("decimal(", ColumnType::Decimal { precision: 9, scale: 0 }),
        ] {
            assert_eq!(text.parse(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn types_read_back_as_printed() {
        for data_type in DataType::NAMES.map(|name| name.parse::<DataType>().unwrap()) {
            for system in [System::StarRocks, System::Doris] {
                for key in [false, true] {
                    let made = column_type(system, data_type, key);
                    assert_eq!(ColumnType::of(system, &made.sql(system)), made, "{data_type}");
                }
            }
        }
    }

    #[test]
    fn starrocks_has_microseconds_and_no_string() {
        let datetime = ColumnType::of(System::StarRocks, "datetime");
        assert_eq!(datetime, ColumnType::DateTime { scale: 6 });
        assert_eq!(datetime.sql(System::StarRocks), "DATETIME");
        assert_eq!(datetime.sql(System::Doris), "DATETIME(6)");
        assert_eq!(ColumnType::of(System::StarRocks, "STRING"), ColumnType::Varchar(65533));
        assert_eq!(ColumnType::of(System::Doris, "string"), ColumnType::String);
    }
}
