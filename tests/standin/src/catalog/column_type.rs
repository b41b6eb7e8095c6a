//! The types of columns, as both systems write, keep and show them.

use serde::{Deserialize, Serialize};

use crate::world::System;

/// A column's type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ColumnType {
    /// `BOOLEAN`.
    Boolean,
    /// `TINYINT`.
    TinyInt,
    /// `SMALLINT`.
    SmallInt,
    /// `INT`.
    Int,
    /// `BIGINT`.
    BigInt,
    /// `LARGEINT`, 128 bits.
    LargeInt,
    /// `FLOAT`.
    Float,
    /// `DOUBLE`.
    Double,
    /// `DECIMAL(p, s)`.
    Decimal {
        /// All digits.
        precision: u32,
        /// Those behind the point.
        scale: u32,
    },
    /// `CHAR(n)`, in bytes.
    Char(u32),
    /// `VARCHAR(n)`, in bytes.
    Varchar(u32),
    /// `STRING`.
    String,
    /// `VARBINARY`.
    Varbinary(u32),
    /// `DATE`.
    Date,
    /// `DATETIME`; in Doris with digits of a second.
    DateTime(u8),
    /// `JSON`.
    Json,
    /// `VARIANT` of Doris.
    Variant,
    /// `ARRAY<…>`, with the text of its element.
    Array(String),
    /// `MAP<…>`.
    Map(String),
    /// `STRUCT<…>`.
    Struct(String),
    /// `BITMAP`, `HLL` and others that a plain load cannot fill.
    Opaque(String),
}

/// What is wrong with the text of a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Unknown data type: {0}")]
pub struct NotAType(pub String);

/// The most bytes that the `STRING` of StarRocks holds.
pub const STARROCKS_STRING: u32 = 65_533;
/// The most bytes that the `STRING` of Doris holds, as it ships.
pub const DORIS_STRING: u32 = 1_048_576;

impl ColumnType {
    /// Reads a type: `DECIMAL(18, 2)`, `varchar(10)`, `ARRAY<INT>`.
    pub fn parse(text: &str) -> Result<Self, NotAType> {
        let unknown = || NotAType(text.trim().to_owned());
        let lower = text.trim().to_ascii_lowercase();
        if let Some((word, inner)) = lower.split_once('<') {
            let inner = inner.strip_suffix('>').ok_or_else(unknown)?.trim().to_owned();
            return match word.trim() {
                "array" => Ok(Self::Array(inner)),
                "map" => Ok(Self::Map(inner)),
                "struct" => Ok(Self::Struct(inner)),
                _ => Err(unknown()),
            };
        }
        let (word, arguments) = match lower.split_once('(') {
            None => (lower.as_str(), Vec::new()),
            Some((word, inner)) => {
                let inner = inner.trim_end().strip_suffix(')').ok_or_else(unknown)?;
                let numbers = inner.split(',').map(|number| number.trim().parse::<u32>().ok());
                (word.trim(), numbers.collect::<Option<Vec<_>>>().ok_or_else(unknown)?)
            }
        };
        Self::of(word, &arguments).ok_or_else(unknown)
    }

    fn of(word: &str, arguments: &[u32]) -> Option<Self> {
        let first = arguments.first().copied();
        Some(match word {
            "boolean" | "bool" => Self::Boolean,
            "tinyint" => Self::TinyInt,
            "smallint" => Self::SmallInt,
            "int" | "integer" => Self::Int,
            "bigint" => Self::BigInt,
            "largeint" => Self::LargeInt,
            "float" => Self::Float,
            "double" | "double precision" => Self::Double,
            "decimal" | "decimalv2" | "decimalv3" | "decimal32" | "decimal64" | "decimal128"
            | "numeric" => Self::Decimal {
                precision: first.unwrap_or(10),
                scale: arguments.get(1).copied().unwrap_or(0),
            },
            "char" => Self::Char(first.unwrap_or(1)),
            "varchar" => Self::Varchar(first.unwrap_or(1)),
            "string" | "text" => Self::String,
            "varbinary" | "binary" => Self::Varbinary(first.unwrap_or(1_048_576)),
            "date" | "datev2" | "datev1" => Self::Date,
            "datetime" | "datetimev2" | "timestamp" => {
                Self::DateTime(u8::try_from(first.unwrap_or(0)).ok().filter(|n| *n <= 6)?)
            }
            "json" | "jsonb" => Self::Json,
            "variant" => Self::Variant,
            "bitmap" | "hll" | "percentile" | "quantile_state" | "ipv4" | "ipv6" => {
                Self::Opaque(word.to_owned())
            }
            _ => return None,
        })
    }

    /// What the system does not take of it, if anything.
    #[must_use]
    pub fn objection(&self, system: System, key: bool) -> Option<String> {
        let doris = system == System::Doris;
        match self {
            Self::Decimal { precision, scale } if *precision == 0 || *precision > 38 => Some(
                format!("DECIMAL's precision should range from 1 to 38, not {precision},{scale}"),
            ),
            Self::Decimal { precision, scale } if scale > precision => {
                Some(format!("DECIMAL's scale {scale} must not exceed its precision {precision}"))
            }
            Self::Char(length) if *length == 0 || *length > 255 => {
                Some(format!("Char size must be between 1 and 255, not {length}"))
            }
            Self::Varchar(length) => {
                let most = if doris { 65_533 } else { 1_048_576 };
                (*length == 0 || *length > most)
                    .then(|| format!("Varchar size must be <= {most}: {length}"))
            }
            Self::Variant if !doris => Some("Unknown data type: variant".to_owned()),
            Self::Varbinary(_) if doris => Some("Unknown data type: varbinary".to_owned()),
            Self::String if key && doris => {
                Some("String Type should not be used in key column".to_owned())
            }
            Self::Float | Self::Double if key => {
                Some("Float or double can not used as a key, use decimal instead.".to_owned())
            }
            Self::Json
            | Self::Variant
            | Self::Varbinary(_)
            | Self::Array(_)
            | Self::Map(_)
            | Self::Struct(_)
            | Self::Opaque(_)
                if key =>
            {
                Some(format!("{} can not be used as a key", self.sql(system)))
            }
            _ => None,
        }
    }

    /// The name without arguments, in lower case: `DATA_TYPE` of the information schema.
    #[must_use]
    pub fn base_name(&self) -> &str {
        match self {
            Self::Boolean | Self::TinyInt => "tinyint",
            Self::SmallInt => "smallint",
            Self::Int => "int",
            Self::BigInt => "bigint",
            Self::LargeInt => "bigint unsigned",
            Self::Float => "float",
            Self::Double => "double",
            Self::Decimal { .. } => "decimal",
            Self::Char(_) => "char",
            Self::Varchar(_) => "varchar",
            Self::String => "string",
            Self::Varbinary(_) => "varbinary",
            Self::Date => "date",
            Self::DateTime(_) => "datetime",
            Self::Json => "json",
            Self::Variant => "variant",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Struct(_) => "struct",
            Self::Opaque(word) => word,
        }
    }

    /// The type as a MySQL server would write it: `COLUMN_TYPE` of the information schema.
    #[must_use]
    pub fn mysql_name(&self) -> String {
        match self {
            Self::Boolean => "tinyint(1)".to_owned(),
            Self::TinyInt => "tinyint(4)".to_owned(),
            Self::SmallInt => "smallint(6)".to_owned(),
            Self::Int => "int(11)".to_owned(),
            Self::BigInt => "bigint(20)".to_owned(),
            Self::LargeInt => "bigint(20) unsigned".to_owned(),
            Self::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
            Self::Char(length) => format!("char({length})"),
            Self::Varchar(length) => format!("varchar({length})"),
            Self::DateTime(digits) if *digits > 0 => format!("datetime({digits})"),
            Self::Array(inner) => format!("array<{inner}>"),
            Self::Map(inner) => format!("map<{inner}>"),
            Self::Struct(inner) => format!("struct<{inner}>"),
            _ => self.base_name().to_owned(),
        }
    }

    /// The type as `DESC` and `SHOW CREATE TABLE` write it.
    #[must_use]
    pub fn sql(&self, system: System) -> String {
        match self {
            Self::Boolean => "boolean".to_owned(),
            Self::LargeInt => "largeint".to_owned(),
            Self::String if system == System::StarRocks => format!("varchar({STARROCKS_STRING})"),
            Self::String => "text".to_owned(),
            Self::Varbinary(_) => "varbinary".to_owned(),
            Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt
                if system == System::Doris =>
            {
                self.base_name().to_owned()
            }
            _ => self.mysql_name(),
        }
    }

    /// `COLUMN_SIZE` of the information schema.
    #[must_use]
    pub fn column_size(&self) -> Option<i64> {
        match self {
            Self::TinyInt => Some(3),
            Self::SmallInt => Some(5),
            Self::Int => Some(10),
            Self::BigInt => Some(19),
            Self::LargeInt => Some(39),
            Self::Float => Some(7),
            Self::Double => Some(15),
            Self::Decimal { precision, .. } => Some(i64::from(*precision)),
            Self::Char(length) | Self::Varchar(length) => Some(i64::from(*length)),
            Self::String => Some(i64::from(STARROCKS_STRING)),
            _ => None,
        }
    }

    /// `DECIMAL_DIGITS` of the information schema.
    #[must_use]
    pub fn decimal_digits(&self) -> Option<i64> {
        match self {
            Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt | Self::LargeInt => Some(0),
            Self::Float => Some(7),
            Self::Double => Some(15),
            Self::Decimal { scale, .. } => Some(i64::from(*scale)),
            _ => None,
        }
    }

    /// The most bytes of a text of this type.
    #[must_use]
    pub fn capacity(&self, system: System) -> Option<u32> {
        match (self, system) {
            (Self::Char(length) | Self::Varchar(length), _) => Some(*length),
            (Self::String, System::StarRocks) => Some(STARROCKS_STRING),
            (Self::String, System::Doris) => Some(DORIS_STRING),
            _ => None,
        }
    }

    /// How SQLite declares it: the affinity that keeps its values as they are, the collation that
    /// orders them, and a text from which [`ColumnType::of_declared`] reads the type again.
    #[must_use]
    pub fn declared(&self) -> String {
        match self {
            Self::Boolean => "BOOL_INT".to_owned(),
            Self::TinyInt => "TINYINT".to_owned(),
            Self::SmallInt => "SMALLINT".to_owned(),
            Self::Int => "INT".to_owned(),
            Self::BigInt => "BIGINT".to_owned(),
            Self::Float => "FLOAT".to_owned(),
            Self::Double => "DOUBLE".to_owned(),
            Self::LargeInt => "TEXT_LARGE COLLATE DECIMAL".to_owned(),
            Self::Decimal { precision, scale } => {
                format!("TEXT_DECIMAL({precision},{scale}) COLLATE DECIMAL")
            }
            Self::Date => "TEXT_DATE COLLATE MOMENT".to_owned(),
            Self::DateTime(digits) => format!("TEXT_DATETIME({digits}) COLLATE MOMENT"),
            Self::Json | Self::Variant => "TEXT_JSON".to_owned(),
            _ => "TEXT".to_owned(),
        }
    }

    /// The type of a result column by what SQLite says that it was declared as.
    #[must_use]
    pub fn of_declared(declared: &str) -> Option<Self> {
        let declared = declared.to_ascii_uppercase();
        let arguments = declared.split_once('(').map_or("", |(_, inner)| inner);
        let mut numbers =
            arguments.trim_end_matches(')').split(',').filter_map(|text| text.trim().parse().ok());
        Some(match declared.split('(').next().unwrap_or_default() {
            "BOOL_INT" => Self::Boolean,
            "TINYINT" => Self::TinyInt,
            "SMALLINT" => Self::SmallInt,
            "INT" => Self::Int,
            "BIGINT" => Self::BigInt,
            "FLOAT" => Self::Float,
            "DOUBLE" => Self::Double,
            "TEXT_LARGE" => Self::LargeInt,
            "TEXT_DECIMAL" => {
                Self::Decimal { precision: numbers.next()?, scale: numbers.next().unwrap_or(0) }
            }
            "TEXT_DATE" => Self::Date,
            "TEXT_DATETIME" => {
                Self::DateTime(numbers.next().and_then(|n| u8::try_from(n).ok()).unwrap_or(0))
            }
            "TEXT_JSON" => Self::Json,
            "TEXT" => Self::String,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_and_shown() {
        for (text, starrocks, doris) in [
            ("DECIMAL(18, 2)", "decimal(18,2)", "decimal(18,2)"),
            ("string", "varchar(65533)", "text"),
            ("BIGINT", "bigint(20)", "bigint"),
            ("Datetime(6)", "datetime(6)", "datetime(6)"),
            ("array<int>", "array<int>", "array<int>"),
        ] {
            let parsed = ColumnType::parse(text).unwrap();
            assert_eq!(parsed.sql(System::StarRocks), starrocks);
            assert_eq!(parsed.sql(System::Doris), doris);
        }
        for text in ["", "decimal(a)", "array<int", "number(3"] {
            assert!(ColumnType::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_declaration_names_its_type() {
        for text in
            ["boolean", "bigint", "largeint", "decimal(38,9)", "date", "datetime(3)", "json"]
        {
            let column_type = ColumnType::parse(text).unwrap();
            let declared = column_type.declared();
            let declared = declared.split(" COLLATE").next().unwrap();
            assert_eq!(ColumnType::of_declared(declared), Some(column_type), "{text}");
        }
    }

    #[test]
    fn systems_object_to_types() {
        let objects = |text: &str, system, key| {
            ColumnType::parse(text).unwrap().objection(system, key).is_some()
        };
        assert!(objects("varchar(65534)", System::Doris, false));
        assert!(!objects("varchar(1048576)", System::StarRocks, false));
        assert!(objects("decimal(39,2)", System::StarRocks, false));
        assert!(objects("double", System::StarRocks, true));
        assert!(objects("string", System::Doris, true));
    }
}
