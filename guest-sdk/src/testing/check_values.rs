//! Holds lists of values against their types: form, length, and range where rows count.

use super::check::is_set;
use super::values::type_name;
use crate::raw::{DataType, DecimalType, Times, Values, Varying};
use crate::time::{Date, Time, Timestamp};

/// Checks the values of a column; those of rows that count must be in range. Bitmaps are checked
/// before.
pub(super) fn check_values(
    data_type: DataType,
    values: &Values,
    rows: usize,
    counts: &dyn Fn(usize) -> bool,
) -> Result<(), String> {
    let within = |length: usize, holds: &dyn Fn(usize) -> bool| {
        check_length(length, rows)?;
        match (0..rows).find(|row| counts(*row) && !holds(*row)) {
            Some(row) => {
                Err(format!("the value of row {row} is outside of {}", type_name(data_type)))
            }
            None => Ok(()),
        }
    };
    match (data_type, values) {
        (DataType::Bool, Values::Bools(_)) => Ok(()),
        (DataType::Int16, Values::Int16s(list)) => check_length(list.len(), rows),
        (DataType::Int32, Values::Int32s(list)) => check_length(list.len(), rows),
        (DataType::Int64, Values::Int64s(list)) => check_length(list.len(), rows),
        (DataType::Float32, Values::Float32s(list)) => check_length(list.len(), rows),
        (DataType::Float64, Values::Float64s(list)) => check_length(list.len(), rows),
        (DataType::Date, Values::Int32s(list)) => {
            within(list.len(), &|row| Date::from_days(list[row]).in_range())
        }
        (DataType::Time, Values::Int64s(list)) => {
            within(list.len(), &|row| Time::from_micros(list[row]).is_some())
        }
        (DataType::Timestamp, Values::Int64s(list)) => {
            within(list.len(), &|row| Timestamp::from_micros(list[row]).in_range())
        }
        (
            DataType::Decimal(DecimalType { precision: precision @ ..=18, .. }),
            Values::Int64s(list),
        ) => within(list.len(), &|row| fits(list[row].into(), precision)),
        (
            DataType::Decimal(DecimalType { precision: precision @ 19.., .. }),
            Values::Fixed16s(bytes),
        ) => {
            check_length(bytes.len(), rows * 16)?;
            let (list, _) = bytes.as_chunks::<16>();
            within(list.len(), &|row| fits(i128::from_le_bytes(list[row]), precision))
        }
        (DataType::Uuid, Values::Fixed16s(bytes)) => check_length(bytes.len(), rows * 16),
        (DataType::Text | DataType::Json, Values::Varying(varying)) => {
            check_offsets(varying, rows)?;
            check_text(varying, rows, counts)
        }
        (DataType::Binary, Values::Varying(varying)) => check_offsets(varying, rows),
        (data_type, _) => Err(format!("not the values of {}", type_name(data_type))),
    }
}

/// Checks event times; those that are there must be in range. The bitmap is checked before.
pub(super) fn check_times(times: &Times, rows: usize) -> Result<(), String> {
    check_length(times.values.len(), rows)?;
    let known = |row: usize| times.validity.as_ref().is_none_or(|bits| is_set(bits, row));
    let holds = |row: usize| Timestamp::from_micros(times.values[row]).in_range();
    match (0..rows).find(|row| known(*row) && !holds(*row)) {
        Some(row) => Err(format!("that of row {row} is out of range")),
        None => Ok(()),
    }
}

fn check_length(length: usize, wanted: usize) -> Result<(), String> {
    if length == wanted { Ok(()) } else { Err(format!("{length} entries, {wanted} are wanted")) }
}

fn fits(units: i128, precision: u8) -> bool {
    units.unsigned_abs() < 10_u128.pow(precision.into())
}

fn check_offsets(varying: &Varying, rows: usize) -> Result<(), String> {
    let Varying { offsets, bytes } = varying;
    check_length(offsets.len(), rows + 1)?;
    let ends = (offsets.first().copied(), offsets.last().map(|end| *end as usize));
    if ends == (Some(0), Some(bytes.len())) && offsets.is_sorted() {
        return Ok(());
    }
    Err("the offsets do not rise from 0 to the end of the bytes".to_owned())
}

fn check_text(
    varying: &Varying,
    rows: usize,
    counts: &dyn Fn(usize) -> bool,
) -> Result<(), String> {
    let Varying { offsets, bytes } = varying;
    let text = |row: usize| &bytes[offsets[row] as usize..offsets[row + 1] as usize];
    let broken = |row: &usize| counts(*row) && std::str::from_utf8(text(*row)).is_err();
    match (0..rows).find(broken) {
        Some(row) => Err(format!("the text of row {row} is not UTF-8")),
        None => Ok(()),
    }
}
