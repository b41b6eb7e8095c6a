//! Tables from SQLite databases: the rows of one SELECT, read whole.
//!
//! *Invariants*: the database is only read, and never made; all rows are of one transaction, so that
//! they are the content at one moment whoever writes meanwhile; values are converted exactly, and one
//! wrong row fails the load, for a table with a hole gives wrong joins; the version is the SHA-256 of
//! the rows' values in the query's order.
//! *Not here*: the index (`snapshot`), when to load (`pipeline`).
//!
//! Each load opens the database anew: a connection that stays open would go on reading a file that
//! another has replaced. So there is no shortcut by `PRAGMA data_version`, which compares what one
//! connection has seen; and a file's time and size say nothing while a write-ahead log grows.

mod database;
mod query;
mod rows;
mod values;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::ArrayRef;

use self::query::Query;
use self::rows::Rows;
use super::snapshot::KeyFault;
use super::{QueryRow, TableConfig, TableError, TableSnapshot};
use crate::record::{Schema, write_value};

/// A table's database and query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteConfig {
    /// Where the database is.
    pub path: PathBuf,
    /// The path as the user wrote it, for messages.
    pub display: String,
    /// One SELECT.
    pub query: String,
}

/// How long a look waits for another program's lock: `check` is to answer soon.
const LOOK_WAIT: Duration = Duration::from_millis(500);
/// How long a load waits for another program's lock, as the SQLite sink does.
const LOAD_WAIT: Duration = Duration::from_secs(5);

/// Whether the database is there, takes the query, and the result has the table's columns. No row
/// is read.
pub(super) fn look(table: &TableConfig, sqlite: &SqliteConfig) -> Result<(), TableError> {
    let connection = database::open(table, sqlite, LOOK_WAIT)?;
    query::prepare(&connection, table, sqlite).map(drop)
}

/// Reads the query's rows and indexes them.
///
/// # Errors
/// [`TableError`], with the row at fault.
pub(super) fn load(
    table: &TableConfig,
    sqlite: &SqliteConfig,
) -> Result<TableSnapshot, TableError> {
    let connection = database::open(table, sqlite, LOAD_WAIT)?;
    let Query { mut statement, places } = query::prepare(&connection, table, sqlite)?;
    let mut rows = Rows::new(table, &places);
    let mut found = statement.raw_query();
    while let Some(row) = found.next().map_err(|error| database::fault(table, sqlite, error))? {
        rows.push(row)?;
    }
    let (columns, version) = rows.finish();
    let schema = Arc::new(table.schema());
    TableSnapshot::new(Arc::clone(&schema), columns.clone(), version)
        .map_err(|fault| key_fault(table, &schema, &columns, fault))
}

fn key_fault(
    table: &TableConfig,
    schema: &Schema,
    columns: &[ArrayRef],
    fault: KeyFault,
) -> TableError {
    let place = |row: usize, key| {
        Box::new(QueryRow { table: table.name.clone(), number: row as u64 + 1, key })
    };
    match fault {
        KeyFault::Null { row } => TableError::RowKeyNull { row: place(row, String::new()) },
        KeyFault::Duplicate { first, row } => TableError::RowKeyDuplicate {
            row: place(row, key_text(schema, columns, row)),
            first: first as u64 + 1,
        },
    }
}

/// A row's key in words: `game_id = "g-1"`.
fn key_text(schema: &Schema, columns: &[ArrayRef], row: usize) -> String {
    let parts: Vec<String> = schema
        .key
        .iter()
        .map(|index| {
            let field = &schema.fields[*index];
            let mut text = Vec::new();
            write_value(&mut text, field.data_type, &*columns[*index], row);
            format!("{} = {}", field.name, values::clipped(&String::from_utf8_lossy(&text)))
        })
        .collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests;
