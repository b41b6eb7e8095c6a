//! Values that the table would refuse, cut, round or turn into null: found before the load, column
//! by column, so that such rows go to the dead letters and the others are loaded.
//!
//! *Invariants*: a value that passes is stored as it is; a row that is a delete is looked at in its
//! key only; values that the source left out as unchanged are not looked at.
//! *Not here*: which types fit at all (`mapping`).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal64Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type,
    Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType};
use arrow_buffer::BooleanBuffer;

use super::column_type::ColumnType;
use super::mapping::{Mapped, Origin};
use crate::record::{Batch, DataType, write_value};
use crate::sink::Refusal;

const MICROS_A_DAY: i64 = 86_400_000_000;
/// 0000-01-01 to 9999-12-31: the days of both systems.
const DAYS: RangeInclusive<i32> = -719_528..=2_932_896;
const TIMESTAMPS: RangeInclusive<i64> = -719_528 * MICROS_A_DAY..=2_932_897 * MICROS_A_DAY - 1;
/// Digits of an `i64` that a power of ten fits in.
const I64_DIGITS: u32 = 18;
/// The same of an `i128`.
const I128_DIGITS: u32 = 38;
/// Characters of a value that a reason shows.
const SHOWN: usize = 64;

/// Rows of a batch whose rows are all alive that the table would not take as they are, each once,
/// in order. `deletes` has a set bit for each row that is a delete; `None`: none is.
///
/// # Panics
/// If a column is not of the Arrow type of its field.
#[must_use]
pub(in crate::sink::stream_load) fn refusals(
    mapped: &[Mapped],
    batch: &Batch,
    deletes: Option<&BooleanBuffer>,
) -> Vec<Refusal> {
    let mut refused = BTreeMap::new();
    for column in mapped {
        let Origin::Input(index) = column.origin else { continue };
        let Some(input) = batch.columns.get(index) else { continue };
        let mut refuse = |row: usize, reason: &dyn Fn() -> String| {
            let is_delete = deletes.is_some_and(|deletes| deletes.value(row));
            let is_unknown = input.unchanged.as_ref().is_some_and(|bits| bits.value(row));
            if (is_delete && !column.key) || is_unknown {
                return;
            }
            refused.entry(row).or_insert_with(|| Refusal {
                row,
                reason: reason(),
                column: batch.schema.fields.get(index).map(|field| field.name.clone()),
            });
        };
        if column.required {
            for row in nulls(&input.values) {
                refuse(row, &|| "null, where the table takes none".to_owned());
            }
        }
        for (rows, why) in unkept(column, &input.values) {
            for row in rows {
                refuse(row, &|| reason(column, &input.values, row, why));
            }
        }
    }
    refused.into_values().collect()
}

fn nulls(values: &ArrayRef) -> Vec<usize> {
    match values.nulls() {
        Some(nulls) if nulls.null_count() > 0 => {
            (0..values.len()).filter(|row| nulls.is_null(*row)).collect()
        }
        _ => Vec::new(),
    }
}

/// What is wrong with values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// NaN or infinite.
    NotFinite,
    /// More than the type's range.
    Range,
    /// Digits before the point.
    Digits,
    /// A year before 0000 or after 9999.
    Year,
    /// A time beyond a day.
    Day,
    /// Digits of the fraction of a second; this many are kept.
    Fraction(u8),
    /// Bytes of text.
    Bytes,
    /// Trailing NUL, which padding takes off.
    Padding,
    /// JSON's null, which becomes one of SQL.
    JsonNull,
}

/// Rows, and what is wrong with their values.
type Finding = (Vec<usize>, Why);

/// The rows whose value would not be kept, by what is wrong.
fn unkept(column: &Mapped, values: &ArrayRef) -> Vec<Finding> {
    let target = &column.target;
    match column.field {
        DataType::Bool | DataType::Uuid => Vec::new(),
        DataType::Int16 => vec![integers::<Int16Type>(values, target)],
        DataType::Int32 => vec![integers::<Int32Type>(values, target)],
        DataType::Int64 => vec![integers::<Int64Type>(values, target)],
        DataType::Float32 => {
            vec![(rows_where::<Float32Type>(values, |value| !value.is_finite()), Why::NotFinite)]
        }
        DataType::Float64 => {
            vec![(rows_where::<Float64Type>(values, |value| !value.is_finite()), Why::NotFinite)]
        }
        DataType::Decimal { precision, scale } => vec![decimals(values, precision, scale, target)],
        DataType::Text => texts(values, target),
        DataType::Json if column.required && target == &ColumnType::Json => {
            let texts = values.as_string::<i32>();
            let is_null = |row: &usize| texts.is_valid(*row) && texts.value(*row).trim() == "null";
            vec![((0..texts.len()).filter(is_null).collect(), Why::JsonNull)]
        }
        DataType::Json => texts(values, target),
        DataType::Binary => base64(values, target).into_iter().collect(),
        DataType::Date => {
            vec![(rows_where::<Date32Type>(values, |days| !DAYS.contains(&days)), Why::Year)]
        }
        DataType::Time => vec![(
            rows_where::<Time64MicrosecondType>(values, |micros| {
                !(0..=MICROS_A_DAY).contains(&micros)
            }),
            Why::Day,
        )],
        DataType::Timestamp => timestamps(values, target),
    }
}

/// The rows whose value is bad and not null. Looks at the values alone first: mostly none is bad.
fn rows_where<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    bad: impl Fn(T::Native) -> bool,
) -> Vec<usize> {
    let array = array.as_primitive::<T>();
    let values = array.values();
    if !values.iter().any(|value| bad(*value)) {
        return Vec::new();
    }
    (0..values.len()).filter(|row| array.is_valid(*row) && bad(values[*row])).collect()
}

/// Integers into integers of another width, or into decimals.
fn integers<T>(values: &ArrayRef, target: &ColumnType) -> Finding
where
    T: ArrowPrimitiveType,
    T::Native: Into<i64>,
{
    let (least, greatest) = match target {
        ColumnType::Decimal { precision, scale } => {
            let digits = u32::from(precision.saturating_sub(*scale));
            let most = 10_i128.pow(digits.min(I128_DIGITS)) - 1;
            (-most, most)
        }
        _ => target.integers().unwrap_or((i128::MIN, i128::MAX)),
    };
    let clamped = |value: i128| value.clamp(i64::MIN.into(), i64::MAX.into());
    let bound = |value: i128| i64::try_from(clamped(value)).unwrap_or(i64::MAX);
    let range = bound(least)..=bound(greatest);
    (rows_where::<T>(values, |value| !range.contains(&value.into())), Why::Range)
}

/// Decimals into decimals of the same or a greater scale, or into integers.
fn decimals(values: &ArrayRef, precision: u8, scale: u8, target: &ColumnType) -> Finding {
    let (range, why) = match target {
        ColumnType::Decimal { precision: digits, scale: fraction } => {
            // What the table keeps before the point, counted in the input's last digit.
            let kept = u32::from(digits.saturating_sub(*fraction)) + u32::from(scale);
            let most = if kept >= I128_DIGITS { i128::MAX } else { 10_i128.pow(kept) - 1 };
            (-most..=most, Why::Digits)
        }
        _ => match target.integers() {
            Some((least, greatest)) => (least..=greatest, Why::Range),
            None => return (Vec::new(), Why::Range),
        },
    };
    if u32::from(precision) > I64_DIGITS {
        return (rows_where::<Decimal128Type>(values, |value| !range.contains(&value)), why);
    }
    let bound =
        |value: i128| i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX });
    let range = bound(*range.start())..=bound(*range.end());
    (rows_where::<Decimal64Type>(values, |value| !range.contains(&value)), why)
}

/// Texts into types of so many bytes.
fn texts(values: &ArrayRef, target: &ColumnType) -> Vec<Finding> {
    let Some(most) = target.text_bytes() else { return Vec::new() };
    let texts = values.as_string::<i32>();
    let too_long = rows_longer(texts.value_offsets(), values, |bytes| bytes > most);
    let mut found = vec![(too_long, Why::Bytes)];
    if matches!(target, ColumnType::Char(_)) {
        let ends_with_nul = |row: &usize| texts.is_valid(*row) && texts.value(*row).ends_with('\0');
        found.push(((0..texts.len()).filter(ends_with_nul).collect(), Why::Padding));
    }
    found
}

/// Bytes as base64 text, with padding.
fn base64(values: &ArrayRef, target: &ColumnType) -> Option<Finding> {
    let most = target.text_bytes()?;
    let offsets = values.as_binary::<i32>().value_offsets();
    let encoded = |bytes: u32| u64::from(bytes).div_ceil(3) * 4;
    Some((rows_longer(offsets, values, |bytes| encoded(bytes) > u64::from(most)), Why::Bytes))
}

fn rows_longer(offsets: &[i32], values: &ArrayRef, bad: impl Fn(u32) -> bool) -> Vec<usize> {
    let length = |pair: &[i32]| u32::try_from(pair[1] - pair[0]).unwrap_or(0);
    if !offsets.windows(2).any(|pair| bad(length(pair))) {
        return Vec::new();
    }
    let is_bad =
        |(row, pair): (usize, &[i32])| (values.is_valid(row) && bad(length(pair))).then_some(row);
    offsets.windows(2).enumerate().filter_map(is_bad).collect()
}

fn timestamps(values: &ArrayRef, target: &ColumnType) -> Vec<Finding> {
    let outside =
        rows_where::<TimestampMicrosecondType>(values, |micros| !TIMESTAMPS.contains(&micros));
    let mut found = vec![(outside, Why::Year)];
    if let ColumnType::DateTime { scale: kept @ 0..6 } = target {
        let unit = 10_i64.pow(6 - u32::from(*kept));
        let fine = rows_where::<TimestampMicrosecondType>(values, |micros| micros % unit != 0);
        found.push((fine, Why::Fraction(*kept)));
    }
    found
}

fn reason(column: &Mapped, values: &ArrayRef, row: usize, why: Why) -> String {
    let target = &column.target;
    let shown = || shown(column.field, values, row);
    match why {
        Why::NotFinite => "NaN or infinity, which the target does not have".to_owned(),
        Why::Range => format!("{} is out of the range of {target}", shown()),
        Why::Digits => format!("{} has too many digits before the point for {target}", shown()),
        Why::Year => format!("a {} outside of the years 0000 to 9999", column.field),
        Why::Day => "a time beyond a day".to_owned(),
        Why::Fraction(kept) => {
            format!("{} is finer than {target}, which keeps {kept} digits of a second", shown())
        }
        Why::Bytes => {
            format!("{} bytes of text, too many for {target}", bytes(column, values, row))
        }
        Why::Padding => format!("text that ends with NUL, which {target} takes for padding"),
        Why::JsonNull => "JSON's null, which is no value to the table, and it wants one".to_owned(),
    }
}

/// Bytes of the text that stands for a value.
fn bytes(column: &Mapped, values: &ArrayRef, row: usize) -> usize {
    match column.field {
        DataType::Binary => values.as_binary::<i32>().value(row).len().div_ceil(3) * 4,
        _ => values.as_string::<i32>().value(row).len(),
    }
}

/// The value as a reason shows it.
fn shown(field: DataType, values: &ArrayRef, row: usize) -> String {
    let mut text = Vec::new();
    write_value(&mut text, field, &**values, row);
    String::from_utf8_lossy(&text).chars().take(SHOWN).collect()
}
