//! Times: dates, times of day and timestamps, however Debezium was told to write them.
//!
//! *Invariants*: what PostgreSQL's infinities become on the way is never taken for a time.

use super::schema::Semantic;
use super::value::Scratch;
use crate::format::builder::Values;
use crate::format::json::{Kind, inner, unescape};
use crate::format::number::{Numeric, Rounding};
use crate::format::value::Excerpt;
use crate::format::{ColumnBuilder, TimeUnit, time};
use crate::record::DataType;

/// What Debezium makes of the dates `-infinity` and `infinity`: days that have overflowed.
const INFINITE_DAYS: [i64; 2] = [-2_147_472_693, -2_147_472_692];

/// What it makes of the timestamps: in microseconds, and in milliseconds.
const INFINITE_TIMESTAMPS: [i64; 4] = [
    -9_223_372_036_832_400_000,
    9_223_372_036_825_200_000,
    -9_223_372_036_832_400,
    9_223_372_036_825_200,
];

/// Appends a value that is not null to a column of dates, times or timestamps.
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
    let text = match kind {
        Kind::Number => raw,
        Kind::String => unescape(inner(raw), &mut scratch.text),
        _ => return Err(format!("expected {}, found {kind}", column.expected())),
    };
    if let Some((found, fitting)) = misfit(column.data_type, semantic) {
        return Err(format!(
            "expected {}, found {found} by its schema: declare the column as {fitting}",
            column.data_type
        ));
    }
    let value = match Numeric::parse(text) {
        Some(number) => counted(column, semantic, unit, &number, text)?,
        None => written(column, text)?,
    };
    match &mut column.values {
        Values::Date(values) => {
            values.push(i32::try_from(value).map_err(|_| out_of_range(column.data_type, text))?);
        }
        Values::Time(values) | Values::Timestamp { values, .. } => values.push(value),
        _ => return Err(format!("expected {}, found a time", column.data_type)),
    }
    Ok(())
}

/// What a schema says that a value is and the column cannot hold, with the type that can.
fn misfit(data_type: DataType, semantic: Option<Semantic>) -> Option<(&'static str, &'static str)> {
    match (semantic?, data_type) {
        (Semantic::Year, _) => Some(("a year", "i32")),
        (Semantic::TimeOfDay(_), DataType::Date | DataType::Timestamp) => {
            Some(("a time of day", "time"))
        }
        (Semantic::Days, DataType::Time) => Some(("a date", "date")),
        (Semantic::Timestamp(_), DataType::Time) => Some(("a timestamp", "timestamp")),
        (Semantic::Decimal { .. }, _) => Some(("a decimal", "decimal(p,s)")),
        (Semantic::Bits, _) => Some(("bits", "i64 or binary")),
        _ => None,
    }
}

/// A number as the column's days or microseconds.
fn counted(
    column: &ColumnBuilder,
    semantic: Option<Semantic>,
    unit: Option<TimeUnit>,
    number: &Numeric<'_>,
    text: &str,
) -> Result<i64, String> {
    let far = || out_of_range(column.data_type, text);
    let count = number.scaled(0, Rounding::Cut).and_then(|count| i64::try_from(count).ok());
    let count = count.ok_or_else(far)?;
    let micros = |unit: TimeUnit| unit.micros(count).ok_or_else(far);
    let without_unit = |expected: &str| {
        format!(
            "expected {expected} as ISO 8601 text, found the number {}: without a schema its `unit` must \
             be declared",
            Excerpt(text)
        )
    };
    let is_days = match (column.data_type, semantic) {
        (_, Some(Semantic::Days)) => true,
        (DataType::Date, Some(Semantic::Timestamp(_))) => false,
        (data_type, _) => data_type == DataType::Date,
    };
    let infinite = if is_days { &INFINITE_DAYS[..] } else { &INFINITE_TIMESTAMPS[..] };
    if column.data_type != DataType::Time && infinite.contains(&count) {
        return Err(format!(
            "found {count}, which PostgreSQL's infinity overflows to in Debezium: no {} holds it",
            column.data_type
        ));
    }
    let (value, range) = match column.data_type {
        DataType::Date => match semantic {
            Some(Semantic::Timestamp(unit)) => {
                (micros(unit)?.div_euclid(time::DAY_MICROS), time::DAYS)
            }
            _ => (count, time::DAYS),
        },
        DataType::Time => match (semantic, unit) {
            (Some(Semantic::TimeOfDay(unit)), _) | (_, Some(unit)) => {
                (micros(unit)?, 0..=time::DAY_MICROS - 1)
            }
            (_, None) => return Err(without_unit("time")),
        },
        _ => match (semantic, unit) {
            (Some(Semantic::Timestamp(unit)), _) => (micros(unit)?, time::MICROS),
            (Some(Semantic::Days), _) => {
                (count.checked_mul(time::DAY_MICROS).ok_or_else(far)?, time::MICROS)
            }
            (_, Some(unit)) => (micros(unit)?, time::MICROS),
            (_, None) => return Err(without_unit("timestamp")),
        },
    };
    if range.contains(&value) { Ok(value) } else { Err(far()) }
}

/// ISO 8601 text as the column's days or microseconds. With `time.precision.mode=isostring` dates
/// end in a `Z`, too.
fn written(column: &ColumnBuilder, text: &str) -> Result<i64, String> {
    if is_infinite(text) {
        return Err(format!("found `{text}`, which no {} holds", column.data_type));
    }
    // A year of more than four digits has a sign: that is also where an infinity overflows to.
    if text.starts_with(['-', '+']) {
        return Err(out_of_range(column.data_type, text));
    }
    let (value, range) = match column.data_type {
        DataType::Date => (time::date(text.strip_suffix('Z').unwrap_or(text)), time::DAYS),
        DataType::Time => (time::time_of_day(text), 0..=time::DAY_MICROS - 1),
        _ => (time::timestamp(text), time::MICROS),
    };
    let value = value.ok_or_else(|| {
        format!("expected {}, found the text \"{}\"", column.expected(), Excerpt(text))
    })?;
    if range.contains(&value) { Ok(value) } else { Err(out_of_range(column.data_type, text)) }
}

/// Whether a text stands for what is beyond all times.
fn is_infinite(text: &str) -> bool {
    text.strip_prefix(['-', '+']).unwrap_or(text).eq_ignore_ascii_case("infinity")
}

fn out_of_range(data_type: DataType, text: &str) -> String {
    format!("{} is out of range for {data_type}", Excerpt(text))
}
