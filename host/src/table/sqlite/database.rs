//! Opening a database to read it, and what SQLite's refusals mean.

use std::fs;
use std::io;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags};

use super::SqliteConfig;
use crate::table::{TableConfig, TableError};

/// Opens the database and begins the transaction that everything is read in; it ends with the
/// connection. `wait` is for another program's lock.
pub(super) fn open(
    table: &TableConfig,
    sqlite: &SqliteConfig,
    wait: Duration,
) -> Result<Connection, TableError> {
    let unreadable = |source| TableError::Read { file: sqlite.display.clone(), source };
    // SQLite has one message for all that keeps it from opening a file.
    if !fs::metadata(&sqlite.path).map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::other("it is not a regular file")));
    }
    let failed = |error| fault(table, sqlite, error);
    // A connection is used by one thread at a time, so that it needs no mutex of its own. Neither
    // creation nor URIs are asked for: the path is that of a file which is there.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&sqlite.path, flags).map_err(failed)?;
    connection.busy_timeout(wait).map_err(failed)?;
    connection.pragma_update(None, "query_only", true).map_err(failed)?;
    connection.execute_batch("BEGIN").map_err(failed)?;
    read_schema(sqlite, &connection).map_err(failed)?.map(|()| connection)
}

/// Reads the schema, which begins the snapshot: what is prepared next sees the tables as they are
/// read then. Names that are not UTF-8 end here, because the library takes them for granted.
fn read_schema(
    sqlite: &SqliteConfig,
    connection: &Connection,
) -> rusqlite::Result<Result<(), TableError>> {
    let mut statement = connection.prepare("SELECT sql FROM sqlite_schema")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let ValueRef::Text(sql) = row.get_ref(0)?
            && let Err(error) = str::from_utf8(sql)
        {
            let (file, source) = (sqlite.display.clone(), Box::new(error));
            return Ok(Err(TableError::Damaged { file, source }));
        }
    }
    Ok(Ok(()))
}

/// What an error of SQLite's means for the table.
pub(super) fn fault(table: &TableConfig, sqlite: &SqliteConfig, error: Error) -> TableError {
    let file = sqlite.display.clone();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => TableError::Locked { file },
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure
            | ErrorCode::FileLockingProtocolFailed,
        ) => TableError::Unavailable { file, source: said(error).into() },
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            TableError::Damaged { file, source: said(error).into() }
        }
        _ => TableError::Query { table: table.name.clone(), reason: said(error) },
    }
}

/// SQLite's own words, without the query: the user has it, and it may hold values of variables.
fn said(error: Error) -> String {
    match error {
        Error::SqlInputError { msg, .. } | Error::SqliteFailure(_, Some(msg)) => msg,
        error => error.to_string(),
    }
}
