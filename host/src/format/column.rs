//! What a format is told about a column, and what it says about a row that it refused.

use std::fmt;
use std::sync::Arc;

use crate::record::DataType;

/// The unit in which a timestamp column's integers count from 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeUnit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds; what is finer than a microsecond is cut off toward zero.
    Ns,
}

impl TimeUnit {
    /// The names that the TOML uses.
    pub const NAMES: [&'static str; 4] = ["s", "ms", "us", "ns"];

    /// The unit of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "s" => Self::S,
            "ms" => Self::Ms,
            "us" => Self::Us,
            "ns" => Self::Ns,
            _ => return None,
        })
    }

    /// `count` units in microseconds, or `None` beyond an `i64`.
    #[inline]
    pub(super) fn micros(self, count: i64) -> Option<i64> {
        match self {
            Self::S => count.checked_mul(1_000_000),
            Self::Ms => count.checked_mul(1_000),
            Self::Us => Some(count),
            Self::Ns => Some(count / 1_000),
        }
    }

    /// The same for counts of any size: nanoseconds of far years are beyond an `i64`.
    pub(super) fn micros_of_wide(self, count: i128) -> i128 {
        match self {
            Self::S => count.saturating_mul(1_000_000),
            Self::Ms => count.saturating_mul(1_000),
            Self::Us => count,
            Self::Ns => count / 1_000,
        }
    }
}

impl fmt::Display for TimeUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::S => "seconds",
            Self::Ms => "milliseconds",
            Self::Us => "microseconds",
            Self::Ns => "nanoseconds",
        })
    }
}

/// One column that a format fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnSpec {
    /// The column's name, for reasons and dead letters.
    pub name: Arc<str>,
    /// The object members that lead from the line's root to the value; empty: the root itself.
    pub path: Vec<String>,
    /// The type to convert to.
    pub data_type: DataType,
    /// For timestamps: the unit of their integers. A timestamp without a unit reads ISO 8601 text.
    pub unit: Option<TimeUnit>,
    /// Whether a null is a reject.
    pub required: bool,
    /// Whether the column is of the table's key, where a null is a reject too.
    pub key: bool,
}

/// A line that could not become a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowReject {
    /// The line's number, from 1.
    pub line: u64,
    /// What was found and what was expected.
    pub reason: String,
    /// The column at fault; `None` when the line as a whole is.
    pub column: Option<String>,
    /// The line as text, without its line end; bytes that are not UTF-8 stand as `\xNN`, and what
    /// is longer than [`super::MAX_INPUT_BYTES`] ends in `…`.
    pub input: String,
}
