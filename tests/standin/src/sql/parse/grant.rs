//! Users and privileges.

use super::super::cursor::Cursor;
use super::super::error::SqlError;
use super::super::statement::{Grant, Statement};
use crate::catalog::Privilege;

/// Takes `'name'`, `name` or `'name'@'host'`; the host is passed over.
pub(super) fn user(cursor: &mut Cursor<'_>) -> Result<String, SqlError> {
    let name = cursor.text().or_else(|_| cursor.name())?;
    // `@'%'` is read as an empty variable and a string.
    if cursor.peek().is_some_and(|token| token.text.starts_with('@')) {
        let bare = cursor.next().is_some_and(|token| token.text == "@");
        if bare && cursor.text().is_err() {
            cursor.name()?;
        }
    }
    Ok(name)
}

/// Reads what stands behind `CREATE USER`.
pub(super) fn create_user(cursor: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    let lenient = super::if_not_exists(cursor);
    let name = user(cursor)?;
    let mut password = String::new();
    if cursor.take("IDENTIFIED") {
        if cursor.take("WITH") {
            cursor.name()?;
        }
        if cursor.take("BY") || cursor.take("AS") {
            password = cursor.text()?;
        }
    }
    Ok(Statement::CreateUser { name, password, lenient })
}

/// Reads `GRANT …` and `REVOKE …`.
pub(super) fn statement(cursor: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    let revoke = cursor.next().is_some_and(|token| token.is("REVOKE"));
    let mut privileges = Vec::new();
    loop {
        let mut words = cursor.name()?;
        while !cursor.is(",") && !cursor.is("ON") && !cursor.is("TO") && !cursor.is("FROM") {
            words.push(' ');
            words.push_str(&cursor.name()?);
        }
        let named = Privilege::named(&words);
        let known = matches!(
            words.to_ascii_uppercase().as_str(),
            "USAGE" | "USAGE_PRIV" | "SHOW_VIEW_PRIV" | "EXPORT"
        );
        if named.is_empty() && !known {
            // A role by its name: roles are taken and mean nothing here.
            if cursor.is("TO") || cursor.is("FROM") {
                return Ok(Statement::Nothing);
            }
            return Err(SqlError::syntax(format!("unknown privilege {words}")));
        }
        privileges.extend(named);
        if !cursor.take(",") {
            break;
        }
    }
    cursor.expect("ON")?;
    let (database, table) = target(cursor)?;
    if !cursor.take(if revoke { "FROM" } else { "TO" }) {
        return Err(cursor.unexpected("TO"));
    }
    cursor.take("USER");
    if cursor.take("ROLE") {
        return Ok(Statement::Nothing);
    }
    let user = user(cursor)?;
    Ok(Statement::Grant(Grant { privileges, database, table, user, revoke }))
}

/// What a privilege is on.
fn target(cursor: &mut Cursor<'_>) -> Result<(Option<String>, String), SqlError> {
    let all = || (Some("*".to_owned()), "*".to_owned());
    if cursor.take("SYSTEM") {
        return Ok(all());
    }
    if cursor.take("CATALOG") {
        cursor.name()?;
        return Ok(all());
    }
    for things in ["TABLES", "VIEWS"] {
        if cursor.take_all(&["ALL", things, "IN"]) {
            if cursor.take_all(&["ALL", "DATABASES"]) {
                return Ok(all());
            }
            cursor.expect("DATABASE")?;
            return Ok((Some(cursor.name()?), "*".to_owned()));
        }
    }
    if cursor.take_all(&["ALL", "DATABASES"]) {
        return Ok(all());
    }
    if cursor.take("DATABASE") {
        return Ok((Some(cursor.name()?), "*".to_owned()));
    }
    for kind in ["TABLE", "VIEW", "MATERIALIZED"] {
        cursor.take(kind);
    }
    let mut parts = vec![star_or_name(cursor)?];
    while cursor.take(".") {
        parts.push(star_or_name(cursor)?);
    }
    let table = parts.pop().unwrap_or_default();
    Ok(match parts.pop() {
        Some(database) => (Some(database), table),
        None if table == "*" => all(),
        None => (None, table),
    })
}

fn star_or_name(cursor: &mut Cursor<'_>) -> Result<String, SqlError> {
    if cursor.take("*") { Ok("*".to_owned()) } else { cursor.name() }
}
