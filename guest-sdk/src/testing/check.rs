//! Holds an answer against the contract, as the host does.

use std::collections::HashSet;

use super::values::type_name;
use crate::raw::{
    Column, DataType, DecimalType, Description, Emitted, Field, Images, Mode, Outcome, Output,
    Values, Varying,
};

/// Checks the answer to a batch of `rows` rows, with before images or not.
///
/// # Errors
/// The first breach of the contract, in words.
pub fn check(
    description: &Description,
    rows: usize,
    before: bool,
    outcome: &Outcome,
) -> Result<(), String> {
    match (&outcome.output, description.mode) {
        (Output::Mapped(mapped), Mode::Map) => {
            check_images(&description.outputs[0].fields, rows, &mapped.after)?;
            if mapped.before.is_some() != before {
                return Err("before images are answered exactly when they came".to_owned());
            }
            if let Some(images) = &mapped.before {
                check_images(&description.outputs[0].fields, rows, images)?;
            }
        }
        (Output::Emitted(emitted), Mode::Emit) => {
            emitted.iter().try_for_each(|emitted| check_emitted(description, emitted))?;
        }
        _ => return Err("the output is not of the described mode".to_owned()),
    }
    let mut seen = HashSet::new();
    for rejection in &outcome.rejected {
        if rejection.row as usize >= rows {
            return Err(format!("row {} of {rows} is rejected", rejection.row));
        }
        if !seen.insert(rejection.row) {
            return Err(format!("row {} is rejected twice", rejection.row));
        }
    }
    Ok(())
}

fn check_images(fields: &[Field], rows: usize, images: &Images) -> Result<(), String> {
    if let Some(kept) = &images.kept {
        check_bits("kept", kept, rows)?;
    }
    check_columns(fields, rows, &images.columns)
}

fn check_emitted(description: &Description, emitted: &Emitted) -> Result<(), String> {
    let port = description.outputs.get(emitted.port as usize);
    let port = port.ok_or_else(|| format!("there is no port {}", emitted.port))?;
    let rows = emitted.rows as usize;
    if emitted.operations.as_ref().is_some_and(|codes| codes.len() != rows) {
        return Err("an operation is missing".to_owned());
    }
    check_columns(&port.fields, rows, &emitted.columns)
}

fn check_columns(fields: &[Field], rows: usize, columns: &[Column]) -> Result<(), String> {
    if fields.len() != columns.len() {
        return Err(format!("{} columns for {} fields", columns.len(), fields.len()));
    }
    for (field, column) in fields.iter().zip(columns) {
        check_column(field, rows, column)
            .map_err(|error| format!("column `{}`: {error}", field.name))?;
    }
    Ok(())
}

fn check_column(field: &Field, rows: usize, column: &Column) -> Result<(), String> {
    if let Some(validity) = &column.validity {
        check_bits("validity", validity, rows)?;
        if !field.nullable {
            return Err("a field that is not nullable has validity".to_owned());
        }
    }
    if let Some(unchanged) = &column.unchanged {
        check_bits("unchanged", unchanged, rows)?;
    }
    let length = match (field.data_type, &column.values) {
        (DataType::Bool, Values::Bools(bytes)) => return check_bits("value", bytes, rows),
        (DataType::Int16, Values::Int16s(list)) => list.len(),
        (DataType::Int32 | DataType::Date, Values::Int32s(list)) => list.len(),
        (DataType::Int64 | DataType::Time | DataType::Timestamp, Values::Int64s(list)) => {
            list.len()
        }
        (DataType::Decimal(DecimalType { precision: ..=18, .. }), Values::Int64s(list)) => {
            list.len()
        }
        (DataType::Float32, Values::Float32s(list)) => list.len(),
        (DataType::Float64, Values::Float64s(list)) => list.len(),
        (DataType::Decimal(DecimalType { precision: 19.., .. }), Values::Fixed16s(bytes))
        | (DataType::Uuid, Values::Fixed16s(bytes)) => bytes.len() / 16,
        (DataType::Text | DataType::Json, Values::Varying(varying)) => {
            check_text(varying)?;
            varying.offsets.len().saturating_sub(1)
        }
        (DataType::Binary, Values::Varying(varying)) => {
            check_offsets(varying)?;
            varying.offsets.len().saturating_sub(1)
        }
        (data_type, _) => return Err(format!("not the values of {}", type_name(data_type))),
    };
    if length == rows { Ok(()) } else { Err(format!("{length} values for {rows} rows")) }
}

fn check_bits(what: &str, bits: &[u8], rows: usize) -> Result<(), String> {
    if bits.len() != rows.div_ceil(8) {
        return Err(format!("{} bytes of {what} bits for {rows} rows", bits.len()));
    }
    match bits.last() {
        Some(last) if !rows.is_multiple_of(8) && last >> (rows % 8) != 0 => {
            Err(format!("a {what} bit past the last row is set"))
        }
        _ => Ok(()),
    }
}

fn check_offsets(varying: &Varying) -> Result<(), String> {
    let Varying { offsets, bytes } = varying;
    let ends = (offsets.first().copied(), offsets.last().map(|end| *end as usize));
    if ends == (Some(0), Some(bytes.len())) && offsets.is_sorted() {
        return Ok(());
    }
    Err("the offsets do not rise from 0 to the end of the bytes".to_owned())
}

fn check_text(varying: &Varying) -> Result<(), String> {
    check_offsets(varying)?;
    let text = std::str::from_utf8(&varying.bytes).map_err(|error| error.to_string())?;
    let whole = varying.offsets.iter().all(|offset| text.is_char_boundary(*offset as usize));
    if whole { Ok(()) } else { Err("an offset cuts a character".to_owned()) }
}
