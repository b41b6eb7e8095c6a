//! How the rows of a load come together with the stored ones.
//!
//! Rows are taken one by one in the order of the load. A row of a keyed table replaces, changes or
//! deletes the row of its key, unless the merge condition or the sequence says that it is older.

use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension as _, params_from_iter};

use super::ColumnType;
use super::convert::{self, Conversion};
use super::decimal::Decimal;
use super::definition::{Aggregation, ColumnDef, ColumnDefault, Model, TableDef};
use super::moment::Moment;
use super::rows::{Cell, Staged, StagedRow};
use super::store::{order_path, path, quote};
use super::value::Value;
use crate::world::System;

/// The condition that finds the row of a key, with a parameter for each column.
pub(super) fn key_condition(table: &TableDef) -> String {
    let parts: Vec<String> = table
        .key_columns()
        .enumerate()
        .map(|(at, column)| format!("{} IS ?{}", quote(&column.name), at + 1))
        .collect();
    parts.join(" AND ")
}

/// What a column holds where a row says nothing; null where it has no default.
pub(super) fn initial(column: &ColumnDef) -> Value {
    let text = match &column.default {
        None => return Value::Null,
        Some(ColumnDefault::Literal(text)) => text.clone(),
        Some(ColumnDefault::Now) => {
            let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let micros = i64::try_from(elapsed.as_micros()).unwrap_or(0);
            Moment::of_micros(micros).map_or_else(String::new, |now| now.date_time(None))
        }
    };
    let conversion = Conversion { system: System::Doris, offset: 0, exact: false };
    convert::value(column, &Cell::Text(text), &conversion).unwrap_or(Value::Null)
}

/// What a column of a new row holds that no load gave: its default, null, or nothing of its type.
fn unplaced(column: &ColumnDef) -> Value {
    let value = initial(column);
    if !value.is_null() || column.nullable {
        return value;
    }
    let nothing = match &column.column_type {
        ColumnType::Boolean
        | ColumnType::TinyInt
        | ColumnType::SmallInt
        | ColumnType::Int
        | ColumnType::BigInt => return Value::Integer(0),
        ColumnType::Float | ColumnType::Double => return Value::Double(0.0),
        ColumnType::LargeInt => "0".to_owned(),
        ColumnType::Decimal { scale, .. } => Decimal::new(0, *scale).to_string(),
        ColumnType::Date => "0000-01-01".to_owned(),
        ColumnType::DateTime(_) => "0000-01-01 00:00:00".to_owned(),
        _ => String::new(),
    };
    Value::Text(nothing)
}

/// Stores the rows.
pub(super) fn apply(
    connection: &Connection,
    table: &TableDef,
    staged: &Staged,
    system: System,
) -> rusqlite::Result<()> {
    let places = table
        .columns
        .iter()
        .map(|column| {
            staged.columns.iter().position(|name| name.eq_ignore_ascii_case(&column.name))
        })
        .collect();
    let target = Target { connection, table, staged, places, system, sql: Sql::of(table) };
    for row in &staged.rows {
        if table.model == Model::Duplicate {
            target.insert(&target.fresh(row))?;
        } else {
            target.merge(row)?;
        }
    }
    Ok(())
}

/// The statements for one table.
struct Sql {
    insert: String,
    delete: String,
    select: String,
    order_select: String,
    order_delete: String,
    order_insert: String,
}

impl Sql {
    fn of(table: &TableDef) -> Self {
        let condition = key_condition(table);
        let marks =
            |count: usize| (1..=count).map(|at| format!("?{at}")).collect::<Vec<_>>().join(", ");
        let (main, order) = (path(table), order_path(table));
        Self {
            insert: format!("INSERT INTO {main} VALUES ({})", marks(table.columns.len())),
            delete: format!("DELETE FROM {main} WHERE {condition}"),
            select: format!("SELECT * FROM {main} WHERE {condition}"),
            order_select: format!("SELECT \"|sequence\" FROM {order} WHERE {condition}"),
            order_delete: format!("DELETE FROM {order} WHERE {condition}"),
            order_insert: format!(
                "INSERT INTO {order} VALUES ({})",
                marks(table.key_columns().count() + 2)
            ),
        }
    }
}

struct Target<'a> {
    connection: &'a Connection,
    table: &'a TableDef,
    staged: &'a Staged,
    /// The place of each column of the table among those of the rows.
    places: Vec<Option<usize>>,
    system: System,
    sql: Sql,
}

impl Target<'_> {
    /// What a row gives for a column of the table.
    fn given<'r>(&self, row: &'r StagedRow, column: usize) -> Option<&'r Value> {
        row.values.get((*self.places.get(column)?)?)?.as_ref()
    }

    /// The values of a row that replaces nothing.
    fn fresh(&self, row: &StagedRow) -> Vec<Value> {
        let columns = self.table.columns.iter().enumerate();
        columns
            .map(|(at, column)| self.given(row, at).cloned().unwrap_or_else(|| unplaced(column)))
            .collect()
    }

    fn key(&self, row: &StagedRow) -> Vec<Value> {
        let columns = self.table.columns.iter().enumerate().filter(|(_, column)| column.key);
        columns
            .map(|(at, column)| self.given(row, at).cloned().unwrap_or_else(|| initial(column)))
            .collect()
    }

    fn insert(&self, values: &[Value]) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(&self.sql.insert)?;
        statement.execute(params_from_iter(values)).map(|_| ())
    }

    fn delete(&self, key: &[Value]) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(&self.sql.delete)?;
        statement.execute(params_from_iter(key)).map(|_| ())
    }

    fn stored(&self, key: &[Value]) -> rusqlite::Result<Option<Vec<Value>>> {
        let mut statement = self.connection.prepare_cached(&self.sql.select)?;
        let count = self.table.columns.len();
        let row = statement.query_row(params_from_iter(key), |row| {
            (0..count).map(|at| Ok(Value::of(row.get_ref(at)?))).collect()
        });
        row.optional()
    }

    fn merge(&self, row: &StagedRow) -> rusqlite::Result<()> {
        let key = self.key(row);
        let ordered = self.system == System::Doris && self.table.sequence_type().is_some();
        if ordered && !self.is_newer(&key, row)? {
            return Ok(());
        }
        if row.delete {
            self.delete(&key)?;
        } else {
            let stored = self.stored(&key)?;
            if !self.condition_holds(row, stored.as_deref()) {
                return Ok(());
            }
            let values = self.merged(row, stored.as_deref());
            if stored.is_some() {
                self.delete(&key)?;
            }
            self.insert(&values)?;
        }
        if ordered { self.remember(key, row) } else { Ok(()) }
    }

    /// Whether a row's sequence is not below the one of its key; a row without one is newer.
    fn is_newer(&self, key: &[Value], row: &StagedRow) -> rusqlite::Result<bool> {
        let Some(sequence) = &row.sequence else { return Ok(true) };
        let mut statement = self.connection.prepare_cached(&self.sql.order_select)?;
        let stored = statement
            .query_row(params_from_iter(key), |row| Ok(Value::of(row.get_ref(0)?)))
            .optional()?;
        Ok(stored.is_none_or(|stored| sequence.order(&stored).is_ge()))
    }

    /// Keeps a row's sequence with its key, also of a deleted one: older rows stay out for good.
    fn remember(&self, mut key: Vec<Value>, row: &StagedRow) -> rusqlite::Result<()> {
        let Some(sequence) = &row.sequence else { return Ok(()) };
        let mut statement = self.connection.prepare_cached(&self.sql.order_delete)?;
        statement.execute(params_from_iter(&key))?;
        key.extend([sequence.clone(), Value::Integer(i64::from(row.delete))]);
        let mut statement = self.connection.prepare_cached(&self.sql.order_insert)?;
        statement.execute(params_from_iter(&key)).map(|_| ())
    }

    fn condition_holds(&self, row: &StagedRow, stored: Option<&[Value]>) -> bool {
        let condition = self.staged.merge_condition.as_deref();
        let Some(at) = condition.and_then(|name| self.table.position(name)) else { return true };
        match (stored.and_then(|stored| stored.get(at)), self.given(row, at)) {
            (Some(stored), Some(new)) => new.order(stored).is_ge(),
            _ => true,
        }
    }

    /// The row that takes the place of the stored one.
    fn merged(&self, row: &StagedRow, stored: Option<&[Value]>) -> Vec<Value> {
        let partial = self.staged.partial.is_some();
        let columns = self.table.columns.iter().enumerate();
        columns
            .map(|(at, column)| {
                let stored = stored.and_then(|stored| stored.get(at));
                match (self.given(row, at), stored) {
                    (None, Some(stored)) if partial => stored.clone(),
                    (None, _) => unplaced(column),
                    (Some(new), Some(stored)) if self.table.model == Model::Aggregate => {
                        aggregated(column, stored, new)
                    }
                    (Some(new), _) => new.clone(),
                }
            })
            .collect()
    }
}

/// The stored value of an aggregate table together with a new one.
fn aggregated(column: &ColumnDef, stored: &Value, new: &Value) -> Value {
    match column.aggregation {
        None => stored.clone(),
        Some(Aggregation::ReplaceIfNotNull) if new.is_null() => stored.clone(),
        Some(Aggregation::Replace | Aggregation::ReplaceIfNotNull) => new.clone(),
        Some(_) if new.is_null() => stored.clone(),
        Some(_) if stored.is_null() => new.clone(),
        Some(Aggregation::Sum) => sum(stored, new),
        Some(Aggregation::Max) if new.order(stored).is_gt() => new.clone(),
        Some(Aggregation::Min) if new.order(stored).is_lt() => new.clone(),
        Some(Aggregation::Max | Aggregation::Min) => stored.clone(),
    }
}

fn sum(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Integer(left), Value::Integer(right)) => Value::Integer(left.wrapping_add(*right)),
        (Value::Double(left), Value::Double(right)) => Value::Double(left + right),
        _ => {
            let parse = |value: &Value| Decimal::parse(&value.text()?);
            let sum = parse(left).and_then(|left| left.plus(parse(right)?));
            sum.map_or(Value::Null, |sum| Value::Text(sum.to_string()))
        }
    }
}
