//! Columns of a table that do not hold every value of the input's type: their values are looked at
//! one by one, and those that do not fit are refused.
//!
//! *Not here*: which types fit at all (`mapping`), the values themselves (`checks`).

use super::column_type::{ColumnType, VARCHAR_MAX, column_type};
use crate::record::DataType;
use crate::sink::stream_load::config::System;

/// Digits of a fraction of a second that timestamps have.
const MICROS: u8 = 6;

/// Whether a column that a type may be loaded into does not hold each of its values. Text has no
/// length: a column that is as long as DDL makes it, or as STRING, counts as long enough.
pub(super) fn holds_less(system: System, field: DataType, key: bool, target: &ColumnType) -> bool {
    match field {
        DataType::Int16 => ends_below(i16::MAX.into(), target),
        DataType::Int32 => ends_below(i32::MAX.into(), target),
        DataType::Int64 => ends_below(i64::MAX.into(), target),
        DataType::Decimal { precision, scale } => {
            ends_below(greatest(precision.saturating_sub(scale)), target)
        }
        DataType::Text | DataType::Binary | DataType::Json => {
            let made = column_type(system, field, key).text_bytes().unwrap_or(VARCHAR_MAX);
            target.text_bytes().is_some_and(|bytes| bytes < made.min(VARCHAR_MAX))
        }
        DataType::Timestamp => {
            matches!(target, ColumnType::DateTime { scale } if *scale < MICROS)
        }
        DataType::Bool
        | DataType::Float32
        | DataType::Float64
        | DataType::Date
        | DataType::Time
        | DataType::Uuid => false,
    }
}

/// Whether a type of numbers ends before this one. Text that numbers may go into is wide enough.
fn ends_below(number: i128, target: &ColumnType) -> bool {
    let most = match target {
        ColumnType::Decimal { precision, scale } => greatest(precision.saturating_sub(*scale)),
        _ => match target.integers() {
            Some((_, most)) => most,
            None => return false,
        },
    };
    most < number
}

/// The greatest number of so many digits.
fn greatest(digits: u8) -> i128 {
    10_i128.checked_pow(digits.into()).map_or(i128::MAX, |power| power - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_hold_less_are_told_from_those_that_hold_all() {
        let less = |system: System, field: &str, target: &str| {
            let field = field.parse().expect("a type of the input");
            holds_less(system, field, false, &ColumnType::of(system, target))
        };
        let both = [System::StarRocks, System::Doris];
        for (field, target, expected) in [
            ("i64", "INT", true),
            ("i64", "BIGINT", false),
            ("i64", "LARGEINT", false),
            ("i64", "DECIMAL(18,0)", true),
            ("i64", "DECIMAL(19,0)", false),
            ("i32", "DECIMAL(12,2)", false),
            ("i32", "DECIMAL(11,2)", true),
            ("i16", "TINYINT", true),
            ("i32", "VARCHAR(11)", false),
            ("i16", "FLOAT", false),
            ("decimal(18,2)", "DECIMAL(10,2)", true),
            ("decimal(18,2)", "DECIMAL(18,4)", true),
            ("decimal(18,2)", "DECIMAL(20,4)", false),
            ("decimal(18,0)", "BIGINT", false),
            ("decimal(20,0)", "BIGINT", true),
            ("decimal(38,0)", "LARGEINT", false),
            ("text", "VARCHAR(200)", true),
            ("text", "VARCHAR(65533)", false),
            ("text", "STRING", false),
            ("binary", "CHAR(10)", true),
            ("json", "VARCHAR(1000)", true),
            ("json", "JSON", false),
            ("date", "DATETIME", false),
            ("uuid", "VARCHAR(36)", false),
            ("time", "VARCHAR(16)", false),
            ("f32", "FLOAT", false),
        ] {
            for system in both {
                assert_eq!(less(system, field, target), expected, "{system:?} {field} {target}");
            }
        }
        // StarRocks keeps microseconds in every DATETIME.
        assert!(!less(System::StarRocks, "timestamp", "DATETIME"));
        assert!(less(System::Doris, "timestamp", "DATETIME"));
        assert!(less(System::Doris, "timestamp", "DATETIME(3)"));
        assert!(!less(System::Doris, "timestamp", "DATETIME(6)"));
    }

    #[test]
    fn what_ddl_makes_holds_all() {
        for data_type in DataType::NAMES.map(|name| name.parse::<DataType>().unwrap()) {
            for system in [System::StarRocks, System::Doris] {
                for key in [false, true] {
                    let made = column_type(system, data_type, key);
                    assert!(!holds_less(system, data_type, key, &made), "{data_type} {made}");
                }
            }
        }
        let key = ColumnType::Varchar(100);
        assert!(holds_less(System::Doris, DataType::Text, true, &key));
    }
}
