//! The bytes of a body as rows with columns.

use serde_json::Value;

use crate::catalog::{Cell, LoadRow, Partial, TableDef};
use crate::world::System;

use super::arrow;
use super::csv::{self, CsvStyle};
use super::json;
use super::spec::{Format, LoadSpec};

/// The pseudo-columns of Doris begin so.
const HIDDEN: &str = "__DORIS_";
/// The hidden column of Doris that deletes a row.
pub(super) const DELETE_SIGN: &str = "__DORIS_DELETE_SIGN__";

/// What a body holds.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// The rows.
    pub rows: Vec<LoadRow>,
    /// What is none, each with its text and the reason.
    pub bad: Vec<(String, String)>,
}

/// The rows of a body. An error refuses the whole load.
pub(super) fn rows(spec: &LoadSpec, table: &TableDef, bytes: &[u8]) -> Result<Rows, String> {
    let mut found = match &spec.format {
        Format::Csv(style) => of_csv(spec, table, style, bytes),
        Format::Json(shape, delimiter) => {
            let rows = json::rows(bytes, *shape, delimiter, spec.json_root.as_ref())?;
            of_json(spec, table, rows)
        }
        Format::Arrow => {
            let rows = arrow::rows(bytes, &field_names(spec, table), table)?;
            Rows { rows, bad: Vec::new() }
        }
    };
    for row in &mut found.rows {
        if let Some(columns) = &spec.columns {
            columns.make(&mut row.values);
        }
        if let Some(condition) = &spec.delete {
            let sign = u8::from(condition.fits(&row.values)).to_string();
            row.values.retain(|(name, _)| !name.eq_ignore_ascii_case(DELETE_SIGN));
            row.values.push((DELETE_SIGN.to_owned(), Cell::Text(sign)));
        }
    }
    if spec.system == System::Doris && spec.is_json() {
        let (told, untold): (Vec<_>, Vec<_>) =
            found.rows.into_iter().partition(|row| !says_nothing(table, &row.values));
        let reason = "All fields is null, this is a invalid row.";
        found.bad.extend(untold.into_iter().map(|row| (row.text, reason.to_owned())));
        found.rows = told;
    }
    Ok(found)
}

/// The names of the fields of a row, in order.
fn field_names(spec: &LoadSpec, table: &TableDef) -> Vec<String> {
    match &spec.columns {
        Some(columns) => columns.fields().map(str::to_owned).collect(),
        None => {
            let visible = table.columns.iter().map(|column| column.name.clone());
            visible.chain(spec.hidden.iter().cloned()).collect()
        }
    }
}

fn of_csv(spec: &LoadSpec, table: &TableDef, style: &CsvStyle, bytes: &[u8]) -> Rows {
    let names = field_names(spec, table);
    let mut found = Rows::default();
    for row in csv::rows(bytes, style) {
        match row.fields {
            Ok(fields) if fields.len() == names.len() => {
                let cells = fields.into_iter().map(|field| field.map_or(Cell::Null, Cell::Text));
                let values = names.iter().cloned().zip(cells).collect();
                found.rows.push(LoadRow { values, text: row.text });
            }
            Ok(fields) => {
                let reason = miscounted(spec.system, style, names.len(), fields.len());
                found.bad.push((row.text, reason));
            }
            Err(reason) => found.bad.push((row.text, reason)),
        }
    }
    found
}

fn miscounted(system: System, style: &CsvStyle, expected: usize, got: usize) -> String {
    let (separator, delimiter) = (style.separator.escape_ascii(), style.delimiter.escape_ascii());
    match system {
        System::StarRocks => format!(
            "Value count does not match column count. Expect {expected}, but got {got}. Column \
             delimiter: {separator},Row delimiter: {delimiter}."
        ),
        System::Doris => {
            let than = if got < expected { "less" } else { "more" };
            format!(
                "actual column number in csv file is  {than} than  schema column number.actual \
                 number: {got}, schema column number: {expected}; line delimiter: [{delimiter}], \
                 column separator: [{separator}], "
            )
        }
    }
}

fn of_json(spec: &LoadSpec, table: &TableDef, rows: Vec<json::JsonRow>) -> Rows {
    let names = field_names(spec, table);
    let mut found = Rows::default();
    for row in rows {
        let object = match row.object {
            Ok(object) => object,
            Err(reason) => {
                found.bad.push((row.text, reason));
                continue;
            }
        };
        let values = match &spec.jsonpaths {
            Some(paths) => names
                .iter()
                .zip(paths)
                .map(|(name, path)| {
                    let found = path.find(&object).cloned();
                    (name.clone(), found.map_or(Cell::Null, cell))
                })
                .collect(),
            None => members(spec, &names, object),
        };
        found.rows.push(LoadRow { values, text: row.text });
    }
    found
}

/// The members of an object that the load takes.
fn members(spec: &LoadSpec, names: &[String], object: Value) -> Vec<(String, Cell)> {
    let Value::Object(members) = object else { return Vec::new() };
    let flexible = spec.partial == Some(Partial::Flexible);
    let listed = |name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    let taken = |name: &str| match (&spec.columns, spec.system) {
        (Some(_), _) => listed(name),
        // A hidden column that the headers do not name is no column of this load.
        (None, System::Doris) => flexible || !name.starts_with(HIDDEN) || listed(name),
        (None, System::StarRocks) => true,
    };
    members
        .into_iter()
        .filter(|(name, _)| taken(name))
        .map(|(name, value)| (name, cell(value)))
        .collect()
}

fn cell(value: Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        other => Cell::Json(other),
    }
}

/// Whether no value of a row reaches a column of the table.
fn says_nothing(table: &TableDef, values: &[(String, Cell)]) -> bool {
    !values.iter().any(|(name, cell)| *cell != Cell::Null && table.column(name).is_some())
}
