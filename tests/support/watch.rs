//! Looking into databases while others write to them.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// The number that a query answers; 0 while there is no such database, table or row.
#[must_use]
pub fn number(database: &Path, sql: &str) -> i64 {
    // Read-only: looking must not make the database that the program is about to make.
    Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|connection| connection.query_row(sql, [], |row| row.get(0)))
        .unwrap_or_default()
}

/// Another program's lock on a database: nobody commits until it is dropped.
pub struct Lock(Connection);

impl Lock {
    /// Waits for its turn and takes the lock.
    ///
    /// # Panics
    /// If the database is not there.
    #[must_use]
    pub fn take(database: &Path) -> Self {
        let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .expect("the database is there");
        connection.execute_batch("begin immediate").expect("it is free every now and then");
        Self(connection)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        drop(self.0.execute_batch("rollback"));
    }
}
