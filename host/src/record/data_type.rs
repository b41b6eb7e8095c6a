//! Column types: the names that the TOML uses and the Arrow types that carry them.

use std::fmt;
use std::str::FromStr;

use arrow_schema::{DataType as Arrow, TimeUnit};
use serde::{Deserialize, Serialize};

/// A column's logical type. Each is carried by one Arrow type ([`DataType::arrow`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum DataType {
    /// True or false.
    Bool,
    /// 16-bit integer.
    Int16,
    /// 32-bit integer.
    Int32,
    /// 64-bit integer.
    Int64,
    /// IEEE single.
    Float32,
    /// IEEE double.
    Float64,
    /// Exact decimal: `Decimal64` up to 18 digits, `Decimal128` up to 38.
    Decimal {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits after the point, 0 to `precision`.
        scale: u8,
    },
    /// UTF-8 text.
    Text,
    /// Bytes.
    Binary,
    /// Days since 1970-01-01.
    Date,
    /// Microseconds since midnight.
    Time,
    /// Microseconds since 1970-01-01T00:00:00Z.
    Timestamp,
    /// 16 bytes.
    Uuid,
    /// JSON text.
    Json,
}

/// Digits that an `i64` holds whole.
pub(crate) const DECIMAL64_DIGITS: u8 = 18;
const DECIMAL_DIGITS: u8 = 38;

impl DataType {
    /// The simple names, for hints; `decimal(p,s)` is the one that takes arguments.
    pub const NAMES: [&'static str; 14] = [
        "bool",
        "i16",
        "i32",
        "i64",
        "f32",
        "f64",
        "decimal(18,2)",
        "text",
        "binary",
        "date",
        "time",
        "timestamp",
        "uuid",
        "json",
    ];

    /// The Arrow type that carries this type. Timestamps are in UTC without a zone in the type;
    /// a uuid is a fixed-size binary of 16; JSON and text are both `Utf8`.
    #[must_use]
    pub fn arrow(self) -> Arrow {
        match self {
            Self::Bool => Arrow::Boolean,
            Self::Int16 => Arrow::Int16,
            Self::Int32 => Arrow::Int32,
            Self::Int64 => Arrow::Int64,
            Self::Float32 => Arrow::Float32,
            Self::Float64 => Arrow::Float64,
            Self::Decimal { precision, scale } if precision <= DECIMAL64_DIGITS => {
                Arrow::Decimal64(precision, i8::try_from(scale).unwrap_or(i8::MAX))
            }
            Self::Decimal { precision, scale } => {
                Arrow::Decimal128(precision, i8::try_from(scale).unwrap_or(i8::MAX))
            }
            Self::Text | Self::Json => Arrow::Utf8,
            Self::Binary => Arrow::Binary,
            Self::Date => Arrow::Date32,
            Self::Time => Arrow::Time64(TimeUnit::Microsecond),
            Self::Timestamp => Arrow::Timestamp(TimeUnit::Microsecond, None),
            Self::Uuid => Arrow::FixedSizeBinary(16),
        }
    }

    /// Whether a column of type `self` may be read as `wanted`: the same type, or a decimal of the
    /// same scale and carrier with no more digits.
    #[must_use]
    pub fn reads_as(self, wanted: Self) -> bool {
        match (self, wanted) {
            (
                Self::Decimal { precision: has, scale },
                Self::Decimal { precision: wants, scale: wanted_scale },
            ) => {
                scale == wanted_scale
                    && has <= wants
                    && (has <= DECIMAL64_DIGITS) == (wants <= DECIMAL64_DIGITS)
            }
            _ => self == wanted,
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "bool",
            Self::Int16 => "i16",
            Self::Int32 => "i32",
            Self::Int64 => "i64",
            Self::Float32 => "f32",
            Self::Float64 => "f64",
            Self::Decimal { precision, scale } => return write!(f, "decimal({precision},{scale})"),
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Date => "date",
            Self::Time => "time",
            Self::Timestamp => "timestamp",
            Self::Uuid => "uuid",
            Self::Json => "json",
        })
    }
}

/// Why a text names no type.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TypeParseError {
    /// No type has this name.
    #[error("unknown type `{0}`")]
    Unknown(String),
    /// A decimal's digits are out of range.
    #[error(
        "decimal({precision},{scale}) is out of range: precision is 1 to 38, scale 0 to precision"
    )]
    Decimal {
        /// The precision as written.
        precision: u8,
        /// The scale as written.
        scale: u8,
    },
}

impl FromStr for DataType {
    type Err = TypeParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || TypeParseError::Unknown(text.to_owned());
        Ok(match text {
            "bool" => Self::Bool,
            "i16" => Self::Int16,
            "i32" => Self::Int32,
            "i64" => Self::Int64,
            "f32" => Self::Float32,
            "f64" => Self::Float64,
            "text" => Self::Text,
            "binary" => Self::Binary,
            "date" => Self::Date,
            "time" => Self::Time,
            "timestamp" => Self::Timestamp,
            "uuid" => Self::Uuid,
            "json" => Self::Json,
            _ => {
                let digits = text.strip_prefix("decimal(").and_then(|rest| rest.strip_suffix(')'));
                let (precision, scale) =
                    digits.and_then(|digits| digits.split_once(',')).ok_or_else(unknown)?;
                let precision = precision.trim().parse().map_err(|_| unknown())?;
                let scale = scale.trim().parse().map_err(|_| unknown())?;
                if precision == 0 || precision > DECIMAL_DIGITS || scale > precision {
                    return Err(TypeParseError::Decimal { precision, scale });
                }
                Self::Decimal { precision, scale }
            }
        })
    }
}

impl From<DataType> for String {
    fn from(data_type: DataType) -> Self {
        data_type.to_string()
    }
}

impl TryFrom<String> for DataType {
    type Error = TypeParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_as_itself() {
        for name in DataType::NAMES {
            assert_eq!(name.parse::<DataType>().expect("a listed name").to_string(), name);
        }
        assert_eq!(
            "decimal(39,2)".parse::<DataType>(),
            Err(TypeParseError::Decimal { precision: 39, scale: 2 })
        );
        assert!("int".parse::<DataType>().is_err());
    }

    #[test]
    fn a_decimal_with_fewer_digits_reads_as_a_wider_one_of_its_carrier_only() {
        let decimal = |precision, scale| DataType::Decimal { precision, scale };
        assert!(decimal(10, 2).reads_as(decimal(18, 2)));
        assert!(!decimal(10, 2).reads_as(decimal(38, 2)));
        assert!(!decimal(10, 2).reads_as(decimal(18, 4)));
        assert!(!decimal(18, 2).reads_as(decimal(10, 2)));
    }
}
