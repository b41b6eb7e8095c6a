//! `SHOW`.

use super::super::cursor::Cursor;
use super::super::error::SqlError;
use super::super::statement::{Show, Statement};
use crate::transaction::Which;

fn like(cursor: &mut Cursor<'_>) -> Result<Option<String>, SqlError> {
    if cursor.take("LIKE") {
        return cursor.text().map(Some);
    }
    // `WHERE Variable_name = 'x'` and the like.
    if cursor.take("WHERE") {
        cursor.name()?;
        if !cursor.take("=") {
            cursor.expect("LIKE")?;
        }
        return cursor.text().map(Some);
    }
    Ok(None)
}

fn from(cursor: &mut Cursor<'_>) -> Result<Option<String>, SqlError> {
    if cursor.take("FROM") || cursor.take("IN") {
        return cursor.path().map(|(_, name)| Some(name));
    }
    Ok(None)
}

/// Reads `SHOW …`.
pub(super) fn statement(cursor: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    cursor.next();
    let full = cursor.take("FULL");
    for scope in ["GLOBAL", "SESSION", "LOCAL"] {
        cursor.take(scope);
    }
    let all = cursor.take("ALL");
    let word = cursor.next().map(|token| token.text.to_ascii_uppercase()).unwrap_or_default();
    let show = match word.as_str() {
        "DATABASES" | "SCHEMAS" => Show::Databases { like: like(cursor)? },
        "TABLES" => Show::Tables { database: from(cursor)?, like: like(cursor)?, full },
        "COLUMNS" | "FIELDS" => {
            if !cursor.take("FROM") {
                cursor.expect("IN")?;
            }
            let (mut database, table) = cursor.path()?;
            if let Some(name) = from(cursor)? {
                database = Some(name);
            }
            Show::Columns { table: (database, table), full }
        }
        "CREATE" => create(cursor)?,
        "ALTER" => alter(cursor)?,
        "BACKENDS" => Show::Backends,
        "FRONTENDS" => Show::Frontends,
        "COMPUTE" => {
            cursor.expect("NODES")?;
            Show::ComputeNodes
        }
        "GRANTS" => {
            let user = if cursor.take("FOR") { Some(super::grant::user(cursor)?) } else { None };
            Show::Grants { user, all }
        }
        "VARIABLES" => Show::Variables { like: like(cursor)? },
        "TRANSACTION" => transaction(cursor)?,
        "WARNINGS" | "ERRORS" | "ENGINES" | "PLUGINS" | "STATUS" | "COLLATION" | "CHARACTER"
        | "CHARSET" | "PROCESSLIST" | "PROC" | "PROCEDURE" | "FUNCTION" | "TRIGGERS" | "EVENTS"
        | "KEYS" | "INDEX" | "INDEXES" | "CATALOGS" | "ROLES" | "LOAD" | "PARTITIONS"
        | "PROPERTY" | "DATA" | "WAREHOUSES" | "MATERIALIZED" | "TABLE" | "STREAM" => Show::Empty,
        _ => return Err(SqlError::syntax(format!("SHOW {word} is unknown"))),
    };
    Ok(Statement::Show(show))
}

fn create(cursor: &mut Cursor<'_>) -> Result<Show, SqlError> {
    if cursor.take("DATABASE") || cursor.take("SCHEMA") {
        return Ok(Show::CreateDatabase { name: cursor.path()?.1 });
    }
    cursor.take("MATERIALIZED");
    if !cursor.take("TABLE") {
        cursor.expect("VIEW")?;
    }
    Ok(Show::CreateTable { table: cursor.path()? })
}

fn transaction(cursor: &mut Cursor<'_>) -> Result<Show, SqlError> {
    let database = from(cursor)?;
    cursor.expect("WHERE")?;
    let column = cursor.name()?;
    cursor.expect("=")?;
    let which = match column.to_ascii_uppercase().as_str() {
        "ID" => Which::Id(cursor.number()?),
        "LABEL" => Which::Label(cursor.text()?),
        _ => {
            return Err(SqlError::syntax(format!("a transaction is found by id, not by {column}")));
        }
    };
    cursor.done()?;
    Ok(Show::Transaction { database, which })
}

fn alter(cursor: &mut Cursor<'_>) -> Result<Show, SqlError> {
    cursor.expect("TABLE")?;
    if !cursor.take("COLUMN") {
        return Ok(Show::Empty);
    }
    let database = from(cursor)?;
    let mut table = None;
    if cursor.take("WHERE") {
        loop {
            let column = cursor.name()?;
            cursor.expect("=")?;
            let value = cursor.text()?;
            if column.eq_ignore_ascii_case("TableName") {
                table = Some(value);
            }
            if !cursor.take("AND") {
                break;
            }
        }
    }
    let mut latest = false;
    if cursor.take_all(&["ORDER", "BY"]) {
        cursor.name()?;
        latest = cursor.take("DESC");
        cursor.take("ASC");
    }
    let limit = if cursor.take("LIMIT") { usize::try_from(cursor.number()?).ok() } else { None };
    cursor.done()?;
    Ok(Show::AlterColumn { database, table, latest, limit })
}
