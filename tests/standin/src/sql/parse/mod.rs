//! From text to statements.

mod alter;
mod grant;
mod show;
mod table;
#[cfg(test)]
mod tests;

use super::cursor::Cursor;
use super::error::SqlError;
use super::statement::{Statement, View};

/// Reads one statement.
pub(super) fn statement(sql: &str) -> Result<Statement, SqlError> {
    let mut cursor = Cursor::new(sql)?;
    let word = cursor.peek().map(|token| token.text.to_ascii_uppercase()).unwrap_or_default();
    match word.as_str() {
        "" => Ok(Statement::Nothing),
        "SELECT" | "WITH" | "(" => Ok(Statement::Select),
        "CREATE" => create(&mut cursor),
        "DROP" => drop(&mut cursor),
        "TRUNCATE" => {
            cursor.next();
            cursor.take("TABLE");
            let table = cursor.path()?;
            cursor.done()?;
            Ok(Statement::Truncate(table))
        }
        "ALTER" => alter::statement(&mut cursor),
        "CANCEL" => alter::cancel(&mut cursor),
        "SHOW" => show::statement(&mut cursor),
        "DESC" | "DESCRIBE" => {
            cursor.next();
            Ok(Statement::Describe(cursor.path()?))
        }
        "EXPLAIN" => Ok(Statement::Nothing),
        "USE" => {
            cursor.next();
            let name = cursor.path()?.1;
            cursor.done()?;
            Ok(Statement::Use(name))
        }
        "SET" => set(&mut cursor),
        "INSERT" => insert(&mut cursor),
        "DELETE" => delete(&mut cursor),
        "UPDATE" => update(&mut cursor),
        "GRANT" | "REVOKE" => grant::statement(&mut cursor),
        "BEGIN" | "START" | "COMMIT" | "ROLLBACK" | "REFRESH" | "ANALYZE" | "KILL" | "ADMIN"
        | "SYNC" | "UNLOCK" | "LOCK" | "SWITCH" => Ok(Statement::Nothing),
        _ => Err(cursor.unexpected("a statement")),
    }
}

/// Takes `IF NOT EXISTS`.
fn if_not_exists(cursor: &mut Cursor<'_>) -> bool {
    cursor.take_all(&["IF", "NOT", "EXISTS"])
}

/// Takes `IF EXISTS`.
fn if_exists(cursor: &mut Cursor<'_>) -> bool {
    cursor.take_all(&["IF", "EXISTS"])
}

fn create(cursor: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    cursor.next();
    let replace = cursor.take_all(&["OR", "REPLACE"]);
    if cursor.take("DATABASE") || cursor.take("SCHEMA") {
        let lenient = if_not_exists(cursor);
        let name = cursor.path()?.1;
        return Ok(Statement::CreateDatabase { name, lenient });
    }
    cursor.take("EXTERNAL");
    if cursor.take("TABLE") {
        return table::create(cursor);
    }
    if cursor.take("USER") {
        return grant::create_user(cursor);
    }
    if cursor.take("ROLE") {
        return Ok(Statement::Nothing);
    }
    let materialized = cursor.take("MATERIALIZED");
    cursor.expect("VIEW")?;
    let lenient = if_not_exists(cursor);
    let path = cursor.path()?;
    let columns = if cursor.is("(") { view_columns(cursor)? } else { Vec::new() };
    // What stands before the SELECT says how and when a materialized view is refreshed.
    while !cursor.are(&["AS", "SELECT"])
        && !cursor.are(&["AS", "WITH"])
        && !cursor.are(&["AS", "("])
    {
        if cursor.is("(") {
            cursor.parenthesised()?;
        } else if cursor.next().is_none() {
            return Err(cursor.unexpected("AS SELECT"));
        }
    }
    cursor.next();
    let select = cursor.rest().trim().trim_end_matches(';').to_owned();
    Ok(Statement::CreateView(View { path, columns, select, materialized, lenient, replace }))
}

fn view_columns(cursor: &mut Cursor<'_>) -> Result<Vec<String>, SqlError> {
    cursor.expect("(")?;
    let mut names = Vec::new();
    while !cursor.is(")") {
        names.push(cursor.name()?);
        if cursor.take("COMMENT") {
            cursor.text()?;
        }
        if !cursor.take(",") {
            break;
        }
    }
    cursor.expect(")")?;
    Ok(names)
}

fn drop(cursor: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    cursor.next();
    if cursor.take("DATABASE") || cursor.take("SCHEMA") {
        let lenient = if_exists(cursor);
        return Ok(Statement::DropDatabase { name: cursor.path()?.1, lenient });
    }
    if cursor.take("USER") {
        let lenient = if_exists(cursor);
        return Ok(Statement::DropUser { name: grant::user(cursor)?, lenient });
    }
    if cursor.take("TABLE") {
        let lenient = if_exists(cursor);
        let table = cursor.path()?;
        cursor.take("FORCE");
        cursor.done()?;
        return Ok(Statement::DropTable { table, lenient });
    }
    cursor.take("MATERIALIZED");
    cursor.expect("VIEW")?;
    let lenient = if_exists(cursor);
    let view = cursor.path()?;
    cursor.done()?;
    Ok(Statement::DropView { view, lenient })
}

fn set(cursor: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    cursor.next();
    if cursor.take("PASSWORD") {
        let name = if cursor.take("FOR") { Some(grant::user(cursor)?) } else { None };
        cursor.expect("=")?;
        let wrapped = cursor.take_all(&["PASSWORD", "("]);
        let password = cursor.text()?;
        if wrapped {
            cursor.expect(")")?;
        }
        return Ok(Statement::SetPassword { name, password });
    }
    let mut changes = Vec::new();
    while !cursor.is_done() {
        for scope in ["SESSION", "GLOBAL", "LOCAL"] {
            cursor.take(scope);
        }
        let Some(name) = cursor.next() else { break };
        // `SET NAMES utf8mb4` and others need no equals sign.
        if !cursor.take("=") {
            cursor.take(":=");
        }
        let start = cursor.start();
        while !cursor.is_done() && !cursor.is(",") {
            cursor.next();
        }
        let value = cursor.sql.get(start..cursor.end()).unwrap_or_default().to_owned();
        changes.push((name.text, value));
        cursor.take(",");
    }
    Ok(Statement::Set(changes))
}

fn insert(cursor: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    cursor.next();
    cursor.expect("INTO")?;
    cursor.take("TABLE");
    let table = cursor.path()?;
    let listed = cursor.is("(") && !cursor.are(&["(", "SELECT"]);
    let columns = if listed { Some(cursor.names()?) } else { None };
    if !["VALUES", "VALUE", "SELECT", "WITH", "("].iter().any(|word| cursor.is(word)) {
        return Err(cursor.unexpected("VALUES or SELECT"));
    }
    Ok(Statement::Insert { table, columns, source: cursor.rest().to_owned() })
}

/// The text up to the end or to this word.
fn until(cursor: &mut Cursor<'_>, word: &str) -> String {
    let start = cursor.start();
    while !cursor.is_done() && !cursor.is(word) {
        if cursor.is("(") {
            if cursor.parenthesised().is_err() {
                break;
            }
        } else {
            cursor.next();
        }
    }
    cursor.sql.get(start..cursor.end().max(start)).unwrap_or_default().to_owned()
}

fn delete(cursor: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    cursor.next();
    cursor.expect("FROM")?;
    let table = cursor.path()?;
    // Both systems delete by a condition only: TRUNCATE is for all rows.
    cursor.expect("WHERE")?;
    Ok(Statement::Delete { table, condition: until(cursor, ";") })
}

fn update(cursor: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    cursor.next();
    let table = cursor.path()?;
    cursor.expect("SET")?;
    let mut changes = Vec::new();
    loop {
        let (_, column) = cursor.path()?;
        cursor.expect("=")?;
        let start = cursor.start();
        while !cursor.is_done() && !cursor.is(",") && !cursor.is("WHERE") {
            if cursor.is("(") {
                cursor.parenthesised()?;
            } else {
                cursor.next();
            }
        }
        changes.push((column, cursor.sql.get(start..cursor.end()).unwrap_or_default().to_owned()));
        if !cursor.take(",") {
            break;
        }
    }
    cursor.expect("WHERE")?;
    Ok(Statement::Update { table, changes, condition: until(cursor, ";") })
}
