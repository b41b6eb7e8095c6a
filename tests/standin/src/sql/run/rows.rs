//! Rows changed by SQL.

use super::super::error::SqlError;
use super::super::statement::{Path, Statement};
use super::super::{Outcome, Session, require, select, token};
use super::{ddl, resolve};
use crate::catalog::{
    Answer, Cell, LoadRow, LoadRules, Model, Partial, Privilege, TableDef, Value, quote,
};
use crate::world::{System, World};

/// Runs a statement that changes rows.
pub(super) fn change(
    world: &World,
    session: &Session,
    statement: Statement,
) -> Result<Outcome, SqlError> {
    let affected = match statement {
        Statement::Insert { table, columns, source } => {
            insert(world, session, table, columns, &source)?
        }
        Statement::Delete { table, condition } => delete(world, session, table, &condition)?,
        Statement::Update { table, changes, condition } => {
            update(world, session, table, &changes, &condition)?
        }
        Statement::Truncate(table) => {
            let table = known(world, session, table, Privilege::Delete)?;
            world.catalog.store().truncate(&table)?;
            0
        }
        other => return Err(SqlError::analysis(format!("{other:?} changes no rows"))),
    };
    Ok(Outcome { affected, ..Outcome::default() })
}

/// The definition of a table that the user may change so.
fn known(
    world: &World,
    session: &Session,
    path: Path,
    privilege: Privilege,
) -> Result<TableDef, SqlError> {
    let (database, name) = resolve(session, path.clone())?;
    require(world, session, privilege, &database, &name)?;
    ddl::table_of(world, session, path)
}

/// The rows of a result as those of a load.
fn load_rows(names: &[String], rows: Vec<Vec<Value>>) -> Vec<LoadRow> {
    let cell = |value: Value| value.text().map_or(Cell::Null, Cell::Text);
    rows.into_iter()
        .map(|row| LoadRow {
            values: names.iter().cloned().zip(row.into_iter().map(cell)).collect(),
            text: String::new(),
        })
        .collect()
}

fn insert(
    world: &World,
    session: &Session,
    path: Path,
    columns: Option<Vec<String>>,
    source: &str,
) -> Result<u64, SqlError> {
    let table = known(world, session, path, Privilege::Insert)?;
    let first = token::tokens(source).map_err(SqlError::syntax)?;
    let literal = first.first().is_some_and(|token| token.is("VALUES") || token.is("VALUE"));
    let translated = if literal {
        select::values(world, session, source)?
    } else {
        select::select(world, session, source)?
    };
    super::read(world, session, &translated.relations)?;
    let Answer { rows, .. } = world.catalog.store().run(&translated.sql)?;
    let all = || table.columns.iter().map(|column| column.name.clone()).collect();
    let names: Vec<String> = columns.clone().unwrap_or_else(all);
    if rows.iter().any(|row| row.len() != names.len()) {
        return Err(SqlError::analysis("Column count doesn't match value count"));
    }
    let rules = LoadRules { strict: true, columns, ..LoadRules::default() };
    store(world, &table, load_rows(&names, rows), &rules)
}

/// Stores rows as one load; one that is filtered fails the statement.
fn store(
    world: &World,
    table: &TableDef,
    rows: Vec<LoadRow>,
    rules: &LoadRules,
) -> Result<u64, SqlError> {
    let converted = world.catalog.convert(table, rows, rules);
    if let Some(refused) = converted.refused {
        return Err(SqlError::analysis(refused));
    }
    if let Some((_, reason)) = converted.filtered.first() {
        let message = format!("Insert has filtered data in strict mode. {reason}");
        return Err(SqlError::new(
            if world.system == System::Doris { 5025 } else { 1064 },
            message,
        ));
    }
    let affected = converted.staged.rows.len() as u64;
    world.catalog.publish(table, &[converted.staged]);
    Ok(affected)
}

/// `database.table` for SQLite.
fn target(table: &TableDef) -> String {
    format!("{}.{}", quote(&table.database), quote(&table.name))
}

fn delete(world: &World, session: &Session, path: Path, condition: &str) -> Result<u64, SqlError> {
    let table = known(world, session, path, Privilege::Delete)?;
    let condition = select::expression(world, session, condition)?;
    super::read(world, session, &condition.relations)?;
    let sql = format!("DELETE FROM {} WHERE {}", target(&table), condition.sql);
    Ok(world.catalog.store().run(&sql)?.affected)
}

/// An update is a partial load of the changed columns with their keys.
fn update(
    world: &World,
    session: &Session,
    path: Path,
    changes: &[(String, String)],
    condition: &str,
) -> Result<u64, SqlError> {
    let table = known(world, session, path, Privilege::Update)?;
    let partial = match (world.system, table.model) {
        (System::StarRocks, Model::Primary) => Partial::Row,
        (System::Doris, Model::Unique) => Partial::Fixed,
        _ => return Err(SqlError::analysis(format!("table {} can not be updated", table.name))),
    };
    let mut names: Vec<String> = table.key_columns().map(|column| column.name.clone()).collect();
    let mut values: Vec<String> = names.iter().map(|name| quote(name)).collect();
    for (name, value) in changes {
        let column = table
            .column(name)
            .filter(|column| !column.key)
            .ok_or_else(|| SqlError::analysis(format!("column {name} can not be updated")))?;
        let translated = select::expression(world, session, value)?;
        super::read(world, session, &translated.relations)?;
        names.push(column.name.clone());
        values.push(translated.sql);
    }
    let condition = select::expression(world, session, condition)?;
    super::read(world, session, &condition.relations)?;
    let sql =
        format!("SELECT {} FROM {} WHERE {}", values.join(", "), target(&table), condition.sql);
    let Answer { rows, .. } = world.catalog.store().run(&sql)?;
    let rows = load_rows(&names, rows);
    let columns = Some(names);
    let rules = LoadRules { strict: true, partial: Some(partial), columns, ..LoadRules::default() };
    store(world, &table, rows, &rules)
}
