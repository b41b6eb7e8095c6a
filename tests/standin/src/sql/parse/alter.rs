//! `ALTER TABLE`.

use super::super::cursor::Cursor;
use super::super::error::SqlError;
use super::super::statement::Statement;
use super::table;
use crate::catalog::{Change, Place};

/// After how many seconds a job is given up that names no other time.
const TIMEOUT_S: i64 = 86_400;

/// Reads `ALTER TABLE …` and `ALTER USER …`.
pub(super) fn statement(cursor: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    cursor.next();
    if cursor.take("USER") {
        let name = super::grant::user(cursor)?;
        cursor.expect("IDENTIFIED")?;
        cursor.expect("BY")?;
        return Ok(Statement::SetPassword { name: Some(name), password: cursor.text()? });
    }
    if !cursor.take("TABLE") {
        return Ok(Statement::Nothing);
    }
    let path = cursor.path()?;
    let (mut changes, mut set, mut timeout_s) = (Vec::new(), Vec::new(), TIMEOUT_S);
    while !cursor.is_done() {
        if cursor.take("SET") {
            set.extend(cursor.properties()?);
        } else if cursor.take_all(&["ENABLE", "FEATURE"]) {
            let feature = cursor.text()?;
            if !feature.eq_ignore_ascii_case("UPDATE_FLEXIBLE_COLUMNS") {
                return Err(SqlError::analysis(format!("unknown feature name: {feature}")));
            }
            set.push(("enable_unique_key_skip_bitmap_column".to_owned(), "true".to_owned()));
        } else if cursor.take("PROPERTIES") {
            for (key, value) in cursor.properties()? {
                if key == "timeout" {
                    timeout_s = value.parse().unwrap_or(TIMEOUT_S);
                }
            }
        } else {
            change(cursor, &mut changes)?;
        }
        cursor.take(",");
    }
    Ok(Statement::Alter { table: path, changes, set, timeout_s })
}

fn place(cursor: &mut Cursor<'_>) -> Result<Place, SqlError> {
    if cursor.take("FIRST") {
        return Ok(Place::First);
    }
    if cursor.take("AFTER") {
        return Ok(Place::After(cursor.name()?));
    }
    Ok(Place::Last)
}

fn change(cursor: &mut Cursor<'_>, changes: &mut Vec<Change>) -> Result<(), SqlError> {
    if cursor.take("ADD") {
        cursor.take("COLUMN");
        if cursor.take("(") {
            loop {
                changes.push(Change::Add(table::column(cursor)?, Place::Last));
                if !cursor.take(",") {
                    break;
                }
            }
            return cursor.expect(")");
        }
        let column = table::column(cursor)?;
        changes.push(Change::Add(column, place(cursor)?));
    } else if cursor.take("MODIFY") {
        cursor.take("COLUMN");
        if let Some(name) = cursor.name_before("COMMENT") {
            changes.push(Change::Comment(name, cursor.text()?));
            return Ok(());
        }
        let column = table::column(cursor)?;
        changes.push(Change::Modify(column, place(cursor)?));
    } else if cursor.take("DROP") {
        cursor.take("COLUMN");
        changes.push(Change::Drop(cursor.name()?));
    } else if cursor.take("RENAME") {
        cursor.expect("COLUMN")?;
        let from = cursor.name()?;
        cursor.take("TO");
        changes.push(Change::Rename(from, cursor.name()?));
    } else {
        return Err(cursor.unexpected("ADD, MODIFY, DROP or RENAME COLUMN"));
    }
    Ok(())
}

/// Reads `CANCEL ALTER TABLE COLUMN FROM …`.
pub(super) fn cancel(cursor: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    if !cursor.take_all(&["CANCEL", "ALTER", "TABLE", "COLUMN", "FROM"]) {
        return Err(cursor.unexpected("CANCEL ALTER TABLE COLUMN FROM"));
    }
    Ok(Statement::CancelAlter(cursor.path()?))
}
