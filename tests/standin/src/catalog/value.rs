//! One stored value.

use std::cmp::Ordering;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use serde::{Deserialize, Serialize};

use super::decimal::Decimal;

/// A value as it stands in SQLite: decimals, large integers, dates, times and JSON are text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Nothing.
    Null,
    /// Booleans and integers up to 64 bits.
    Integer(i64),
    /// Floats.
    Double(f64),
    /// All the rest.
    Text(String),
}

impl Value {
    /// Whether it is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// What stands in a column of a row.
    #[must_use]
    pub fn of(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(value) => Self::Integer(value),
            ValueRef::Real(value) => Self::Double(value),
            ValueRef::Text(text) | ValueRef::Blob(text) => {
                Self::Text(String::from_utf8_lossy(text).into_owned())
            }
        }
    }

    /// The value in a text result; `None` is null.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Integer(value) => Some(value.to_string()),
            Self::Double(value) => Some(shown(*value)),
            Self::Text(text) => Some(text.clone()),
        }
    }

    /// Numbers by amount, everything else by its bytes; null is before all.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Null, _) => Ordering::Less,
            (_, Self::Null) => Ordering::Greater,
            (Self::Integer(left), Self::Integer(right)) => left.cmp(right),
            (Self::Double(left), Self::Double(right)) => left.total_cmp(right),
            _ => {
                let (left, right) =
                    (self.text().unwrap_or_default(), other.text().unwrap_or_default());
                match (Decimal::parse(&left), Decimal::parse(&right)) {
                    (Some(left), Some(right)) => left.cmp(&right),
                    _ => left.cmp(&right),
                }
            }
        }
    }
}

/// A float as both systems write it: with an exponent where it is far from one.
fn shown(number: f64) -> String {
    if number != 0.0 && !(1e-5..1e16).contains(&number.abs()) {
        format!("{number:e}")
    } else {
        number.to_string()
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Double(value) => ValueRef::Real(*value),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_and_large_integers_are_ordered_by_amount() {
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(text("9.00").order(&text("10.00")), Ordering::Less);
        assert_eq!(text("b").order(&text("a")), Ordering::Greater);
        assert_eq!(Value::Null.order(&Value::Integer(-1)), Ordering::Less);
        assert_eq!(
            text("170141183460469231731687303715884105727").order(&text("9")),
            Ordering::Greater
        );
    }
}
