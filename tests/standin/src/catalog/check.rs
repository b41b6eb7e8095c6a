//! The rows of a load against their table: what the whole load must not do, then each row.

use std::collections::HashSet;

use super::convert::{self, Conversion};
use super::definition::{
    ColumnDef, DELETE_SIGN, HIDDEN_SEQUENCE, Model, OPERATION, SEQUENCE_COLUMN, TableDef,
};
use super::rows::{Cell, Converted, LoadRow, LoadRules, Partial, Staged, StagedRow};
use super::value::Value;
use super::{Catalog, moment};
use crate::world::System;

/// Whether a name is one of a system's hidden columns.
fn is_hidden(system: System, name: &str) -> bool {
    match system {
        System::StarRocks => name.eq_ignore_ascii_case(OPERATION),
        System::Doris => {
            name.eq_ignore_ascii_case(DELETE_SIGN) || name.eq_ignore_ascii_case(HIDDEN_SEQUENCE)
        }
    }
}

/// Checks and converts rows.
pub(super) fn convert(
    catalog: &Catalog,
    table: &TableDef,
    rows: Vec<LoadRow>,
    rules: &LoadRules,
) -> Converted {
    let plan = match Plan::of(catalog.system, table, rules) {
        Ok(plan) => plan,
        Err(refused) => return Converted { refused: Some(refused), ..Converted::default() },
    };
    let mut converted = Converted {
        staged: Staged {
            columns: plan.columns.iter().map(|at| table.columns[*at].name.clone()).collect(),
            rows: Vec::with_capacity(rows.len()),
            partial: rules.partial,
            merge_condition: rules.merge_condition.clone(),
        },
        ..Converted::default()
    };
    for row in rows {
        match plan.row(&row.values) {
            Ok(staged) => converted.staged.rows.push(staged),
            Err(reason) => converted.filtered.push((row.text, reason)),
        }
    }
    if let Some(refused) = plan.new_keys(catalog, &converted.staged) {
        return Converted { refused: Some(refused), ..Converted::default() };
    }
    converted
}

/// What the headers and the table make of a load.
struct Plan<'a> {
    system: System,
    table: &'a TableDef,
    rules: &'a LoadRules,
    conversion: Conversion,
    /// The places of the columns that rows give values for.
    columns: Vec<usize>,
    /// The place of the column that is the sequence of its row.
    sequence: Option<usize>,
}

impl<'a> Plan<'a> {
    fn of(system: System, table: &'a TableDef, rules: &'a LoadRules) -> Result<Self, String> {
        let mut columns: Vec<usize> = (0..table.columns.len()).collect();
        if let Some(names) = &rules.columns {
            columns = Vec::new();
            for name in names {
                match table.position(name) {
                    Some(at) => columns.push(at),
                    None if is_hidden(system, name) => {}
                    None => return Err(format!("Unknown column '{name}' in '{}'", table.name)),
                }
            }
        }
        let offset = match system {
            System::StarRocks => 0,
            System::Doris => moment::zone_offset(&rules.timezone)
                .ok_or_else(|| format!("Unknown or incorrect time zone: '{}'", rules.timezone))?,
        };
        let conversion = Conversion { system, offset, exact: rules.strict };
        let sequence = None;
        let mut plan = Self { system, table, rules, conversion, columns, sequence };
        plan.check_operation()?;
        plan.check_partial()?;
        plan.check_condition()?;
        plan.check_unnamed()?;
        plan.sequence = plan.check_sequence()?;
        Ok(plan)
    }

    fn names(&self, column: &str) -> bool {
        let names = self.rules.columns.as_ref();
        names.is_some_and(|names| names.iter().any(|name| name.eq_ignore_ascii_case(column)))
    }

    fn check_operation(&self) -> Result<(), String> {
        let model = self.table.model;
        match self.system {
            System::StarRocks if self.names(OPERATION) && model != Model::Primary => {
                Err(format!("Unknown column '{OPERATION}' in '{}'", self.table.name))
            }
            System::Doris
                if (self.rules.delete_all || self.names(DELETE_SIGN)) && model != Model::Unique =>
            {
                Err("load by MERGE or DELETE is only supported in unique tables.".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn check_partial(&self) -> Result<(), String> {
        let Some(partial) = self.rules.partial else { return Ok(()) };
        let table = self.table;
        match self.system {
            System::StarRocks if table.model != Model::Primary => {
                return Err("Only primary key table support partial update".to_owned());
            }
            System::Doris if !table.merges_on_write() => {
                return Err(
                    "Only unique key merge on write table support partial update".to_owned()
                );
            }
            _ => {}
        }
        if partial == Partial::Flexible {
            if !table.is_on("enable_unique_key_skip_bitmap_column") {
                let name = &table.name;
                return Err(format!(
                    "Flexible partial update can only support table with skip bitmap hidden \
                     column. But table {name} doesn't have it. You can use `ALTER TABLE {name} \
                     ENABLE FEATURE \"UPDATE_FLEXIBLE_COLUMNS\";` to add it to the table."
                ));
            }
            let variant = |column: &ColumnDef| column.column_type == super::ColumnType::Variant;
            if table.columns.iter().any(variant) {
                return Err("Flexible partial update can only support table without variant \
                            columns."
                    .to_owned());
            }
            return match &self.rules.columns {
                Some(_) => {
                    Err("Don't support flexible partial update when 'columns' is specified"
                        .to_owned())
                }
                None => Ok(()),
            };
        }
        if self.rules.columns.is_none() && self.system == System::StarRocks {
            return Err("partial update needs the columns header".to_owned());
        }
        match table
            .key_columns()
            .find(|key| !self.columns.iter().any(|at| table.columns[*at].name == key.name))
        {
            None => Ok(()),
            Some(key) => Err(match self.system {
                System::StarRocks => format!(
                    "Should contains all of key columns, but key column {} is missing",
                    key.name
                ),
                System::Doris => {
                    format!("Partial update should include all key columns, missing: {}", key.name)
                }
            }),
        }
    }

    fn check_condition(&self) -> Result<(), String> {
        let Some(name) = &self.rules.merge_condition else { return Ok(()) };
        if self.table.model != Model::Primary {
            return Err("Conditional update only support primary key table".to_owned());
        }
        match self.table.column(name) {
            None => Err(format!("Merge condition column {name} does not exist. ")),
            Some(column) if column.key => {
                Err(format!("Merge condition column {name} should not be primary key!"))
            }
            Some(_) if self.rules.columns.is_some() && !self.names(name) => {
                Err(format!("Merge condition column {name} is not loaded. "))
            }
            Some(_) => Ok(()),
        }
    }

    /// Columns that the load does not name need something to hold.
    fn check_unnamed(&self) -> Result<(), String> {
        if self.rules.partial.is_some() || self.rules.columns.is_none() {
            return Ok(());
        }
        let mut columns = self.table.columns.iter().enumerate();
        let empty = columns.find(|(at, column)| {
            !self.columns.contains(at) && !column.nullable && column.default.is_none()
        });
        match empty {
            Some((_, column)) => {
                Err(format!("Column has no default value. column: {}", column.name))
            }
            None => Ok(()),
        }
    }

    /// The column that is the sequence; none where the hidden one is, or none is needed.
    fn check_sequence(&self) -> Result<Option<usize>, String> {
        if self.system == System::StarRocks {
            return Ok(None);
        }
        let table = self.table;
        let needed = || {
            format!("Table {} has sequence column, need to specify the sequence column", table.name)
        };
        if let Some(name) = &self.rules.sequence_column {
            if table.sequence_type().is_none() {
                return Err(format!("There is no sequence column in the table {}", table.name));
            }
            let at = table.position(name).filter(|at| self.columns.contains(at));
            return at
                .map(Some)
                .ok_or_else(|| format!("{SEQUENCE_COLUMN}: column {name} is not one of the load"));
        }
        if let Some(column) = table.sequence_column() {
            let at = table.position(&column.name).filter(|at| self.columns.contains(at));
            return match at {
                None if self.rules.partial.is_none() && !self.names(HIDDEN_SEQUENCE) => {
                    Err(needed())
                }
                at => Ok(at),
            };
        }
        let lacks = table.sequence_type().is_some()
            && self.rules.columns.is_some()
            && !self.names(HIDDEN_SEQUENCE);
        if lacks && self.rules.partial.is_none() { Err(needed()) } else { Ok(None) }
    }

    /// One row, or why it is filtered.
    fn row(&self, cells: &[(String, Cell)]) -> Result<StagedRow, String> {
        let find =
            |name: &str| cells.iter().rev().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let mut values = Vec::with_capacity(self.columns.len());
        let mut sequence = None;
        for at in &self.columns {
            let column = &self.table.columns[*at];
            let value = match find(&column.name) {
                None => self.missing(column)?,
                Some((_, Cell::Null)) => Some(self.null(column)?),
                Some((_, cell)) => Some(self.value(column, cell)?),
            };
            if self.sequence == Some(*at) {
                sequence.clone_from(&value);
            }
            values.push(value);
        }
        if let Some((_, cell)) = find(HIDDEN_SEQUENCE).filter(|_| self.system == System::Doris) {
            sequence = self.hidden_sequence(cell)?;
        }
        let needs = self.system == System::Doris
            && self.table.sequence_type().is_some()
            && self.rules.partial.is_none();
        if needs && sequence.is_none() {
            return Err("the row has no sequence".to_owned());
        }
        let delete = match self.system {
            System::StarRocks => {
                self.table.model == Model::Primary && deletes(OPERATION, find(OPERATION))?
            }
            System::Doris => {
                self.rules.delete_all
                    || (self.table.model == Model::Unique
                        && deletes(DELETE_SIGN, find(DELETE_SIGN))?)
            }
        };
        Ok(StagedRow { delete, sequence, values })
    }

    fn hidden_sequence(&self, cell: &Cell) -> Result<Option<Value>, String> {
        let Some(column_type) = self.table.sequence_type() else { return Ok(None) };
        let column = ColumnDef {
            name: HIDDEN_SEQUENCE.to_owned(),
            column_type,
            nullable: true,
            default: None,
            comment: String::new(),
            aggregation: None,
            key: false,
        };
        match cell {
            Cell::Null => Ok(None),
            cell => self.value(&column, cell).map(Some),
        }
    }

    /// What a column holds that a row does not have.
    fn missing(&self, column: &ColumnDef) -> Result<Option<Value>, String> {
        if self.rules.partial == Some(Partial::Flexible) && !column.key {
            return Ok(None);
        }
        match self.system {
            System::StarRocks => self.null(column).map(Some),
            System::Doris if column.default.is_some() => Ok(None),
            System::Doris if column.nullable => Ok(Some(Value::Null)),
            System::Doris => Err(format!(
                "The column `{}` is not nullable, but it's not found in jsondata.",
                column.name
            )),
        }
    }

    fn null(&self, column: &ColumnDef) -> Result<Value, String> {
        if column.nullable {
            return Ok(Value::Null);
        }
        Err(match self.system {
            System::StarRocks => {
                format!("NULL value in non-nullable column '{}'", column.name)
            }
            System::Doris => format!(
                "column_name[{}], null value for not null column, type={}",
                column.name,
                column.column_type.base_name().to_uppercase()
            ),
        })
    }

    fn value(&self, column: &ColumnDef, cell: &Cell) -> Result<Value, String> {
        match convert::value(column, cell, &self.conversion) {
            Ok(value) => Ok(value),
            Err(unfit) if unfit.always || self.rules.strict => Err(unfit.reason),
            Err(_) => self.null(column),
        }
    }

    /// Why the partial updates of keys that are not stored fail the load, if so.
    fn new_keys(&self, catalog: &Catalog, staged: &Staged) -> Option<String> {
        if self.system == System::StarRocks || self.rules.partial.is_none() {
            return None;
        }
        let table = self.table;
        let lacking = table.columns.iter().enumerate().find(|(at, column)| {
            !self.columns.contains(at) && !column.nullable && column.default.is_none()
        });
        let flexible = self.rules.partial == Some(Partial::Flexible);
        if self.rules.new_key_append && lacking.is_none() && !flexible {
            return None;
        }
        let mut seen: HashSet<String> = HashSet::new();
        for row in &staged.rows {
            let key: Vec<Value> = table
                .columns
                .iter()
                .enumerate()
                .filter(|(_, column)| column.key)
                .map(|(at, _)| {
                    let place = self.columns.iter().position(|known| *known == at);
                    let value = place.and_then(|place| row.values.get(place));
                    value.cloned().flatten().unwrap_or(Value::Null)
                })
                .collect();
            if row.delete {
                continue;
            }
            let name = format!("{key:?}");
            if seen.contains(&name) || catalog.store().has_row(table, &key).unwrap_or(false) {
                continue;
            }
            if !self.rules.new_key_append {
                return Some(format!(
                    "[E-7003]Can't append new rows in partial update when \
                     partial_update_new_key_behavior is ERROR. Row with key=[{}] is not in table.",
                    key.iter().filter_map(Value::text).collect::<Vec<_>>().join(", ")
                ));
            }
            if let Some(column) = self.unfillable(row) {
                return Some(format!(
                    "the unmentioned column `{column}` should have default value or be nullable \
                     for newly inserted rows in non-strict mode partial update"
                ));
            }
            seen.insert(name);
        }
        None
    }

    /// A column that a new row would leave without a value.
    fn unfillable(&self, row: &StagedRow) -> Option<&str> {
        let table = self.table;
        let mut columns = table.columns.iter().enumerate();
        let found = columns.find(|(at, column)| {
            let place = self.columns.iter().position(|known| known == at);
            let given = place.and_then(|place| row.values.get(place)).is_some_and(Option::is_some);
            !given && !column.nullable && column.default.is_none()
        });
        found.map(|(_, column)| column.name.as_str())
    }
}

/// Whether the value of an operation or a delete sign deletes.
fn deletes(name: &str, cell: Option<&(String, Cell)>) -> Result<bool, String> {
    let Some((_, cell)) = cell else { return Ok(false) };
    let text = match cell {
        Cell::Null => return Err(format!("NULL value in non-nullable column '{name}'")),
        Cell::Text(text) | Cell::Json(serde_json::Value::String(text)) => text.clone(),
        Cell::Json(value) => value.to_string(),
    };
    match text.trim().to_ascii_lowercase().as_str() {
        "0" | "upsert" => Ok(false),
        "1" | "delete" => Ok(true),
        // Words are for StarRocks, truth values for Doris; neither takes anything else.
        "false" if name == DELETE_SIGN => Ok(false),
        "true" if name == DELETE_SIGN => Ok(true),
        other => Err(format!("Value '{other}' of column '{name}' is neither 0 nor 1")),
    }
}
