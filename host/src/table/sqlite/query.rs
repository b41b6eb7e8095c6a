//! The query, prepared: that it is one SELECT, and where its result has the table's columns.

use rusqlite::{Connection, Error, Statement};

use super::{SqliteConfig, database};
use crate::table::{TableConfig, TableError};

/// A query that is ready to run.
pub(super) struct Query<'c> {
    /// The statement, without parameters.
    pub statement: Statement<'c>,
    /// For each declared column its place in the result.
    pub places: Vec<usize>,
}

/// The words that a statement which only answers rows begins with.
const BEGINNINGS: [&str; 3] = ["select", "with", "values"];

/// Prepares the table's query.
///
/// # Errors
/// If it is not one SELECT, the database does not take it, or its result lacks a column.
pub(super) fn prepare<'c>(
    connection: &'c Connection,
    table: &TableConfig,
    sqlite: &SqliteConfig,
) -> Result<Query<'c>, TableError> {
    let wrong = |reason: &str| {
        let reason = format!("it {reason}; it must be one SELECT");
        TableError::Query { table: table.name.clone(), reason }
    };
    // A pragma, too, is a read-only statement with columns.
    let word = first_word(&sqlite.query);
    if !BEGINNINGS.iter().any(|beginning| word.eq_ignore_ascii_case(beginning)) {
        return Err(wrong("does not begin with SELECT, WITH or VALUES"));
    }
    let statement = connection.prepare(&sqlite.query).map_err(|error| match error {
        Error::MultipleStatement => wrong("has more than one statement"),
        error => database::fault(table, sqlite, error),
    })?;
    if !statement.readonly() || statement.column_count() == 0 {
        return Err(wrong("writes to the database"));
    }
    if statement.parameter_count() > 0 {
        return Err(wrong("has parameters, which nothing fills in"));
    }
    let places = places(&statement, table)?;
    Ok(Query { statement, places })
}

/// The first word of a statement, behind blanks and comments.
fn first_word(sql: &str) -> &str {
    let mut rest = sql.trim_start();
    loop {
        let behind = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n')
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/")
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            return &rest[..end];
        };
        rest = behind.map_or("", |(_, behind)| behind).trim_start();
    }
}

/// Where each declared column stands in the result. Names of columns have no case in SQL.
fn places(statement: &Statement<'_>, table: &TableConfig) -> Result<Vec<usize>, TableError> {
    let given: Vec<&str> = statement.column_names().collect();
    let place = |(column, wanted): (usize, &str)| {
        let mut found =
            given.iter().enumerate().filter(|(_, name)| name.eq_ignore_ascii_case(wanted));
        let reason = match (found.next(), found.next()) {
            (Some((place, _)), None) => return Ok(place),
            (Some(_), Some(_)) => format!("gives `{wanted}` more than once"),
            (None, _) => {
                let given: Vec<String> = given.iter().map(|name| format!("`{name}`")).collect();
                format!("gives no `{wanted}`; it gives: {}", given.join(", "))
            }
        };
        Err(TableError::ResultColumn { table: table.name.clone(), column, reason })
    };
    let wanted = table.columns.iter().map(|column| column.source_name.as_str());
    wanted.enumerate().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blanks_are_no_words() {
        for (sql, word) in [
            ("select 1", "select"),
            ("\n -- drop\n/* pragma */ WITH x AS (select 1) select * from x", "WITH"),
            ("select(1)", "select"),
            ("-- nothing", ""),
            ("/* open", ""),
            ("", ""),
        ] {
            assert_eq!(first_word(sql), word, "{sql}");
        }
    }
}
