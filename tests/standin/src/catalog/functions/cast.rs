//! `CAST(value AS type)`.

use super::super::ColumnType;
use super::super::convert::{self, Conversion};
use super::super::definition::ColumnDef;
use super::super::rows::Cell;
use super::super::value::Value;
use super::{Function, argument};
use crate::world::System;

pub(super) const FUNCTIONS: &[(&str, Function)] = &[("cast_as", cast)];

fn cast(arguments: &[Value]) -> Result<Value, String> {
    let name = argument(arguments, 1).text().unwrap_or_default();
    let Some(text) = argument(arguments, 0).text() else { return Ok(Value::Null) };
    let column_type = match name.to_ascii_lowercase().as_str() {
        "signed" | "unsigned" | "signed integer" | "unsigned integer" => ColumnType::BigInt,
        "char" | "varchar" => ColumnType::String,
        other => ColumnType::parse(other).map_err(|error| error.to_string())?,
    };
    let column = ColumnDef {
        name: "cast".to_owned(),
        column_type,
        nullable: true,
        default: None,
        comment: String::new(),
        aggregation: None,
        key: false,
    };
    // A value that is none of the type is null, as everywhere in SELECT.
    let conversion = Conversion { system: System::Doris, offset: 0, exact: false };
    Ok(convert::value(&column, &Cell::Text(text), &conversion).unwrap_or(Value::Null))
}
