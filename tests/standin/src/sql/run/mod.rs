//! Statements at work.

mod ddl;
mod jobs;
mod rows;
mod servers;
mod show;
mod transactions;
mod users;

use super::error::SqlError;
use super::statement::{Path, Statement};
use super::{Outcome, ResultColumn, Session, parse, require, schema, select, variables};
use crate::catalog::{Answer, ColumnType, Privilege, Value};
use crate::world::World;

/// Runs one statement.
pub(super) fn statement(
    world: &World,
    session: &mut Session,
    sql: &str,
) -> Result<Outcome, SqlError> {
    match parse::statement(sql)? {
        Statement::Nothing => Ok(Outcome::default()),
        Statement::Select => query(world, session, sql),
        Statement::Use(name) => choose(world, session, &name),
        Statement::Set(changes) => {
            variables::set(session, &changes);
            Ok(Outcome::default())
        }
        Statement::Show(show) => show::show(world, session, show),
        Statement::Describe(path) => show::columns(world, session, path, None),
        statement @ (Statement::Insert { .. }
        | Statement::Delete { .. }
        | Statement::Update { .. }
        | Statement::Truncate(_)) => rows::change(world, session, statement),
        statement @ (Statement::CreateUser { .. }
        | Statement::SetPassword { .. }
        | Statement::DropUser { .. }
        | Statement::Grant(_)) => users::change(world, session, statement),
        statement => ddl::change(world, session, statement, sql),
    }
}

/// Makes a database the one of unqualified names.
pub(super) fn choose(
    world: &World,
    session: &mut Session,
    name: &str,
) -> Result<Outcome, SqlError> {
    let known = world.catalog.has_database(name) || name.eq_ignore_ascii_case(schema::NAME);
    if !known {
        return Err(SqlError::unknown_database(name));
    }
    name.clone_into(&mut session.database);
    Ok(Outcome::default())
}

/// The database and the name of a table.
fn resolve(session: &Session, path: Path) -> Result<(String, String), SqlError> {
    let (database, name) = path;
    let database = database.unwrap_or_else(|| session.database.clone());
    if database.is_empty() { Err(SqlError::no_database()) } else { Ok((database, name)) }
}

/// Runs a SELECT.
fn query(world: &World, session: &Session, sql: &str) -> Result<Outcome, SqlError> {
    let translated = select::select(world, session, sql)?;
    read(world, session, &translated.relations)?;
    if translated.sql.contains(schema::NAME) {
        schema::refresh(world, session)?;
    }
    let answer = world.catalog.store().run(&translated.sql)?;
    Ok(outcome(answer))
}

/// Whether the user may read these.
fn read(world: &World, session: &Session, relations: &[(String, String)]) -> Result<(), SqlError> {
    for (database, name) in relations {
        require(world, session, Privilege::Select, database, name)?;
    }
    Ok(())
}

/// A result with the types of its columns: as declared, or as their values are.
fn outcome(answer: Answer) -> Outcome {
    let columns = answer.columns.iter().enumerate().map(|(at, (name, declared))| {
        let declared = declared.as_deref().and_then(ColumnType::of_declared);
        let column_type = declared.unwrap_or_else(|| {
            let mut values = answer.rows.iter().filter_map(|row| row.get(at));
            match values.find(|value| !value.is_null()) {
                Some(Value::Integer(_)) => ColumnType::BigInt,
                Some(Value::Double(_)) => ColumnType::Double,
                _ => ColumnType::String,
            }
        });
        ResultColumn { name: name.clone(), column_type }
    });
    let columns = columns.collect();
    let rows = answer.rows.iter().map(|row| row.iter().map(Value::text).collect()).collect();
    Outcome { columns, rows, affected: answer.affected }
}
